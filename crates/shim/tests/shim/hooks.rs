//! Commands around the start, in the sandbox. Skipped where bubblewrap does not work.

use crate::harness::{Shim, app, descendants, free_port, is_alive, until};
use crate::sandbox::{UID, app_line, bwrap_works, is_root, release, sandboxed};
use serde_json::{Value, json};

fn shell(line: &str) -> Value {
    json!(["/bin/sh", "-c", line])
}

/// The lines of the log without their times, and without the shim's own.
fn said(shim: &Shim) -> Vec<String> {
    let lines = shim.log();
    let lines = lines.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(_, line)| line.to_owned()).filter(|line| !line.starts_with("shim ")).collect()
}

#[test]
fn the_command_waits_for_pre_start_and_readiness_for_post_start() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let changes = json!({
        "pre_start": shell("cat; id -u; grep CapBnd /proc/self/status; echo made > /tmp/made; echo hm >&2"),
        "post_start": shell("until [ -e /tmp/up ]; do sleep 0.02; done; echo beside; while [ ! -e /tmp/go ]; do sleep 0.02; done"),
    });
    let line = "cat /tmp/made; cat; echo up > /tmp/up; exec sleep 61";
    let mut shim = Shim::start(sandboxed(&release.0, line, changes));
    until("post_start", || shim.log().contains(" post beside\n").then_some(()));
    let status = shim.status();
    assert_eq!((&status["state"], &status["ready_at"]), (&json!("starting"), &json!(null)));
    assert_eq!(status["last_probe"], "post_start has not ended");
    let (mut watcher, _) = shim.watcher();
    let (code, _) = crate::enter::run(&crate::enter::order(&shim, "echo > /tmp/go", json!({})));
    assert_eq!(code, Some(0));
    let status = watcher.until(|status| status["state"] == "ready");
    assert_eq!(status["last_probe"], json!(null));
    let uid = if is_root() { UID } else { nix::unistd::getuid().as_raw() };
    let mut lines = said(&shim);
    // The two streams of one command are read one after the other.
    lines.sort_by_key(|line| line == "pre hm");
    assert_eq!(lines, [&format!("pre {uid}"), "pre CapBnd:\t0000000000000000", "out made", "post beside", "pre hm"]);
    assert_eq!(descendants(shim.process.id() as i32).len(), 3, "nothing of them is left");
    shim.stop();
}

#[test]
fn a_restart_runs_both_again() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let changes = json!({ "pre_start": shell("echo one"), "post_start": shell("echo two") });
    let mut shim = Shim::start(sandboxed(&release.0, "exec sleep 61", changes));
    shim.reach("ready");
    let (mut watcher, _) = shim.watcher();
    shim.client().ask(json!({ "verb": "restart" }));
    watcher.until(|status| status["state"] == "ready" && status["restarts"] == 1);
    assert_eq!(said(&shim), ["pre one", "post two", "pre one", "post two"]);
    shim.stop();
}

#[test]
fn a_hook_that_fails_is_a_start_that_failed() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let cases = [
        (json!({ "pre_start": shell("echo no; exit 3") }), "pre_start ended with code 3", "pre no"),
        (json!({ "post_start": shell("echo no; exit 4") }), "post_start ended with code 4", "post no"),
        (json!({ "pre_start": shell("echo no; kill -TERM $$") }), "pre_start ended with signal 15", "pre no"),
        (
            json!({ "pre_start": ["/no/such"] }),
            "pre_start ended with code 125",
            "pre bloom-shim: run /no/such: No such file or directory (os error 2)",
        ),
    ];
    for (changes, note, line) in cases {
        let is_pre = changes["pre_start"].is_array();
        let mut shim = Shim::start(sandboxed(&release.0, "echo app; exec sleep 61", changes));
        let status = shim.reach("crashed");
        assert_eq!(status["last_exit"]["note"], note);
        assert!(status["consecutive_failures"].as_u64().unwrap() >= 3);
        assert_eq!(status["ready_at"], json!(null));
        let lines = said(&shim);
        assert!(lines.iter().filter(|one| *one == line).count() >= 3, "{lines:?}");
        assert!(!is_pre || !lines.contains(&"out app".to_owned()), "the command has begun: {lines:?}");
        shim.stop();
    }
}

#[test]
fn they_die_with_the_sandbox_and_leave_its_own_end_to_it() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let changes = json!({ "post_start": shell("echo on; exec sleep 62"), "ready": { "kind": "none" } });
    let line = "until [ -e /tmp/end ]; do sleep 0.02; done; exit 9";
    let mut shim = Shim::start(sandboxed(&release.0, line, changes));
    until("post_start", || shim.log().contains(" post on\n").then_some(()));
    let tree = descendants(shim.process.id() as i32);
    let (mut watcher, _) = shim.watcher();
    crate::enter::run(&crate::enter::order(&shim, "echo > /tmp/end", json!({})));
    let status = watcher.until(|status| !status["last_exit"].is_null());
    assert_eq!((&status["last_exit"]["code"], &status["last_exit"]["note"]), (&json!(9), &json!(null)));
    assert!(tree.iter().all(|pid| !is_alive(*pid)));
    shim.stop();
    // A stop while one of them runs ends all, without the grace of anybody.
    for hook in ["pre_start", "post_start"] {
        let mut shim = Shim::start(sandboxed(&release.0, "exec sleep 61", json!({ hook: shell("echo on; sleep 62") })));
        until(hook, || shim.log().contains(" on\n").then_some(()));
        let tree = descendants(shim.process.id() as i32);
        let start = std::time::Instant::now();
        shim.stop();
        assert!(start.elapsed().as_secs() < 4, "it waited for its grace");
        assert!(tree.iter().all(|pid| !is_alive(*pid)));
        assert_eq!(shim.state_file()["last_exit"]["note"], json!(null));
    }
}

#[test]
fn they_fall_under_the_limit_of_readiness() {
    if !bwrap_works() {
        return;
    }
    let (release, port) = (release(), free_port());
    // Somebody answers on the port while the app has not begun.
    let _somebody = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ready = json!({ "kind": "tcp", "port": port, "timeout_ms": 300 });
    let changes = json!({ "pre_start": shell("exec sleep 62"), "ready": ready });
    let mut shim = Shim::start(sandboxed(&release.0, &app_line("echo", 1), changes));
    let status = until("its lateness", || Some(shim.status()).filter(|status| status["ready_timeout"] == true));
    assert_eq!((&status["state"], &status["last_probe"]), (&json!("starting"), &json!("pre_start has not ended")));
    shim.stop();
}

#[test]
fn without_a_sandbox_they_are_refused() {
    let (mut shim, hello) = Shim::try_start(app("echo", free_port(), json!({ "post_start": ["/bin/true"] })));
    assert!(hello["error"].as_str().unwrap().contains("need a sandbox"), "{hello}");
    assert_eq!(shim.gone().code(), Some(125));
}
