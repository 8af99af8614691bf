//! Ten thousand clients that say nothing, and one that asks.

use crate::client::Client;
use crate::harness::{Host, classic};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

const CLIENTS: usize = 10_000;
const SOURCES: usize = 5;

/// A connection from one of several addresses: one alone has not ports enough for everybody's tests.
fn connect_from(source: usize, port: u16) -> OwnedFd {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::new(127, 0, 3, 1 + source as u8), 0))).unwrap();
    connect(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))).unwrap();
    fd
}

#[test]
fn ten_thousand_idle_clients_are_not_in_the_way() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let needed = CLIENTS as u64 + 2000;
    if hard < needed && setrlimit(Resource::RLIMIT_NOFILE, needed, needed).is_err() {
        panic!("this test needs {needed} open files, and the limit is {hard}: raise it with ulimit -Hn");
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed.max(soft), needed.max(hard)).unwrap();
    let lines = format!("{}processes = 2\nthreads = 2\nlisten = 1024\nmax-fd = {needed}\n", classic());
    let host = Host::serving(&format!("{lines}http-keepalive = 3600\n"));
    let before = crate::clients::memory(&host);
    let idle: Vec<OwnedFd> = (0..CLIENTS).map(|number| connect_from(number % SOURCES, host.port)).collect();
    // Those that were asked once and are kept since, and new ones.
    let mut kept: Vec<Client> = (0..50).map(|_| host.client()).collect();
    for _ in 0..3 {
        for client in &mut kept {
            assert_eq!(client.get("/").text(), "Hello");
        }
        assert_eq!(host.get("/").text(), "Hello");
    }
    let grown = crate::clients::memory(&host).saturating_sub(before) / CLIENTS as u64;
    assert!(grown < 4096, "{grown} bytes for each idle client");
    // An idle one may still ask.
    let mut one = std::net::TcpStream::from(idle.into_iter().nth(CLIENTS / 2).unwrap());
    std::io::Write::write_all(&mut one, b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut one, &mut said).unwrap();
    assert!(said.ends_with("Hello"), "{said}");
}
