use crate::harness::{Host, classic, safe};
use bloom_prefork::board::Wish;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// One thread fails; the one beside it finishes what it has; then the worker ends to be replaced.
fn one_fails_beside_another(mut host: Host, path: &str, status: u16, wish: Wish) {
    let mut other = host.client();
    other.say("GET /sleep/600 HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("the other is busy", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    let answer = host.client().get(path);
    assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
    assert_eq!(other.response().status, 200);
    host.wait_until("it asks for a successor", |host| host.board.worker(0).wish() == wish);
    assert_eq!(host.wait_for_exit(0), 17);
    assert!(host.log().contains(path), "{}", host.log());
}

#[test]
fn a_panic_of_the_classic_kind_costs_one_request() {
    one_fails_beside_another(classic(|_| {}), "/panic", 500, Wish::Crash);
}

#[test]
fn an_abort_costs_one_request() {
    one_fails_beside_another(classic(|_| {}), "/abort", 500, Wish::Crash);
}

#[test]
fn a_segmentation_fault_costs_one_request() {
    one_fails_beside_another(safe(|_| {}), "/segv", 500, Wish::Crash);
}

#[test]
fn a_request_that_never_ends_is_answered_504() {
    let host = classic(|settings| settings.life.harakiri = Duration::from_millis(300));
    let mut client = host.client();
    assert_eq!(client.get("/").status, 200);
    let answer = client.get("/forever");
    assert_eq!((answer.status, answer.header("connection")), (504, Some("close")));
    host.wait_until("it is counted", |host| host.board.worker(0).harakiri_count.load(Relaxed) == 1);
}

#[test]
fn requests_beside_one_that_never_ends_are_finished() {
    let mut host = classic(|settings| settings.life.harakiri = Duration::from_millis(3000));
    let mut stuck = host.client();
    stuck.say("GET /forever HTTP/1.1\r\nHost: a\r\n\r\n");
    host.wait_until("it is stuck", |host| host.board.worker(0).busy.load(Relaxed) == 1);
    let began = Instant::now();
    host.wait_until("it has been so for a while", |_| began.elapsed() > Duration::from_millis(1500));
    let mut other = host.client();
    other.say("GET /sleep/2000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(stuck.response().status, 504);
    assert_eq!(other.response().status, 200);
    host.wait_until("it asks for a successor", |host| host.board.worker(0).wish() == Wish::Harakiri);
    assert_eq!(host.wait_for_exit(0), 17);
    assert!(host.log().contains("/forever"), "{}", host.log());
}

#[test]
fn a_panic_of_the_safe_kind_costs_nothing_but_its_request() {
    let host = safe(|_| {});
    let mut client = host.client();
    assert_eq!(client.get("/panic").status, 500);
    assert_eq!(host.client().get("/").status, 200);
    assert_eq!(host.board.worker(0).wish(), Wish::None);
    host.wait_until("it is counted", |host| host.board.worker(0).exceptions.load(Relaxed) == 1);
    host.wait_until("it is logged", |host| host.log().contains("asked to panic"));
}

#[test]
fn an_app_that_exits_takes_its_worker_with_it() {
    let mut host = classic(|_| {});
    let mut client = host.client();
    client.say("GET /exit HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.maybe_response().is_none());
    assert_ne!(host.wait_for_exit(0), 17);
}

#[test]
fn asks_for_a_successor_after_enough_requests() {
    let host = classic(|settings| settings.life.max_requests = 3);
    let mut client = host.client();
    for _ in 0..2 {
        client.get("/");
    }
    assert_eq!(host.board.worker(0).wish(), Wish::None);
    client.get("/");
    host.wait_until("it asks", |host| host.board.worker(0).wish() == Wish::MaxRequests);
    assert_eq!(client.get("/").status, 200);
}
