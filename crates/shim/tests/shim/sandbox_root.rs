//! What only root can give an instance: a network namespace, a user, control groups. Skipped for others.

use crate::harness::{Shim, until};
use crate::sandbox::{UID, app_line, release, root_and_bwrap, sandboxed};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A network namespace of its own, with its loopback up.
pub struct Network(String);

impl Network {
    pub fn new() -> Network {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("bl-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let ip = |words: &[&str]| assert!(Command::new("ip").args(words).status().unwrap().success());
        ip(&["netns", "add", &name]);
        ip(&["-n", &name, "link", "set", "lo", "up"]);
        Network(name)
    }

    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.0)
    }

    /// Talks to a loopback port in there, by a thread that has gone in.
    fn ask(&self, port: u16, text: &'static str) -> String {
        let path = self.path();
        let inside = std::thread::spawn(move || {
            nix::sched::setns(fs::File::open(path).unwrap(), nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        inside.join().unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).output();
    }
}

#[test]
fn two_versions_on_one_port_each_in_its_namespace() {
    if !root_and_bwrap() {
        return;
    }
    let release = release();
    let networks = [Network::new(), Network::new()];
    let mut shims: Vec<Shim> = networks
        .iter()
        .map(|network| {
            let ready = json!({ "kind": "tcp", "port": 8888, "timeout_ms": 10_000 });
            let changes = json!({ "netns": network.path(), "ready": ready });
            Shim::start(sandboxed(&release.0, &app_line("echo", 8888), changes))
        })
        .collect();
    for (network, shim) in networks.iter().zip(&shims) {
        let status = shim.reach("ready");
        let before = shim.status()["accepted"].as_u64().unwrap();
        assert_eq!(network.ask(8888, "hello"), "hello");
        assert_eq!(shim.status()["accepted"], before + 1);
        let pid = status["pid"].as_i64().unwrap();
        let process = fs::metadata(format!("/proc/{pid}")).unwrap();
        assert_eq!((process.uid(), process.gid()), (UID, UID));
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(words.starts_with("./app\0"), "{words:?}");
        assert!(status["memory_bytes"].as_u64().unwrap() > 0);
    }
    for shim in &mut shims {
        shim.stop();
    }
    // Nothing keeps the namespaces alive: they can be taken away at once.
    for network in &networks {
        assert!(Command::new("ip").args(["netns", "delete", &network.0]).status().unwrap().success());
    }
}

#[test]
fn the_port_an_app_listens_on_instead_is_told() {
    if !root_and_bwrap() {
        return;
    }
    let (release, network) = (release(), Network::new());
    let ready = json!({ "kind": "tcp", "port": 8888, "timeout_ms": 50 });
    let changes = json!({ "netns": network.path(), "ready": ready });
    let mut shim = Shim::start(sandboxed(&release.0, &app_line("echo", 3000), changes));
    until("the port", || (shim.status()["listening"] == json!([3000])).then_some(()));
    until("its lateness", || (shim.status()["ready_timeout"] == true).then_some(()));
    shim.stop();
}

/// A place for groups below our own one in the memory controller, on v1 and hybrid machines.
fn memory_base() -> Option<PathBuf> {
    group_base("memory").filter(|path| path.join("memory.limit_in_bytes").exists())
}

/// The same for any controller.
pub fn group_base(controller: &str) -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let line = own
        .lines()
        .find(|line| line.split(':').nth(1).is_some_and(|names| names.split(',').any(|name| name == controller)))?;
    let path = PathBuf::from(format!("/sys/fs/cgroup/{controller}{}", line.splitn(3, ':').nth(2)?));
    path.join("cgroup.procs").exists().then_some(path)
}

#[test]
fn memory_is_limited_counted_and_its_end_told() {
    let Some(base) = memory_base().filter(|_| root_and_bwrap()) else {
        println!("skipped: no memory controller of the first version");
        return;
    };
    let release = release();
    let path = base.join(format!("bloom-test-{}/inner", std::process::id()));
    let groups = json!([{ "path": path, "files": { "memory.limit_in_bytes": "33554432" }, "optional": false }]);
    let mut shim = Shim::start(sandboxed(&release.0, "sleep 61", json!({ "cgroups": groups })));
    until("its memory", || {
        shim.status()["memory_bytes"].as_u64().filter(|bytes| *bytes > 100_000 && *bytes < 33_554_432)
    });
    let pid = until("its pid", || shim.status()["pid"].as_i64());
    let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(own.contains(&format!("bloom-test-{}/inner", std::process::id())), "{own}");
    let shims = fs::read_to_string(format!("/proc/{}/cgroup", shim.process.id())).unwrap();
    assert!(!shims.contains("bloom-test"), "the shim itself stays outside");
    shim.stop();
    assert!(!path.exists() && !path.parent().unwrap().exists());

    let hungry = "head -c 200000000 /dev/zero | tail -c 190000000";
    let mut shim = Shim::start(sandboxed(&release.0, hungry, json!({ "cgroups": groups })));
    let (mut watcher, first) = shim.watcher();
    let status =
        if first["last_exit"].is_null() { watcher.until(|status| !status["last_exit"].is_null()) } else { first };
    assert_eq!((&status["last_exit"]["oom"], &status["last_exit"]["signal"]), (&json!(true), &json!("SIGKILL")));
    assert!(shim.log().contains("out of memory"));
    shim.stop();
    assert!(!path.exists());
}
