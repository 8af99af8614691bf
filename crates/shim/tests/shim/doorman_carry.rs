//! What the doorman carries.

use crate::doorman_harness::{Daemon, Doorman, accept, listen};
use crate::harness::{free_port, until};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// A visitor and the app's end of its connection.
fn led(doorman: &Doorman, daemon: &mut Daemon) -> (UnixStream, TcpStream) {
    let (listener, port) = listen();
    let client = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    (client, accept(&listener))
}

/// Bytes in which each place is told from its neighbours, far ones too.
fn pattern(length: usize, seed: u32) -> Vec<u8> {
    const PIECE: u32 = 1_000_003;
    let words = (0..PIECE / 4).flat_map(|word| (word.wrapping_mul(2_654_435_761) ^ seed).to_le_bytes());
    let piece: Vec<u8> = words.collect();
    let mut bytes = piece.repeat(length / piece.len() + 1);
    bytes.truncate(length);
    bytes
}

/// Reads to the end, a little at a time.
fn read_slowly(mut stream: impl Read) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; 50_000];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return received,
            count => received.extend_from_slice(&buffer[..count]),
        }
        thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_hundred_megabytes_each_way_arrive_as_they_were_sent_at_a_slow_reader_too() {
    const LENGTH: usize = 100_000_000;
    let mut doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let before = doorman.memory_kib();
    let (client, app) = led(&doorman, &mut daemon);
    let (up, down) = (pattern(LENGTH, 1), pattern(LENGTH, 2));
    let (at_app, at_client) = thread::scope(|scope| {
        let write = |mut to: &UnixStream, bytes: &[u8]| {
            to.write_all(bytes).unwrap();
            to.shutdown(Shutdown::Write).unwrap();
        };
        let (up, down, client, app) = (&up, &down, &client, &app);
        scope.spawn(move || write(client, up));
        scope.spawn(move || {
            let mut to = app;
            to.write_all(down).unwrap();
            to.shutdown(Shutdown::Write).unwrap();
        });
        let (at_app, at_client) = (scope.spawn(move || read_slowly(app)), scope.spawn(move || read_slowly(client)));
        (at_app.join().unwrap(), at_client.join().unwrap())
    });
    assert!(at_app == up, "{} bytes came", at_app.len());
    assert!(at_client == down, "{} bytes came", at_client.len());
    let grown = doorman.memory_kib().saturating_sub(before);
    assert!(grown < 512, "it has grown by {grown} KiB");
    daemon.until_carried(0);
    daemon.send(json!({ "finish": {} }));
    doorman.gone();
}

#[test]
fn either_side_may_end_first_and_still_hear_the_other() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    for client_first in [true, false] {
        let (mut client, mut app) = led(&doorman, &mut daemon);
        let mut said = String::new();
        if client_first {
            client.write_all(b"question").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            app.read_to_string(&mut said).unwrap();
            app.write_all(b"answer").unwrap();
            drop(app);
            client.read_to_string(&mut said).unwrap();
        } else {
            app.write_all(b"question").unwrap();
            app.shutdown(Shutdown::Write).unwrap();
            client.read_to_string(&mut said).unwrap();
            client.write_all(b"answer").unwrap();
            drop(client);
            app.read_to_string(&mut said).unwrap();
        }
        assert_eq!(said, "questionanswer");
        daemon.until_carried(0);
    }
}

#[test]
fn what_was_sent_and_ended_before_the_lead_arrives() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    let mut client = doorman.visit("a");
    client.write_all(b"PROXY TCP4 192.0.2.1 192.0.2.2 5 7878\r\nhello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    daemon.knocked();
    daemon.lead(port);
    let mut said = String::new();
    accept(&listener).read_to_string(&mut said).unwrap();
    assert_eq!(said, "PROXY TCP4 192.0.2.1 192.0.2.2 5 7878\r\nhello");
}

#[test]
fn a_client_that_says_nothing_is_spoken_to() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (mut client, mut app) = led(&doorman, &mut daemon);
    app.write_all(b"220 ready").unwrap();
    let mut banner = [0; 9];
    client.read_exact(&mut banner).unwrap();
    assert_eq!(&banner, b"220 ready");
    let door = daemon.until_carried(1);
    let connection = &door["connections"][0];
    assert_eq!((&connection["from_client"], &connection["from_app"]), (&json!(0), &json!(9)));
    assert_eq!(connection["worker"], std::process::id());
    assert_eq!(connection["remote"], app.local_addr().unwrap().to_string());
    assert_eq!(connection["local"], app.peer_addr().unwrap().to_string());
    assert_eq!((&door["open"], &door["waiting"]), (&json!(true), &json!(0)));
}

#[test]
fn clients_that_never_read_cost_a_bounded_piece_of_memory_and_no_time() {
    const COUNT: usize = 40;
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let before = doorman.memory_kib();
    let pairs: Vec<(UnixStream, TcpStream)> = (0..COUNT).map(|_| led(&doorman, &mut daemon)).collect();
    for (_, app) in &pairs {
        app.set_nonblocking(true).unwrap();
    }
    // Until nothing goes in any more, for as long as it takes the last bytes to move on.
    let mut quiet = 0;
    while quiet < 20 {
        let moved = pairs.iter().filter(|(_, app)| push(app)).count();
        quiet = if moved == 0 { quiet + 1 } else { 0 };
        if moved == 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let grown = doorman.memory_kib().saturating_sub(before);
    assert!(grown < 1500, "{COUNT} connections cost {grown} KiB");
    let before = doorman.ticks();
    thread::sleep(Duration::from_millis(300));
    assert!(doorman.ticks() - before < 5, "it does not rest");
    // Others are served meanwhile.
    let (mut client, mut app) = led(&doorman, &mut daemon);
    app.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    drop((client, app, pairs));
    daemon.until_carried(0);
}

/// Whether anything went in.
fn push(mut app: &TcpStream) -> bool {
    let mut moved = false;
    loop {
        match app.write(&[7; 65_536]) {
            Ok(_) => moved = true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return moved,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn when_the_app_is_killed_its_clients_hear_the_end() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let port = free_port();
    let words = crate::app::command();
    let mut app = Command::new(&words[0])
        .args(&words[1..])
        .envs([("BLOOM_TEST_APP", "echo"), ("PORT", &port.to_string())])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the app", || TcpStream::connect(("127.0.0.1", port)).ok());
    let mut clients: Vec<UnixStream> = (0..10).map(|_| doorman.visit("a")).collect();
    daemon.knocked();
    daemon.lead(port);
    // Those that came after the lead are told of again.
    for client in &mut clients {
        client.write_all(b"hello").unwrap();
    }
    until("all of them", || {
        daemon.lead(port);
        daemon.send(json!({ "list": {} }));
        let listed = std::iter::from_fn(|| daemon.line()).find(|line| line.get("listed").is_some()).unwrap();
        (listed["listed"]["doors"][0]["connections"].as_array().unwrap().len() == 10).then_some(())
    });
    for client in &mut clients {
        let mut word = [0; 5];
        client.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"hello");
    }
    app.kill().unwrap();
    app.wait().unwrap();
    for client in &mut clients {
        assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
    }
    drop(clients);
    daemon.until_carried(0);
}

#[test]
fn clients_that_vanish_are_forgotten() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    for _ in 0..20 {
        let (mut client, mut app) = led(&doorman, &mut daemon);
        client.write_all(&[1; 100_000]).unwrap();
        drop(client);
        // It hears what was said, and the end.
        let mut said = Vec::new();
        app.read_to_end(&mut said).unwrap();
        assert_eq!(said.len(), 100_000);
    }
    daemon.until_carried(0);
}
