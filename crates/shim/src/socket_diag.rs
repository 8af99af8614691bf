//! Asks the kernel what its tables in /proc do not say: which listeners take IPv6 alone.

use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::collections::HashSet;
use std::io;
use std::os::fd::AsRawFd;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const QUESTION: usize = 56;
/// `struct inet_diag_msg`, with the inode as its last word.
const ANSWER: usize = 72;
const LISTEN_STATE: u32 = 1 << 10;
const ONLY_V6: u16 = 11;

/// Inodes of the sockets in this network namespace that listen for IPv6 and nothing else.
pub fn listeners_for_v6_alone() -> io::Result<HashSet<u64>> {
    let (flags, protocol) = (SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag);
    let diag = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol)?;
    send(diag.as_raw_fd(), &question(), MsgFlags::empty())?;
    let mut found = HashSet::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = recv(diag.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if read_answers(&buffer[..count], &mut found)? {
            return Ok(found);
        }
    }
}

fn question() -> Vec<u8> {
    let mut words = Vec::with_capacity(HEADER + QUESTION);
    words.extend(((HEADER + QUESTION) as u32).to_ne_bytes());
    words.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    words.extend(REQUEST_DUMP.to_ne_bytes());
    // Sequence number and sender: there is only this one.
    words.extend([0; 8]);
    words.extend([libc::AF_INET6 as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    words.extend(LISTEN_STATE.to_ne_bytes());
    // Any socket.
    words.resize(HEADER + QUESTION, 0);
    words
}

/// Takes in one datagram of answers; true when it was the last.
fn read_answers(mut rest: &[u8], found: &mut HashSet<u64>) -> io::Result<bool> {
    while rest.len() >= HEADER {
        let length = (word(rest, 0) as usize).clamp(HEADER, rest.len());
        match half(rest, 4) {
            DONE => return Ok(true),
            ERROR => return Err(io::Error::other("the kernel does not tell of sockets")),
            _ => {}
        }
        let answer = &rest[HEADER..length];
        if answer.len() >= ANSWER && is_for_v6_alone(&answer[ANSWER..]) {
            found.insert(u64::from(word(answer, ANSWER - 4)));
        }
        rest = &rest[align(length).min(rest.len())..];
    }
    Ok(false)
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
    use crate::network_view::listeners;
    use nix::sys::socket::sockopt::Ipv6V6Only;
    use nix::sys::socket::{Backlog, SockaddrIn6, bind, getsockname, listen, setsockopt};
    use std::net::{Ipv6Addr, SocketAddrV6};

    #[test]
    fn tells_a_listener_for_both_from_one_for_ipv6_alone() {
        for alone in [true, false] {
            let server = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
            setsockopt(&server, Ipv6V6Only, &alone).unwrap();
            let any = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
            bind(server.as_raw_fd(), &any).unwrap();
            listen(&server, Backlog::new(1).unwrap()).unwrap();
            let port = getsockname::<SockaddrIn6>(server.as_raw_fd()).unwrap().port();
            let inode = listeners().iter().find(|found| found.place.port() == port).unwrap().inode;
            assert_eq!(listeners_for_v6_alone().unwrap().contains(&inode), alone);
        }
    }
}
