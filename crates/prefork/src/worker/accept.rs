//! New connections.
#![allow(unsafe_code)]

use super::connection::Peer;
use nix::errno::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Takes the next connection, with who is there. `EAGAIN`: there is none.
pub fn accept(listener: BorrowedFd<'_>) -> nix::Result<(OwnedFd, Peer)> {
    // SAFETY: all zero is a valid address; the kernel writes at most `length` bytes of it.
    let (number, address) = unsafe {
        let mut address: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let number = libc::accept4(listener.as_raw_fd(), (&raw mut address).cast(), &raw mut length, flags);
        (Errno::result(number)?, address)
    };
    // SAFETY: just made for this process; nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    Ok((fd, read_peer(&address)))
}

fn read_peer(address: &libc::sockaddr_storage) -> Peer {
    match i32::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which of the layouts it is; all fit into the storage.
            let v4 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Peer { address: ip.to_string(), port: u16::from_be(v4.sin_port) }
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in6>() };
            let ip = IpAddr::from(Ipv6Addr::from(v6.sin6_addr.s6_addr)).to_canonical();
            Peer { address: ip.to_string(), port: u16::from_be(v6.sin6_port) }
        }
        _ => Peer::default(),
    }
}
