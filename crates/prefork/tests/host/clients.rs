//! Clients that are slow, hasty, hostile or gone.

use crate::harness::{Host, classic, safe, until};
use std::io::{Read, Write};
use std::net::Shutdown;

/// One thread: what keeps it busy is seen by everybody.
fn one_thread(more: &str) -> Host {
    Host::serving(&format!("{}{more}", safe()))
}

#[test]
fn a_byte_at_a_time_costs_nobody_a_thread() {
    let host = one_thread("http-headers-timeout = 3600\nsocket-timeout = 3600\n");
    let (mut head, mut body) = (host.client(), host.client());
    body.say("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 20\r\n\r\n");
    let bytes = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    // As slow as one likes: between two bytes others are answered.
    for (at, byte) in bytes.iter().enumerate() {
        head.say([*byte]);
        if at < 20 {
            body.say("x");
        }
        assert_eq!(host.get("/").text(), "Hello");
    }
    assert_eq!(head.response().text(), "Hello");
    assert_eq!(body.response().text(), "x".repeat(20));
}

#[test]
fn a_byte_at_a_time_is_not_waited_for_without_end() {
    let host = one_thread("http-headers-timeout = 1\nsocket-timeout = 1\n");
    let mut stream = std::net::TcpStream::connect(host.address()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let end = std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    // No byte is late, yet the whole head is due a second after the first.
    until("the end of patience", || {
        let _ = stream.write_all(b"G");
        end.is_finished().then_some(())
    });
    assert_eq!(host.get("/").text(), "Hello");
    let mut body = host.client();
    body.say("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 20\r\n\r\nhalf");
    assert!(body.maybe_response().is_none_or(|answer| answer.status == 408));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let host = one_thread("");
    let mut client = host.client();
    let sizes = [1, 300_000, 0, 70_000, 5];
    for size in sizes {
        client.say(format!("GET /big/{size} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }
    client.say(
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabcGET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n",
    );
    for size in sizes {
        assert_eq!(client.response().body.len(), size);
    }
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.response().status, 404);
}

#[test]
fn nothing_is_smuggled() {
    let host = one_thread("");
    let post = "POST /echo HTTP/1.1\r\nHost: test\r\n";
    for head in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "Content-Length: 0, 44\r\n\r\n",
        "Content-Length: 0x2c\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 18446744073709551617\r\n\r\n",
        "Content-Length : 44\r\n\r\n",
        "X: a\r\n Content-Length: 44\r\n\r\n",
        "X: a\nContent-Length: 44\r\n\r\n",
        "X: a\rContent-Length: 44\r\n\r\n",
        "X: a\0b\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    ] {
        let mut client = host.client();
        client.try_to_say(format!("{post}{head}"));
        client.try_to_say("GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n");
        let answer = client.maybe_response();
        assert!(answer.as_ref().is_none_or(|answer| (400..=501).contains(&answer.status)), "{head:?}: {answer:?}");
        assert!(client.is_over(), "{head:?} is followed by something");
    }
    assert_eq!(host.get("/").text(), "Hello");
    assert!(!host.log().contains("/smuggled"), "{}", host.log());
}

#[test]
fn heads_without_an_end_cost_no_memory() {
    let host = one_thread("");
    let before = memory(&host);
    for line in ["X: y\r\n".to_string(), format!("X: {}", "y".repeat(1000)), "GET /".to_string()] {
        let mut clients: Vec<_> = (0..20).map(|_| host.client()).collect();
        for client in &mut clients {
            client.try_to_say("GET / HTTP/1.1\r\nHost: test\r\n");
            client.try_to_say(line.repeat(200_000 / line.len()));
            assert!(client.maybe_response().is_none_or(|answer| [400, 414, 431].contains(&answer.status)));
        }
    }
    assert_eq!(host.get("/").text(), "Hello");
    assert!(memory(&host) < before + (16 << 20), "{before} became {}", memory(&host));
}

#[test]
fn clients_that_go_early_cost_nothing() {
    let host = Host::serving(&format!("{}threads = 2\n", classic()));
    for said in [
        "",
        "GET",
        "GET /big/50000000 HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET /sleep/20 HTTP/1.1\r\nHost: test\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ] {
        for how in [Shutdown::Write, Shutdown::Both] {
            let mut stream = std::net::TcpStream::connect(host.address()).unwrap();
            stream.write_all(said.as_bytes()).unwrap();
            let _ = stream.shutdown(how);
            drop(stream);
            assert_eq!(host.get("/").text(), "Hello", "after {said:?}");
        }
    }
    assert_eq!(host.workers().len(), 1);
    // Its only worker has lived through all of it.
    assert_eq!(host.get("/pid").text(), host.workers()[0].to_string());
}

/// Resident bytes of master, app process and workers.
pub fn memory(host: &Host) -> u64 {
    let of = |pid: i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0 kB").to_string();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    host.everybody().into_iter().map(of).sum()
}
