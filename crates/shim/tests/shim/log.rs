use crate::harness::{Shim, app, shell, until};
use serde_json::json;
use std::fs;

#[test]
fn lines_have_their_time_stream_and_text() {
    let mut shim = Shim::start(shell("echo one; echo two >&2; printf 'a\\377b\\nno newline'; exit 0", json!({})));
    let log = until("the second start", || Some(shim.log()).filter(|log| log.matches("started pid").count() > 1));
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 27 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
        assert!(matches!(rest.split(' ').next(), Some("out" | "err" | "shim")), "{line}");
    }
    for text in [" out one\n", " err two\n", " out a\u{fffd}b\n", " out no newline\n"] {
        assert!(log.contains(text), "{text:?} in {log}");
    }
    // What the process said stands before what is said about its end.
    assert!(log.find("no newline") < log.find("shim exited with code 0"));
    shim.stop();
}

#[test]
fn long_lines_are_split() {
    let mut shim = Shim::start(shell("head -c 40000 /dev/zero | tr '\\0' x; echo; exec sleep 60", json!({})));
    let log = until("three pieces", || Some(shim.log()).filter(|log| log.matches(" out+ ").count() == 2));
    let pieces: Vec<usize> =
        log.lines().filter(|line| line.contains(" out")).map(|line| line.split(' ').nth(2).unwrap().len()).collect();
    assert_eq!(pieces, [16_384, 16_384, 7_232]);
    shim.stop();
}

#[test]
fn fifty_megabytes_are_kept_within_their_limits() {
    let mut chatty =
        app("chatty", 1, json!({ "ready": { "kind": "none" }, "log": { "max_bytes": 2_000_000, "files": 3 } }));
    chatty["env"]["MEGABYTES"] = json!("50");
    let mut shim = Shim::start(chatty);
    until("the last line", || shim.log().contains(" out all said\n").then_some(()));
    // It was answered all the time, and the files are as large as they may be.
    assert_eq!(shim.status()["state"], "ready");
    let sizes: Vec<u64> = ["log/app.log", "log/app.log.1", "log/app.log.2"]
        .map(|name| fs::metadata(shim.path(name)).unwrap().len())
        .into();
    assert!(sizes.iter().all(|size| *size <= 2_000_000), "{sizes:?}");
    assert!(!shim.path("log/app.log.3").exists());
    let older = fs::read_to_string(shim.path("log/app.log.1")).unwrap();
    assert!(older.lines().all(|line| line.ends_with(&"x".repeat(99))));
    shim.stop();
}

#[test]
fn an_app_goes_on_when_its_log_cannot_be_written() {
    // Without its folder no log file can be opened after the next rotation: every write fails, as on a full disk.
    let folder = crate::harness::Folder::new();
    let line = format!(
        "mkdir -p {0}; while ! test -d log-blocked; do sleep 0.02; done; seq 100000; echo x > {0}/done; exec sleep 60",
        folder.0.display()
    );
    let limits = json!({ "max_bytes": 2000, "files": 1000 });
    let mut shim = Shim::start(shell(&format!("cd {}; {line}", folder.0.display()), json!({ "log": limits })));
    let log = shim.path("log");
    until("the log", || log.join("app.log").exists().then_some(()));
    fs::remove_dir_all(&log).unwrap();
    fs::write(&log, "in the way").unwrap();
    fs::create_dir(folder.0.join("log-blocked")).unwrap();
    until("the app's last step", || folder.0.join("done").exists().then_some(()));
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    shim.client().ask(json!({ "verb": "restart" }));
    // What was still in the pipe has followed, so that the word may have been rotated away from the newest file.
    until("word of the loss", || {
        let texts = fs::read_dir(&log).unwrap().flatten().flat_map(|entry| fs::read_to_string(entry.path()));
        texts.into_iter().any(|text| text.contains("lines were lost")).then_some(())
    });
    shim.stop();
}
