//! Apps whose readiness is what they listen on.

use crate::harness::{Shim, app, free_port, kill_hard, until};
use crate::sandbox::is_root;
use crate::sandbox_root::Network;
use serde_json::{Value, json};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// An app on these places, of which these ports are awaited.
pub fn listening_app(places: &str, ports: &[u16], changes: Value) -> Value {
    let ready = json!({ "kind": "listens", "ports": ports, "timeout_ms": 10_000 });
    let mut spec = app("places", 0, json!({ "ready": ready }));
    spec["env"]["PLACES"] = json!(places);
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// The same with less patience than it needs.
fn hopeless_app(places: &str, ports: &[u16], changes: Value) -> Value {
    let mut spec = listening_app(places, ports, changes);
    spec["ready"]["timeout_ms"] = json!(400);
    spec
}

/// Waits until one is late and this is told of it. On a busy machine it may begin to listen only after that.
fn assert_complaint(shim: &Shim, said: &str) {
    let (mut watcher, first) = shim.watcher();
    if first["ready_timeout"] != true {
        watcher.until(|status| status["ready_timeout"] == true);
    }
    let status = until(said, || Some(shim.status()).filter(|status| status["last_probe"] == said));
    assert_eq!(status["state"], "starting");
}

#[test]
fn is_ready_when_all_of_its_ports_listen_and_nobody_has_knocked() {
    let [a, b] = [free_port(), free_port()];
    let places = format!("127.0.0.1:{a},300,0.0.0.0:{b}");
    let mut shim = Shim::start(listening_app(&places, &[b, a], json!({})));
    let status = shim.reach("ready");
    assert!(status["ready_ms"].as_u64().unwrap() >= 300);
    let mut both = [a, b];
    both.sort_unstable();
    assert_eq!(status["listens"], json!(both));
    assert_eq!(status["last_probe"], Value::Null);
    // Whoever had come would be named before this one.
    let mut client = TcpStream::connect(("127.0.0.1", b)).unwrap();
    assert_eq!(crate::app::ask_echo(&mut client, b"hello"), b"hello");
    let place = client.local_addr().unwrap().to_string();
    let log = until("its name", || Some(shim.log()).filter(|log| log.contains(&place)));
    assert_eq!(log.matches("a client").count(), 1, "{log}");
    drop(client);
    shim.stop();
}

#[test]
fn ports_nobody_has_named_are_found_out_when_no_more_come() {
    let mut ports = [free_port(), free_port(), free_port()];
    ports.sort_unstable();
    let [a, b, c] = ports;
    // Each comes in time to put the end of the search off.
    let places = format!("100,127.0.0.1:{c},120,[::]:{a},120,0.0.0.0:{b}");
    let mut shim = Shim::start(listening_app(&places, &[], json!({})));
    let status = shim.reach("ready");
    assert_eq!(status["listens"], json!(ports));
    assert!(status["ready_ms"].as_u64().unwrap() >= 540, "{status}");
    assert_eq!(shim.status()["connections"], 0);
    let _client = TcpStream::connect(("127.0.0.1", b)).unwrap();
    assert_eq!(shim.status()["connections"], 1);
    shim.stop();
}

#[test]
fn a_late_listener_is_waited_for_and_a_silent_one_is_told_of() {
    let port = free_port();
    let mut shim = Shim::start(hopeless_app(&format!("900,127.0.0.1:{port}"), &[port], json!({})));
    let (mut watcher, first) = shim.watcher();
    assert_eq!(first["state"], "starting");
    let late = watcher.until(|status| status["ready_timeout"] == true);
    assert_eq!(late["last_probe"], format!("nothing listens on {port}"));
    // Its time is over, which is for others to act on: until they do, it may still come.
    let ready = watcher.until(|status| status["state"] == "ready");
    assert!(ready["ready_ms"].as_u64().unwrap() >= 900);
    shim.stop();
    for (ports, said) in
        [(vec![], "it listens on no port".to_owned()), (vec![port], format!("nothing listens on {port}"))]
    {
        let mut shim = Shim::start(hopeless_app("0", &ports, json!({})));
        assert_complaint(&shim, &said);
        shim.stop();
    }
}

#[test]
fn the_port_it_listens_on_instead_is_told() {
    let [wanted, other] = [free_port(), free_port()];
    let mut shim = Shim::start(hopeless_app(&format!("127.0.0.1:{other}"), &[wanted], json!({})));
    assert_complaint(&shim, &format!("it listens on {other} and not on {wanted}"));
    assert_eq!(shim.status()["listens"], json!([other]));
    shim.stop();
}

#[test]
fn what_others_listen_on_is_not_the_apps() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut shim = Shim::start(hopeless_app("0", &[port], json!({})));
    assert_complaint(&shim, &format!("nothing listens on {port}"));
    shim.stop();
}

#[test]
fn in_a_namespace_only_what_clients_get_to_counts() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let network = Network::new();
    let inside = json!({ "netns": network.path() });
    for place in ["127.0.0.1:7878", "0.0.0.0:7878", "[::]:7878", "[::ffff:127.0.0.1]:7878"] {
        for ports in [&[7878][..], &[]] {
            let mut shim = Shim::start(listening_app(place, ports, inside.clone()));
            assert_eq!(shim.reach("ready")["listens"], json!([7878]), "{place}");
            shim.stop();
        }
    }
    for (place, named) in
        [("6:[::]:7878", "[::]:7878 for IPv6"), ("[::1]:7878", "[::1]:7878"), ("127.0.0.2:7878", "127.0.0.2:7878")]
    {
        for ports in [&[7878][..], &[]] {
            let mut shim = Shim::start(hopeless_app(place, ports, inside.clone()));
            let advice = "it must listen on 127.0.0.1 or 0.0.0.0";
            assert_complaint(&shim, &format!("it listens on {named} alone: {advice}"));
            shim.stop();
        }
    }
    let mut shim = Shim::start(hopeless_app("0.0.0.0:9000", &[7878], inside));
    assert_complaint(&shim, "it listens on 9000 and not on 7878");
    assert_eq!(shim.status()["listening"], json!([]), "said once is enough");
    shim.stop();
}

#[test]
fn one_that_dies_with_many_clients_comes_back_and_they_are_told() {
    let port = free_port();
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], json!({})));
    let first = shim.reach("ready")["pid"].as_i64().unwrap();
    let mut clients: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    // Those that the app has not taken would be reset.
    for client in &mut clients {
        assert_eq!(crate::app::ask_echo(client, b"hello"), b"hello");
    }
    assert_eq!(shim.status()["connections"], 100);
    let (mut watcher, _) = shim.watcher();
    kill_hard(first as i32);
    let status = watcher.until(|status| status["state"] == "ready" && status["restarts"] == 1);
    assert_eq!(status["last_exit"]["signal"], "SIGKILL");
    for client in &mut clients {
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert!(matches!(client.read(&mut [0]), Ok(0)), "an end, not a wait");
    }
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(crate::app::ask_echo(&mut client, b"again"), b"again");
    drop((client, clients));
    until("their end", || (shim.status()["connections"] == 0).then_some(()));
    shim.stop();
}

#[test]
fn drain_waits_for_the_connections_of_every_port() {
    let [a, b] = [free_port(), free_port()];
    let places = format!("127.0.0.1:{a},127.0.0.1:{b}");
    // Whether they were named or found out.
    for ports in [&[a, b][..], &[]] {
        let mut shim = Shim::start(listening_app(&places, ports, json!({})));
        shim.reach("ready");
        let mut clients = [a, b].map(|port| TcpStream::connect(("127.0.0.1", port)).unwrap());
        until("the clients", || (shim.status()["connections"] == 2).then_some(()));
        shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
        let [first, last] = &mut clients;
        assert_eq!(crate::app::ask_echo(first, b"still here"), b"still here");
        first.shutdown(std::net::Shutdown::Both).unwrap();
        until("its end", || (shim.status()["connections"] == 1).then_some(()));
        assert_eq!(crate::app::ask_echo(last, b"me too"), b"me too");
        drop(clients);
        let start = Instant::now();
        assert!(shim.gone().success());
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
