//! The doorman as a process: without a daemon, with a new one, as another user, and its end.

use crate::doorman_harness::{Doorman, accept, begin, listen};
use crate::harness::{LIMIT, kill_hard, signal, until};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, chown};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;

#[test]
fn without_a_daemon_it_carries_on_and_the_next_one_is_told_who_waits() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    let mut carried = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    let mut app = accept(&listener);
    daemon.until_carried(1);
    let mut known = doorman.visit("a");
    daemon.knocked();
    drop(daemon);
    let mut unknown = doorman.visit("a");
    carried.write_all(b"on").unwrap();
    app.read_exact(&mut [0; 2]).unwrap();

    let mut daemon = doorman.daemon();
    assert_eq!((&daemon.hello["protocol"], &daemon.hello["carried"]), (&json!(1), &json!(1)));
    assert_eq!(daemon.hello["doors"], json!(["a"]));
    daemon.knocked();
    daemon.keep(&[doorman.door("a", json!({}))]);
    until("both", || (daemon.list()["waiting"] == 2).then_some(()));
    daemon.lead(port);
    for client in [&mut known, &mut unknown] {
        client.write_all(b"x").unwrap();
        let mut app = accept(&listener);
        app.read_exact(&mut [0]).unwrap();
    }
    carried.write_all(b"on").unwrap();
    app.read_exact(&mut [0; 2]).unwrap();
}

#[test]
fn a_second_daemon_takes_the_place_of_the_first() {
    let doorman = Doorman::start();
    let mut first = doorman.with_door();
    let mut second = doorman.daemon();
    assert_eq!(first.line(), None);
    let _client = doorman.visit("a");
    second.knocked();
}

#[test]
fn nonsense_is_answered_and_changes_nothing() {
    let doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let mut state = 0x9e37_79b9_u32;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let valid = json!({ "keep": { "doors": [doorman.door("a", json!({}))] } }).to_string();
    let mut sent = 0;
    for _ in 0..500 {
        let mut line = valid.clone().into_bytes();
        // A byte that no text has.
        let at = chance() as usize % line.len();
        line[at] = 0x80 | chance() as u8;
        line.truncate(at + 1 + chance() as usize % (line.len() - at));
        line.retain(|byte| *byte != b'\n');
        line.push(b'\n');
        daemon.send_raw(&line);
        sent += 1;
    }
    for _ in 0..sent {
        daemon.expect("error");
    }
    // In pieces, and several at once.
    daemon.send_raw(b"\n\n{\"list\"");
    daemon.send_raw(b":{}}\n{\"list\":{}}\n");
    daemon.expect("listed");
    daemon.expect("listed");
    let _client = doorman.visit("a");
    daemon.knocked();
    // A line without an end is not kept for ever.
    let mut endless = UnixStream::connect(doorman.path("doorman.sock")).unwrap();
    endless.set_write_timeout(Some(LIMIT)).unwrap();
    let broken = (0..200).any(|_| endless.write_all(&[b'x'; 65_536]).is_err());
    assert!(broken);
    doorman.daemon().knocked();
}

#[test]
fn it_ends_when_it_is_told_to_and_takes_its_doors_along() {
    for way in [Signal::SIGTERM, Signal::SIGINT] {
        let mut doorman = Doorman::start();
        let mut daemon = doorman.with_door();
        let (listener, port) = listen();
        let mut carried = doorman.visit("a");
        daemon.knocked();
        daemon.lead(port);
        let mut app = accept(&listener);
        daemon.until_carried(1);
        let mut waiting = doorman.visit("a");
        daemon.knocked();
        signal(doorman.process.id() as i32, way);
        doorman.gone();
        assert_eq!(daemon.line(), None);
        assert_eq!(fs::read_dir(&doorman.folder.0).unwrap().count(), 0);
        for client in [&mut carried, &mut waiting] {
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
        }
        assert_eq!(app.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn it_finishes_what_it_carries_and_ends_with_the_last() {
    let mut doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    let mut carried = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    let mut app = accept(&listener);
    daemon.until_carried(1);
    // Its successor has opened the same door already: that one stays.
    fs::remove_file(doorman.path("a.sock")).unwrap();
    fs::write(doorman.path("a.sock"), "the successor's").unwrap();
    daemon.send(json!({ "finish": {} }));
    assert_eq!(daemon.expect("finishing"), json!({ "carried": 1 }));
    assert!(doorman.path("a.sock").exists());
    drop(daemon);
    carried.write_all(b"on").unwrap();
    app.read_exact(&mut [0; 2]).unwrap();
    assert!(doorman.process.try_wait().unwrap().is_none());
    drop(carried);
    drop(app);
    doorman.gone();
}

#[test]
fn one_that_finishes_can_be_kept_after_all() {
    let mut doorman = Doorman::start();
    let mut daemon = doorman.with_door();
    let (listener, port) = listen();
    let carried = doorman.visit("a");
    daemon.knocked();
    daemon.lead(port);
    let app = accept(&listener);
    daemon.until_carried(1);
    daemon.send(json!({ "finish": {} }));
    daemon.expect("finishing");
    daemon.keep(&[doorman.door("a", json!({}))]);
    drop((carried, app));
    daemon.until_carried(0);
    let _client = doorman.visit("a");
    daemon.knocked();
    daemon.send(json!({ "finish": {} }));
    assert_eq!(daemon.expect("finishing"), json!({ "carried": 0 }));
    doorman.gone();
}

#[test]
fn there_is_one_to_a_socket_and_a_dead_one_is_replaced() {
    let mut doorman = Doorman::start();
    doorman.with_door();
    let (mut second, hello) = begin(&doorman.folder, &[]);
    assert_eq!(hello["ok"], false);
    assert!(hello["error"].as_str().unwrap().contains("another doorman"), "{hello}");
    assert!(!second.wait().unwrap().success());
    kill_hard(doorman.process.id() as i32);
    doorman.process.wait().unwrap();
    let (process, hello) = begin(&doorman.folder, &[]);
    doorman.process = process;
    assert_eq!(hello["ok"], true, "{hello}");
    // What the dead one has left is replaced, too.
    let mut daemon = doorman.with_door();
    let _client = doorman.visit("a");
    daemon.knocked();
}

#[test]
fn it_is_nobody_in_particular_and_small() {
    if !Uid::effective().is_root() {
        return;
    }
    const UID: u32 = 1_999_999_901;
    let doorman = Doorman::start_as(&[&format!("{UID}:{UID}")]);
    let socket = fs::metadata(doorman.path("doorman.sock")).unwrap();
    assert_eq!((socket.uid(), socket.mode() & 0o777), (0, 0o600));
    let doors = doorman.path("doors");
    fs::create_dir(&doors).unwrap();
    chown(&doors, Some(Uid::from_raw(UID)), Some(Gid::from_raw(UID))).unwrap();
    let mut daemon = doorman.daemon();
    let failed = daemon.try_keep(&[doorman.door("root's", json!({}))]);
    assert_eq!(failed.as_array().unwrap().len(), 1, "it opens doors anywhere");
    daemon.keep(&[doorman.door("a", json!({ "path": doors.join("a.sock") }))]);
    let door = fs::metadata(doors.join("a.sock")).unwrap();
    assert_eq!((door.uid(), door.gid(), door.mode() & 0o777), (UID, UID, 0o600));
    let status = fs::read_to_string(format!("/proc/{}/status", doorman.process.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(field("Uid:"), vec![UID.to_string(); 4]);
    assert_eq!(field("Gid:"), vec![UID.to_string(); 4]);
    assert!(field("Groups:").is_empty());
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    // Nobody of the same user looks into it.
    assert_eq!(fs::metadata(format!("/proc/{}/mem", doorman.process.id())).unwrap().uid(), 0);
}
