use crate::harness::classic;
use nix::sys::signal::Signal;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn a_drain_finishes_what_is_asked_and_says_goodbye() {
    let mut host = classic(|_| {});
    let mut busy = host.client();
    busy.say("GET /sleep/500 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("it is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    host.drain(0, false);
    let answer = busy.response();
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    assert!(busy.is_over());
    assert_eq!(host.wait_for_exit(0), 17);
}

#[test]
fn an_idle_client_may_ask_once_more_while_its_worker_ends() {
    let mut host = classic(|_| {});
    let mut client = host.client();
    assert_eq!(client.get("/").status, 200);
    host.drain(0, false);
    host.wait_until("it drains", |host| host.board.worker(0).state() == bloom_prefork::board::WorkerState::Draining);
    let answer = client.get("/");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(host.wait_for_exit(0), 17);
}

#[test]
fn connections_go_over_to_another_worker() {
    let mut host = classic(|_| {});
    let mut clients: Vec<_> = (0..30).map(|_| host.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/pid").text().trim(), host.pid(0).to_string());
    }
    clients[0].say("GET /pid HT");
    clients[1].say("GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("it is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    host.fork_worker();
    host.drain(0, true);
    assert_eq!(clients[1].response().header("connection"), None);
    assert_eq!(host.wait_for_exit(0), 17);
    clients[0].say("TP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(clients[0].response().text().trim(), host.pid(1).to_string());
    for client in &mut clients[1..] {
        assert_eq!(client.get("/pid").text().trim(), host.pid(1).to_string());
    }
}

#[test]
fn ends_at_once_when_told_so() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut host = classic(|_| {});
        let mut busy = host.client();
        busy.say("GET /forever HTTP/1.1\r\nHost: a\r\n\r\n");
        host.wait_until("it is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
        host.signal(0, signal);
        assert_eq!(host.wait_for_exit(0), 30);
        assert!(busy.maybe_response().is_none());
    }
}

#[test]
fn ends_in_order_when_the_master_is_gone() {
    let mut host = classic(|_| {});
    let mut busy = host.client();
    busy.say("GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("it is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    host.cut_lifeline();
    assert_eq!(busy.response().status, 200);
    assert_eq!(host.wait_for_exit(0), 17);
}

#[test]
fn a_pause_lets_new_clients_wait() {
    let host = classic(|_| {});
    host.signal(0, Signal::SIGTSTP);
    host.wait_until("it pauses", |host| host.board.worker(0).state() == bloom_prefork::board::WorkerState::Paused);
    let mut client = host.client();
    client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    host.signal(0, Signal::SIGTSTP);
    assert_eq!(client.response().status, 200);
}
