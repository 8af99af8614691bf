//! What clients hear whose connections are cut.

use crate::harness::{Shim, free_port, until};
use crate::listens::listening_app;
use crate::sandbox::{app_line, bwrap_works, release, sandboxed};
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Everything up to the end, however that comes.
fn hear(client: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    match client.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(heard).unwrap()
}

#[test]
fn is_said_at_the_limit_to_who_is_still_there() {
    let [a, b, c] = [free_port(), free_port(), free_port()];
    let places = format!("127.0.0.1:{a},127.0.0.1:{b},127.0.0.1:{c}");
    let goodbye = json!([{ "port": a, "text": "bye a\n" }, { "port": b, "text": "bye b\n" }]);
    let mut shim = Shim::start(listening_app(&places, &[a, b, c], json!({ "goodbye": goodbye })));
    shim.reach("ready");
    let [mut first, mut second, mut silent] = [a, b, c].map(connect);
    assert_eq!(crate::app::ask_echo(&mut first, b"hello\n"), b"hello\n");
    until("the clients", || (shim.status()["connections"] == 3).then_some(()));
    let start = Instant::now();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 300 }));
    assert_eq!(hear(&mut first), "bye a\n");
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(hear(&mut second), "bye b\n");
    // One without a word of its own has the second that the others have to go.
    assert_eq!(hear(&mut silent), "");
    assert!(start.elapsed() >= Duration::from_millis(1300));
    assert!(shim.gone().success());
    assert!(shim.log().contains("said goodbye on 2 of its connections"));
}

/// From the moment at which the only client has gone after its goodbye to the end.
fn time_to_end() -> Duration {
    let port = free_port();
    let goodbye = json!([{ "port": port, "text": "bye\n" }]);
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], json!({ "goodbye": goodbye })));
    shim.reach("ready");
    let mut client = connect(port);
    // Of one that the app has not taken yet nobody can take leave.
    assert_eq!(crate::app::ask_echo(&mut client, b"hello"), b"hello");
    assert_eq!(shim.status()["connections"], 1);
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 0 }));
    assert_eq!(hear(&mut client), "bye\n");
    let start = Instant::now();
    drop(client);
    assert!(shim.gone().success());
    start.elapsed()
}

#[test]
fn ends_the_wait_when_everybody_has_gone() {
    // On a busy machine anything may take a second; waiting out the farewell always does.
    let quick = (0..8).map(|_| time_to_end()).find(|time| *time < Duration::from_millis(800));
    assert!(quick.is_some());
}

#[test]
fn is_not_said_when_nobody_is_left() {
    let port = free_port();
    let goodbye = json!([{ "port": port, "text": "bye\n" }]);
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], json!({ "goodbye": goodbye })));
    shim.reach("ready");
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    assert!(shim.gone().success());
    assert!(!shim.log().contains("goodbye"));
}

#[test]
fn reaches_into_a_sandbox_and_a_deaf_app_is_killed_all_the_same() {
    if !bwrap_works() {
        return;
    }
    let (release, port) = (release(), free_port());
    let line = format!("trap '' TERM; export PLACES=0.0.0.0:{port}; {}", app_line("places", 0));
    let changes = json!({
        "ready": { "kind": "listens", "ports": [port], "timeout_ms": 10_000 },
        "goodbye": [{ "port": port, "text": "bye\n" }],
        "stop": { "signal": "TERM", "grace_ms": 300 },
    });
    let mut shim = Shim::start(sandboxed(&release.0, &line, changes));
    let status = shim.reach("ready");
    assert_eq!(status["listens"], json!([port]));
    let mut clients: Vec<TcpStream> = (0..20).map(|_| connect(port)).collect();
    until("the clients", || (shim.status()["connections"] == 20).then_some(()));
    until("that they are accepted", || (shim.log().matches("a client").count() == 20).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 100 }));
    for client in &mut clients {
        assert_eq!(hear(client), "bye\n");
    }
    assert!(shim.gone().success());
    assert!(shim.log().contains("still there after its grace period"));
    assert_eq!(shim.state_file()["last_exit"]["signal"], "SIGKILL");
}
