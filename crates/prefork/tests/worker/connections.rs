use crate::harness::{Host, classic, safe};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

#[test]
fn answers_one_request_after_the_other_on_a_connection() {
    let host = classic(|_| {});
    let mut client = host.client();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello"));
        assert_eq!(answer.header("foo"), Some("Bar"));
        assert_eq!(answer.header("content-length"), Some("5"));
        assert!(answer.header("date").is_some());
        assert_eq!(answer.header("connection"), None);
    }
}

#[test]
fn answers_requests_that_come_together_in_their_order() {
    let host = safe(|settings| settings.threads = 1);
    let mut client = host.client();
    let many: String = (0..300).map(|number| format!("GET /echo?{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.say(many).say("GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for _ in 0..300 {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(client.response().header("connection"), Some("close"));
    assert!(client.is_over());
}

#[test]
fn idle_clients_keep_no_thread_busy() {
    let host = classic(|settings| settings.threads = 1);
    let mut idle: Vec<_> = (0..200).map(|_| host.client()).collect();
    for client in &mut idle[..100] {
        assert_eq!(client.get("/").status, 200);
    }
    // The other hundred have not said anything, or half of something.
    for client in &mut idle[150..] {
        client.say("GET / HT");
    }
    assert_eq!(host.client().get("/").status, 200);
    for client in &mut idle[150..] {
        client.say("TP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response().status, 200);
    }
    for client in &mut idle[..150] {
        assert_eq!(client.get("/").status, 200);
    }
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let host = classic(|_| {});
    let mut client = host.client();
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" {
        client.say([*byte]);
    }
    assert_eq!(client.response().text(), "Hello");
}

#[test]
fn a_head_that_does_not_come_whole_is_answered_408() {
    let host = classic(|settings| settings.http.head_timeout = Duration::from_millis(200));
    let mut client = host.client();
    client.say("GET / HTTP/1.1\r\nHost:");
    let answer = client.response();
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert!(client.is_over());
}

#[test]
fn clients_without_a_request_are_let_go() {
    let host = classic(|settings| settings.http.keepalive = Duration::from_millis(100));
    let mut client = host.client();
    assert_eq!(client.get("/").status, 200);
    assert!(client.is_over());
    host.wait_until("nothing is left of it", |host| host.board.worker(0).connections.load(Relaxed) == 0);
}

#[test]
fn the_client_decides_with_http_1_0_and_close() {
    let host = classic(|_| {});
    let mut old = host.client();
    old.say("GET / HTTP/1.0\r\n\r\n");
    let answer = old.response();
    assert!(answer.head.starts_with("HTTP/1.0 200 OK\r\n"), "{}", answer.head);
    assert_eq!(answer.text(), "Hello");
    assert!(old.is_over());
    let mut kept = host.client();
    kept.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(kept.response().header("connection"), Some("keep-alive"));
    kept.say("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(kept.response().status, 200);
    assert!(kept.is_over());
}

#[test]
fn keeps_no_connection_where_that_is_switched_off() {
    let host = classic(|settings| settings.http.keepalive = Duration::ZERO);
    let mut client = host.client();
    assert_eq!(client.get("/").header("connection"), Some("close"));
    assert!(client.is_over());
}

#[test]
fn a_client_that_does_not_take_its_answer_keeps_no_thread_busy() {
    let host = classic(|settings| settings.threads = 1);
    let mut slow = host.client();
    slow.say("GET /big/30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("the app has answered", |host| host.board.worker(0).requests.load(Relaxed) == 1);
    assert_eq!(host.client().get("/").text(), "Hello");
    let answer = slow.response();
    assert_eq!(answer.body.len(), 30_000_000);
    assert_eq!(slow.get("/").text(), "Hello");
}

#[test]
fn spreads_connections_over_its_workers() {
    let host = classic(|settings| (settings.workers, settings.threads) = (4, 2));
    let mut clients: Vec<_> = (0..40).map(|_| host.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").status, 200);
    }
    let shares: Vec<_> = (0..4).map(|place| host.board.worker(place).connections.load(Relaxed)).collect();
    assert!(shares.iter().all(|share| (1..=34).contains(share)), "{shares:?}");
}

#[test]
fn spreads_a_burst_of_connections_and_counts_them() {
    let host = classic(|settings| (settings.workers, settings.threads) = (4, 2));
    let shares =
        |host: &Host| -> Vec<u32> { (0..4).map(|place| host.board.worker(place).connections.load(Relaxed)).collect() };
    let mut clients: Vec<_> = (0..100).map(|_| host.client()).collect();
    for client in &mut clients {
        client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.response().text(), "Hello");
    }
    host.wait_until("all are counted", |host| shares(host).iter().sum::<u32>() == 100);
    assert!(shares(&host).iter().all(|share| (5..=70).contains(share)), "{:?}", shares(&host));
    drop(clients);
    host.wait_until("none is left", |host| shares(host).iter().sum::<u32>() == 0);
}

#[test]
fn answers_503_beyond_the_limit_of_concurrent_requests() {
    let host = classic(|settings| (settings.threads, settings.http.concurrency) = (4, 1));
    let mut busy = host.client();
    busy.say("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("it is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    let answer = host.client().get("/");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(busy.response().status, 200);
    host.wait_until("nobody is busy", |host| host.board.worker(0).busy.load(Relaxed) == 0);
    assert_eq!(host.client().get("/").status, 200);
}

#[test]
fn clients_that_go_away_early_leave_nothing_behind() {
    let host = safe(|settings| settings.threads = 1);
    for path in ["/big/5000000", "/stream/5000000", "/sleep/20"] {
        let mut client = host.client();
        client.say(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        drop(client);
    }
    let mut half = host.client();
    half.say("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nonly this");
    drop(half);
    assert_eq!(host.client().get("/").status, 200);
    host.wait_until("nothing is left of them", |host| host.board.worker(0).connections.load(Relaxed) == 0);
}
