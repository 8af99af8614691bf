//! nginx in front, with `uwsgi_pass` to a unix socket.

use crate::client::Client;
use crate::harness::{Host, free_port, safe, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use tempfile::TempDir;

struct Nginx {
    child: Child,
    port: u16,
    folder: TempDir,
}

/// None, with a word about it, where there is no nginx.
fn nginx(socket: &std::path::Path) -> Option<Nginx> {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    // Its workers reach the socket's folder only as who made it.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {name};"));
    let own = [
        ("QUERY_STRING", "$query_string"),
        ("REQUEST_METHOD", "$request_method"),
        ("CONTENT_TYPE", "$content_type"),
        ("CONTENT_LENGTH", "$content_length"),
        ("REQUEST_URI", "$request_uri"),
        ("PATH_INFO", "$document_uri"),
        ("SERVER_PROTOCOL", "$server_protocol"),
        ("REMOTE_ADDR", "$remote_addr"),
        ("SERVER_NAME", "$server_name"),
    ];
    let params: String = own.iter().map(|(name, value)| format!("uwsgi_param {name} {value};\n")).collect();
    let text = format!(
        "daemon off; {user} pid nginx.pid; error_log error.log;\nevents {{}}\nhttp {{\n{}\naccess_log off;\n\
         client_max_body_size 64m;\nserver {{ listen 127.0.0.1:{port};\nlocation / {{ {params} uwsgi_pass unix:{}; }} }} }}\n",
        temporary.join("\n"),
        socket.display()
    );
    std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
    let prefix = folder.path().to_str().unwrap();
    let started =
        Command::new("nginx").args(["-p", prefix, "-c", "nginx.conf", "-e", "error.log"]).stderr(Stdio::null()).spawn();
    let Ok(child) = started else {
        eprintln!("skipped: there is no nginx");
        return None;
    };
    let nginx = Nginx { child, port, folder };
    until("nginx", || TcpStream::connect(nginx.address()).ok());
    Some(nginx)
}

impl Nginx {
    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- nginx\n{}",
                std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
            );
        }
    }
}

#[test]
fn passes_requests_on_while_the_host_is_reloaded() {
    let lines = format!("{}uwsgi-socket = @/uwsgi.sock\nchmod-socket = 666\nprocesses = 2\nthreads = 2\n", safe());
    let host = Host::serving(&lines);
    let Some(nginx) = nginx(&host.path("uwsgi.sock")) else { return };
    let mut client = Client::connect(nginx.address());
    let answer = client.get("/");
    assert_eq!((answer.text().as_str(), answer.header("foo")), ("Hello", Some("Bar")));
    let env = client.get("/env?a=b%20c").text();
    for line in ["QUERY_STRING=a=b%20c", "PATH_INFO=/env", "REMOTE_ADDR=127.0.0.1", "REQUEST_METHOD=GET"] {
        assert!(env.lines().any(|found| found == line), "{line} is not in:\n{env}");
    }
    for length in [0, 10, 70_000, 5_000_000] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        assert!(client.post("/echo", &body).body == body, "{length} bytes came back otherwise");
    }
    assert_eq!(client.get("/big/20000000").body.len(), 20_000_000);
    assert_eq!(client.get("/stream/100000").text().lines().count(), 100_000);
    client.say("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.response_without_body().status, 200);

    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let (address, stop, asked) = (nginx.address(), &stop, &asked);
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    while !stop.load(Relaxed) {
                        let answer = if number == 0 { client.post("/echo", b"Hello") } else { client.get("/") };
                        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello"));
                        asked.fetch_add(1, Relaxed);
                        if answer.header("connection") == Some("close") {
                            client = Client::connect(address);
                        }
                    }
                })
            })
            .collect();
        for count in 1..=3 {
            host.signal(Signal::SIGHUP);
            host.logs_times(count, "the new generation serves");
            let goal = asked.load(Relaxed) + 100;
            until("answers", || {
                (asked.load(Relaxed) >= goal || clients.iter().any(|client| client.is_finished())).then_some(())
            });
        }
        stop.store(true, Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
}
