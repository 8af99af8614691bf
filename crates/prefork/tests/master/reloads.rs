use crate::host::{Host, free_port, until};
use nix::sys::signal::Signal;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Asks all the time while something happens; nobody may be refused.
fn under_load(host: &Host, happens: impl FnOnce()) -> u32 {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !stop.load(Relaxed) {
                        assert!(host.ask("/").is_some(), "refused after {asked}");
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(happens));
        stop.store(true, Relaxed);
        let asked = clients.into_iter().map(|client| client.join().unwrap()).sum();
        done.unwrap();
        asked
    })
}

fn says(host: &Host, words: &str) {
    until(&format!("answers of {words}"), || (host.ask("/").is_some_and(|answer| answer.words == words)).then_some(()));
}

#[test]
fn a_reload_takes_new_settings_and_refuses_nobody() {
    let host = Host::serving("words one");
    let asked = under_load(&host, || {
        for words in ["two", "three", "four"] {
            host.rewrite(&format!("words {words}"));
            host.signal(Signal::SIGHUP);
            says(&host, words);
            until("one generation", || (host.log().matches("the new generation serves").count() >= 1).then_some(()));
            until("the old ones gone", || (crate::host::children(host.pid()).len() == 1).then_some(()));
        }
    });
    assert!(asked > 0);
}

#[test]
fn reloads_that_fail_leave_everything_as_it_is() {
    let host = Host::serving("words one");
    for (wrong, said) in [
        ("nonsense", "unknown line: nonsense"),
        ("words two; missing", "the library is missing"),
        ("words two; start 3", "before it served"),
        ("words two; lazy; start 22", "could not load the app"),
        ("words two; unix /no/such/folder/a.sock", "folder does not exist"),
    ] {
        host.rewrite(wrong);
        let before = host.log().matches("reload failed").count();
        host.signal(Signal::SIGHUP);
        until("the failure", || (host.log().matches("reload failed").count() > before).then_some(()));
        host.logs(said);
        assert_eq!(host.ask("/").unwrap().words, "one");
    }
    host.rewrite("words two");
    host.signal(Signal::SIGHUP);
    says(&host, "two");
}

#[test]
fn addresses_come_and_go() {
    let (host, other) = (Host::serving("words one"), free_port());
    host.rewrite(&format!("words two; port {other}; unix @/a.sock"));
    host.signal(Signal::SIGHUP);
    says(&host, "two");
    TcpStream::connect(("127.0.0.1", other)).unwrap();
    assert!(host.path("a.sock").exists());
    host.rewrite("words three");
    host.signal(Signal::SIGHUP);
    says(&host, "three");
    until("the port to be closed", || TcpStream::connect(("127.0.0.1", other)).is_err().then_some(()));
    until("the file to be gone", || (!host.path("a.sock").exists()).then_some(()));
}

#[test]
fn reloads_that_come_too_fast_are_joined() {
    let host = Host::serving("words one");
    host.rewrite("words two");
    (0..10).for_each(|_| host.signal(Signal::SIGHUP));
    host.rewrite("words three");
    host.signal(Signal::SIGHUP);
    says(&host, "three");
    until("the old ones gone", || (crate::host::children(host.pid()).len() == 1).then_some(()));
}

#[test]
fn workers_are_replaced_by_every_letter() {
    let host = Host::serving("workers 3; fifo @/fifo");
    for letter in ["c", "w", "W", "r", "R"] {
        until("three workers", || (host.workers().len() == 3).then_some(()));
        let before = host.workers();
        let replaced = || {
            host.command(letter);
            until("other workers", || {
                let now = host.workers();
                (now.len() == 3 && !now.iter().any(|pid| before.contains(pid))).then_some(())
            });
        };
        if letter.chars().all(char::is_lowercase) {
            under_load(&host, replaced);
        } else {
            replaced();
        }
        host.answers();
    }
}

#[test]
fn a_touched_file_reloads() {
    let host = Host::serving("words one; touch @/touched; chain @/link");
    host.rewrite("words two; touch @/touched");
    std::fs::write(host.path("touched"), "").unwrap();
    says(&host, "two");
}

#[test]
fn a_reload_can_be_the_end() {
    let mut host = Host::serving("exit-on-reload");
    host.signal(Signal::SIGHUP);
    assert_eq!(host.ends(), Some(0));
}
