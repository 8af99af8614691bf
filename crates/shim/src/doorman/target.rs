//! Where connections are led.

use bloom_control::Target;
use nix::errno::Errno;
use nix::sys::socket::sockopt::TcpNoDelay;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrLike, SockaddrStorage, UnixAddr, connect, setsockopt, socket,
};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

/// A connection that does not block and may still be on its way.
pub fn connect_to(target: &Target) -> io::Result<OwnedFd> {
    match target {
        Target::Unix(to) => begin(AddressFamily::Unix, &UnixAddr::new(&to.path)?),
        Target::Tcp(to) => {
            let address = SocketAddr::new(to.address, to.port.get());
            let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
            let stream = begin(family, &SockaddrStorage::from(address))?;
            setsockopt(&stream, TcpNoDelay, &true)?;
            Ok(stream)
        }
    }
}

fn begin(family: AddressFamily, address: &dyn SockaddrLike) -> io::Result<OwnedFd> {
    let stream = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    match connect(stream.as_raw_fd(), address) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(stream),
        Err(error) => Err(error.into()),
    }
}
