use crate::host::{Host, free_port, is_alive, pipe, until};
use nix::sys::signal::Signal;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

#[test]
fn a_port_in_use_is_named_with_its_holder() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut host = Host::begin_at(port, "", Vec::new());
    assert_eq!(host.ends(), Some(1));
    let expected = format!("cannot listen on {port}: it is in use by ");
    assert!(host.log().contains(&expected), "{}", host.log());
    assert!(host.log().contains(&format!("(process {})", std::process::id())));
}

#[test]
fn files_are_made_and_vacuumed() {
    let mut host = Host::serving("pidfile @/pid; unix @/a.sock; stats @/stats.sock; fifo @/fifo; vacuum");
    let pid = std::fs::read_to_string(host.path("pid")).unwrap();
    assert_eq!(pid.trim(), host.pid().to_string());
    std::fs::remove_file(host.path("pid")).unwrap();
    host.command("P");
    until("the pid file", || host.path("pid").exists().then_some(()));
    host.signal(Signal::SIGINT);
    assert_eq!(host.ends(), Some(0));
    for name in ["pid", "a.sock", "stats.sock", "fifo"] {
        assert!(!host.path(name).exists(), "{name} is left");
    }
}

#[test]
fn letters_do_what_they_say() {
    let mut host = Host::serving("workers 2; fifo @/fifo");
    host.command("slLf+");
    for words in ["of 2 workers accept", "logs are opened again", "logs are rotated", "uWSGI's alone", "fixed"] {
        host.logs(words);
    }
    host.signal(Signal::SIGUSR2);
    host.logs("threads busy");
    host.command("q");
    assert_eq!(host.ends(), Some(0));
}

#[test]
fn pausing_keeps_clients_waiting() {
    let host = Host::serving("workers 2; fifo @/fifo");
    until("two workers", || (host.workers().len() == 2).then_some(()));
    host.command("p");
    until("paused workers", || {
        host.signal(Signal::SIGUSR2);
        (host.log().matches(": Paused").count() >= 2).then_some(())
    });
    let waiting = host.send("/").unwrap();
    waiting.set_nonblocking(true).unwrap();
    assert_eq!((&waiting).read(&mut [0; 10]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    host.signal(Signal::SIGTSTP);
    waiting.set_nonblocking(false).unwrap();
    let mut said = String::new();
    (&waiting).read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"));
}

#[test]
fn workers_come_and_go_with_cheaper() {
    let host = Host::serving("workers 3; cheaper; fifo @/fifo");
    let number = |wanted: usize| until("the number", || (host.workers().len() == wanted).then_some(()));
    number(1);
    host.command("++");
    number(3);
    host.command("-");
    number(2);
    host.command("C");
    number(1);
    assert!(host.ask("/").is_some());
}

#[test]
fn root_becomes_another_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    // The folder must be one the user may enter and write to.
    let mut host = Host::serving("uid 65534; gid 65534");
    assert_eq!(host.ask("/").unwrap().uid, 65534);
    host.signal(Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
    let mut host = Host::begin("uid no-such-user");
    assert_eq!(host.ends(), Some(1));
    assert!(host.log().contains("there is no such user"));
}

#[test]
fn statistics_are_answered() {
    let host = Host::serving("workers 2; stats @/stats.sock");
    until("both workers", || {
        let mut said = String::new();
        UnixStream::connect(host.path("stats.sock")).unwrap().read_to_string(&mut said).unwrap();
        (said == "2 0 0").then_some(())
    });
}

#[test]
fn who_waits_is_told() {
    let (mut read, write) = pipe();
    let folder = tempfile::tempdir().unwrap();
    let systemd = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let variables = vec![
        ("BLOOM_READY_FD", write.as_raw_fd().to_string()),
        ("NOTIFY_SOCKET", folder.path().join("notify").to_str().unwrap().to_string()),
    ];
    let mut host = Host::begin_at(free_port(), "", variables);
    drop(write);
    let mut said = String::new();
    // Comes to its end although the host lives: nobody else holds the descriptor.
    read.read_to_string(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    let told = || {
        let mut buffer = [0; 100];
        let len = systemd.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    assert!(told().starts_with("READY=1\n"));
    host.signal(Signal::SIGHUP);
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(told().starts_with("READY=1\n"));
    host.signal(Signal::SIGTERM);
    assert_eq!(told(), "STOPPING=1\n");
    assert_eq!(host.ends(), Some(0));
}

#[test]
fn goes_to_the_background_once_it_serves() {
    let mut host = Host::begin("daemonize @/daemon.log; pidfile @/pid; vacuum");
    assert_eq!(host.ends(), Some(0));
    assert!(host.ask("/").is_some());
    let pid: i32 = std::fs::read_to_string(host.path("pid")).unwrap().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    until("its end", || (!is_alive(pid)).then_some(()));
    let mut host = Host::begin("daemonize @/daemon.log; missing");
    assert_eq!(host.ends(), Some(1));
    assert!(std::fs::read_to_string(host.path("daemon.log")).unwrap().contains("the library is missing"));
}

#[test]
fn a_full_queue_is_told() {
    let host = Host::serving("workers 1; backlog 1");
    let _hanging = host.occupy("/hang");
    // The kernel takes a few more than it was told.
    let address = (std::net::Ipv4Addr::LOCALHOST, host.port).into();
    let second = std::time::Duration::from_secs(1);
    let connect = |_| std::net::TcpStream::connect_timeout(&address, second).ok();
    let waiting: Vec<_> = (0..4).filter_map(connect).collect();
    for mut client in &waiting {
        let _ = std::io::Write::write_all(&mut client, b"GET / HTTP/1.1\r\n\r\n");
    }
    host.logs("the queue of connections is full");
}

#[test]
fn every_worker_has_a_socket_of_its_own_with_reuse_port() {
    let host = Host::serving("workers 2; reuse-port; words one");
    let mut seen = std::collections::BTreeSet::new();
    until("both workers", || {
        seen.extend(host.ask("/").map(|answer| answer.id));
        (seen.len() == 2).then_some(())
    });
    host.rewrite("workers 3; reuse-port; words two");
    host.signal(Signal::SIGHUP);
    let mut seen = std::collections::BTreeSet::new();
    until("three workers", || {
        let answer = host.ask("/").expect("never refused");
        seen.extend((answer.words == "two").then_some(answer.id));
        (seen.len() == 3).then_some(())
    });
}
