//! Commands that say themselves when they are ready, and that keep records.

use crate::harness::{LIMIT, Shim, shell, spec, until};
use crate::sandbox::{bwrap_works, release, sandboxed};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

fn by_message(timeout_ms: u32) -> Value {
    json!({ "kind": "message", "timeout_ms": timeout_ms })
}

fn sizes(max_bytes: u32) -> Value {
    json!({ "max_bytes": max_bytes, "files": 2 })
}

/// Lines of the records without their times.
fn records(shim: &Shim) -> Vec<String> {
    let text = fs::read_to_string(shim.path("log/executions.log")).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn ready_is_when_the_command_says_so_even_in_two_pieces() {
    let line = "read -r _ <gate; printf rea >&3; sleep 0.05; printf 'dy\\n' >&3; exec 3>&-; exec sleep 1000";
    let folder = crate::harness::Folder::new();
    nix::unistd::mkfifo(&folder.0.join("gate"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let line = format!("cd {}; {line}", folder.0.display());
    let mut shim = Shim::start(shell(&line, json!({ "ready": by_message(10_000) })));
    assert_eq!(shim.status()["state"], "starting");
    fs::write(folder.0.join("gate"), "go\n").unwrap();
    assert!(shim.reach("ready")["ready_ms"].as_u64().unwrap() >= 50);
    shim.stop();
}

#[test]
fn whoever_says_something_else_or_nothing_is_late() {
    for (line, said) in [
        ("echo steady >&3; exec sleep 1000", "descriptor 3 said \"steady\" and not `ready`"),
        ("exec 3>&-; exec sleep 1000", "descriptor 3 was closed before `ready` was written into it"),
        ("printf ready >&3; exec 3>&-; exec sleep 1000", "descriptor 3 was closed before `ready` was written into it"),
        ("head -c 100000 /dev/zero >&3 2>/dev/null; exec sleep 1000", "and not `ready`"),
    ] {
        let mut shim = Shim::start(shell(line, json!({ "ready": by_message(300) })));
        let status = until("its lateness", || Some(shim.status()).filter(|status| status["ready_timeout"] == true));
        assert_eq!(status["state"], "starting", "{line}");
        assert!(status["last_probe"].as_str().unwrap().contains(said), "{status}");
        shim.stop();
    }
}

#[test]
fn every_start_has_a_voice_of_its_own() {
    let line = "test -e twice || { touch twice; echo ready >&3; sleep 0.1; exit 3; }; echo ready >&3; exec sleep 1000";
    let folder = crate::harness::Folder::new();
    let line = format!("cd {}; {line}", folder.0.display());
    let mut shim = Shim::start(shell(&line, json!({ "ready": by_message(10_000) })));
    let status = until("its second start", || {
        Some(shim.status()).filter(|status| status["restarts"] == 1 && status["state"] == "ready")
    });
    assert_eq!(status["last_exit"]["code"], 3);
    shim.stop();
}

#[test]
fn records_have_a_file_of_their_own_and_the_last_ones_are_in_it() {
    let line = r#"echo out; echo '{"n":1}' >&4; echo '{"n":2}' >&4; printf '{"n":3}' >&4; exit 0"#;
    let once = json!({
        "policy": "never", "backoff_initial_ms": 20, "backoff_max_ms": 100, "reset_after_ms": 5000,
        "crash_loop_after": 3
    });
    let mut shim = Shim::start(shell(line, json!({ "records": sizes(1_000_000), "restart": once })));
    assert!(shim.gone().success());
    assert_eq!(records(&shim), [r#"record {"n":1}"#, r#"record {"n":2}"#, r#"record {"n":3}"#]);
    assert!(shim.log().contains(" out out\n") && !shim.log().contains("\"n\""), "{}", shim.log());
}

#[test]
fn a_function_that_ends_itself_to_be_started_anew_is_said_to_have() {
    let never = json!({
        "policy": "never", "backoff_initial_ms": 20, "backoff_max_ms": 100, "reset_after_ms": 5000,
        "crash_loop_after": 3
    });
    let words = "exited with code 70 after";
    let reason = "; it ended itself to be started anew, because calls kept its threads past their time\n";
    // Whoever keeps no records is no function, and means something else by it.
    for (changes, is_function) in
        [(json!({ "records": sizes(1_000_000), "restart": never }), true), (json!({ "restart": never }), false)]
    {
        let mut shim = Shim::start(shell("exit 70", changes));
        shim.gone();
        let log = shim.log();
        assert!(log.contains(words), "{log}");
        assert_eq!(log.contains(reason), is_function, "{log}");
    }
}

#[test]
fn records_are_limited_in_size() {
    // Larger than what is written at once, which is never split.
    let line = "i=0; while [ $i -lt 5000 ]; do echo \"record number $i\" >&4; i=$((i+1)); done; exec sleep 1000";
    let mut shim = Shim::start(shell(line, json!({ "records": sizes(40_000) })));
    until("the last record", || records(&shim).last().filter(|last| last.ends_with(" 4999")).cloned());
    let mut names: Vec<String> = fs::read_dir(shim.path("log"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["app.log", "executions.log", "executions.log.1"]);
    assert!(fs::metadata(shim.path("log/executions.log")).unwrap().len() <= 40_000);
    shim.stop();
}

#[test]
fn a_sandbox_lets_both_through_and_nothing_else() {
    if !bwrap_works() {
        return;
    }
    let release = release();
    let line = "echo descriptors: $(cd /proc/self/fd && echo *) >&4; echo ready >&3; exec 3>&-; exec sleep 1000";
    let changes = json!({ "ready": by_message(10_000), "records": sizes(10_000) });
    let mut shim = Shim::start(sandboxed(&release.0, line, changes));
    shim.reach("ready");
    until("its record", || (!records(&shim).is_empty()).then_some(()));
    // The last number is what the listing itself has opened.
    assert!(records(&shim)[0].starts_with("record descriptors: 0 1 2 3 4"), "{:?}", records(&shim));
    assert!(records(&shim)[0].split(' ').count() <= 8, "{:?}", records(&shim));
    shim.stop();
}

/// Sends a word to whoever accepts and returns what is answered.
fn ask(shim: &Shim, word: &str) -> String {
    let mut client = UnixStream::connect(shim.path("app.sock")).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.write_all(word.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn listening_app() -> Value {
    let command = crate::app::command();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    spec(&words, json!({ "env": { "BLOOM_TEST_APP": "given" }, "listen": "app.sock" }))
}

#[test]
fn who_comes_between_two_starts_waits() {
    let mut shim = Shim::start(listening_app());
    let first = ask(&shim, "one");
    assert!(ask(&shim, "end").ends_with(" end"));
    let second = ask(&shim, "two");
    assert_ne!(first.split(' ').next(), second.split(' ').next());
    assert!(second.ends_with(" two"));
    let mode = fs::metadata(shim.path("app.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let path = shim.path("app.sock");
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn a_socket_that_cannot_be_bound_is_said_at_once() {
    let mut order = listening_app();
    order["listen"] = json!("no/such/folder/app.sock");
    let (mut shim, hello) = Shim::try_start(order);
    assert_eq!(hello["ok"], false);
    assert!(hello.to_string().contains("bind no/such/folder/app.sock"), "{hello}");
    assert!(!shim.gone().success());
}

#[test]
fn without_a_wish_there_are_no_such_descriptors() {
    let mut shim = Shim::start(shell(
        "echo >&3 || echo none of 3; echo >&4 || echo none of 4; echo >&5 || echo none of 5; exec sleep 1000",
        json!({}),
    ));
    until("what it says", || shim.log().contains("none of 5").then_some(()));
    assert!(shim.log().contains("none of 3") && shim.log().contains("none of 4"));
    assert!(!shim.path("log/executions.log").exists());
    shim.stop();
}
