//! Starts shims, talks to them, and leaves nothing behind.

pub use bloom_test_support::{free_port, is_alive, kill_hard, until};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(20);
pub const SHIM: &str = env!("CARGO_BIN_EXE_bloom-shim");

/// A folder that goes with its owner.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("bloom-shim-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A spec without a sandbox, quick in everything; `changes` replaces keys, and `dir` is filled in at the start.
pub fn spec(command: &[&str], changes: Value) -> Value {
    let mut spec = json!({
        "protocol": 1, "id": "i-test", "sandbox": "none", "command": command,
        "env": { "PATH": "/usr/bin:/bin" }, "user": null, "netns": null, "stage": null,
        "cgroups": [], "rlimits": {}, "nice": 0, "seccomp": false, "dir": null, "ready": { "kind": "none" },
        "restart": {
            "policy": "always", "backoff_initial_ms": 20, "backoff_max_ms": 100,
            "reset_after_ms": 5000, "crash_loop_after": 3
        },
        "stop": { "signal": "TERM", "grace_ms": 5000 },
        "log": { "max_bytes": 10_000_000, "files": 3 }, "forward": null
    });
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// A shell line as a spec.
pub fn shell(line: &str, changes: Value) -> Value {
    spec(&["/bin/sh", "-c", line], changes)
}

/// One of our own apps as a spec, ready by TCP.
pub fn app(name: &str, port: u16, changes: Value) -> Value {
    let command = crate::app::command();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut spec = spec(&words, json!({ "ready": { "kind": "tcp", "port": port, "timeout_ms": 10_000 } }));
    spec["env"] = json!({ "BLOOM_TEST_APP": name, "PORT": port.to_string(), "PATH": "/usr/bin:/bin" });
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// A running shim.
pub struct Shim {
    pub process: Child,
    pub folder: Folder,
}

impl Shim {
    /// Starts one and waits until it stands.
    pub fn start(spec: Value) -> Shim {
        let (shim, hello) = Shim::try_start(spec);
        assert_eq!(hello["ok"], true, "{hello}");
        assert_eq!(hello["pid"], shim.process.id());
        shim
    }

    /// Starts one and returns its first words.
    pub fn try_start(mut spec: Value) -> (Shim, Value) {
        let folder = Folder::new();
        spec["dir"] = json!(folder.0);
        let mut process = Command::new(SHIM).arg("run").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(spec.to_string().as_bytes()).unwrap();
        let mut words = String::new();
        // To the end: the shim lets go of its parent's pipes.
        process.stdout.take().unwrap().read_to_string(&mut words).unwrap();
        let hello = serde_json::from_str(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        (Shim { process, folder }, hello)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    pub fn client(&self) -> Client {
        Client::new(UnixStream::connect(self.path("control.sock")).unwrap())
    }

    /// A client that has asked to be told everything, and the status it was told first.
    pub fn watcher(&self) -> (Client, Value) {
        let mut client = self.client();
        let status = client.ask(json!({ "verb": "watch" }))["status"].clone();
        (client, status)
    }

    /// Waits for a state.
    pub fn reach(&self, state: &str) -> Value {
        let (mut client, first) = self.watcher();
        if first["state"] == state { first } else { client.until(|status| status["state"] == state) }
    }

    pub fn status(&self) -> Value {
        self.client().ask(json!({ "verb": "status" }))["status"].clone()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log/app.log")).unwrap_or_default()
    }

    pub fn state_file(&self) -> Value {
        // It is written a moment after what it tells of.
        let text = until("the state file", || fs::read_to_string(self.path("state.json")).ok());
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the shim itself has ended.
    pub fn gone(&mut self) -> std::process::ExitStatus {
        until("the end of the shim", || self.process.try_wait().unwrap())
    }

    /// Stops it through its socket and checks that it ended well.
    pub fn stop(&mut self) {
        self.client().ask(json!({ "verb": "stop", "grace_ms": null }));
        assert!(self.gone().success());
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            let tree = descendants(self.process.id() as i32);
            let _ = self.process.kill();
            let _ = self.process.wait();
            for pid in tree {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        if std::thread::panicking() {
            eprintln!("log of the shim:\n{}", self.log());
        }
    }
}

/// A connection to `control.sock`.
pub struct Client {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    next: i64,
}

impl Client {
    fn new(stream: UnixStream) -> Client {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Client { stream, reader, next: 1 }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Says that nothing more will come.
    pub fn end(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line came: {error}"),
        }
    }

    /// Sends a request and returns its answer; events on the way are skipped.
    pub fn ask(&mut self, mut request: Value) -> Value {
        let id = self.next;
        self.next += 1;
        request["id"] = json!(id);
        self.send_raw(format!("{request}\n").as_bytes());
        loop {
            let line = self.line().expect("an answer");
            if line["id"] == id {
                return line;
            }
        }
    }

    /// The first event whose status is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.line().expect("an event");
            if line["event"] == "state" && wanted(&line["status"]) {
                return line["status"].clone();
            }
        }
    }

    /// All states that are still told, to the end.
    pub fn last_states(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.line());
        lines.filter_map(|line| Some(line["status"]["state"].as_str()?.to_owned())).collect()
    }
}

pub fn descendants(pid: i32) -> Vec<i32> {
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// Pids that an app has written to a file, one a line.
pub fn read_pids(path: &Path, count: usize) -> Vec<i32> {
    until("the pids", || {
        let text = fs::read_to_string(path).unwrap_or_default();
        let pids: Vec<i32> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        (pids.len() >= count && text.ends_with('\n')).then_some(pids)
    })
}

pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Starts a shim that is expected to refuse, in a folder that is somebody else's.
pub fn start_in(folder: &Path, mut spec: Value) -> Value {
    spec["dir"] = json!(folder);
    let mut process = Command::new(SHIM).arg("run").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(spec.to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}
