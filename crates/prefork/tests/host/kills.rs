//! `kill -9`, of everybody.

use crate::harness::{Host, children, classic, is_alive, kill_hard, until};
use nix::sys::signal::Signal;

fn host() -> Host {
    let host = Host::serving(&format!("{}processes = 2\nthreads = 2\n", classic()));
    until("two workers", || (host.workers().len() == 2).then_some(()));
    host
}

/// A request that lasts, and the worker that has it.
fn occupy(host: &Host, milliseconds: u32) -> (crate::client::Client, i32) {
    let mut client = host.client();
    let pid = client.get("/pid").text().parse().unwrap();
    client.say(format!("GET /sleep/{milliseconds} HTTP/1.1\r\nHost: test\r\n\r\n"));
    until("a busy thread", || {
        host.signal(Signal::SIGUSR2);
        host.log().contains("  GET /sleep").then_some(())
    });
    (client, pid)
}

#[test]
fn a_worker_is_replaced_and_the_other_disturbed_by_nothing() {
    let host = host();
    let (mut client, busy) = occupy(&host, 1500);
    let other = host.workers().into_iter().find(|pid| *pid != busy).unwrap();
    kill_hard(other);
    until("a replacement", || {
        let now = host.workers();
        (now.len() == 2 && !now.contains(&other)).then_some(())
    });
    assert_eq!(client.response().text(), "slept");
    // It is still there, and so is its connection.
    assert_eq!(client.get("/pid").text(), busy.to_string());
    host.logs("SIGKILL");
}

#[test]
fn a_worker_s_own_requests_end_with_it() {
    let host = host();
    let (mut client, busy) = occupy(&host, 600_000);
    kill_hard(busy);
    assert!(client.maybe_response().is_none());
    until("a replacement", || (host.workers().len() == 2).then_some(()));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn an_app_process_is_replaced_and_its_workers_finish() {
    let host = host();
    let (mut client, busy) = occupy(&host, 1500);
    let app = children(host.pid())[0];
    kill_hard(app);
    assert_eq!(client.response().text(), "slept");
    until("the old worker's end", || (!is_alive(busy)).then_some(()));
    until("two workers", || (host.workers().len() == 2).then_some(()));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn of_the_master_nothing_is_left_and_workers_finish() {
    let mut host = host();
    let (mut client, _) = occupy(&host, 1500);
    let workers = host.workers();
    kill_hard(host.pid());
    assert_eq!(client.response().text(), "slept");
    assert_eq!(host.ends(), None);
    assert!(!workers.into_iter().any(is_alive));
    assert!(std::net::TcpStream::connect(host.address()).is_err());
}
