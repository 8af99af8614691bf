use crate::app::echo_to_the_end;
use crate::harness::{Folder, Shim, app, free_port, shell, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// An echo behind a forwarder.
fn forwarded() -> (Shim, PathBuf, Folder) {
    let folder = Folder::new();
    let path = folder.0.join("app.sock");
    let port = free_port();
    let shim = Shim::start(app("echo", port, json!({ "forward": { "listen": path, "port": port } })));
    shim.reach("ready");
    (shim, path, folder)
}

#[test]
fn a_half_closed_connection_still_gets_its_answer() {
    let (mut shim, path, _folder) = forwarded();
    let mut client = UnixStream::connect(&path).unwrap();
    echo_to_the_end(&mut client, 3_000_000);
    until("its end", || (shim.status()["connections"] == 0).then_some(()));
    assert_eq!(shim.status()["accepted"], 1);
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn two_hundred_at_once_and_a_slow_reader_among_them() {
    let (mut shim, path, _folder) = forwarded();
    let mut slow = UnixStream::connect(&path).unwrap();
    slow.set_nonblocking(true).unwrap();
    let mut stuffed = 0;
    // Filled until nothing goes in any more: all buffers on the way are full.
    let mut rest = 50;
    while rest > 0 {
        match slow.write(&[1; 65_536]) {
            Ok(count) => stuffed += count,
            Err(_) => {
                rest -= 1;
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }
    }
    let mut clients: Vec<UnixStream> = (0..200).map(|_| UnixStream::connect(&path).unwrap()).collect();
    for round in 0..3_u8 {
        for client in &mut clients {
            client.write_all(&[round; 100]).unwrap();
        }
        for client in &mut clients {
            let mut answer = [9; 100];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(answer, [round; 100]);
        }
    }
    assert_eq!(shim.status()["connections"], 201);
    drop(clients);
    until("the end of the many", || (shim.status()["connections"] == 1).then_some(()));
    slow.set_nonblocking(false).unwrap();
    slow.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    slow.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), stuffed);
    until("the end of the slow one", || (shim.status()["connections"] == 0).then_some(()));
    shim.stop();
}

#[test]
fn clients_that_vanish_are_forgotten() {
    let (mut shim, path, _folder) = forwarded();
    for _ in 0..50 {
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&[1; 100_000]).unwrap();
        drop(client);
    }
    until("their end", || (shim.status()["connections"] == 0).then_some(()));
    // And nothing spins because of them.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", shim.process.id())).unwrap();
        let fields: Vec<u64> =
            stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2).map(|word| word.parse().unwrap()).collect();
        fields[0] + fields[1]
    };
    let before = ticks();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(ticks() - before < 10);
    shim.stop();
}

#[test]
fn an_app_that_is_not_ready_is_not_talked_to() {
    let folder = Folder::new();
    let path = folder.0.join("app.sock");
    let port = free_port();
    let mut shim = Shim::start(shell(
        "exec sleep 60",
        json!({
            "ready": { "kind": "tcp", "port": port, "timeout_ms": 60_000 },
            "forward": { "listen": path, "port": port }
        }),
    ));
    until("a closed name", || (mode(&path) == 0).then_some(()));
    // The superuser is let in, and seen off.
    if let Ok(mut early) = UnixStream::connect(&path) {
        assert_eq!(early.read(&mut [0; 10]).unwrap(), 0);
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    shim.reach("ready");
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"ping").unwrap();
    // The first connections are probes.
    let answered = listener.incoming().flatten().find_map(|mut stream| {
        let mut word = [0; 4];
        stream.read_exact(&mut word).ok()?;
        stream.write_all(b"pong").unwrap();
        Some(word)
    });
    assert_eq!(answered, Some(*b"ping"));
    let mut word = String::new();
    client.read_to_string(&mut word).unwrap();
    assert_eq!(word, "pong");
    shim.stop();
}

#[test]
fn the_name_is_open_while_the_app_is_ready_and_at_no_other_time() {
    let (mut shim, path, folder) = forwarded();
    // The name nginx knows is another one of the same socket.
    let stable = folder.0.join("stable.sock");
    std::fs::hard_link(&path, &stable).unwrap();
    assert_eq!((mode(&path), mode(&stable)), (0o666, 0o666));
    let app = shim.status()["pid"].as_i64().unwrap();
    let (mut watcher, _) = shim.watcher();
    kill(Pid::from_raw(app as i32), Signal::SIGKILL).unwrap();
    watcher.until(|status| status["state"] != "ready");
    until("a closed name", || (mode(&stable) == 0).then_some(()));
    watcher.until(|status| status["state"] == "ready");
    assert_eq!(mode(&stable), 0o666);
    let mut client = UnixStream::connect(&stable).unwrap();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    shim.stop();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn drain_counts_forwarded_connections() {
    let (mut shim, path, _folder) = forwarded();
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let (mut watcher, _) = shim.watcher();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    watcher.until(|status| status["state"] == "draining" && status["connections"] == 1);
    client.write_all(b"y").unwrap();
    client.read_exact(&mut [0]).unwrap();
    drop(client);
    assert!(shim.gone().success());
}
