//! Asks the kernel about sockets. Its tables in /proc say nearly the same, but to write them it goes through those of the
//! whole machine at every read: milliseconds, which somebody may wait for.

use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

/// The older question, which is answered for both families in one walk.
const TCPDIAG_GETSOCK: u16 = 18;
const REQUEST_DUMP: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const HEADER: usize = 16;
/// `struct inet_diag_req`, with the wanted states behind the socket.
const QUESTION: usize = 60;
const STATES: usize = 52;
/// `struct inet_diag_msg`: family, state, …; from its fifth byte on ports and addresses; the inode is its last word.
const ANSWER: usize = 72;
const ONLY_V6: u16 = 11;

/// A TCP socket of this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// As the kernel numbers them.
    pub state: u8,
    /// What its descriptors are known by; 0: it has none.
    pub inode: u64,
    /// It listens for IPv6 and nothing else. None: that was not told.
    pub only_v6: Option<bool>,
}

/// All sockets in one of these states. An error where the kernel cannot be asked.
pub fn sockets(states: &[u8]) -> io::Result<Vec<Socket>> {
    let (flags, protocol) = (SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag);
    let diag = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol)?;
    send(diag.as_raw_fd(), &question(states), MsgFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = [0; 32 * 1024];
    loop {
        let count = recv(diag.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if read_answers(&buffer[..count], &mut found)? {
            return Ok(found);
        }
    }
}

fn question(states: &[u8]) -> Vec<u8> {
    let mut words = Vec::with_capacity(HEADER + QUESTION);
    words.extend(((HEADER + QUESTION) as u32).to_ne_bytes());
    words.extend(TCPDIAG_GETSOCK.to_ne_bytes());
    words.extend(REQUEST_DUMP.to_ne_bytes());
    // Sequence number and sender: there is only this one. Then any socket.
    words.resize(HEADER + STATES, 0);
    words.extend(states.iter().fold(0_u32, |mask, state| mask | 1 << state).to_ne_bytes());
    words.resize(HEADER + QUESTION, 0);
    words
}

/// Takes in one datagram of answers; true when it was the last.
fn read_answers(mut rest: &[u8], found: &mut Vec<Socket>) -> io::Result<bool> {
    while rest.len() >= HEADER {
        let length = (word(rest, 0) as usize).clamp(HEADER, rest.len());
        match half(rest, 4) {
            DONE => return Ok(true),
            ERROR => return Err(io::Error::other("the kernel does not tell of sockets")),
            _ => {}
        }
        found.extend(read_socket(&rest[HEADER..length]));
        rest = &rest[align(length).min(rest.len())..];
    }
    Ok(false)
}

fn read_socket(answer: &[u8]) -> Option<Socket> {
    let (answer, attributes) = answer.split_at_checked(ANSWER)?;
    let place = |port: usize, address: usize| {
        let port = u16::from_be_bytes([answer[port], answer[port + 1]]);
        let bytes: [u8; 16] = answer[address..address + 16].try_into().ok()?;
        let ip: IpAddr = match i32::from(answer[0]) {
            libc::AF_INET => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
            libc::AF_INET6 => Ipv6Addr::from(bytes).into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    };
    Some(Socket {
        local: place(4, 8)?,
        remote: place(6, 24)?,
        state: answer[1],
        inode: u64::from(word(answer, ANSWER - 4)),
        only_v6: Some(is_for_v6_alone(attributes)),
    })
}

/// Looks through attributes: length, kind, value.
fn is_for_v6_alone(mut rest: &[u8]) -> bool {
    while rest.len() > 4 {
        let length = usize::from(half(rest, 0)).clamp(4, rest.len());
        if half(rest, 2) == ONLY_V6 && length > 4 {
            return rest[4] != 0;
        }
        rest = &rest[align(length).min(rest.len())..];
    }
    false
}

fn align(length: usize) -> usize {
    length.div_ceil(4) * 4
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::sockopt::Ipv6V6Only;
    use nix::sys::socket::{Backlog, SockaddrIn6, bind, getsockname, listen, setsockopt};
    use std::net::{SocketAddrV6, TcpListener, TcpStream};

    const ESTABLISHED: u8 = 1;
    const LISTEN: u8 = 10;

    #[test]
    fn tells_a_listener_for_both_from_one_for_ipv6_alone() {
        for alone in [true, false] {
            let server = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
            setsockopt(&server, Ipv6V6Only, &alone).unwrap();
            let any = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
            bind(server.as_raw_fd(), &any).unwrap();
            listen(&server, Backlog::new(1).unwrap()).unwrap();
            let port = getsockname::<SockaddrIn6>(server.as_raw_fd()).unwrap().port();
            let all = sockets(&[LISTEN]).unwrap();
            let found = all.iter().find(|found| found.local.port() == port).unwrap();
            assert_eq!(found.only_v6, Some(alone));
        }
    }

    #[test]
    fn tells_of_both_ends_in_the_states_that_were_asked_for() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let place = listener.local_addr().unwrap();
            let client = TcpStream::connect(place).unwrap();
            let ends = (client.peer_addr().unwrap(), client.local_addr().unwrap());
            let count = |states: &[u8], local, remote| {
                let all = sockets(states).unwrap();
                all.iter().filter(|found| found.local == local && found.remote == remote).count()
            };
            assert_eq!(count(&[ESTABLISHED], ends.0, ends.1), 1);
            assert_eq!(count(&[ESTABLISHED], ends.1, ends.0), 1);
            assert_eq!(count(&[LISTEN], ends.0, ends.1), 0);
            assert!(sockets(&[LISTEN]).unwrap().iter().any(|found| found.local == place && found.inode != 0));
        }
    }

    #[test]
    fn what_is_cut_short_is_no_socket() {
        assert_eq!(read_socket(&[0; ANSWER - 1]), None);
        assert_eq!(read_socket(&[0; ANSWER]), None, "of no family");
        let mut found = Vec::new();
        assert!(!read_answers(&[1; HEADER + 4], &mut found).unwrap());
        assert!(found.is_empty());
    }
}
