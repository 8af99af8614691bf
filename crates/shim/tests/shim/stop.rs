use crate::harness::{Folder, Shim, app, descendants, free_port, is_alive, read_pids, shell, until};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_tree_that_ignores_term_is_killed_after_its_grace() {
    let folder = Folder::new();
    let pids = folder.0.join("pids");
    let line = format!(
        "trap '' TERM; (trap '' TERM; sleep 61 & echo $! >> {0}; wait; sleep 61) & echo $! >> {0}; echo $$ >> {0}; sleep 61; sleep 61",
        pids.display()
    );
    let mut shim = Shim::start(shell(&line, json!({ "stop": { "signal": "TERM", "grace_ms": 300 } })));
    let tree = read_pids(&pids, 3);
    let (mut watcher, _) = shim.watcher();
    let start = Instant::now();
    shim.client().ask(json!({ "verb": "stop", "grace_ms": null }));
    assert_eq!(watcher.last_states(), ["draining", "stopped"]);
    assert!(shim.gone().success());
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(tree.iter().all(|pid| !is_alive(*pid)));
    assert!(shim.log().contains("still there after its grace period"));
    assert!(!shim.path("control.sock").exists());
    assert_eq!(shim.state_file()["state"], "stopped");
    assert_eq!(shim.state_file()["last_exit"]["signal"], "SIGKILL");
}

#[test]
fn everyone_behind_a_shell_has_the_grace() {
    let folder = Folder::new();
    // The shell dies of TERM at once; what it started needs a moment to put things in order.
    let line = format!(
        "(trap 'sleep 0.2; echo tidy > {0}/tidy; exit 0' TERM; echo $$ > {0}/up; while :; do sleep 0.05; done); true",
        folder.0.display()
    );
    let mut shim = Shim::start(shell(&line, json!({})));
    until("the inner process", || folder.0.join("up").exists().then_some(()));
    shim.stop();
    assert!(folder.0.join("tidy").exists());
}

#[test]
fn a_second_stop_may_be_more_impatient() {
    let mut shim = Shim::start(shell("trap '' TERM; echo up; while :; do sleep 1; done", json!({})));
    until("the trap", || shim.log().contains(" out up").then_some(()));
    let mut client = shim.client();
    let start = Instant::now();
    client.ask(json!({ "verb": "stop", "grace_ms": 60_000 }));
    assert_eq!(client.ask(json!({ "verb": "restart" }))["error"]["code"], "stopping");
    client.ask(json!({ "verb": "stop", "grace_ms": 60_000 }));
    assert_eq!(client.ask(json!({ "verb": "status" }))["status"]["state"], "draining");
    client.ask(json!({ "verb": "stop", "grace_ms": 0 }));
    assert!(shim.gone().success());
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn stops_during_a_pause_and_before_it_is_ready() {
    let slow = json!({ "policy": "always", "backoff_initial_ms": 60_000, "backoff_max_ms": 60_000, "reset_after_ms": 60_000, "crash_loop_after": 3 });
    let mut shim = Shim::start(shell("exit 1", json!({ "restart": slow })));
    let (mut watcher, first) = shim.watcher();
    if first["last_exit"].is_null() {
        watcher.until(|status| !status["last_exit"].is_null());
    }
    shim.stop();
    let ready = json!({ "kind": "tcp", "port": free_port(), "timeout_ms": 60_000 });
    let mut shim = Shim::start(shell("exec sleep 60", json!({ "ready": ready })));
    shim.stop();
    assert_eq!(shim.state_file()["restarts"], 0);
}

#[test]
fn term_of_the_shim_itself_is_a_stop() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let pid = shim.status()["pid"].as_i64().unwrap() as i32;
    crate::harness::signal(shim.process.id() as i32, nix::sys::signal::Signal::SIGTERM);
    assert!(shim.gone().success());
    assert!(!is_alive(pid));
}

#[test]
fn drain_waits_for_the_last_connection() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    shim.reach("ready");
    let mut open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    open.write_all(b"x").unwrap();
    until("the connection", || (shim.status()["connections"] == 1).then_some(()));
    let (mut watcher, _) = shim.watcher();
    let mut client = shim.client();
    assert_eq!(client.ask(json!({ "verb": "drain", "limit_ms": 60_000 })), json!({ "id": 1, "ok": true }));
    watcher.until(|status| status["state"] == "draining");
    // It still serves.
    assert_eq!(crate::app::ask_echo(&mut open, b"hello"), b"xhello");
    assert_eq!(client.ask(json!({ "verb": "restart" }))["error"]["code"], "stopping");
    assert_eq!(shim.status()["state"], "draining");
    drop(open);
    assert_eq!(watcher.last_states(), ["draining", "stopped"]);
    assert!(shim.gone().success());
}

#[test]
fn drain_ends_at_its_limit() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    shim.reach("ready");
    let open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    until("the connection", || (shim.status()["connections"] == 1).then_some(()));
    let start = Instant::now();
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 300 }));
    assert!(shim.gone().success());
    assert!(start.elapsed() >= Duration::from_millis(300));
    drop(open);
}

#[test]
fn an_exit_while_draining_is_not_followed_by_a_start() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    let pid = shim.reach("ready")["pid"].as_i64().unwrap() as i32;
    let _open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    until("the connection", || (shim.status()["connections"] == 1).then_some(()));
    shim.client().ask(json!({ "verb": "drain", "limit_ms": 60_000 }));
    crate::harness::kill_hard(pid);
    assert!(shim.gone().success());
    assert_eq!(shim.state_file()["restarts"], 0);
}

#[test]
fn restart_is_no_failure() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    let before = shim.reach("ready")["pid"].clone();
    let (mut watcher, _) = shim.watcher();
    assert_eq!(shim.client().ask(json!({ "verb": "restart" }))["ok"], true);
    let status = watcher.until(|status| status["state"] == "ready");
    assert_eq!((&status["restarts"], &status["consecutive_failures"]), (&json!(1), &json!(0)));
    assert_ne!(status["pid"], before);
    shim.stop();
}

#[test]
fn a_killed_shim_leaves_what_has_no_sandbox_serving() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    let pid = shim.reach("ready")["pid"].as_i64().unwrap() as i32;
    let tree = descendants(shim.process.id() as i32);
    shim.process.kill().unwrap();
    shim.process.wait().unwrap();
    assert!(is_alive(pid) && tree.contains(&pid));
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    crate::harness::kill_hard(pid);
    until("its end", || (!is_alive(pid)).then_some(()));
}
