//! Connections that go from one worker to another: the descriptor, who is there, and what was received already.

use super::connection::{Connection, Peer};
use super::transport::Transport;
use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Most bytes of input that travel with a connection.
pub const MOST_INPUT: usize = 48 << 10;

/// Gives a connection away. `WouldBlock` when nobody takes them as fast as they come. The connection stays the caller's.
pub fn give(connection: &Connection, by: &OwnedFd) -> io::Result<()> {
    let bytes = pack(connection);
    let descriptors = [connection.transport.number()];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let control = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<()>(by.as_raw_fd(), &[IoSlice::new(&bytes)], &control, flags, None)?;
    Ok(())
}

/// Takes a connection of another worker. None: there is none, or it cannot be understood.
#[allow(unsafe_code)]
pub fn take(from: &OwnedFd) -> Option<Connection> {
    let mut bytes = vec![0; MOST_INPUT + 256];
    let mut space = cmsg_space!([i32; 1]);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<()>(from.as_raw_fd(), &mut slices, Some(&mut space), flags).ok()?;
    let mut descriptor = None;
    for control in message.cmsgs().ok()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just made these descriptors for this process; nobody else knows them.
            descriptor = numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }).next_back();
        }
    }
    let length = message.bytes;
    unpack(&bytes[..length], descriptor?)
}

/// Bytes of connections that were given and that nobody has taken yet.
#[allow(unsafe_code)]
pub fn bytes_under_way(from: &OwnedFd) -> u32 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one integer.
    let done = unsafe { libc::ioctl(from.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    if done == 0 { bytes.cast_unsigned() } else { 0 }
}

/// Bytes of a connection that was given, its address and its input apart.
pub const LEAST_BYTES: u32 = 13;

fn pack(connection: &Connection) -> Vec<u8> {
    let address = connection.peer.address.as_bytes();
    let mut bytes = Vec::with_capacity(16 + address.len() + connection.input.len());
    bytes.extend_from_slice(&connection.listener.to_le_bytes());
    bytes.extend_from_slice(&connection.requests.to_le_bytes());
    bytes.extend_from_slice(&connection.peer.port.to_le_bytes());
    bytes.push(u8::from(connection.awaits_proxy_line));
    bytes.push(connection.hops);
    bytes.push(address.len() as u8);
    bytes.extend_from_slice(address);
    bytes.extend_from_slice(&connection.input);
    bytes
}

fn unpack(bytes: &[u8], fd: OwnedFd) -> Option<Connection> {
    let (listener, rest) = bytes.split_first_chunk::<4>()?;
    let (requests, rest) = rest.split_first_chunk::<4>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let ([awaits, hops, length], rest) = rest.split_first_chunk::<3>()?;
    let (address, input) = rest.split_at_checked(usize::from(*length))?;
    let peer = Peer { address: String::from_utf8_lossy(address).into_owned(), port: u16::from_le_bytes(*port) };
    let mut connection = Connection::new(Transport::new(fd, None), u32::from_le_bytes(*listener), peer);
    connection.requests = u32::from_le_bytes(*requests);
    connection.awaits_proxy_line = *awaits != 0;
    connection.hops = *hops;
    connection.is_unparsed = !input.is_empty();
    connection.input = input.to_vec();
    Some(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap()
    }

    #[test]
    fn a_connection_arrives_with_all_that_is_known_of_it() {
        let (send, receive) = pair();
        assert!(take(&receive).is_none());
        let (mut client, server) = UnixStream::pair().unwrap();
        let peer = Peer { address: "127.0.0.1".into(), port: 4711 };
        let mut connection = Connection::new(Transport::new(server.into(), None), 3, peer.clone());
        connection.input = b"GET /half".to_vec();
        connection.requests = 9;
        assert_eq!(bytes_under_way(&receive), 0);
        give(&connection, &send).unwrap();
        give(&connection, &send).unwrap();
        drop(connection);
        let one = LEAST_BYTES + 9 + 9;
        assert_eq!(bytes_under_way(&receive), 2 * one);
        drop(take(&receive));
        assert_eq!(bytes_under_way(&receive), one);
        let taken = take(&receive).unwrap();
        assert_eq!((taken.listener, taken.requests, taken.peer.clone()), (3, 9, peer));
        assert_eq!(taken.input, b"GET /half");
        assert!(taken.is_unparsed);
        let mut transport = taken.transport;
        transport.send(&[IoSlice::new(b"hello")]).unwrap();
        transport.finish();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn what_is_too_short_is_dropped() {
        let (send, receive) = pair();
        let (_client, server) = UnixStream::pair().unwrap();
        let control = [server.as_raw_fd()];
        let flags = MsgFlags::empty();
        sendmsg::<()>(send.as_raw_fd(), &[IoSlice::new(b"xx")], &[ControlMessage::ScmRights(&control)], flags, None)
            .unwrap();
        assert!(take(&receive).is_none());
    }
}
