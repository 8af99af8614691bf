//! Apps that fail: each failure costs its request, and the host serves on by itself.

use crate::harness::{Host, classic, safe, until};

fn beside_others(app: &str) -> Host {
    Host::serving(&format!("{app}processes = 2\nthreads = 2\nharakiri = 1\nworker-reload-mercy = 5\n"))
}

/// Answered as said (None: the connection ends), and so often that each worker is gone once at least.
fn fails(host: &Host, path: &str, status: Option<u16>) {
    for _ in 0..4 {
        let mut client = host.client();
        client.say(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.maybe_response().map(|answer| answer.status), status, "{path}");
        let mut next = host.client();
        next.say("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        let answer = next.maybe_response().map(|answer| answer.text());
        assert_eq!(answer.as_deref(), Some("Hello"), "after {path}; log:\n{}", host.log());
    }
    until("all workers again", || (host.workers().len() >= 2).then_some(()));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn of_the_classic_kind() {
    let host = beside_others(&classic());
    for (path, status) in [
        ("/panic", Some(500)),
        ("/abort", Some(500)),
        ("/segv", Some(500)),
        ("/exit", None),
        ("/crlf", Some(500)),
        ("/noheaders", Some(200)),
    ] {
        fails(&host, path, status);
    }
    assert_eq!(host.get("/crlf").header("injected"), None);
    host.logs("line break");
    host.logs("SIGSEGV");
    host.logs("asked to panic");
}

#[test]
fn of_the_safe_kind() {
    let host = beside_others(&safe());
    for (path, status) in [
        ("/panic", Some(500)),
        ("/error", Some(500)),
        ("/abort", Some(500)),
        ("/segv", Some(500)),
        ("/exit", None),
        ("/crlf", Some(500)),
        ("/noheaders", Some(200)),
    ] {
        fails(&host, path, status);
    }
    assert_eq!(host.get("/crlf").header("injected"), None);
}

#[test]
fn that_never_return() {
    for app in [classic(), safe()] {
        let host = beside_others(&app);
        let before = host.workers();
        assert_eq!(host.get("/forever").status, 504);
        assert_eq!(host.get("/").text(), "Hello");
        host.logs("/forever");
        until("another worker", || host.workers().iter().any(|pid| !before.contains(pid)).then_some(()));
        until("the stuck one's end", || before.iter().any(|pid| !host.workers().contains(pid)).then_some(()));
    }
}

#[test]
fn that_never_return_while_the_host_ends() {
    let mut host = beside_others(&classic());
    let mut client = host.client();
    client.say("GET /forever HTTP/1.1\r\nHost: test\r\n\r\n");
    until("one that is busy", || {
        host.signal(nix::sys::signal::Signal::SIGUSR2);
        host.log().contains("  GET /forever").then_some(())
    });
    host.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
}
