//! Ways to reach the host other than a port of its own.

use crate::harness::{Host, classic, free_port, safe, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[test]
fn https() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (chain, key) = (files.path().join("chain.pem"), files.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let secure = format!("https-socket = 127.0.0.1:{port},{},{}\n", chain.display(), key.display());
    let host = Host::serving(&format!("{}{secure}", safe()));
    let url = format!("https://localhost:{port}");
    let curl = |arguments: &[&str]| {
        let done = Command::new("curl").args(["-sS", "--max-time", "60"]).args(arguments).output().expect("curl");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    assert_eq!(curl(&["-k", &url]), "Hello");
    assert_eq!(curl(&["--cacert", chain.to_str().unwrap(), &url]), "Hello");
    assert!(curl(&["-k", &format!("{url}/env")]).contains("HTTPS=on"));
    assert_eq!(curl(&["-k", &format!("{url}/big/5000000")]).len(), 5_000_000);
    let body = "x".repeat(300_000);
    std::fs::write(files.path().join("body"), &body).unwrap();
    let given = format!("@{}", files.path().join("body").display());
    assert_eq!(curl(&["-k", "--data-binary", &given, &format!("{url}/echo")]), body);
    // A client that says nothing of TLS is told so.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.windows(5).any(|piece| piece == b"Hello"));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn the_proxy_protocol_in_both_versions() {
    let host = Host::begin(&format!("{}enable-proxy-protocol = true\n", classic()));
    until("a port", || TcpStream::connect(host.address()).ok());
    let request = "GET /env HTTP/1.1\r\nHost: test\r\n\r\n";
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    second.extend([203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x34, 0, 80]);
    for line in [b"PROXY TCP4 203.0.113.7 192.0.2.1 4660 80\r\n".to_vec(), second] {
        let mut client = host.client();
        client.say(line).say(request);
        let text = client.response().text();
        assert!(text.contains("REMOTE_ADDR=203.0.113.7\n") && text.contains("REMOTE_PORT=4660\n"), "{text}");
    }
    for wrong in ["PROXY TCP4 nobody\r\n", "\r\n\r\n\0\r\nQUIT\n\u{1}", ""] {
        let mut client = host.client();
        client.try_to_say(format!("{wrong}{request}"));
        assert!(client.maybe_response().is_none_or(|answer| answer.status == 400), "{wrong:?}");
    }
}

#[test]
fn a_unix_socket_with_its_rights() {
    let lines = format!("{}http-socket = @/app.sock\nchmod-socket = 660\nvacuum = true\n", classic());
    let mut host = Host::serving(&lines);
    let mode = std::fs::metadata(host.path("app.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut stream = UnixStream::connect(host.path("app.sock")).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("Hello"), "{said}");
    host.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
    assert!(!host.path("app.sock").exists());
}

#[test]
#[allow(unsafe_code)]
fn sockets_that_systemd_has_opened() {
    let given = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, fd) = (given.local_addr().unwrap().port(), given.as_raw_fd());
    let host = Host::begin_as(port, &format!("{}processes = 1\n", classic()), |command| {
        let program = command.get_program().to_os_string();
        let mut shell = Command::new("sh");
        shell.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\""]).arg(program).arg("app.ini");
        shell.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap());
        }
        // SAFETY: dup2 alone is called between fork and exec.
        unsafe {
            shell.pre_exec(move || match libc::dup2(fd, 3) {
                -1 => Err(std::io::Error::last_os_error()),
                _ if fd == 3 => Ok(libc::fcntl(3, libc::F_SETFD, 0)).map(|_| ()),
                _ => Ok(()),
            });
        }
        let log = std::fs::File::create(command.get_current_dir().unwrap().join("log")).unwrap();
        shell.stdout(log.try_clone().unwrap()).stderr(log);
        *command = shell;
        command
    });
    drop(given);
    assert_eq!(host.get("/").text(), "Hello");
    // It outlives a reload, and a client in between waits in the queue.
    host.signal(nix::sys::signal::Signal::SIGHUP);
    host.logs("the new generation serves");
    assert_eq!(host.get("/").text(), "Hello");
}
