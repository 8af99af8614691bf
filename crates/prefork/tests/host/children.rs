//! Processes that come and go: workers as needed, commands beside them, and letters that are obeyed.

use crate::harness::{Host, classic, is_alive, kill_hard, until};
use nix::sys::signal::Signal;

#[test]
fn workers_come_with_load_and_go_without() {
    let host = Host::serving(&format!("{}processes = 3\ncheaper = 1\ncheaper-overload = 1\n", classic()));
    let number = |wanted: usize| until("the number of workers", || (host.workers().len() == wanted).then_some(()));
    number(1);
    let first = host.workers()[0];
    let mut busy: Vec<_> = (0..2).map(|_| host.client()).collect();
    for (count, client) in busy.iter_mut().enumerate() {
        client.say("GET /sleep/600000 HTTP/1.1\r\nHost: test\r\n\r\n");
        number(count + 2);
        assert_eq!(host.get("/").text(), "Hello");
    }
    host.workers().into_iter().filter(|pid| *pid >= first).take(2).for_each(kill_hard);
    drop(busy);
    number(1);
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn a_command_beside_the_workers_is_kept_alive_and_ends_with_them() {
    let mut host = Host::serving(&format!("{}attach-daemon = sh -c 'echo $$ >> pids; exec sleep 600'\n", classic()));
    let pids = || -> Vec<i32> {
        let text = std::fs::read_to_string(host.path("pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let first = until("a command", || pids().first().copied());
    kill_hard(first);
    let second = until("another one", || pids().get(1).copied());
    host.signal(Signal::SIGHUP);
    host.logs("the new generation serves");
    assert!(host.get("/").text() == "Hello");
    host.signal(Signal::SIGTERM);
    let all = pids();
    assert_eq!(host.ends(), Some(0));
    assert!(!is_alive(second) && !all.into_iter().any(is_alive));
}

#[test]
fn a_command_by_the_clock() {
    // Each minute; a clock that is set to the next one is not waited for here, so only what is known of it is asked.
    let host = Host::serving(&format!("{}cron = -1 -1 -1 -1 -1 true\nstats = @/stats\n", classic()));
    until("a command that is known", || {
        let mut said = String::new();
        let mut stream = std::os::unix::net::UnixStream::connect(host.path("stats")).unwrap();
        std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
        let json: serde_json::Value = serde_json::from_str(&said).unwrap();
        (json["crons"][0]["command"] == "true").then_some(())
    });
}

#[test]
fn letters_are_obeyed() {
    let lines = "processes = 2\nthreads = 2\nmaster-fifo = @/fifo\npidfile = @/pid\nlogto = @/own.log\n";
    let mut host = Host::serving(&format!("{}{lines}", classic()));
    let own = |words: &str| {
        until(&format!("`{words}` in its log"), || {
            std::fs::read_to_string(host.path("own.log")).unwrap_or_default().contains(words).then_some(())
        });
    };
    for letters in ["s", "S", "P"] {
        host.command(letters);
    }
    own("of 2 workers");
    let replaced = |letter: &str| {
        let before = host.workers();
        host.command(letter);
        until(&format!("other workers after {letter}"), || {
            let now = host.workers();
            (now.len() == 2 && !now.iter().any(|pid| before.contains(pid))).then_some(())
        });
        assert_eq!(host.get("/").text(), "Hello");
    };
    until("two workers", || (host.workers().len() == 2).then_some(()));
    ["r", "c", "w", "W", "R"].into_iter().for_each(replaced);
    std::fs::rename(host.path("own.log"), host.path("older.log")).unwrap();
    host.command("l");
    until("a new log", || host.path("own.log").exists().then_some(()));
    assert_eq!(host.get("/status/404%20None").status, 404);
    own("/status/404");
    host.command("p");
    host.command("p");
    assert_eq!(host.get("/").text(), "Hello");
    host.command("?");
    host.command("q");
    assert_eq!(host.ends(), Some(0));
}
