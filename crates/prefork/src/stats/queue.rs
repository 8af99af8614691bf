//! How many connections wait to be accepted.
//!
//! For a TCP socket the kernel says so in `TCP_INFO`; for a unix socket over netlink (`sock_diag`), where it was built
//! with that. What cannot be told counts as nothing.
#![allow(unsafe_code)]

use super::json::proto;
use super::view::SocketView;
use crate::listener::Listener;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Connections that wait, and most that may.
pub type Queue = (u32, u32);

/// The sockets as they are told, with their queues at this moment.
pub fn sockets(listeners: &[Listener]) -> Vec<SocketView> {
    let view = |listener: &Listener| {
        let (queue, max_queue) = of(listener.fd.as_fd(), listener.is_tcp).unwrap_or_default();
        SocketView { name: listener.name.clone(), protocol: listener.protocol, queue, max_queue }
    };
    listeners.iter().map(view).collect()
}

/// Whether clients begin to be turned away.
pub fn is_full(socket: &SocketView) -> bool {
    socket.max_queue > 0 && socket.queue >= socket.max_queue
}

/// What to log each second: a line for each queue that is full.
pub fn full_lines(sockets: &[SocketView]) -> Vec<String> {
    let line = |socket: &SocketView| {
        let (name, proto, queue, max) = (&socket.name, proto(socket.protocol), socket.queue, socket.max_queue);
        format!(
            "*** listen queue of {proto} socket {name} is full ({queue}/{max}): more workers or threads, or a larger \
             `listen`, would help ***"
        )
    };
    sockets.iter().filter(|socket| is_full(socket)).map(line).collect()
}

/// The queue of one socket.
pub fn of(fd: BorrowedFd<'_>, is_tcp: bool) -> Option<Queue> {
    if is_tcp { of_tcp(fd) } else { of_unix(fd) }
}

/// `tcpi_unacked` and `tcpi_sacked`: for a listening socket, the sixth and seventh word after eight single bytes.
fn of_tcp(fd: BorrowedFd<'_>) -> Option<Queue> {
    let mut words = [0_u32; 8];
    let mut length = size_of_val(&words) as libc::socklen_t;
    // SAFETY: the kernel writes `length` bytes at most, which is how many there are.
    let result = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, words.as_mut_ptr().cast(), &mut length)
    };
    (result == 0 && length as usize == size_of_val(&words)).then_some((words[6], words[7]))
}

const HEADER: usize = 16;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_RQLEN: u32 = 0x10;
const UNIX_DIAG_RQLEN: u16 = 4;

/// Asks the kernel for the one unix socket with this inode.
fn of_unix(fd: BorrowedFd<'_>) -> Option<Queue> {
    let inode = nix::sys::stat::fstat(fd).ok()?.st_ino as u32;
    let kernel =
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)
            .ok()?;
    send(kernel.as_raw_fd(), &question(inode), MsgFlags::empty()).ok()?;
    let mut answer = [0_u8; 512];
    let length = recv(kernel.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT).ok()?;
    queue_in(&answer[..length])
}

fn question(inode: u32) -> Vec<u8> {
    const REQUEST: u16 = 1;
    const ANY: u32 = u32::MAX;
    let mut question = Vec::with_capacity(HEADER + 24);
    // Length, type, flags; sequence and sender do not matter.
    question.extend_from_slice(&((HEADER + 24) as u32).to_ne_bytes());
    question.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question.extend_from_slice(&REQUEST.to_ne_bytes());
    question.extend_from_slice(&[0; 8]);
    // Family, protocol and two bytes of nothing; states, inode, what to tell, cookie.
    question.extend_from_slice(&[libc::AF_UNIX as u8, 0, 0, 0]);
    for word in [ANY, inode, UDIAG_SHOW_RQLEN, ANY, ANY] {
        question.extend_from_slice(&word.to_ne_bytes());
    }
    question
}

/// The queue in an answer: attributes follow 16 bytes about the socket.
fn queue_in(answer: &[u8]) -> Option<Queue> {
    let short = |at: usize| Some(u16::from_ne_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    if short(4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let mut at = HEADER + 16;
    loop {
        let (length, kind) = (usize::from(short(at)?), short(at + 2)?);
        if kind == UNIX_DIAG_RQLEN {
            return Some((word(at + 4)?, word(at + 8)?));
        }
        at += length.max(4).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Protocol;
    use nix::sys::socket::{Backlog, SockaddrIn, UnixAddr, bind, connect, getsockname, listen};
    use proptest::prelude::*;
    use std::os::fd::OwnedFd;

    fn new(family: AddressFamily) -> OwnedFd {
        socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap()
    }

    #[test]
    fn counts_what_waits() {
        let listener = new(AddressFamily::Inet);
        bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
        listen(&listener, Backlog::new(3).unwrap()).unwrap();
        assert_eq!(of(listener.as_fd(), true), Some((0, 3)));
        let address: SockaddrIn = getsockname(listener.as_raw_fd()).unwrap();
        let clients = [new(AddressFamily::Inet), new(AddressFamily::Inet)];
        for client in &clients {
            connect(client.as_raw_fd(), &address).unwrap();
        }
        assert_eq!(of(listener.as_fd(), true), Some((2, 3)));
        assert_eq!(of(listener.as_fd(), false), None, "not a unix socket");
    }

    #[test]
    fn counts_what_waits_at_a_unix_socket() {
        let folder = tempfile::tempdir().unwrap();
        let address = UnixAddr::new(&folder.path().join("socket")).unwrap();
        let listener = new(AddressFamily::Unix);
        bind(listener.as_raw_fd(), &address).unwrap();
        listen(&listener, Backlog::new(3).unwrap()).unwrap();
        let Some(queue) = of(listener.as_fd(), false) else {
            eprintln!("skipped: this kernel does not tell about unix sockets");
            return;
        };
        assert_eq!(queue, (0, 3));
        let clients = [new(AddressFamily::Unix), new(AddressFamily::Unix)];
        for client in &clients {
            connect(client.as_raw_fd(), &address).unwrap();
        }
        assert_eq!(of(listener.as_fd(), false), Some((2, 3)));
        assert_eq!(of(listener.as_fd(), true), None, "not a TCP socket");
    }

    #[test]
    fn says_which_queue_is_full() {
        let socket = |queue, max_queue| SocketView { name: ":80".into(), protocol: Protocol::Http, queue, max_queue };
        let lines = full_lines(&[socket(99, 100), socket(100, 100), socket(0, 0)]);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("*** listen queue of http socket :80 is full (100/100)"), "{}", lines[0]);
    }

    proptest! {
        #[test]
        fn any_answer_does(mut answer: Vec<u8>) {
            queue_in(&answer);
            if answer.len() > 6 {
                answer[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
                queue_in(&answer);
            }
        }
    }
}
