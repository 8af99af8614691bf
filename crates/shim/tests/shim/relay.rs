//! Clients who are announced to the app by the PROXY protocol v2. The app is an echo: what it is told it says.

use crate::app::echo_to_the_end;
use crate::harness::{Folder, Shim, app, free_port, kill_hard, until};
use crate::listens::listening_app;
use crate::port_drains::fill;
use crate::sandbox::is_root;
use crate::sandbox_root::Network;
use serde_json::{Value, json};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const LINE: &[u8] = b"PROXY TCP4 203.0.113.7 198.51.100.1 56324 7878\r\n";
const HEAD: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc6\x33\x64\x01\xdc\x04\x1e\xc6";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// An echo behind a relay at a socket.
fn relayed(changes: Value) -> (Shim, PathBuf, Folder) {
    let folder = Folder::new();
    let (path, port) = (folder.0.join("relay.sock"), free_port());
    let ready = json!({ "kind": "listens", "ports": [port], "timeout_ms": 10_000 });
    let relays = json!([{ "port": port, "socket": path, "owner": null }]);
    let mut spec = app("echo", port, json!({ "ready": ready, "relays": relays }));
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let shim = Shim::start(spec);
    shim.reach("ready");
    (shim, path, folder)
}

fn come(path: &Path, first: &[u8]) -> UnixStream {
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.write_all(first).unwrap();
    client
}

/// One who has come and is not seen off, if he is not.
fn may_wait(path: &Path) -> Option<UnixStream> {
    let mut client = UnixStream::connect(path).unwrap();
    // He may be seen off before he has said a word.
    let _ = client.write_all(LINE);
    client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let is_waiting = client.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    is_waiting.then_some(client)
}

fn read_exactly(client: &mut impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

fn is_seen_off(client: &mut impl Read) -> bool {
    match client.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn the_head_comes_first_then_all_that_the_client_says_and_each_side_may_end() {
    let (mut shim, path, _folder) = relayed(json!({}));
    for (line, head) in [(LINE, HEAD), (b"PROXY UNKNOWN\r\n", LOCAL)] {
        let mut client = come(&path, &[line, b"at once "].concat());
        assert_eq!(read_exactly(&mut client, head.len() + 8), [head, b"at once "].concat());
        echo_to_the_end(&mut client, 3_000_000);
    }
    until("their end", || (shim.status()["connections"] == 0).then_some(()));
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn a_line_may_come_in_pieces_and_anything_else_is_seen_off() {
    let (mut shim, path, _folder) = relayed(json!({}));
    let mut slow = come(&path, b"");
    for byte in LINE {
        slow.write_all(&[*byte]).unwrap();
    }
    assert_eq!(read_exactly(&mut slow, HEAD.len()), HEAD);
    let long = b"PROXY TCP4 ".repeat(20);
    for wrong in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"PROXY TCP4 1.2.3.4\r\n", b"\r\n", &long] {
        let mut client = UnixStream::connect(&path).unwrap();
        // It may be gone before all of it is said.
        let _ = client.write_all(wrong);
        assert!(is_seen_off(&mut client), "{wrong:?}");
    }
    let mut half = come(&path, b"PROXY TCP4 1.2.3.4");
    half.shutdown(Shutdown::Write).unwrap();
    assert!(is_seen_off(&mut half));
    // Only the one is still there, and it was not disturbed.
    until("their end", || (shim.status()["connections"] == 1).then_some(()));
    slow.write_all(b"well").unwrap();
    assert_eq!(read_exactly(&mut slow, 4), b"well");
    shim.stop();
}

#[test]
fn whoever_says_nothing_is_seen_off_in_time() {
    let (mut shim, path, _folder) = relayed(json!({}));
    let start = Instant::now();
    let mut silent = come(&path, b"PROXY ");
    until("it", || (shim.status()["connections"] == 1).then_some(()));
    assert!(is_seen_off(&mut silent));
    assert!(start.elapsed() >= Duration::from_secs(9));
    shim.stop();
}

#[test]
fn a_port_on_which_nobody_listens_is_waited_for_a_while() {
    let folder = Folder::new();
    let [late, never, port] = [free_port(), free_port(), free_port()];
    let [path, nowhere] = ["late.sock", "never.sock"].map(|name| folder.0.join(name));
    let relays = json!([
        { "port": late, "socket": path, "owner": null },
        { "port": never, "socket": nowhere, "owner": null },
    ]);
    let places = format!("127.0.0.1:{port},1000,127.0.0.1:{late}");
    let mut shim = Shim::start(listening_app(&places, &[port], json!({ "relays": relays })));
    shim.reach("ready");
    let start = Instant::now();
    let mut early = come(&path, &[LINE, b"already"].concat());
    // Whoever leaves is not waited with; until he has left all others are seen off.
    drop(come(&nowhere, LINE));
    let mut hopeless = until("one who may wait", || may_wait(&nowhere));
    assert_eq!(read_exactly(&mut early, HEAD.len() + 7), [HEAD, b"already"].concat());
    assert!(start.elapsed() >= Duration::from_millis(500));
    early.write_all(b"later").unwrap();
    assert_eq!(read_exactly(&mut early, 5), b"later");
    assert_eq!(shim.log().matches("a client").count(), 1);
    assert!(is_seen_off(&mut hopeless));
    assert!(start.elapsed() >= Duration::from_secs(9));
    shim.stop();
}

#[test]
fn an_app_that_is_killed_takes_its_clients_with_it_and_the_next_ones_are_served() {
    let folder = Folder::new();
    let (living, port) = (folder.0.join("living.sock"), free_port());
    let relays = json!([{ "port": port, "socket": living, "owner": null }]);
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], json!({ "relays": relays })));
    let pid = shim.reach("ready")["pid"].as_i64().unwrap();
    let mut clients: Vec<UnixStream> = (0..100).map(|_| come(&living, LINE)).collect();
    for client in &mut clients {
        assert_eq!(read_exactly(client, HEAD.len()), HEAD);
    }
    assert_eq!(shim.status()["connections"], 100);
    let (mut watcher, _) = shim.watcher();
    kill_hard(pid as i32);
    assert!(clients.iter_mut().all(is_seen_off));
    // The relay is still there for those who come to the next one.
    watcher.until(|status| status["state"] == "ready" && status["restarts"] == 1);
    assert_eq!(read_exactly(&mut come(&living, LINE), HEAD.len()), HEAD);
    shim.stop();
}

#[test]
fn a_slow_reader_is_waited_for_and_holds_nobody_up() {
    let (mut shim, path, _folder) = relayed(json!({}));
    let mut slow = come(&path, LINE);
    slow.set_nonblocking(true).unwrap();
    let (mut stuffed, mut rest) = (0, 50);
    while rest > 0 {
        match slow.write(&[1; 65_536]) {
            Ok(count) => (stuffed, rest) = (stuffed + count, 50),
            Err(_) => {
                rest -= 1;
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
    let mut clients: Vec<UnixStream> = (0..200).map(|_| come(&path, LINE)).collect();
    for client in &mut clients {
        assert_eq!(read_exactly(client, HEAD.len()), HEAD);
        client.write_all(b"hello").unwrap();
        assert_eq!(read_exactly(client, 5), b"hello");
    }
    drop(clients);
    until("the end of the many", || (shim.status()["connections"] == 1).then_some(()));
    // What it has not read yet is waited for when the app has said it all.
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    slow.set_nonblocking(false).unwrap();
    slow.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    slow.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), HEAD.len() + stuffed);
    assert!(shim.gone().success());
}

#[test]
fn a_goodbye_passes_and_a_port_that_ends_earlier_ends() {
    let folder = Folder::new();
    let (short, long) = (free_port(), free_port());
    let [one, other] = ["one.sock", "other.sock"].map(|name| folder.0.join(name));
    let places = format!("127.0.0.1:{short},127.0.0.1:{long}");
    let changes = json!({
        "relays": [{ "port": short, "socket": one, "owner": null }, { "port": long, "socket": other, "owner": null }],
        "goodbye": [{ "port": short, "text": "bye\n" }, { "port": long, "text": "farewell\n" }],
        "drains": [{ "port": short, "limit_ms": 200 }],
    });
    let mut shim = Shim::start(listening_app(&places, &[short, long], changes));
    shim.reach("ready");
    let [mut first, mut last] = [&one, &other].map(|path| come(path, LINE));
    for client in [&mut first, &mut last] {
        assert_eq!(read_exactly(client, HEAD.len()), HEAD);
    }
    let start = Instant::now();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 3000 }));
    let mut text = String::new();
    first.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye\n");
    last.write_all(b"still").unwrap();
    assert_eq!(read_exactly(&mut last, 5), b"still");
    text.clear();
    last.read_to_string(&mut text).unwrap();
    assert_eq!(text, "farewell\n");
    assert!(start.elapsed() >= Duration::from_secs(3));
    assert!(shim.gone().success());
}

#[test]
fn nobody_but_its_owner_may_connect() {
    let folder = Folder::new();
    let (path, port) = (folder.0.join("relay.sock"), free_port());
    let owner = is_root().then(|| json!({ "uid": 4711, "gid": 4712 }));
    fs::write(&path, "left by one that was killed").unwrap();
    let relays = json!([{ "port": port, "socket": path, "owner": owner }]);
    let mut shim = Shim::start(listening_app(&format!("127.0.0.1:{port}"), &[port], json!({ "relays": relays })));
    shim.reach("ready");
    let found = fs::metadata(&path).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    if is_root() {
        assert_eq!((found.uid(), found.gid()), (4711, 4712));
    }
    // A name that is somebody else's by now is left.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "somebody else's").unwrap();
    shim.stop();
    assert!(path.exists());
}

/// Does it in the namespace, by a thread that has gone in.
fn inside<T: Send + 'static>(network: &Network, work: impl FnOnce() -> T + Send + 'static) -> T {
    let path = network.path();
    let thread = std::thread::spawn(move || {
        nix::sched::setns(fs::File::open(path).unwrap(), nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        work()
    });
    thread.join().unwrap()
}

/// As nginx comes: to a place that the namespace's rules lead to the gate.
fn come_led(first: &[u8]) -> std::io::Result<TcpStream> {
    come_led_to(7878, first)
}

fn come_led_to(port: u16, first: &[u8]) -> std::io::Result<TcpStream> {
    let mut client = TcpStream::connect(("127.0.0.9", port))?;
    client.set_read_timeout(Some(Duration::from_secs(20)))?;
    client.write_all(first)?;
    Ok(client)
}

fn leading_network() -> Network {
    let network = Network::new();
    inside(&network, || {
        for rule in [
            "add table ip bloom",
            "add chain ip bloom out { type nat hook output priority -100; }",
            "add rule ip bloom out ip daddr 127.0.0.9 tcp dport 7878 dnat to 127.0.0.1:65535",
            "add rule ip bloom out ip daddr 127.0.0.9 tcp dport 7879 dnat to 127.0.0.1:65534",
        ] {
            assert!(Command::new("nft").arg(rule).status().unwrap().success(), "{rule}");
        }
    });
    network
}

#[test]
fn a_port_refuses_all_others_while_one_waits_for_the_app() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let network = leading_network();
    let relays = json!([{ "port": 7878, "at": 65535 }, { "port": 7879, "at": 65534 }]);
    let changes = json!({ "netns": network.path(), "relays": relays });
    let mut shim = Shim::start(listening_app("127.0.0.1:7878,4000,127.0.0.1:7879", &[7878], changes));
    shim.reach("ready");
    let mut first = inside(&network, || come_led_to(7879, LINE)).unwrap();
    // nginx goes elsewhere with them.
    let refused = until("a shut gate", || inside(&network, || come_led_to(7879, LINE)).err());
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let mut other = inside(&network, || come_led(LINE)).unwrap();
    assert_eq!(read_exactly(&mut other, HEAD.len()), HEAD, "another port");
    assert_eq!(read_exactly(&mut first, HEAD.len()), HEAD, "when there is an app");
    let mut next = until("an open gate", || inside(&network, || come_led_to(7879, LINE)).ok());
    assert_eq!(read_exactly(&mut next, HEAD.len()), HEAD);
    shim.stop();
}

#[test]
fn at_a_port_those_are_let_in_whom_the_namespace_leads_there_while_there_is_an_app() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let network = leading_network();
    let changes = json!({ "netns": network.path(), "relays": [{ "port": 7878, "at": 65535 }] });
    // On all addresses, so that it would have the gate's port as well if it wanted it.
    let mut shim = Shim::start(listening_app("2000,0.0.0.0:7878", &[7878], changes));
    let early = inside(&network, || come_led(LINE).map(drop));
    assert_eq!(early.unwrap_err().kind(), ErrorKind::ConnectionRefused, "before the app listens");
    let status = shim.reach("ready");
    assert_eq!(status["listens"], json!([7878]), "the gate is not the app's");
    let mut client = inside(&network, || come_led(&[LINE, b"hello"].concat())).unwrap();
    assert_eq!(read_exactly(&mut client, HEAD.len() + 5), [HEAD, b"hello"].concat());
    assert_eq!(shim.status()["connections"], 1);

    // Who is inside may talk to the app itself, and to nobody in somebody else's name.
    let mut own = inside(&network, || TcpStream::connect("127.0.0.1:7878").unwrap());
    own.write_all(b"me").unwrap();
    assert_eq!(read_exactly(&mut own, 2), b"me");
    let mut liar = inside(&network, || TcpStream::connect("127.0.0.1:65535").unwrap());
    let _ = liar.write_all(LINE);
    assert!(is_seen_off(&mut liar));
    drop((own, liar));

    // One that reads nothing, and is cut when the app is killed.
    let stuffed = inside(&network, || come_led(LINE)).unwrap();
    fill(&stuffed);
    let (mut watcher, status) = shim.watcher();
    kill_hard(status["pid"].as_i64().unwrap() as i32);
    watcher.until(|status| status["state"] != "ready");
    let refused = until("a shut gate", || inside(&network, || come_led(LINE)).err());
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(is_seen_off(&mut client));
    watcher.until(|status| status["state"] == "ready" && status["restarts"] == 1);
    let mut again = inside(&network, || come_led(LINE)).unwrap();
    assert_eq!(read_exactly(&mut again, HEAD.len()), HEAD);

    // A client that has heard all keeps nobody from ending.
    drop(stuffed);
    until("one", || (shim.status()["connections"] == 1).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    again.write_all(b"still").unwrap();
    assert_eq!(read_exactly(&mut again, 5), b"still");
    drop(again);
    assert!(shim.gone().success());
}
