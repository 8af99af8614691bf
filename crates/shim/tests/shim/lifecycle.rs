use crate::harness::{Folder, Shim, app, free_port, read_pids, shell, spec, until};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[test]
fn says_its_version() {
    let output = std::process::Command::new(crate::harness::SHIM).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("bloom-shim {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_naive_server_survives_its_probes_and_becomes_ready() {
    let port = free_port();
    let mut shim = Shim::start(app("naive", port, json!({})));
    let status = shim.reach("ready");
    assert!(status["ready_ms"].as_u64().unwrap() < 5000);
    assert_eq!((&status["restarts"], &status["last_probe"]), (&json!(0), &json!(null)));
    assert!(status["pid"].as_i64().unwrap() > 1);
    let answer = crate::app::ask(TcpStream::connect(("127.0.0.1", port)).unwrap(), "GET / HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(shim.status()["restarts"], 0);
    assert!(shim.log().contains(" shim ready after "));
    shim.stop();
}

#[test]
fn ready_by_http_waits_for_a_good_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ready = json!({ "kind": "http", "port": port, "path": "/health", "timeout_ms": 10_000 });
    let mut shim = Shim::start(shell("exec sleep 60", json!({ "ready": ready })));
    let answer = |text: &str| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let count = stream.read(&mut request).unwrap();
        assert!(request[..count].starts_with(b"GET /health HTTP/1.1\r\nHost: localhost\r\n"));
        stream.write_all(text.as_bytes()).unwrap();
    };
    answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    until("the probe's words", || {
        let seen = shim.status()["last_probe"].as_str().map(str::to_owned);
        seen.filter(|seen| *seen == format!("GET http://127.0.0.1:{port}/health: status 503"))
    });
    assert_eq!(shim.status()["state"], "starting");
    answer("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n");
    shim.reach("ready");
    shim.stop();
}

#[test]
fn lateness_is_told_and_probing_goes_on() {
    let port = free_port();
    let ready = json!({ "kind": "tcp", "port": port, "timeout_ms": 60 });
    let mut shim = Shim::start(shell("exec sleep 60", json!({ "ready": ready })));
    let (mut watcher, first) = shim.watcher();
    if first["ready_timeout"] != true {
        watcher.until(|status| status["ready_timeout"] == true);
    }
    let status = shim.status();
    assert_eq!(status["state"], "starting");
    assert_eq!(status["last_probe"], format!("connect 127.0.0.1:{port}: connection refused"));
    let _late = TcpListener::bind(("127.0.0.1", port)).unwrap();
    shim.reach("ready");
    shim.stop();
}

#[test]
fn restarts_after_any_exit_with_growing_pauses_until_it_is_a_crash_loop() {
    let mut shim = Shim::start(shell("echo here; exit 3", json!({})));
    let status = shim.reach("crashed");
    assert!(status["consecutive_failures"].as_u64().unwrap() >= 3);
    let exit = &status["last_exit"];
    assert_eq!((&exit["code"], &exit["signal"], &exit["oom"]), (&json!(3), &json!(null), &json!(false)));
    // It is tried again all the same.
    let (mut watcher, _) = shim.watcher();
    watcher.until(|status| status["restarts"].as_u64() >= Some(5));
    let log = shim.log();
    for pause in [20, 40, 80, 100] {
        assert!(log.contains(&format!(" shim restart in {pause} ms")), "{log}");
    }
    assert!(log.contains(" out here") && log.contains(" shim exited with code 3 after "), "{log}");
    assert_eq!(shim.state_file()["state"], "crashed");
    shim.stop();
}

#[test]
fn one_that_recovers_is_ready_again() {
    let port = free_port();
    let mut broken = app("naive", port, json!({}));
    let own = broken["command"].clone();
    let words: Vec<&str> = own.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let line = r#"test -e "$FLAG" || exit 1; exec "$0" "$@""#;
    broken["command"] = json!([&["/bin/sh", "-c", line], &words[..]].concat());
    let flag = crate::harness::Folder::new();
    broken["env"]["FLAG"] = json!(flag.0.join("repaired"));
    let mut shim = Shim::start(broken);
    shim.reach("crashed");
    std::fs::write(flag.0.join("repaired"), "").unwrap();
    shim.reach("ready");
    shim.stop();
}

#[test]
fn a_killed_app_comes_back_and_the_signal_is_told() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    let pid = shim.reach("ready")["pid"].as_i64().unwrap() as i32;
    let (mut watcher, _) = shim.watcher();
    crate::harness::kill_hard(pid);
    let status = watcher.until(|status| status["state"] == "ready" && status["restarts"] == 1);
    assert_eq!(status["last_exit"]["signal"], "SIGKILL");
    assert_ne!(status["pid"], pid);
    shim.stop();
}

#[test]
fn what_runs_once_ends_the_shim() {
    let once = |line| {
        shell(
            line,
            json!({ "restart": { "policy": "never", "backoff_initial_ms": 1, "backoff_max_ms": 1, "reset_after_ms": 1, "crash_loop_after": 1 } }),
        )
    };
    for (line, state, code) in [("exit 0", "stopped", 0), ("exit 7", "crashed", 7)] {
        let mut shim = Shim::start(once(line));
        assert!(shim.gone().success());
        let file = shim.state_file();
        assert_eq!((&file["state"], &file["last_exit"]["code"]), (&json!(state), &json!(code)));
        assert!(!shim.path("control.sock").exists());
    }
}

#[test]
fn a_process_that_forks_away_is_killed_and_called_by_its_name() {
    let folder = crate::harness::Folder::new();
    let pids = folder.0.join("pids");
    let line = format!("(trap '' TERM; sleep 61) & echo $! >> {0}; setsid sleep 62 & echo $! >> {0}", pids.display());
    let mut shim = Shim::start(shell(&line, json!({})));
    let (mut watcher, _) = shim.watcher();
    let status = watcher.until(|status| status["last_exit"] != json!(null));
    let note = status["last_exit"]["note"].as_str().unwrap();
    assert!(
        note.starts_with("left ") && note.ends_with("behind; the start command must stay in the foreground"),
        "{note}"
    );
    let first = read_pids(&pids, 2);
    until("the end of what was left behind", || {
        first[..2].iter().all(|pid| !crate::harness::is_alive(*pid)).then_some(())
    });
    shim.stop();
    for pid in read_pids(&pids, 2) {
        assert!(!crate::harness::is_alive(pid));
    }
}

#[test]
fn start_up_errors_are_told_before_the_shim_lets_go() {
    let cases = [
        (spec(&["/no/such/program"], json!({})), "run /no/such/program: "),
        (shell("true", json!({ "netns": "/no/such/namespace" })), "open /no/such/namespace: "),
        (shell("true", json!({ "protocol": 99 })), "protocol 99"),
        (shell("true", json!({ "surprise": 1 })), "unknown field `surprise`"),
        (shell("true", json!({ "stop": { "signal": "WAVE", "grace_ms": 1 } })), "there is no signal WAVE"),
        (
            shell("true", json!({ "cgroups": [{ "path": "/proc/none", "files": {}, "optional": false }] })),
            "make group /proc/none",
        ),
        (spec(&[], json!({})), "command: it is empty"),
    ];
    for (spec, words) in cases {
        let (mut shim, hello) = Shim::try_start(spec);
        assert_eq!(hello["ok"], false);
        assert!(hello["error"].as_str().unwrap().contains(words), "{hello}");
        assert_eq!(shim.gone().code(), Some(125));
        assert!(!shim.path("control.sock").exists());
    }
}

#[test]
fn optional_groups_that_fail_are_warnings() {
    let groups = json!([{ "path": "/proc/none", "files": { "x": "1" }, "optional": true }]);
    let mut shim = Shim::start(shell("exec sleep 60", json!({ "cgroups": groups })));
    let warnings = shim.status()["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().starts_with("make group /proc/none"), "{warnings}");
    assert_eq!(shim.state_file()["warnings"], warnings);
    shim.stop();
}

#[test]
fn state_file_is_private_and_names_the_shim_for_ever() {
    use std::os::unix::fs::PermissionsExt;
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let file = shim.state_file();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", shim.process.id())).unwrap();
    let start: u64 = stat.rsplit(") ").next().unwrap().split(' ').nth(19).unwrap().parse().unwrap();
    assert_eq!((&file["shim_pid"], &file["shim_start"]), (&json!(shim.process.id()), &json!(start)));
    for name in ["state.json", "control.sock", "log/app.log"] {
        let mode = std::fs::metadata(shim.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    shim.stop();
    assert_eq!(shim.state_file()["state"], "stopped");
}

#[test]
fn idles_in_little_memory_and_without_waking_up() {
    let port = free_port();
    let mut shim = Shim::start(app("echo", port, json!({})));
    shim.reach("ready");
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", shim.process.id())).unwrap();
    let number = |text: &str, key: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let status = read("status");
    let resident = number(&status, "VmRSS:");
    println!("idle shim: {resident} kB resident ({} build)", if cfg!(debug_assertions) { "debug" } else { "release" });
    assert_eq!(number(&status, "Threads:"), 1);
    if !cfg!(debug_assertions) {
        assert!(resident < 2048, "{resident} kB");
    }
    // A probe may still be closing; after that nothing wakes it.
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let before = number(&read("status"), "voluntary_ctxt_switches:");
        std::thread::sleep(Duration::from_millis(300));
        if number(&read("status"), "voluntary_ctxt_switches:") == before {
            break;
        }
        assert!(Instant::now() < end, "it keeps waking up");
    }
    shim.stop();
}

#[test]
fn an_instance_is_ready_only_when_it_can_be_entered() {
    let folder = Folder::new();
    let sandbox = folder.0.join("sandbox");
    // Tells of its namespace late, as bubblewrap does on a busy machine: the app may be up long before.
    let script = r#"#!/bin/sh
        sh -c 'sleep 60 & wait' & init=$!
        sleep 0.3
        echo "{ \"child-pid\": $init }" >"/dev/fd/$2"
        wait"#;
    fs::write(&sandbox, script).unwrap();
    fs::set_permissions(&sandbox, fs::Permissions::from_mode(0o755)).unwrap();
    let shim = Shim::start(spec(&[sandbox.to_str().unwrap()], json!({ "sandbox": "bwrap" })));
    let (mut watcher, first) = shim.watcher();
    assert_eq!(first["state"], "starting");
    let ready = watcher.until(|status| status["state"] == "ready");
    assert!(ready["sandbox_pid"].is_i64(), "{ready}");
    assert!(shim.status()["pid"].is_i64());
}
