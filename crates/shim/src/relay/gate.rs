//! One place where clients come who are to be announced to the app.

use crate::poller::{Poller, READ, Token};
use crate::private_socket::bind_private;
use crate::sys;
use bloom_control::Relay;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{OriginalDst, ReuseAddr, TcpNoDelay};
use nix::sys::socket::{
    AddressFamily, Backlog, Shutdown, SockFlag, SockType, SockaddrIn, accept4, bind, getsockopt, listen, setsockopt,
    shutdown, socket,
};
use nix::unistd::{Gid, Uid, chown};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// How many may wait to be taken in; the kernel caps it.
const BACKLOG: i32 = 4096;

/// A listening socket, and the port of the app it stands for.
pub struct Gate {
    port: u16,
    place: Place,
    socket: OwnedFd,
    /// In the poller.
    watched: bool,
    /// Clients are let in.
    open: bool,
}

enum Place {
    /// A port of the loopback address in a namespace that leads clients there.
    Port(u16),
    /// A unix socket, with the device and inode of its name: what lies there by another is somebody else's.
    Socket(PathBuf, (u64, u64)),
}

impl Gate {
    /// Takes its place; nobody is let in yet.
    pub fn bind(wish: &Relay) -> io::Result<Gate> {
        let (place, socket) = match wish {
            Relay::Port(relay) => (Place::Port(relay.at), bind_port(relay.at)?),
            Relay::Socket(relay) => {
                let owner = relay.owner.map(|user| (Uid::from_raw(user.uid), Gid::from_raw(user.gid)));
                let (listener, inode) = bind_socket(&relay.socket, owner)?;
                (Place::Socket(relay.socket.clone(), inode), listener.into())
            }
        };
        Ok(Gate { port: wish.port(), place, socket, watched: false, open: false })
    }

    /// The port of the app.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of the loopback address on which it listens, if it does.
    pub fn at(&self) -> Option<u16> {
        match self.place {
            Place::Port(at) => Some(at),
            Place::Socket(..) => None,
        }
    }

    /// Whether clients are let in.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Lets clients in from now on, or no longer. A port that is shut refuses them, so that nginx goes elsewhere with
    /// them; those who come by a shut socket are seen off.
    pub fn show(&mut self, open: bool, token: Token, poller: &Poller) -> nix::Result<()> {
        if std::mem::replace(&mut self.open, open) == open {
            return Ok(());
        }
        if open && self.at().is_some() {
            listen(&self.socket, Backlog::new(BACKLOG)?)?;
        } else if self.at().is_some() {
            self.rest(poller);
            // It keeps its port: to the kernel it is bound as before.
            shutdown(self.socket.as_raw_fd(), Shutdown::Read)?;
        }
        if open { self.watch(token, poller) } else { Ok(()) }
    }

    /// Is told of who comes.
    pub fn watch(&mut self, token: Token, poller: &Poller) -> nix::Result<()> {
        if !self.watched && (self.open || self.at().is_none()) {
            poller.add(&self.socket, token, READ)?;
            self.watched = true;
        }
        Ok(())
    }

    /// Is told of nobody for now.
    pub fn rest(&mut self, poller: &Poller) {
        if std::mem::take(&mut self.watched) {
            poller.remove(&self.socket);
        }
    }

    /// The next who has come; `None`: one who is not let in.
    pub fn accept(&self) -> nix::Result<Option<OwnedFd>> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let client = sys::own(accept4(self.socket.as_raw_fd(), flags)?);
        let is_let_in = self.open && self.at().is_none_or(|at| was_led(&client, at));
        if is_let_in && self.at().is_some() {
            let _ = setsockopt(&client, TcpNoDelay, &true);
        }
        Ok(is_let_in.then_some(client))
    }
}

/// Its name goes with it, if it has one.
impl Drop for Gate {
    fn drop(&mut self) {
        if let Place::Socket(path, inode) = &self.place
            && fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == *inode)
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a client meant another place and was led here by the rules of the namespace. Whoever is inside could say
/// anything of himself.
fn was_led(client: &OwnedFd, at: u16) -> bool {
    getsockopt(client, OriginalDst).is_ok_and(|meant| u16::from_be(meant.sin_port) != at)
}

fn bind_port(at: u16) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let server = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    // Connections of before may still be on their way out.
    setsockopt(&server, ReuseAddr, &true)?;
    bind(server.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, at)))?;
    Ok(server)
}

fn bind_socket(path: &PathBuf, owner: Option<(Uid, Gid)>) -> io::Result<(UnixListener, (u64, u64))> {
    let listener = bind_private(path)?;
    if let Some((uid, gid)) = owner {
        chown(path, Some(uid), Some(gid))?;
    }
    let found = fs::symlink_metadata(path)?;
    Ok((listener, (found.dev(), found.ino())))
}

/// What an accept that failed means.
pub enum Trouble {
    /// Nobody is left.
    Nobody,
    /// This one is gone; there may be others.
    Passing,
    /// Nobody can be taken in for now.
    Lasting,
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Trouble {
        match error {
            Errno::EAGAIN | Errno::EINVAL => Trouble::Nobody,
            Errno::EINTR | Errno::ECONNABORTED => Trouble::Passing,
            _ => Trouble::Lasting,
        }
    }
}
