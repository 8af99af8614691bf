//! Reloads while clients ask, and what happens when more ask than are served.

use crate::client::Client;
use crate::harness::{Host, classic, safe, until};
use nix::sys::signal::Signal;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Asks all the time while something happens: each of these clients for itself, on one connection or on many.
/// Panics where a single request is not answered.
fn under_load(host: &Host, happens: impl FnOnce(&dyn Fn())) {
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|number| {
                let (address, stop, asked) = (host.address(), &stop, &asked);
                scope.spawn(move || ask(address, number % 2 == 0, stop, asked))
            })
            .collect();
        let progress = || {
            let goal = asked.load(Relaxed) + 100;
            until("answers meanwhile", || {
                let failed = clients.iter().any(|client| client.is_finished());
                (failed || asked.load(Relaxed) >= goal).then_some(())
            });
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| happens(&progress)));
        stop.store(true, Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
        done.unwrap();
    });
}

fn ask(address: SocketAddr, keeps: bool, stop: &AtomicBool, asked: &AtomicUsize) {
    let mut client = Client::connect(address);
    while !stop.load(Relaxed) {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello"));
        asked.fetch_add(1, Relaxed);
        if !keeps || answer.header("connection") == Some("close") {
            client = Client::connect(address);
        }
    }
}

#[test]
fn five_reloads_fail_nobody() {
    for lazy in ["", "lazy-apps = true\n"] {
        let host = Host::serving(&format!("{}processes = 2\nthreads = 2\n{lazy}", classic()));
        under_load(&host, |progress| {
            for count in 1..=5 {
                progress();
                host.signal(Signal::SIGHUP);
                host.logs_times(count, "the new generation serves");
                until("the old one's end", || (host.workers().len() == 2).then_some(()));
            }
            progress();
        });
    }
}

/// Longer than a worker waits for a client that nobody takes over.
#[test]
fn who_is_idle_is_served_by_the_next_generation_on_the_same_connection() {
    for workers in [1, 2] {
        let host = Host::serving(&format!("{}processes = {workers}\n", safe()));
        let mut clients: Vec<_> = (0..5).map(|_| host.client()).collect();
        for _ in 0..2 {
            let before = host.workers();
            for client in &mut clients {
                assert_eq!(client.get("/").text(), "Hello");
            }
            host.signal(Signal::SIGHUP);
            until("others in the place of all", || {
                let now = host.workers();
                (now.len() == workers && !now.iter().any(|pid| before.contains(pid))).then_some(())
            });
        }
        let served: Vec<_> = clients.iter_mut().map(|client| client.get("/pid").text()).collect();
        let now = host.workers();
        assert!(served.iter().all(|pid| now.iter().any(|worker| worker.to_string() == *pid)), "{served:?} {now:?}");
    }
}

/// Where sockets are others than before, nobody knows which of them a client came by.
#[test]
fn who_is_idle_is_closed_where_the_next_generation_listens_elsewhere() {
    let host = Host::serving(&safe());
    let mut client = host.client();
    assert_eq!(client.get("/").text(), "Hello");
    let before = host.workers();
    host.rewrite(&format!("{}socket = @/more.sock\n", safe()));
    host.signal(Signal::SIGHUP);
    until("another in its place", || {
        let now = host.workers();
        (now.len() == 1 && now != before).then_some(())
    });
    assert!(client.maybe_response().is_none());
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn a_chain_of_replacements_fails_nobody() {
    let host = Host::serving(&format!(
        "{}processes = 3\nthreads = 2\ntouch-chain-reload = @/chain\nmaster-fifo = @/fifo\n",
        safe()
    ));
    until("three workers", || (host.workers().len() == 3).then_some(()));
    under_load(&host, |progress| {
        for round in 0..2 {
            progress();
            let before = host.workers();
            match round {
                0 => std::fs::write(host.path("chain"), "now").unwrap(),
                _ => host.command("c"),
            }
            until("others in the place of all", || {
                let now = host.workers();
                (now.len() == 3 && !now.iter().any(|pid| before.contains(pid))).then_some(())
            });
        }
    });
}

#[test]
fn a_reload_that_cannot_be_leaves_what_serves() {
    let host = Host::serving(&classic());
    for (lines, said) in [
        ("procesess = 4\n".to_string(), "procesess"),
        ("dlopen = @/libnone.so\nrust-fn = application\n".to_string(), "libnone.so"),
        (format!("dlopen = {}\nrust-fn = none\n", crate::apps::classic().display()), "none"),
    ] {
        host.rewrite(&lines);
        host.signal(Signal::SIGHUP);
        host.logs(said);
        assert_eq!(host.get("/").text(), "Hello");
    }
    host.logs_times(3, "reload failed");
    host.rewrite(&format!("{}add-header = X-New: yes\n", classic()));
    host.signal(Signal::SIGHUP);
    until("the new settings", || host.get("/").header("x-new").map(|_| ()));
}

#[test]
fn a_touched_file_reloads_everything() {
    let lines = format!("{}touch-reload = @/touched\n", classic());
    let host = Host::serving(&lines);
    host.rewrite(&format!("{lines}add-header = X-New: yes\n"));
    std::fs::write(host.path("touched"), "").unwrap();
    until("the new settings", || host.get("/").header("x-new").map(|_| ()));
}

#[test]
fn a_full_queue_is_told_and_served_once_there_is_room() {
    let host = Host::serving(&format!("{}listen = 2\n", classic()));
    let worker = host.workers()[0];
    let mut stuck = host.client();
    stuck.say("GET /forever HTTP/1.1\r\nHost: test\r\n\r\n");
    until("a busy thread", || {
        host.signal(Signal::SIGUSR2);
        host.log().contains("  GET /forever").then_some(())
    });
    // The kernel takes a few, and lets the others try again.
    let second = Duration::from_secs(1);
    let waiting: Vec<_> = (0..8).filter_map(|_| TcpStream::connect_timeout(&host.address(), second).ok()).collect();
    assert!(waiting.len() < 8, "the queue has no end");
    host.logs("the queue of connections is full");
    crate::harness::kill_hard(worker);
    assert_eq!(host.get("/").text(), "Hello");
    for mut stream in waiting {
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
        assert!(said.ends_with("Hello"), "{said}");
    }
}

#[test]
fn more_requests_than_allowed_at_a_time_are_refused() {
    let host = Host::serving(&format!("{}threads = 4\nmax-concurrent-requests = 2\n", classic()));
    let mut busy: Vec<Client> = (0..2).map(|_| host.client()).collect();
    for (number, client) in busy.iter_mut().enumerate() {
        client.say("GET /sleep/5000 HTTP/1.1\r\nHost: test\r\n\r\n");
        until("a busy thread", || {
            host.signal(Signal::SIGUSR2);
            let log = host.log();
            let last = log.rsplit("generation 1").next().unwrap_or_default();
            (last.matches("  GET /sleep").count() > number).then_some(())
        });
    }
    assert_eq!(host.get("/").status, 503);
    for client in &mut busy {
        assert_eq!(client.response().status, 200);
    }
    until("room", || (host.get("/").status == 200).then_some(()));
}

#[test]
fn a_reload_takes_new_settings_of_the_log_and_loses_no_file() {
    let lines = |format: &str| format!("{}logto = @/own.log\nlog-format = {format} %(uri)\n", classic());
    let host = Host::serving(&lines("one"));
    let own = |words: &str| {
        until(&format!("`{words}` in its log"), || {
            std::fs::read_to_string(host.path("own.log")).unwrap_or_default().contains(words).then_some(())
        });
    };
    own("one /");
    for format in ["one", "two"] {
        host.rewrite(&lines(format));
        host.signal(Signal::SIGHUP);
        until("the new workers", || (host.get("/new").status == 404).then_some(()));
        own("the new generation serves");
        std::fs::rename(host.path("own.log"), host.path("older.log")).unwrap();
        // As logrotate does.
        host.signal(Signal::SIGHUP);
        until("a new file", || host.path("own.log").exists().then_some(()));
        assert_eq!(host.get("/after").status, 404);
        own(&format!("{format} /after"));
    }
}
