//! Further commands in a sandbox that runs already. Skipped where bubblewrap does not work.

use crate::harness::{Folder, LIMIT, SHIM, Shim, is_alive, kill_hard, until};
use crate::sandbox::{UID, bwrap_works, is_root, release, sandboxed};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A sandbox in which something runs, and what it is made of.
pub fn house(changes: Value) -> Option<(Shim, Folder)> {
    if !bwrap_works() {
        return None;
    }
    let release = release();
    let shim = Shim::start(sandboxed(&release.0, "echo of-the-app > /tmp/note; exec sleep 61", changes));
    until("the app", || runs_already(&shim).then_some(()));
    Some((shim, release))
}

/// The process that is told as the app's is a shell at first.
fn runs_already(shim: &Shim) -> bool {
    let pid = shim.status()["pid"].as_i64().unwrap_or(0);
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
}

pub fn order(shim: &Shim, line: &str, changes: Value) -> Value {
    let mut order = json!({
        "protocol": 1, "id": "i-test", "pid": shim.status()["sandbox_pid"], "command": ["sh", "-c", line],
        "env": { "PATH": "/usr/bin:/bin", "WORD": "hello" }, "cwd": "/app",
        "user": if is_root() { json!({ "uid": UID, "gid": UID }) } else { json!(null) },
        "cgroups": [], "rlimits": { "core": 0 }, "seccomp": true, "tty": null
    });
    for (key, value) in changes.as_object().unwrap() {
        order[key] = value.clone();
    }
    order
}

/// A running `bloom-shim enter`.
pub struct Guest {
    pub process: Child,
    pub stdin: Option<ChildStdin>,
    /// Descriptor 3.
    pub control: Option<File>,
    chunks: Receiver<Vec<u8>>,
    pub seen: String,
    _folder: Folder,
}

impl Guest {
    pub fn start(order: &Value) -> Guest {
        let folder = Folder::new();
        let fifo = folder.0.join("control");
        mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        let mut process = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" enter 3< "$1""#, SHIM, fifo.to_str().unwrap()])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut control = File::options().write(true).open(&fifo).unwrap();
        control.write_all(format!("{order}\n").as_bytes()).unwrap();
        let (sender, chunks) = channel();
        let (out, err) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for mut stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    let _ = sender.send(buffer[..count].to_vec());
                }
            });
        }
        let stdin = process.stdin.take();
        Guest { process, stdin, control: Some(control), chunks, seen: String::new(), _folder: folder }
    }

    pub fn tell(&mut self, message: Value) {
        self.control.as_mut().unwrap().write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    pub fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Reads on until the output holds a word.
    pub fn until_said(&mut self, word: &str) {
        while !self.seen.contains(word) {
            let chunk = self.chunks.recv_timeout(LIMIT);
            let chunk = chunk.unwrap_or_else(|_| panic!("{word:?} was not said, only {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Waits for the end: the exit code and everything that was said.
    pub fn end(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let status: ExitStatus = until("the end of the command", || self.process.try_wait().unwrap());
        while let Ok(chunk) = self.chunks.recv_timeout(LIMIT) {
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        (status.code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn run(order: &Value) -> (Option<i32>, String) {
    Guest::start(order).end()
}

#[test]
fn a_command_runs_where_the_app_does() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let line = "cat /tmp/note; pwd; echo $WORD; hostname; cat; ls /proc | grep -c '^[0-9]'; id -u; exit 7";
    let mut guest = Guest::start(&order(&shim, line, json!({})));
    guest.write("typed\n");
    let (code, text) = guest.end();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words[..5], ["of-the-app", "/app", "hello", "app", "typed"], "{text}");
    // Bubblewrap's init, the app, this shell and the three of its pipe, at most.
    assert!(words[5].parse::<u32>().unwrap() <= 6, "{text}");
    let uid = if is_root() { UID } else { nix::unistd::getuid().as_raw() };
    assert_eq!((words[6], code), (uid.to_string().as_str(), Some(7)));
    // What it writes is there for the app, and only the given environment is there.
    assert_eq!(
        run(&order(&shim, "env | sort | grep -v -e ^PWD= -e ^_=", json!({}))).1,
        "PATH=/usr/bin:/bin\nWORD=hello\n"
    );
    shim.stop();
}

#[test]
fn a_command_has_no_more_rights_than_the_app() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let (_, text) = run(&order(&shim, "cat /proc/self/status; ls /proc/self/fd", json!({})));
    for line in [
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    if is_root() {
        let groups = text.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        assert_eq!(groups.trim(), "");
    }
    // Its three streams, and the listing's own.
    assert!(text.ends_with("\n0\n1\n2\n3\n"), "{text}");
    let tries = "cat /etc/shadow; ls /root /home; mount -t tmpfs none /tmp; unshare -U true; \
                 nsenter -t 1 -m true; chroot / true; touch /app/x; kill -0 $PPID; echo parent $PPID";
    let (_, text) = run(&order(&shim, tries, json!({})));
    // What it says and its errors come by two pipes, in any order.
    assert!(text.contains("parent 0\n"), "its parent can be seen: {text}");
    assert!(text.lines().count() >= 9, "something was allowed: {text}");
    // The processes of the sandbox are the same for both, and so is every namespace.
    let names = "for one in mnt pid ipc uts net user; do readlink /proc/self/ns/$one; done";
    let (_, inside) = run(&order(&shim, names, json!({})));
    let pid = shim.status()["pid"].as_i64().unwrap();
    let apps: Vec<String> = ["mnt", "pid", "ipc", "uts", "net", "user"]
        .iter()
        .map(|name| fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(inside.lines().collect::<Vec<_>>(), apps);
    shim.stop();
}

#[test]
fn signals_reach_the_whole_group_and_are_told_as_codes() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut guest = Guest::start(&order(
        &shim,
        "trap 'echo parent' USR1; \
         sh -c 'trap \"echo child\" USR1; echo up; while :; do sleep 0.02; done' & wait; wait; wait; wait",
        json!({}),
    ));
    guest.until_said("up\n");
    guest.tell(json!({ "signal": "USR1" }));
    guest.until_said("parent\n");
    guest.until_said("child\n");
    guest.tell(json!({ "signal": "NOSUCH" }));
    guest.tell(json!({ "nonsense": 1 }));
    guest.tell(json!({ "signal": "KILL" }));
    assert_eq!(guest.end().0, Some(137));
    let guest = Guest::start(&order(&shim, "kill -TERM $$", json!({})));
    assert_eq!(guest.end().0, Some(143));
    shim.stop();
}

#[test]
fn a_command_ends_when_its_caller_lets_go() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let polite = "trap 'echo tidy; exit 3' TERM; echo up; while :; do sleep 0.02; done";
    let mut guest = Guest::start(&order(&shim, polite, json!({})));
    guest.until_said("up\n");
    drop(guest.control.take());
    guest.until_said("tidy\n");
    assert_eq!(guest.end().0, Some(3));
    // One that does not listen is killed after a while.
    let mut guest = Guest::start(&order(&shim, "trap '' TERM; echo up; while :; do sleep 0.02; done", json!({})));
    guest.until_said("up\n");
    drop(guest.control.take());
    assert_eq!(guest.end().0, Some(137));
    // A caller that is gone before the command begins is no reason to begin.
    let mut guest = Guest::start(&order(&shim, "sleep 30", json!({})));
    drop(guest.control.take());
    assert!(guest.end().0.unwrap() > 128);
    shim.stop();
}

#[test]
fn a_command_dies_with_its_shim_and_with_its_sandbox() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let inside = |shim: &Shim| {
        let mut guest = Guest::start(&order(shim, "echo up; exec sleep 62", json!({})));
        guest.until_said("up\n");
        let tree = crate::harness::descendants(guest.process.id() as i32);
        assert_eq!(tree.len(), 2, "one that waits, and the command");
        (guest, tree)
    };
    let (mut guest, tree) = inside(&shim);
    kill_hard(guest.process.id() as i32);
    guest.process.wait().unwrap();
    until("the command's end", || tree.iter().all(|pid| !is_alive(*pid)).then_some(()));
    let (guest, tree) = inside(&shim);
    shim.stop();
    assert_eq!(guest.end().0, Some(137));
    assert!(tree.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn what_cannot_be_entered_is_told_in_one_line() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let cases = [
        (json!({ "pid": std::process::id() }), "is not in a sandbox"),
        (json!({ "pid": ended.id() }), "find process"),
        (json!({ "pid": 0 }), "find process"),
        (json!({ "pid": -1 }), "find process"),
        (json!({ "protocol": 2 }), "it speaks protocol 2"),
        (json!({ "colour": "red" }), "understand the spec: unknown field"),
        (json!({ "cwd": "/no/such" }), "go to /no/such: "),
        (json!({ "command": ["no-such-program"] }), "run no-such-program: "),
        (json!({ "command": ["/app"] }), "run /app: "),
        (json!({ "command": [] }), "command: it is empty"),
        (json!({ "command": ["/bin/true", "x\u{0}y"] }), "NUL"),
    ];
    for (changes, words) in cases {
        let (code, text) = run(&order(&shim, "true", changes));
        assert!(text.starts_with("bloom-shim: ") && text.contains(words) && text.lines().count() == 1, "{text}");
        assert_eq!(code, Some(125));
    }
    let none = Command::new(SHIM).arg("enter").stdin(Stdio::null()).output().unwrap();
    assert_eq!(none.status.code(), Some(125));
    shim.stop();
}

#[test]
fn the_shims_own_program_is_out_of_reach() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    // The way by which containers have overwritten what came in: its own program, executed once more.
    let order = order(&shim, "", json!({ "command": ["/proc/self/exe", "--version"] }));
    let (_, text) = run(&order);
    let before = fs::read(SHIM).unwrap();
    let line =
        "cat < /proc/self/exe > /dev/null; for one in /proc/[0-9]*; do (: >> $one/exe) 2>/dev/null && echo open; done";
    let (_, open) = run(&crate::enter::order(&shim, line, json!({})));
    assert!(!open.contains("open"), "{text} {open}");
    assert_eq!(fs::read(SHIM).unwrap(), before);
    shim.stop();
}
