use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Set to a file, makes this program the host.
pub const VARIABLE: &str = "BLOOM_TEST_HOST";

pub use bloom_test_support::{children, free_port, is_alive, kill_hard, until};

/// A host of a test; ends with it.
pub struct Host {
    pub folder: TempDir,
    pub port: u16,
    child: Child,
}

/// An answer: pid of the worker, its number, its user, and the words it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub pid: i32,
    pub id: u32,
    pub uid: u32,
    pub words: String,
}

impl Host {
    /// Started, with lines of settings in which `@` stands for its folder.
    pub fn begin(lines: &str) -> Host {
        Host::begin_at(free_port(), lines, Vec::new())
    }

    /// Started and serving.
    pub fn serving(lines: &str) -> Host {
        let host = Host::begin(lines);
        host.answers();
        host
    }

    pub fn begin_at(port: u16, lines: &str, more: Vec<(&str, String)>) -> Host {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        std::fs::write(&path, text(&folder, port, lines)).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .env(VARIABLE, &path)
            .envs(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Host { folder, port, child }
    }

    /// Other settings, for the next reload.
    pub fn rewrite(&self, lines: &str) {
        // At once: the host may be reading it.
        std::fs::write(self.path("new"), text(&self.folder, self.port, lines)).unwrap();
        std::fs::rename(self.path("new"), self.path("settings")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    pub fn logs(&self, words: &str) {
        until(&format!("`{words}` in the log"), || self.log().contains(words).then_some(()));
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Asks a worker; None: it was refused, or nothing came.
    pub fn ask(&self, path: &str) -> Option<Answer> {
        let mut client = self.send(path)?;
        let mut said = String::new();
        client.read_to_string(&mut said).ok()?;
        let mut words = said.split("\r\n\r\n").nth(1)?.splitn(4, ' ');
        Some(Answer {
            pid: words.next()?.parse().ok()?,
            id: words.next()?.parse().ok()?,
            uid: words.next()?.parse().ok()?,
            words: words.next()?.into(),
        })
    }

    /// Sends a request.
    pub fn send(&self, path: &str) -> Option<TcpStream> {
        let mut client = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        client.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).ok()?;
        Some(client)
    }

    /// Sends a request that lasts, and waits until a worker has it.
    pub fn occupy(&self, path: &str) -> TcpStream {
        let mut client = self.send(path).unwrap();
        client.read_exact(&mut [0; 17]).unwrap();
        client
    }

    pub fn answers(&self) -> Answer {
        until("an answer", || self.ask("/"))
    }

    /// Workers that live, by their parent: the app process.
    pub fn workers(&self) -> Vec<i32> {
        children(self.pid()).into_iter().flat_map(children).collect()
    }

    pub fn command(&self, letters: &str) {
        std::fs::write(self.path("fifo"), letters).unwrap();
    }

    /// Waits for its end.
    pub fn ends(&mut self) -> Option<i32> {
        let status = until("the end of the host", || self.child.try_wait().unwrap());
        status.code()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let all: Vec<i32> = children(self.pid()).into_iter().chain(self.workers()).collect();
            for pid in [self.pid()].into_iter().chain(all) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the host\n{}", self.log());
        }
    }
}

fn text(folder: &TempDir, port: u16, lines: &str) -> String {
    let lines: Vec<&str> = lines.split(';').map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("port {port}\n{}\n", lines.join("\n").replace('@', folder.path().to_str().unwrap())).replace("\n\n", "\n")
}

/// A pipe: what is written to the second is read from the first.
pub fn pipe() -> (File, OwnedFd) {
    let (read, write) = nix::unistd::pipe().unwrap();
    (File::from(read), write)
}
