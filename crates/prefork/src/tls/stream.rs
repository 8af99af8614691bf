//! TLS over a non-blocking socket that somebody else owns.

use super::error::StreamError;
use nix::sys::socket::{MsgFlags, recv, send};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

/// Most bytes that wait in a stream to be sent; beyond, [`Stream::write`] says WouldBlock.
const WAITING: usize = 64 << 10;
/// Bytes read from the socket at a time: one record of the largest size, nearly.
const CHUNK: usize = 16 << 10;

/// What a client is told that speaks HTTP where HTTPS is spoken.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 61\r\n\
    Connection: close\r\n\r\nThis port speaks HTTPS: the address must begin with https://\n";

/// The server's side of one connection. Holds no descriptor: each call is given it.
///
/// Bounded: what the client sends is read only when it is asked for, what it does not take is refused by `write`.
#[derive(Debug)]
pub struct Stream {
    tls: ServerConnection,
    /// Something has come, and it was not plain HTTP.
    begun: bool,
    /// Why there is nothing more to be had.
    broken: bool,
}

impl Stream {
    /// A connection about to begin.
    pub fn new(config: Arc<ServerConfig>) -> Result<Stream, StreamError> {
        let mut tls = ServerConnection::new(config)?;
        tls.set_buffer_limit(Some(WAITING));
        Ok(Stream { tls, begun: false, broken: false })
    }

    /// Takes bytes that were read from the socket already, such as those behind a line of the PROXY protocol.
    pub fn take(&mut self, fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
        if !self.begun && !bytes.is_empty() {
            self.begun = true;
            // A TLS record of a handshake begins with 22; methods are capital letters, lower-case ones are tried, too.
            if bytes[0].is_ascii_alphabetic() {
                self.broken = true;
                let _ = Socket(fd).write(PLAIN_HTTP);
                return Err(StreamError::PlainHttp.into());
            }
        }
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes)?;
            self.process(fd)?;
        }
        Ok(())
    }

    /// Reads of what the client says, and does the handshake on the way.
    ///
    /// 0: the client has said that this is the end. WouldBlock: wait for the socket (to be writable too, if
    /// [`Stream::wants_write`]). UnexpectedEof: the connection ended without that, perhaps not by the client.
    /// InvalidData: a [`StreamError`].
    // A frame of its size, made part of the caller's, would be touched for every request without TLS as well.
    #[inline(never)]
    pub fn read(&mut self, fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if self.broken {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            match self.tls.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            let mut chunk = [0; CHUNK];
            let count = Socket(fd).read(&mut chunk)?;
            if count == 0 {
                // Tells rustls, whose reader knows whether the client had said so before.
                self.tls.read_tls(&mut io::empty())?;
                return match self.tls.reader().read(into) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::UnexpectedEof.into()),
                    done => done,
                };
            }
            self.take(fd, &chunk[..count])?;
            // Answers of the handshake; what the socket does not take now waits for the next call.
            self.flush_some(fd)?;
        }
    }

    /// Takes bytes to send; returns how many. They may still wait here: see [`Stream::flush`]. WouldBlock: none was taken.
    pub fn write(&mut self, fd: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut taken = self.tls.writer().write(data)?;
        self.flush_some(fd)?;
        if taken == 0 && !data.is_empty() {
            // It was full; there may be room now.
            taken = self.tls.writer().write(data)?;
            self.flush_some(fd)?;
            if taken == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
        Ok(taken)
    }

    /// Sends all that waits. WouldBlock: some is left.
    pub fn flush(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut Socket(fd))?;
        }
        Ok(())
    }

    /// Tells the client that this is the end. WouldBlock: not all has been sent; flush later, or just close.
    pub fn close(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        if !self.broken {
            self.tls.send_close_notify();
        }
        self.flush(fd)
    }

    /// Whether something waits to be sent.
    pub fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    /// Whether the handshake is still going on.
    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Bytes that can be read although the socket has none: it will not become ready for them.
    pub fn pending(&mut self) -> usize {
        if self.broken { 0 } else { self.tls.process_new_packets().map_or(0, |state| state.plaintext_bytes_to_read()) }
    }

    fn process(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        if let Err(error) = self.tls.process_new_packets() {
            self.broken = true;
            // The alert that says why; whether it arrives does not matter.
            let _ = self.flush(fd);
            return Err(StreamError::from(error).into());
        }
        Ok(())
    }

    fn flush_some(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self.flush(fd) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            done => done,
        }
    }
}

/// The socket, for the time of one call. A client that is gone is an error, never a signal.
struct Socket<'a>(BorrowedFd<'a>);

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        again(|| recv(self.0.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT))
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        again(|| send(self.0.as_raw_fd(), data, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn again(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(nix::errno::Errno::EINTR) => {}
            done => return Ok(done?),
        }
    }
}
