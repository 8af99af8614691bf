//! Apps that listen on a unix socket of their own, in a folder that is theirs to write.

use crate::app::echo_to_the_end;
use crate::harness::{Folder, Shim, shell, spec, until};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A place for an app: where its socket is, and where nginx would connect.
struct Place {
    folder: Folder,
}

impl Place {
    fn new() -> Place {
        let folder = Folder::new();
        fs::create_dir(folder.0.join("own")).unwrap();
        Place { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.0.join("own/app.sock")
    }

    fn listen(&self) -> PathBuf {
        self.folder.0.join("app.sock")
    }

    fn changes(&self, path: Option<&str>) -> Value {
        json!({
            "ready": { "kind": "unix", "socket": self.socket(), "path": path, "timeout_ms": 10_000 },
            "forward": { "listen": self.listen(), "socket": self.socket() }
        })
    }

    /// The echo behind a forwarder.
    fn app(&self, path: Option<&str>) -> Value {
        let command = crate::app::command();
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let mut spec = spec(&words, self.changes(path));
        spec["env"] = json!({ "BLOOM_TEST_APP": "unix", "SOCKET": self.socket() });
        spec
    }

    fn ask(&self, bytes: &[u8]) -> Vec<u8> {
        let mut client = UnixStream::connect(self.listen()).unwrap();
        // One that is refused is closed before it has read.
        let _ = client.write_all(bytes);
        let _ = client.shutdown(Shutdown::Write);
        let mut received = Vec::new();
        let _ = client.read_to_end(&mut received);
        received
    }
}

/// Somebody else's socket, at which nobody must ever arrive.
fn victim(folder: &Path) -> UnixListener {
    let victim = UnixListener::bind(folder.join("app.sock")).unwrap();
    victim.set_nonblocking(true).unwrap();
    victim
}

fn nobody_came(victim: &UnixListener) -> bool {
    victim.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn an_app_on_its_own_socket_is_probed_served_and_drained() {
    let place = Place::new();
    let mut shim = Shim::start(place.app(None));
    shim.reach("ready");
    let mut client = UnixStream::connect(place.listen()).unwrap();
    echo_to_the_end(&mut client, 2_000_000);
    drop(client);
    until("its end", || (shim.status()["connections"] == 0).then_some(()));
    let mut last = UnixStream::connect(place.listen()).unwrap();
    last.write_all(b"x").unwrap();
    last.read_exact(&mut [0]).unwrap();
    let (mut watcher, _) = shim.watcher();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    watcher.until(|status| status["state"] == "draining" && status["connections"] == 1);
    drop(last);
    assert!(shim.gone().success());
    assert!(!place.listen().exists());
}

#[test]
fn a_page_can_be_asked_for_over_the_socket() {
    let place = Place::new();
    let mut shim = Shim::start(place.app(Some("/ok")));
    shim.reach("ready");
    shim.stop();
    let place = Place::new();
    let mut shim = Shim::start(place.app(Some("/missing")));
    let probe =
        until("a verdict", || Some(shim.status()["last_probe"].to_string()).filter(|text| text.contains("404")));
    assert!(probe.contains("/missing"), "{probe}");
    shim.stop();
}

#[test]
fn a_socket_that_is_not_there_or_dead_is_told_until_it_comes() {
    let place = Place::new();
    let mut shim = Shim::start(shell("exec sleep 60", place.changes(None)));
    let said =
        |what: &str| until(what, || shim.status()["last_probe"].as_str().filter(|text| text.contains(what)).map(drop));
    said("it is not there");
    drop(UnixListener::bind(place.socket()).unwrap());
    said("nobody listens on it");
    fs::remove_file(place.socket()).unwrap();
    fs::write(place.socket(), "").unwrap();
    said("it is not a socket");
    fs::remove_file(place.socket()).unwrap();
    let _listener = UnixListener::bind(place.socket()).unwrap();
    shim.reach("ready");
    shim.stop();
}

#[test]
fn a_planted_link_leads_nowhere() {
    let (place, other) = (Place::new(), Folder::new());
    let victim = victim(&other.0);
    symlink(other.0.join("app.sock"), place.socket()).unwrap();
    let mut shim = Shim::start(shell("exec sleep 60", place.changes(None)));
    until("the refusal", || shim.status()["last_probe"].as_str().filter(|text| text.contains("is a link")).map(drop));
    // The same for an app that shows its true socket until it is ready.
    fs::remove_file(place.socket()).unwrap();
    let own = UnixListener::bind(place.socket()).unwrap();
    shim.reach("ready");
    fs::remove_file(place.socket()).unwrap();
    symlink(other.0.join("app.sock"), place.socket()).unwrap();
    assert_eq!(place.ask(b"secret"), b"");
    // And with its folder.
    fs::remove_dir_all(place.folder.0.join("own")).unwrap();
    symlink(&other.0, place.folder.0.join("own")).unwrap();
    assert_eq!(place.ask(b"secret"), b"");
    assert!(nobody_came(&victim));
    drop(own);
    shim.stop();
}

#[test]
fn a_planted_folder_is_not_followed_to_readiness_either() {
    let (place, other) = (Place::new(), Folder::new());
    let victim = victim(&other.0);
    fs::remove_dir(place.folder.0.join("own")).unwrap();
    symlink(&other.0, place.folder.0.join("own")).unwrap();
    let mut shim = Shim::start(shell("exec sleep 60", place.changes(Some("/"))));
    until("the refusal", || {
        shim.status()["last_probe"].as_str().filter(|text| text.contains("is not a folder")).map(drop)
    });
    assert!(nobody_came(&victim));
    shim.stop();
}

#[test]
fn an_app_that_accepts_slowly_loses_nobody() {
    let place = Place::new();
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&place.socket()).unwrap()).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    let listener = UnixListener::from(listener);
    let mut shim = Shim::start(shell("exec sleep 60", place.changes(None)));
    shim.reach("ready");
    let mut clients: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(place.listen()).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&[number as u8]).unwrap();
    }
    until("those that are passed on", || shim.status()["connections"].as_u64().filter(|count| *count >= 2));
    let serving = std::thread::spawn(move || {
        let mut served = 0;
        while served < 20 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut byte = [0];
            // The probe says nothing.
            if stream.read(&mut byte).unwrap() == 1 {
                stream.write_all(&byte).unwrap();
                served += 1;
            }
        }
    });
    for (number, client) in clients.iter_mut().enumerate() {
        let mut byte = [99];
        client.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [number as u8]);
    }
    serving.join().unwrap();
    shim.stop();
}
