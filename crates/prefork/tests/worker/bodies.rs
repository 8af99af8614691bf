use crate::harness::{classic, safe};
use std::time::Duration;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn bodies_of_all_sizes_arrive() {
    let host = safe(|settings| settings.http.post_buffering = 10_000);
    let mut client = host.client();
    for length in [0, 1, 9_999, 10_000, 10_001, 70_000, 3_000_000] {
        let body = pattern(length);
        let answer = client.post("/echo", &body);
        assert_eq!(answer.status, 200);
        assert!(answer.body == body, "{length} bytes came back as {}", answer.body.len());
    }
}

#[test]
fn chunked_bodies_arrive_and_the_next_request_begins_after_them() {
    let host = safe(|settings| settings.http.post_buffering = 1000);
    let mut client = host.client();
    for pieces in [1, 5, 400] {
        client.say("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut body = Vec::new();
        for at in 0..pieces {
            let piece = pattern(at % 40 + 1);
            client.say(format!("{:x};x=y\r\n", piece.len())).say(&piece).say("\r\n");
            body.extend(piece);
        }
        client.say("0\r\nTrailer: dropped\r\n\r\nGET /pid HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response().body, body);
        assert_eq!(client.response().text().trim(), host.pid(0).to_string());
    }
}

#[test]
fn a_body_that_nobody_reads_does_not_disturb_the_next_request() {
    let host = classic(|_| {});
    let mut client = host.client();
    assert_eq!(client.post("/", &pattern(50_000)).text(), "Hello");
    assert_eq!(client.post("/", &pattern(200_000)).text(), "Hello");
    assert_eq!(client.get("/").text(), "Hello");
    // So much is not thrown away: the answer arrives, and the connection ends with it.
    client.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n").try_to_say(pattern(2_000_000));
    assert_eq!(client.response().text(), "Hello");
    assert!(client.is_over());
}

#[test]
fn a_body_of_a_gigabyte_is_refused_where_there_is_a_limit() {
    let host = safe(|settings| settings.http.body_bytes = 1 << 20);
    let mut client = host.client();
    client.say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n").try_to_say(pattern(100_000));
    assert_eq!(client.response().status, 413);
    let mut chunked = host.client();
    chunked.say("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n");
    assert_eq!(chunked.response().status, 413);
}

#[test]
fn clients_that_ask_first_are_told_to_go_on() {
    let host = safe(|settings| settings.http.post_buffering = 100);
    for length in [5, 5000] {
        let mut client = host.client();
        let head =
            format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n");
        client.say(head);
        assert_eq!(client.response_without_body().status, 100);
        let body = pattern(length);
        client.say(&body);
        assert_eq!(client.response().body, body);
    }
}

#[test]
fn a_body_that_stops_coming_is_given_up() {
    let host = safe(|settings| {
        settings.threads = 1;
        settings.http.post_buffering = 100;
        settings.http.socket_timeout = Duration::from_millis(200);
    });
    for length in [50, 5000] {
        let mut client = host.client();
        client.say(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhalf"));
        let answer = client.maybe_response();
        assert!(answer.is_none_or(|answer| answer.status >= 400));
        assert_eq!(host.client().get("/").status, 200);
    }
}

#[test]
fn a_slow_body_keeps_no_thread_busy_while_it_is_gathered() {
    let host = safe(|settings| settings.threads = 1);
    let mut slow = host.client();
    slow.say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n").say("a");
    assert_eq!(host.client().get("/").status, 200);
    slow.say("b");
    assert_eq!(host.client().get("/").status, 200);
    slow.say("c");
    assert_eq!(slow.response().text(), "abc");
}

#[test]
fn answers_in_pieces_are_sent_in_chunks_or_to_the_end() {
    let host = safe(|_| {});
    let mut client = host.client();
    let answer = client.get("/stream/100000");
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.text().lines().count(), 100_000);
    assert_eq!(client.get("/").status, 200);
    let mut old = host.client();
    old.say("GET /stream/100000 HTTP/1.0\r\n\r\n");
    assert_eq!(old.response().text().lines().count(), 100_000);
    assert!(old.is_over());
}

#[test]
fn a_head_has_the_headers_of_a_get_and_no_body() {
    let host = safe(|_| {});
    let mut client = host.client();
    for path in ["/", "/stream/1000", "/big/1000"] {
        client.say(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response_without_body().status, 200);
    }
    assert_eq!(client.get("/").text(), "Hello");
}
