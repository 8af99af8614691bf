//! The real `uwsgitop` reads what is told at a `stats` socket. Slow: `pip` fetches it the first time.

use crate::harness::{Host, until};
use bloom_prefork::board::{CoreState, WorkerState};
use bloom_prefork::settings::{Address, StatsSettings};
use bloom_prefork::stats::{AppView, CoreView, View, WorkerView, respond};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

const PACKAGE: &str = "uwsgitop==0.12";
/// Far beyond what a loaded machine needs; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Runs the rest of its arguments at a terminal of their own.
const AT_A_TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

fn worker(id: u32) -> WorkerView {
    let core = |index| CoreView {
        id: index,
        state: if index == 0 { CoreState::Asked } else { CoreState::Idle },
        requests: 70 + index as u64,
        static_requests: 0,
        offloaded_requests: 0,
        write_errors: 0,
        read_errors: 0,
        vars: vec!["REQUEST_METHOD=GET".to_owned()],
        request_start: 1_700_000_000,
    };
    WorkerView {
        id,
        pid: 770_000 + id as i32,
        state: WorkerState::Accepting,
        requests: 141,
        delta_requests: 141,
        exceptions: 0,
        harakiri_count: 0,
        signals: 0,
        rss: 5 << 20,
        vsz: 50 << 20,
        running_time: 1_000_000,
        last_spawn: 1_700_000_000,
        respawn_count: 1,
        tx: 9 << 20,
        avg_rt: 2000,
        connections: 3,
        apps: vec![AppView { mountpoint: String::new(), startup_ms: 5, requests: 141, exceptions: 0 }],
        cores: (0..2).map(core).collect(),
    }
}

/// Where `uwsgitop` is; None, with a word about it, where there is no Python or no pip.
fn uwsgitop() -> Option<PathBuf> {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).stdout(Stdio::null()).status();
    if !python(&["-c", "import curses, pty"]).is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 with curses");
        return None;
    }
    if !python(&["-m", "pip", "--version"]).is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no pip");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("uwsgitop");
    let script = folder.join("bin/uwsgitop");
    if !script.exists() {
        let target = folder.display().to_string();
        let status = python(&["-m", "pip", "install", "-q", "--no-deps", "--upgrade", "--target", &target, PACKAGE]);
        assert!(status.unwrap().success(), "pip cannot install {PACKAGE}");
    }
    Some(script)
}

/// `uwsgitop` at a terminal.
struct Screen {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
}

impl Screen {
    fn of(script: &Path, socket: &Path) -> Screen {
        let mut child = Command::new("python3")
            .args(["-c", AT_A_TERMINAL, "python3"])
            .args([script, socket])
            .envs([("TERM", "xterm"), ("COLUMNS", "200"), ("LINES", "50")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = screen.read(&mut buffer) {
                if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Screen { child, keys, output }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    /// Reads on until there is a text, and returns what came.
    fn read_until(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let seen_text = String::from_utf8_lossy(&seen).into_owned();
            if seen_text.contains(text) {
                return seen_text;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => seen.extend(more),
                Err(error) => panic!("`{text}` did not come ({error}), but: {seen_text}"),
            }
        }
    }

    fn ends_with(mut self, key: &str) {
        self.press(key);
        let mut rest = Vec::new();
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => rest.extend(more),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("it does not end, but shows: {}", String::from_utf8_lossy(&rest));
                }
            }
        }
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn every_number_has_its_place() {
    let Some(script) = uwsgitop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("stats");
    let listener = UnixListener::bind(&socket).unwrap();
    let settings = StatsSettings {
        name: String::new(),
        address: Address::Unix(socket.clone()),
        http: false,
        without_cores: false,
    };
    let view = View { pid: 42, cwd: "/srv".to_owned(), workers: vec![worker(1), worker(2)], ..View::default() };
    std::thread::spawn(move || {
        // Ends with the test's process.
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(&respond(&view, &settings, b""));
        }
    });
    let mut screen = Screen::of(&script, &socket);
    let frame = screen.read_until("770002");
    assert!(frame.contains("uwsgi-2.0.21-bloom-prefork-"), "{frame}");
    assert!(frame.contains("770001") && frame.contains("busy") && frame.contains("9.0M"), "{frame}");
    // Threads merged with their workers, threads below their workers, and the end.
    screen.press("a");
    screen.read_until("2:1");
    screen.press("a");
    screen.read_until("WID");
    screen.ends_with("q");
}

#[test]
fn a_real_host_is_shown() {
    let Some(script) = uwsgitop() else { return };
    let host = Host::serving(&format!("{}processes = 2\nthreads = 2\nstats = @/stats\n", crate::harness::classic()));
    let workers = until("two workers", || Some(host.workers()).filter(|workers| workers.len() == 2));
    let shows = |pid: i32| {
        // Anew each time: a terminal is only told what has changed.
        let screen = Screen::of(&script, &host.path("stats"));
        let frame = screen.read_until(&pid.to_string());
        assert!(frame.contains("uwsgi-2.0.21-bloom-prefork-"), "{frame}");
        screen.ends_with("q");
    };
    workers.iter().copied().for_each(shows);
    crate::harness::kill_hard(workers[1]);
    shows(until("a replacement", || host.workers().into_iter().find(|pid| !workers.contains(pid))));
}
