//! The programs under supervision: this test binary itself, told by `BLOOM_TEST_APP` what to be.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

/// The arguments that turn this binary into an app.
pub const ARGUMENTS: [&str; 4] = ["app::be_the_app", "--exact", "--ignored", "--nocapture"];

pub fn binary() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// A command line that runs the app outside any sandbox.
pub fn command() -> Vec<String> {
    let mut words = vec![binary().to_str().unwrap().to_owned()];
    words.extend(ARGUMENTS.map(str::to_owned));
    words
}

#[test]
#[ignore = "not a test: what the shim starts in the others"]
fn be_the_app() {
    let variable = |name: &str| std::env::var(name).unwrap();
    match variable("BLOOM_TEST_APP").as_str() {
        "naive" => naive(&variable("PORT")),
        "echo" => echo(&variable("PORT")),
        "places" => places(&variable("PLACES")),
        "unix" => unix(&variable("SOCKET")),
        "given" => given(),
        "chatty" => chatty(variable("MEGABYTES").parse().unwrap()),
        "calls" => calls(),
        other => panic!("there is no app {other}"),
    }
}

fn listen(port: &str) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap()
}

/// One connection after another, and every surprise is the end: what people write in their first week.
fn naive(port: &str) {
    println!("naive listens");
    for stream in listen(port).incoming() {
        let mut stream = stream.unwrap();
        let count = stream.read(&mut [0; 1024]).unwrap();
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Read: {count}\r\n\r\n").as_bytes())
            .unwrap();
        stream.flush().unwrap();
    }
}

/// Gives everything back, a thread for each connection; keeps its own side open until the client ends.
fn echo(port: &str) {
    for stream in listen(port).incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            let mut back = stream.try_clone().unwrap();
            let _ = std::io::copy(&mut stream, &mut back);
            let _ = back.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// An echo on several places, `0.0.0.0:7878` or `6:[::]:7878` for IPv6 alone, separated by commas; a number is a pause
/// in milliseconds. It says a word for every client, whatever it wants.
fn places(list: &str) {
    for place in list.split(',') {
        if let Ok(pause) = place.parse() {
            std::thread::sleep(std::time::Duration::from_millis(pause));
            continue;
        }
        let listener = match place.strip_prefix("6:") {
            Some(place) => listen_on_v6_alone(place.parse().unwrap()),
            None => TcpListener::bind(place).unwrap(),
        };
        println!("listens on {place}");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                println!("a client: {}", stream.peer_addr().unwrap());
                std::thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
    }
    loop {
        std::thread::park();
    }
}

fn listen_on_v6_alone(place: std::net::SocketAddrV6) -> TcpListener {
    use nix::sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen, setsockopt, socket, sockopt,
    };
    let server = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&server, sockopt::Ipv6V6Only, &true).unwrap();
    bind(std::os::fd::AsRawFd::as_raw_fd(&server), &SockaddrIn6::from(place)).unwrap();
    listen(&server, Backlog::new(8).unwrap()).unwrap();
    TcpListener::from(server)
}

/// An echo on a socket of its own, which answers requests for pages too: with 404 unless they are for /ok.
fn unix(path: &str) {
    let _ = std::fs::remove_file(path);
    for stream in UnixListener::bind(path).unwrap().incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            let mut start = [0; 4];
            let count = stream.read(&mut start).unwrap();
            let mut back = stream.try_clone().unwrap();
            if &start == b"GET " {
                let mut rest = [0; 1024];
                let count = stream.read(&mut rest).unwrap();
                let words = if rest[..count].starts_with(b"/ok ") { "200 OK" } else { "404 Not Found" };
                let _ = back.write_all(format!("HTTP/1.1 {words}\r\nContent-Length: 0\r\n\r\n").as_bytes());
                return;
            }
            let _ = back.write_all(&start[..count]).and_then(|()| std::io::copy(&mut stream, &mut back));
            let _ = back.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// Answers on the socket it finds as descriptor 5 with its pid and what it was sent, and ends when it is sent `end`.
fn given() {
    use nix::sys::socket::{MsgFlags, accept, recv, send};
    println!("given begins");
    loop {
        let Ok(client) = accept(5) else {
            std::thread::sleep(std::time::Duration::from_millis(2));
            continue;
        };
        let mut said = [0; 100];
        let count = recv(client, &mut said, MsgFlags::empty()).unwrap();
        let text = String::from_utf8_lossy(&said[..count]).into_owned();
        let _ = send(client, format!("{} {text}", std::process::id()).as_bytes(), MsgFlags::MSG_NOSIGNAL);
        nix::unistd::close(client).unwrap();
        if text == "end" {
            std::process::exit(7);
        }
    }
}

fn chatty(megabytes: usize) {
    let line = format!("{}\n", "x".repeat(99));
    let mut out = std::io::stdout().lock();
    for _ in 0..megabytes * 10_000 {
        out.write_all(line.as_bytes()).unwrap();
    }
    drop(out);
    println!("all said");
    std::thread::park();
}

/// Tries what the filter refuses, and something it does not.
fn calls() {
    let said = |name: &str, result: nix::Result<()>| println!("call {name}: {result:?}");
    said("unshare", nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUTS));
    said("getpid", nix::errno::Errno::result(nix::unistd::getpid().as_raw()).map(drop));
    println!("fds {:?}", open_descriptors());
    std::thread::park();
}

fn open_descriptors() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sends a request and reads to the end.
pub fn ask(mut stream: TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// The client says much and ends its half; the echo of all of it comes, and then an end.
pub fn echo_to_the_end(client: &mut UnixStream, count: u32) {
    let sent: Vec<u8> = (0..count).map(|number| number as u8).collect();
    let (mut writer, bytes) = (client.try_clone().unwrap(), sent.clone());
    let writing = std::thread::spawn(move || {
        writer.write_all(&bytes).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    writing.join().unwrap();
    assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
}

/// Sends bytes to an echo and returns everything that has come back so far, which ends with them.
pub fn ask_echo(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !received.ends_with(bytes) {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "the echo ended");
        received.extend_from_slice(&buffer[..count]);
    }
    received
}
