//! `bloom-prefork` with an ini, in a folder of its own.

use crate::client::{Client, Response};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub use bloom_test_support::{PATIENCE, children, free_port, is_alive, kill_hard, until};

/// In the environment of a host and of all it starts: its folder, by which they are found again.
const MARK: &str = "BLOOM_TEST_FOLDER";

/// A host of a test; ends with it, and with it all it has started.
pub struct Host {
    folder: TempDir,
    pub port: u16,
    child: Child,
}

/// Lines that name the app of the classic kind.
pub fn classic() -> String {
    format!("dlopen = {}\nrust-fn = application\n", crate::apps::classic().display())
}

/// Lines that name the app of the safe kind.
pub fn safe() -> String {
    format!("dlopen = {}\n", crate::apps::safe().display())
}

impl Host {
    /// Started with lines of an ini, in which `@` stands for its folder, and a port of its own.
    pub fn begin(lines: &str) -> Host {
        let port = free_port();
        Host::begin_as(port, &format!("http-socket = 127.0.0.1:{port}\n{lines}"), |command| command)
    }

    /// Started and serving.
    pub fn serving(lines: &str) -> Host {
        let host = Host::begin(lines);
        host.serves();
        host
    }

    /// Started with these lines alone, in a way of one's own.
    pub fn begin_as(port: u16, lines: &str, change: impl FnOnce(&mut Command) -> &mut Command) -> Host {
        let folder = tempfile::tempdir().unwrap();
        write_ini(folder.path(), lines);
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bloom-prefork"));
        command
            .arg("app.ini")
            .current_dir(folder.path())
            .env(MARK, folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = change(&mut command).spawn().unwrap();
        Host { folder, port, child }
    }

    /// Other lines, for the next reload.
    pub fn rewrite(&self, lines: &str) {
        write_ini(self.folder.path(), &format!("http-socket = 127.0.0.1:{}\n{lines}", self.port));
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

    /// Waits until there are so many lines with these words.
    pub fn logs_times(&self, count: usize, words: &str) {
        until(&format!("{count} times `{words}` in the log"), || {
            (self.log().matches(words).count() >= count).then_some(())
        });
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    pub fn get(&self, path: &str) -> Response {
        self.client().get(path)
    }

    /// Waits until it serves.
    pub fn serves(&self) {
        until("a port", || std::net::TcpStream::connect(self.address()).ok());
        assert_eq!(self.get("/").text(), "Hello");
    }

    /// Workers that live, by their parent: the app process of each generation.
    pub fn workers(&self) -> Vec<i32> {
        children(self.pid()).into_iter().flat_map(children).collect()
    }

    pub fn command(&self, letters: &str) {
        std::fs::write(self.path("fifo"), letters).unwrap();
    }

    /// What lives of all that this host has started, itself too.
    pub fn everybody(&self) -> Vec<i32> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let is_ours = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            is_alive(*pid) && environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap();
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }

    /// Waits for its end, after which nothing of it may be left.
    pub fn ends(&mut self) -> Option<i32> {
        let status = until("the end of the host", || self.child.try_wait().unwrap());
        until("the end of all it started", || self.everybody().is_empty().then_some(()));
        status.code()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // New ones may be started until the last of them is gone.
        loop {
            let all = self.everybody();
            if all.is_empty() {
                break;
            }
            for pid in all {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.child.try_wait();
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the host\n{}", self.log());
        }
    }
}

/// At once: the host may be reading it.
fn write_ini(folder: &Path, lines: &str) {
    let text = format!("[uwsgi]\n{}", lines.replace('@', folder.to_str().unwrap()));
    std::fs::write(folder.join("new"), text).unwrap();
    std::fs::rename(folder.join("new"), folder.join("app.ini")).unwrap();
}
