//! Bytes in and out of a connection, in TLS or not. Nothing here waits except [`wait_for`].
#![allow(unsafe_code)]

use crate::statics::FileBody;
use crate::tls::Stream;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The two ends of what may be encrypted.
pub struct Transport {
    fd: OwnedFd,
    tls: Option<Box<Stream>>,
}

impl Transport {
    pub fn new(fd: OwnedFd, tls: Option<Box<Stream>>) -> Transport {
        Transport { fd, tls }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub fn number(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Bytes received, 0 at the end, `WouldBlock` when there are none yet.
    pub fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(stream) => stream.read(self.fd.as_fd(), into),
            None => Ok(recv(self.fd.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT)?),
        }
    }

    /// Bytes taken, `WouldBlock` when none can be.
    pub fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let fd = self.fd.as_raw_fd();
        if let Some(stream) = &mut self.tls {
            let Some(part) = parts.iter().find(|part| !part.is_empty()) else { return Ok(0) };
            return stream.write(self.fd.as_fd(), part);
        }
        if let [part] = parts {
            return Ok(send(fd, part, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)?);
        }
        // SAFETY: all zero is a valid `msghdr`; the kernel only reads the parts, which outlive the call.
        let sent = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = parts.as_ptr().cast_mut().cast();
            message.msg_iovlen = parts.len().min(libc::UIO_MAXIOV as usize) as _;
            libc::sendmsg(fd, &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }

    /// Sends a piece of a file, `WouldBlock` when none of it can be.
    pub fn send_file(&mut self, file: &mut FileBody) -> io::Result<()> {
        match &mut self.tls {
            Some(stream) => send_encrypted(stream, self.fd.as_fd(), file),
            None => file.send(self.fd.as_fd()).map(|_| ()),
        }
    }

    /// What TLS still holds back is sent. False: not all of it could be.
    pub fn flush(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            Some(stream) => match stream.flush(self.fd.as_fd()) {
                Ok(()) => Ok(!stream.wants_write()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                Err(error) => Err(error),
            },
            None => Ok(true),
        }
    }

    /// Whether TLS has something to send by itself.
    pub fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|stream| stream.wants_write())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        if let Some(stream) = &mut self.tls {
            let _ = stream.close(self.fd.as_fd());
        }
        let _ = nix::sys::socket::shutdown(self.fd.as_raw_fd(), nix::sys::socket::Shutdown::Write);
    }
}

/// Stands alone: a frame of this size, made part of the caller's, would be touched for every request.
#[inline(never)]
fn send_encrypted(stream: &mut Stream, fd: BorrowedFd<'_>, file: &mut FileBody) -> io::Result<()> {
    let mut piece = [0; 16 << 10];
    let read = file.read(&mut piece)?;
    let taken = stream.write(fd, &piece[..read]);
    file.give_back(read - taken.as_ref().copied().unwrap_or(0));
    taken.map(|_| ())
}

/// Waits until something can be received or sent. False: the time is over.
pub fn wait_for(fd: BorrowedFd<'_>, flags: PollFlags, longest: Duration) -> io::Result<bool> {
    let timeout = PollTimeout::try_from(longest).unwrap_or(PollTimeout::MAX);
    loop {
        match poll(&mut [PollFd::new(fd, flags)], timeout) {
            Ok(count) => return Ok(count > 0),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
