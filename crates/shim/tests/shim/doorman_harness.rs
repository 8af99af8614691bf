//! Starts a doorman and is its daemon.

use crate::harness::{Folder, LIMIT, SHIM, until};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running doorman.
pub struct Doorman {
    pub process: Child,
    pub folder: Folder,
}

impl Doorman {
    pub fn start() -> Doorman {
        Doorman::start_as(&[])
    }

    pub fn start_as(words: &[&str]) -> Doorman {
        let folder = Folder::new();
        let (process, hello) = begin(&folder, words);
        let doorman = Doorman { process, folder };
        assert_eq!(hello["ok"], true, "{hello}");
        assert_eq!(hello["pid"], doorman.process.id());
        doorman
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// A door with room and time, but for the `changes`.
    pub fn door(&self, id: &str, changes: Value) -> Value {
        let mut door =
            json!({ "id": id, "path": self.path(&format!("{id}.sock")), "wait_ms": 30_000, "limit": 10_000 });
        for (key, value) in changes.as_object().unwrap() {
            door[key] = value.clone();
        }
        door
    }

    /// Somebody knocks.
    pub fn visit(&self, id: &str) -> UnixStream {
        let client = UnixStream::connect(self.path(&format!("{id}.sock"))).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.set_write_timeout(Some(LIMIT)).unwrap();
        client
    }

    /// A daemon that has been greeted.
    pub fn daemon(&self) -> Daemon {
        let stream = UnixStream::connect(self.path("doorman.sock")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        let mut daemon = Daemon { stream, reader, hello: Value::Null };
        daemon.hello = daemon.expect("hello");
        assert_eq!(daemon.hello["pid"], self.process.id());
        daemon
    }

    /// A daemon that has opened one door, `a`.
    pub fn with_door(&self) -> Daemon {
        let mut daemon = self.daemon();
        daemon.keep(&[self.door("a", json!({}))]);
        daemon
    }

    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time it has used, in ticks of 10 ms.
    pub fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
        fields.map(|word| word.parse::<u64>().unwrap()).sum()
    }

    /// Waits until it has ended by itself, and well.
    pub fn gone(&mut self) {
        assert!(until("the end of the doorman", || self.process.try_wait().unwrap()).success());
    }
}

impl Drop for Doorman {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts one in a folder, and returns its first words.
pub fn begin(folder: &Folder, words: &[&str]) -> (Child, Value) {
    let socket = folder.0.join("doorman.sock");
    let mut command = Command::new(SHIM);
    command.arg("doorman").arg(socket).args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut text = String::new();
    // To the end: it lets go of its parent's pipes.
    process.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let hello = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    (process, hello)
}

/// The daemon's side of the line.
pub struct Daemon {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    pub hello: Value,
}

impl Daemon {
    pub fn send(&mut self, order: Value) {
        self.send_raw(format!("{order}\n").as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let count = self.reader.read_line(&mut line).expect("a line");
        (count > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// The next line, which is of this kind.
    pub fn expect(&mut self, kind: &str) -> Value {
        let line = self.line().unwrap_or_else(|| panic!("the end instead of {kind}"));
        line.get(kind).unwrap_or_else(|| panic!("{line} instead of {kind}")).clone()
    }

    /// Orders these doors and returns those that failed.
    pub fn try_keep(&mut self, doors: &[Value]) -> Value {
        self.send(json!({ "keep": { "doors": doors } }));
        self.expect("kept")["failed"].clone()
    }

    pub fn keep(&mut self, doors: &[Value]) {
        assert_eq!(self.try_keep(doors), json!([]));
    }

    /// Somebody waits at the door `a`.
    pub fn knocked(&mut self) {
        assert_eq!(self.expect("knock"), json!({ "door": "a" }));
    }

    /// Leads those at the door `a` to a port.
    pub fn lead(&mut self, port: u16) {
        self.send(json!({ "lead": { "door": "a", "to": { "address": "127.0.0.1", "port": port } } }));
    }

    /// What came by the door `a`.
    pub fn list(&mut self) -> Value {
        self.send(json!({ "list": {} }));
        let doors = self.expect("listed")["doors"].clone();
        doors.as_array().unwrap().iter().find(|door| door["door"] == "a").cloned().unwrap_or_default()
    }

    /// Waits until so many connections that came by the door `a` are carried.
    pub fn until_carried(&mut self, count: usize) -> Value {
        until("the connections", || {
            let door = self.list();
            let carried = door["connections"].as_array().map_or(0, Vec::len);
            (carried == count).then_some(door)
        })
    }
}

/// A server on a port of its own.
pub fn listen() -> (TcpListener, u16) {
    let port = crate::harness::free_port();
    (TcpListener::bind(("127.0.0.1", port)).unwrap(), port)
}

/// The app's end of the next connection.
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let (app, _) = until("a connection", || listener.accept().ok());
    app.set_nonblocking(false).unwrap();
    app.set_read_timeout(Some(LIMIT)).unwrap();
    app.set_write_timeout(Some(LIMIT)).unwrap();
    app
}
