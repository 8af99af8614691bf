//! With bubblewrap, as root and as anybody. Skipped where it does not work.

use crate::harness::{Folder, SHIM, Shim, descendants, is_alive, spec, until};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

pub const UID: u32 = 1_900_000_777;

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Runs bubblewrap in the way the shim will, to see whether this machine lets it.
pub fn bwrap_works() -> bool {
    let works = Command::new("bwrap")
        .args(["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--", "/bin/true"])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        println!("skipped: bubblewrap does not work here");
    }
    works
}

pub fn root_and_bwrap() -> bool {
    if !is_root() {
        println!("skipped: needs root");
    }
    is_root() && bwrap_works()
}

/// The app's folder, holding this test binary under a plain name.
pub fn release() -> Folder {
    let folder = Folder::new();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(crate::app::binary(), folder.0.join("app")).unwrap();
    folder
}

/// The sandbox as the daemon plans it, around a shell line.
pub fn sandboxed(release: &Path, line: &str, changes: Value) -> Value {
    let app = if is_root() { Path::new("/mnt/app") } else { release };
    let words =
        [
            &[
                "/usr/bin/bwrap",
                "--unshare-user",
                "--disable-userns",
                "--unshare-pid",
                "--unshare-ipc",
                "--unshare-uts",
            ][..],
            &["--unshare-cgroup-try", "--hostname", "app", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
            &["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"],
            &["--symlink", "usr/lib64", "/lib64", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
            &["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", "67108864", "--tmpfs", "/tmp"],
            &["--ro-bind", app.to_str().unwrap(), "/app", "--chdir", "/app", "--", "/bin/sh", "-c", line],
        ]
        .concat();
    let mut spec = spec(&words, json!({ "sandbox": "bwrap", "seccomp": true }));
    if is_root() {
        spec["user"] = json!({ "uid": UID, "gid": UID });
        spec["stage"] = json!({ "target": "/mnt", "mounts": [{ "name": "app", "source": release }] });
    }
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// The line that makes this binary the app `name` inside the sandbox.
pub fn app_line(name: &str, port: u16) -> String {
    format!("export BLOOM_TEST_APP={name} PORT={port}; exec ./app {}", crate::app::ARGUMENTS.join(" "))
}

#[test]
fn the_filter_refuses_and_no_descriptor_leaks_in() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let mut shim = Shim::start(sandboxed(&release.0, &app_line("calls", 1), json!({})));
    let log = until("its words", || Some(shim.log()).filter(|log| log.contains(" out fds ")));
    assert!(log.contains("call unshare: Err(EPERM)") && log.contains("call getpid: Ok"), "{log}");
    // Three, and the one with which they are listed.
    assert!(log.contains(r#"fds ["0", "1", "2", "3"]"#), "{log}");
    shim.stop();
}

#[test]
fn a_killed_shim_takes_its_sandbox_along() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    for round in 0..10 {
        let mut shim = Shim::start(sandboxed(&release.0, "sleep 61 & exec sleep 61", json!({})));
        // Also when it is very young.
        if round > 0 {
            until("the app", || (descendants(shim.process.id() as i32).len() >= 4).then_some(()));
        }
        let tree = descendants(shim.process.id() as i32);
        shim.process.kill().unwrap();
        shim.process.wait().unwrap();
        until("the end of the sandbox", || tree.iter().all(|pid| !is_alive(*pid)).then_some(()));
    }
}

#[test]
fn a_killed_app_or_sandbox_comes_back() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let mut shim = Shim::start(sandboxed(&release.0, "exec sleep 61", json!({})));
    for victim in [2, 1, 0] {
        let tree = until("the app", || Some(descendants(shim.process.id() as i32)).filter(|tree| tree.len() == 3));
        let (mut watcher, first) = shim.watcher();
        crate::harness::kill_hard(tree[victim]);
        let status = watcher.until(|status| status["restarts"].as_u64() > first["restarts"].as_u64());
        assert_eq!(status["last_exit"]["signal"], "SIGKILL");
        assert!(tree.iter().all(|pid| !is_alive(*pid)));
    }
    shim.stop();
}

#[test]
fn what_forks_away_is_counted_and_killed() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let line = "sleep 61 & setsid sleep 62 & (sleep 63 & sleep 64) & exit 0";
    let mut shim = Shim::start(sandboxed(&release.0, line, json!({})));
    let (mut watcher, first) = shim.watcher();
    let status =
        if first["last_exit"].is_null() { watcher.until(|status| !status["last_exit"].is_null()) } else { first };
    let exit = &status["last_exit"];
    assert_eq!(exit["code"], 0);
    let note = exit["note"].as_str().unwrap();
    assert!(
        note.starts_with("left ") && note.ends_with("processes behind; the start command must stay in the foreground")
    );
    shim.stop();
    assert!(shim.log().contains("must stay in the foreground"));
}

#[test]
fn all_of_the_sandbox_has_its_grace() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    // The shell, which is the first process, dies at once; that alone must not end the rest.
    let line = "(trap 'sleep 0.3; echo tidy; exit 0' TERM; echo up; while :; do sleep 0.05; done); true";
    let mut shim = Shim::start(sandboxed(&release.0, line, json!({})));
    until("the inner process", || shim.log().contains(" out up\n").then_some(()));
    shim.stop();
    assert!(shim.log().contains(" out tidy\n"), "{}", shim.log());
}

#[test]
fn one_that_ignores_everything_is_killed() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let line = "trap '' TERM HUP INT; echo up; while :; do sleep 1; done";
    let mut shim = Shim::start(sandboxed(&release.0, line, json!({ "stop": { "signal": "TERM", "grace_ms": 200 } })));
    until("the trap", || shim.log().contains(" out up\n").then_some(()));
    let tree = descendants(shim.process.id() as i32);
    shim.stop();
    assert!(tree.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn can_be_stopped_at_any_moment_of_its_youth() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    for delay in 0..12 {
        let mut shim = Shim::start(sandboxed(&release.0, "sleep 61; sleep 61", json!({})));
        let tree = descendants(shim.process.id() as i32);
        std::thread::sleep(std::time::Duration::from_millis(delay));
        let start = std::time::Instant::now();
        shim.stop();
        assert!(start.elapsed().as_secs() < 4, "it waited for its grace");
        assert!(tree.iter().all(|pid| !is_alive(*pid)));
    }
}

#[test]
fn a_sandbox_that_cannot_be_made_is_told_as_such() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let mut broken = sandboxed(&release.0, "true", json!({}));
    broken["command"].as_array_mut().unwrap().insert(1, json!("--no-such-option"));
    let mut shim = Shim::start(broken);
    let status = shim.reach("crashed");
    let note = status["last_exit"]["note"].as_str().unwrap();
    assert!(note.contains("bubblewrap could not set the sandbox up"), "{note}");
    assert!(shim.log().contains(" err bwrap: "), "{}", shim.log());
    shim.stop();
}

#[test]
fn start_up_errors_inside_the_child_are_told_too() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let mut missing = sandboxed(&release.0, "true", json!({}));
    missing["command"][0] = json!("/no/such/bwrap");
    let mut cases = vec![(missing, "run /no/such/bwrap: ")];
    if is_root() {
        let mounts = json!([{ "name": "app", "source": "/no/such/release" }]);
        let stage = json!({ "stage": { "target": "/mnt", "mounts": mounts } });
        cases.push((sandboxed(&release.0, "true", stage), "stage /no/such/release as app: "));
        let stage = json!({ "stage": { "target": "/mnt", "mounts": [{ "name": "../x", "source": "/usr" }] } });
        cases.push((sandboxed(&release.0, "true", stage), "one plain word"));
    }
    for (spec, words) in cases {
        let (mut shim, hello) = Shim::try_start(spec);
        assert!(hello["error"].as_str().is_some_and(|text| text.contains(words)), "{hello}");
        assert_eq!(shim.gone().code(), Some(125));
    }
}

#[test]
fn exec_builds_in_the_same_sandbox() {
    if !bwrap_works() {
        return;
    }
    let (release, folder) = (release(), Folder::new());
    let mut spec = sandboxed(&release.0, "pwd; id -u; touch /app/x || echo refused; exit 4", json!({}));
    spec["dir"] = json!(null);
    fs::write(folder.0.join("spec.json"), spec.to_string()).unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", r#"exec "$0" exec 3< "$1""#, SHIM, folder.0.join("spec.json").to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let uid = if is_root() { UID } else { nix::unistd::getuid().as_raw() };
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["/app", &uid.to_string(), "refused"]);
}

#[test]
fn a_command_that_sees_to_its_processes_is_asked_alone() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let line = "(trap 'echo hurt' TERM; trap 'go=1' HUP; while [ -z \"$go\" ]; do sleep 0.05; done; echo worker ended) & \
        worker=$!; sleep 61 & other=$!; \
        trap 'kill -HUP $worker; wait $worker; kill $other; echo tidy; exit 0' TERM; echo up; while :; do wait; done";
    let stop = json!({ "stop": { "signal": "TERM", "grace_ms": 60_000, "alone": true } });
    let mut shim = Shim::start(sandboxed(&release.0, line, stop));
    until("the trap", || shim.log().contains(" out up").then_some(()));
    shim.stop();
    let log = shim.log();
    assert!(log.contains(" out worker ended") && log.contains(" out tidy") && !log.contains("hurt"), "{log}");
    assert_eq!(shim.state_file()["last_exit"]["code"], 0);
}
