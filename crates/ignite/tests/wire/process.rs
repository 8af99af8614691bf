//! Starts the function as the platform does, and speaks HTTP to it byte by byte.

use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ignite::Value;

pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Function {
    pub child: Child,
    pub folder: PathBuf,
    pub socket: PathBuf,
    records: BufReader<PipeReader>,
    /// What was told of waiting requests, up to the last record that was read.
    pub pressures: Vec<Value>,
}

/// A process that has said that it is ready.
pub fn start(variables: &[(&str, &str)]) -> Function {
    let (mut function, mut ready) = launch(variables);
    let mut said = String::new();
    ready.read_to_string(&mut said).unwrap();
    if said != "ready\n" {
        panic!("not ready but {said:?}: {}", function.stderr());
    }
    function
}

/// A process, and where it will say that it is ready.
pub fn launch(variables: &[(&str, &str)]) -> (Function, PipeReader) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("ignite-wire-{}-{number}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let socket = folder.join("app.sock");
    let (ready, says_ready) = std::io::pipe().unwrap();
    let (records, writes_records) = std::io::pipe().unwrap();
    let given = UnixListener::bind(folder.join("given.sock")).unwrap();
    // The shell puts the pipes and the bound socket under the numbers the platform uses.
    let child = Command::new("sh")
        .args(["-c", r#"exec "$0" "$@" 3>&0 4>&1 5>&2 0</dev/null 1>"$WIRE_STDOUT" 2>"$WIRE_STDERR""#])
        .arg(std::env::current_exe().unwrap())
        .args(["serve_when_asked", "--exact", "--nocapture", "--quiet"])
        .envs([("WIRE_SERVES", "1"), ("IGNITE_READY_FD", "3"), ("IGNITE_RECORD_FD", "4")])
        .envs([("IGNITE_FUNCTION_ID", "acme/shop")])
        .env("IGNITE_SOCKET", &socket)
        .env("IGNITE_TEMP_DIR", &folder)
        .env("WIRE_STDOUT", folder.join("stdout"))
        .env("WIRE_STDERR", folder.join("stderr"))
        .envs(variables.iter().copied())
        .stdin(Stdio::from(says_ready))
        .stdout(Stdio::from(writes_records))
        .stderr(Stdio::from(OwnedFd::from(given)))
        .spawn()
        .unwrap();
    (Function { child, folder, socket, records: BufReader::new(records), pressures: Vec::new() }, ready)
}

impl Function {
    pub fn connect(&self) -> Caller {
        self.connect_to(&self.socket)
    }

    pub fn connect_to(&self, socket: &Path) -> Caller {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Caller(BufReader::new(stream))
    }

    /// One request on a connection of its own.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.connect().post(path, body)
    }

    /// The next record.
    pub fn record(&mut self) -> Value {
        loop {
            let line = self.line();
            if line.get("pressure").is_none() {
                return line;
            }
            self.pressures.push(line);
        }
    }

    /// The next record or pressure line.
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.records.read_line(&mut line).unwrap();
        serde_json_from(&line)
    }

    pub fn term(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "still running: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn stderr(&mut self) -> String {
        std::fs::read_to_string(self.folder.join("stderr")).unwrap()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits for a file that something leaves behind.
pub fn appears(path: &Path) {
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "{} never appeared", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection that is kept.
pub struct Caller(pub BufReader<UnixStream>);

impl Caller {
    pub fn send(&mut self, text: &str) -> &mut Self {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self
    }

    pub fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(&format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())).answer()
    }

    pub fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).unwrap();
            assert!(read > 0, "the connection ended after {head:?}");
        }
        let mut answer = Answer { head, body: String::new(), complete: true };
        let length = answer.header("content-length").map(|length| length.parse::<usize>().unwrap());
        match length {
            Some(length) => {
                let mut body = vec![0; length];
                self.0.read_exact(&mut body).unwrap();
                answer.body = String::from_utf8(body).unwrap();
            }
            None if answer.header("transfer-encoding") == Some("chunked") => self.chunks(&mut answer),
            None => {}
        }
        answer
    }

    fn chunks(&mut self, answer: &mut Answer) {
        loop {
            let mut size = String::new();
            self.0.read_line(&mut size).unwrap();
            let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
                answer.complete = false;
                return;
            };
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).unwrap();
            if size == 0 {
                return;
            }
            answer.body.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
    }

    /// All that still comes until the other side closes or breaks off.
    pub fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }

    /// Whether the other side has closed.
    pub fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0]).is_ok_and(|read| read == 0)
    }
}

#[derive(Debug)]
pub struct Answer {
    head: String,
    pub body: String,
    /// Whether the end of the body was seen.
    pub complete: bool,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json_from(&self.body)
    }
}

fn serde_json_from(text: &str) -> Value {
    ignite::serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON: {text:?}: {error}"))
}
