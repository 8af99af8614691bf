//! Where requests come from: a unix socket of the platform, or a port of this machine.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::fds;

pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Serves on a socket that somebody else has bound and keeps: who comes while this process starts has waited there.
    pub(crate) fn given(fd: i32) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::from(OwnedFd::from(fds::take(fd)?));
        listener.local_addr()?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener).map(Self::Unix)
    }

    /// Binds a unix socket and puts it in place of what has that name, so that there is always one to connect to.
    pub(crate) fn at_path(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(beside);
        match UnixListener::bind(&beside) {
            Ok(listener) => {
                std::fs::rename(&beside, path).inspect_err(|_| drop(std::fs::remove_file(&beside)))?;
                Ok(Self::Unix(listener))
            }
            // The name of a socket has at most 107 bytes; the longer one may not fit.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(Self::Unix(UnixListener::bind(path)?)),
            },
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn at_port(host: &str, port: u16) -> io::Result<(Self, std::net::SocketAddr)> {
        let listener = TcpListener::bind((host, port)).await?;
        let address = listener.local_addr()?;
        Ok((Self::Tcp(listener), address))
    }

    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Poll::Ready(Ok(match self {
            Self::Unix(listener) => Stream::Unix(ready!(listener.poll_accept(cx))?.0),
            Self::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                // Answers are written whole; waiting for more to send would only delay them.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }
        }))
    }
}

impl Stream {
    /// The number of its descriptor, which is its own only for as long as the stream lives.
    pub(crate) fn number(&self) -> i32 {
        match self {
            Self::Unix(stream) => stream.as_raw_fd(),
            Self::Tcp(stream) => stream.as_raw_fd(),
        }
    }

    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

/// One type for both, so that hyper's code is in the program once.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

macro_rules! either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Unix(stream) => {
                let $inner = Pin::new(stream);
                $call
            }
            Stream::Tcp(stream) => {
                let $inner = Pin::new(stream);
                $call
            }
        }
    };
}

impl hyper::rt::Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        // SAFETY: `ReadBuf` writes to the memory and never takes initialized bytes back.
        let mut buffer = ReadBuf::uninit(unsafe { into.as_mut() });
        ready!(either!(self, inner => inner.poll_read(cx, &mut buffer)))?;
        let read = buffer.filled().len();
        // SAFETY: `read` bytes were filled just now.
        unsafe { into.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, inner => inner.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => inner.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, inner => inner.poll_write_vectored(cx, slices))
    }
}
