//! Ports whose connections end before those of others.

use crate::app::ask_echo;
use crate::goodbye::{connect, hear};
use crate::harness::{Shim, free_port, until};
use crate::listens::listening_app;
use serde_json::json;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An app on as many ports; the first ones drain for a moment only.
fn app_on(ports: &[u16], short: &[u16], changes: serde_json::Value) -> Shim {
    let places: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let drains: Vec<_> = short.iter().map(|port| json!({ "port": port, "limit_ms": 1000 })).collect();
    let mut all = json!({ "drains": drains });
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    let shim = Shim::start(listening_app(&places.join(","), ports, all));
    shim.reach("ready");
    shim
}

#[test]
fn each_port_ends_in_its_own_time_and_the_others_go_on() {
    let ports = [free_port(), free_port(), free_port()];
    let [polite, curt, long] = ports;
    let goodbye = json!([{ "port": polite, "text": "bye\n" }, { "port": long, "text": "not yet\n" }]);
    let mut shim = app_on(&ports, &[polite, curt], json!({ "goodbye": goodbye }));
    let [mut first, mut second, mut third] = ports.map(connect);
    until("the clients", || (shim.status()["connections"] == 3).then_some(()));
    let start = Instant::now();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    assert_eq!(ask_echo(&mut first, b"still here"), b"still here");
    assert_eq!(hear(&mut second), "");
    let cut = start.elapsed();
    assert!(cut >= Duration::from_secs(1), "{cut:?}");
    assert_eq!(hear(&mut first), "bye\n");
    // It has a second to go, and does not.
    until("its end", || shim.log().contains(&format!("ended 1 connections to port {curt}")).then_some(()));
    until("the end of all but one", || (shim.status()["connections"] == 1).then_some(()));
    assert_eq!(ask_echo(&mut third, b"and me"), b"and me");
    // Who comes later, by whatever way, has no time at all.
    assert_eq!(hear(&mut connect(curt)), "");
    assert_eq!(shim.status()["state"], "draining");
    drop(third);
    assert!(shim.gone().success());
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(shim.log().contains("said goodbye on 1 of its connections"));
}

#[test]
fn whoever_stays_after_the_goodbye_is_cut() {
    let ports = [free_port(), free_port()];
    let [polite, _] = ports;
    let mut shim = app_on(&ports, &[polite], json!({ "goodbye": [{ "port": polite, "text": "bye\n" }] }));
    let [mut deaf, last] = ports.map(connect);
    until("the clients", || (shim.status()["connections"] == 2).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    // It has heard that nothing more comes, and does not go.
    assert_eq!(hear(&mut deaf), "bye\n");
    let told = Instant::now();
    until("the cut", || shim.log().contains("ended 1 connections").then_some(()));
    assert!(told.elapsed() >= Duration::from_millis(500), "{:?}", told.elapsed());
    let error = until("an end", || deaf.write_all(b"but").err());
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    assert_eq!(shim.status()["state"], "draining");
    drop(last);
    assert!(shim.gone().success());
}

#[test]
fn a_client_that_reads_nothing_holds_nobody_up() {
    let ports = [free_port(), free_port()];
    let [short, _] = ports;
    let mut shim = app_on(&ports, &[short], json!({ "goodbye": [{ "port": short, "text": "bye\n" }] }));
    let [stuffed, last] = ports.map(connect);
    fill(&stuffed);
    until("the clients", || (shim.status()["connections"] == 2).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    // Where there was room for the goodbye yet, the app hears that it can say no more, and may end it by itself.
    let ends = ["ended 1 connections", "said goodbye on 1"];
    until("the cut", || ends.iter().any(|end| shim.log().contains(end)).then_some(()));
    assert_eq!(shim.status()["state"], "draining");
    drop(last);
    let start = Instant::now();
    assert!(shim.gone().success());
    assert!(start.elapsed() < Duration::from_secs(4));
    drop(stuffed);
}

#[test]
fn a_time_that_is_longer_than_all_changes_nothing() {
    let port = free_port();
    let changes = json!({
        "drains": [{ "port": port, "limit_ms": 60_000 }],
        "goodbye": [{ "port": port, "text": "bye\n" }],
    });
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], changes));
    shim.reach("ready");
    let mut client = connect(port);
    until("the client", || (shim.status()["connections"] == 1).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 100 }));
    assert_eq!(hear(&mut client), "bye\n");
    assert!(shim.gone().success());
}

/// Until nothing goes in any more: all buffers on the way to the echo and back are full.
pub fn fill(mut client: &TcpStream) {
    client.set_nonblocking(true).unwrap();
    let mut rest = 50;
    while rest > 0 {
        match client.write(&[1; 65_536]) {
            Ok(count) => rest = if count > 0 { 50 } else { 0 },
            Err(_) => {
                rest -= 1;
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}
