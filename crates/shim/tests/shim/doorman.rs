//! Doors: who waits there, who is told, and where they are led.

use crate::doorman_harness::{Doorman, accept, listen};
use crate::harness::{LIMIT, until};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen as listen_on, socket};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Instant;

/// Hears that nobody will answer.
fn hears_the_end(mut client: &UnixStream) {
    assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn two_thousand_wait_are_told_of_once_and_all_are_led() {
    const COUNT: usize = 2000;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    let mut clients: Vec<UnixStream> = (0..COUNT).map(|_| doorman.visit("a")).collect();
    daemon.knocked();
    until("all of them", || (daemon.list()["waiting"] == COUNT).then_some(()));
    let echoes = thread::spawn(move || {
        for app in listener.incoming().take(COUNT) {
            let mut app = app.unwrap();
            app.set_read_timeout(Some(LIMIT)).unwrap();
            let mut word = [0; 8];
            app.read_exact(&mut word).unwrap();
            app.write_all(&word).unwrap();
        }
    });
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&(number as u64).to_le_bytes()).unwrap();
    }
    daemon.lead(port);
    for (number, client) in clients.iter_mut().enumerate() {
        let mut word = [0; 8];
        client.read_exact(&mut word).unwrap();
        assert_eq!(u64::from_le_bytes(word), number as u64);
    }
    echoes.join().unwrap();
    drop(clients);
    // Nothing else was said meanwhile: the next line is the answer.
    daemon.until_carried(0);
}

#[test]
fn a_socket_of_the_app_that_is_full_is_tried_again_until_everybody_is_in() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let path = doorman.path("app");
    let full = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(full.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    listen_on(&full, Backlog::new(1).unwrap()).unwrap();
    let listener = UnixListener::from(full);
    let clients: Vec<UnixStream> = (0..30).map(|_| doorman.visit("a")).collect();
    let to = json!({ "lead": { "door": "a", "to": { "path": path } } });
    let mut led = Vec::new();
    while led.len() < clients.len() {
        daemon.knocked();
        daemon.send(to.clone());
        listener.set_nonblocking(true).unwrap();
        daemon.list();
        led.extend(std::iter::from_fn(|| listener.accept().ok()));
    }
    let door = daemon.until_carried(30);
    assert_eq!((&door["connections"][0]["remote"], &door["connections"][0]["local"]), (&Value::Null, &Value::Null));
}

#[test]
fn who_finds_nobody_waits_for_the_next_lead_and_no_storm_comes_of_it() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    drop(listener);
    let mut client = doorman.visit("a");
    client.write_all(b"patience").unwrap();
    for _ in 0..7 {
        daemon.knocked();
        daemon.lead(port);
    }
    // By now it is asked twice a second, whoever comes.
    daemon.knocked();
    let begun = Instant::now();
    daemon.lead(port);
    until("the end of the try", || (daemon.list()["waiting"] == 1).then_some(()));
    let _another = doorman.visit("a");
    daemon.knocked();
    assert!(begun.elapsed().as_millis() >= 400, "asked again after {:?}", begun.elapsed());
    let (listener, port) = listen();
    daemon.lead(port);
    let mut word = [0; 8];
    accept(&listener).read_exact(&mut word).unwrap();
    assert_eq!(&word, b"patience");
}

#[test]
fn a_refusal_ends_the_wait_and_the_next_one_knocks_again() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let client = doorman.visit("a");
    daemon.knocked();
    daemon.send(json!({ "refuse": { "door": "a" } }));
    hears_the_end(&client);
    let _next = doorman.visit("a");
    daemon.knocked();
}

#[test]
fn nobody_waits_longer_than_the_door_allows() {
    let doorman = Doorman::start();
    let mut daemon = doorman.daemon();
    daemon.keep(&[doorman.door("a", json!({ "wait_ms": 150 }))]);
    let begun = Instant::now();
    let client = doorman.visit("a");
    daemon.knocked();
    hears_the_end(&client);
    assert!(begun.elapsed().as_millis() >= 150);
    assert_eq!(daemon.expect("gone"), json!({ "door": "a" }));
}

#[test]
fn who_was_led_in_time_stays_as_long_as_it_likes() {
    let doorman = Doorman::start();
    let mut daemon = doorman.daemon();
    daemon.keep(&[doorman.door("a", json!({ "wait_ms": 200 }))]);
    let (listener, port) = listen();
    let mut led = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    let mut app = accept(&listener);
    // Somebody who came later and waits in vain: the time of both is over then.
    let waiting = doorman.visit("a");
    daemon.knocked();
    hears_the_end(&waiting);
    led.write_all(b"x").unwrap();
    app.read_exact(&mut [0]).unwrap();
}

#[test]
fn those_beyond_the_limit_are_sent_away_at_once() {
    let doorman = Doorman::start();
    let mut daemon = doorman.daemon();
    daemon.keep(&[doorman.door("a", json!({ "limit": 2 }))]);
    let clients = [doorman.visit("a"), doorman.visit("a"), doorman.visit("a")];
    daemon.knocked();
    hears_the_end(&clients[2]);
    assert_eq!(daemon.list()["waiting"], 2);
    // Room again.
    let [first, ..] = clients;
    drop(first);
    until("its place", || (daemon.list()["waiting"] == 1).then_some(()));
    let _fourth = doorman.visit("a");
    until("the fourth", || (daemon.list()["waiting"] == 2).then_some(()));
}

#[test]
fn the_daemon_is_told_when_the_last_one_leaves_and_no_sooner() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (first, mut second) = (doorman.visit("a"), doorman.visit("a"));
    daemon.knocked();
    until("both", || (daemon.list()["waiting"] == 2).then_some(()));
    drop(first);
    until("one", || (daemon.list()["waiting"] == 1).then_some(()));
    // With something unread, which must not keep it.
    second.write_all(b"never mind").unwrap();
    drop(second);
    assert_eq!(daemon.expect("gone"), json!({ "door": "a" }));
    // An answer that comes too late, and one to nobody, meet no one.
    let (_listener, port) = listen();
    daemon.lead(port);
    daemon.send(json!({ "refuse": { "door": "nobody" } }));
    daemon.send(json!({ "lead": { "door": "nobody", "to": { "path": "/nowhere" } } }));
    let _next = doorman.visit("a");
    daemon.knocked();
}

#[test]
fn doors_come_and_go_by_order_and_what_is_carried_stays() {
    let doorman = Doorman::start();
    let mut daemon = doorman.daemon();
    let (a, b) = (doorman.door("a", json!({})), doorman.door("b", json!({})));
    daemon.keep(&[a.clone(), b.clone()]);
    let (listener, port) = listen();
    let mut carried = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    let mut app = accept(&listener);
    daemon.until_carried(1);
    let waiting = doorman.visit("a");
    daemon.knocked();
    daemon.keep(&[b]);
    hears_the_end(&waiting);
    assert!(!doorman.path("a.sock").exists() && doorman.path("b.sock").exists());
    carried.write_all(b"still here").unwrap();
    app.read_exact(&mut [0; 10]).unwrap();
    let listed = daemon.list();
    assert_eq!((&listed["open"], listed["connections"].as_array().unwrap().len()), (&json!(false), 1));
    // Opened again it is the same door for both.
    daemon.keep(&[a]);
    assert_eq!(daemon.list()["open"], true);
    assert_eq!(daemon.list()["connections"].as_array().unwrap().len(), 1);
}

#[test]
fn a_door_that_was_taken_away_moved_or_changed_is_put_right() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let waiting = doorman.visit("a");
    daemon.knocked();
    // Somebody has put something else in its place.
    fs::remove_file(doorman.path("a.sock")).unwrap();
    fs::write(doorman.path("a.sock"), "").unwrap();
    daemon.keep(&[doorman.door("a", json!({}))]);
    drop(doorman.visit("a"));
    let before = fs::metadata(doorman.path("a.sock")).unwrap().ino();
    let elsewhere = doorman.path("elsewhere.sock");
    daemon.keep(&[doorman.door("a", json!({ "path": elsewhere, "limit": 1 }))]);
    assert!(!doorman.path("a.sock").exists());
    assert_ne!(fs::metadata(&elsewhere).unwrap().ino(), before);
    // Who waited waits on, and takes the only place.
    until("the one", || (daemon.list()["waiting"] == 1).then_some(()));
    hears_the_end(&UnixStream::connect(&elsewhere).unwrap());
    daemon.send(json!({ "refuse": { "door": "a" } }));
    hears_the_end(&waiting);
}

#[test]
fn doors_that_cannot_be_opened_are_named_and_the_others_are_open() {
    let doorman = Doorman::start();
    let mut daemon = doorman.daemon();
    let failed = daemon.try_keep(&[
        doorman.door("nowhere", json!({ "path": doorman.path("none/a.sock") })),
        doorman.door("a", json!({})),
        doorman.door("relative", json!({ "path": "a.sock" })),
        doorman.door("long", json!({ "path": doorman.path(&"x".repeat(108)) })),
    ]);
    let names: Vec<&str> = failed.as_array().unwrap().iter().map(|one| one["door"].as_str().unwrap()).collect();
    assert_eq!(names, ["nowhere", "relative", "long"]);
    let _client = doorman.visit("a");
    daemon.knocked();
    let left: Vec<_> = fs::read_dir(&doorman.folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
