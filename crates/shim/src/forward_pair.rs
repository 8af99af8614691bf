//! One forwarded connection: two sockets, and the bytes on their way between them.

use crate::poller::{Poller, READ, Token, WRITE};
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{Shutdown, getsockopt, shutdown, sockopt::SocketError};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

/// Chunks that one event may move in one direction, so that no connection starves the others.
const ROUNDS: usize = 8;

const CLIENT: usize = 0;
const APP: usize = 1;

/// Two connected sockets.
pub struct Pair {
    sides: [Side; 2],
    /// The app's side is not connected yet.
    connecting: bool,
}

struct Side {
    socket: File,
    /// Bytes that have come from it.
    received: u64,
    /// Read to its end.
    ended: bool,
    /// Told that nothing more will come.
    shut: bool,
    /// Read from the other side and not yet written here. Empty, and without memory, nearly always.
    pending: Vec<u8>,
    /// What the poller is told; a side that waits for nothing is not in it, because hang-ups are told even to
    /// those who wait for nothing.
    interest: EpollFlags,
}

impl Side {
    fn new(socket: OwnedFd) -> Side {
        let socket = File::from(socket);
        Side { socket, received: 0, ended: false, shut: false, pending: Vec::new(), interest: EpollFlags::empty() }
    }
}

/// The pair cannot go on.
pub struct Broken;

impl Pair {
    /// Two sockets that do not block; the app's is still being connected.
    pub fn new(client: OwnedFd, app: OwnedFd) -> Pair {
        Pair { sides: [Side::new(client), Side::new(app)], connecting: true }
    }

    /// The same, and these bytes come to the app before all that its client says.
    pub fn begun(client: OwnedFd, app: OwnedFd, first: Vec<u8>) -> Pair {
        let mut pair = Pair::new(client, app);
        pair.sides[APP].pending = first;
        pair
    }

    /// Whether it is still open where the app's side leads.
    pub fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// The client's socket, and what was to come first, which is what is left when nobody could be connected.
    pub fn into_beginning(self) -> (OwnedFd, Vec<u8>) {
        let [client, app] = self.sides;
        (client.socket.into(), app.pending)
    }

    /// The client's socket alone.
    pub fn into_client(self) -> OwnedFd {
        self.into_beginning().0
    }

    /// Both sockets, the client's first.
    pub fn sockets(&self) -> [&File; 2] {
        [&self.sides[CLIENT].socket, &self.sides[APP].socket]
    }

    /// Bytes that have come from each, the client first.
    pub fn received(&self) -> [u64; 2] {
        [self.sides[CLIENT].received, self.sides[APP].received]
    }

    /// Takes an event of one side in. An error means that the pair is to be dropped.
    pub fn advance(&mut self, side: usize, flags: EpollFlags, scratch: &mut [u8]) -> Result<(), Broken> {
        if self.connecting {
            // Only the app's side is waited for as yet.
            if getsockopt(&self.sides[APP].socket, SocketError) != Ok(0) {
                return Err(Broken);
            }
            self.connecting = false;
        }
        let hung_up = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        self.flush(side)?;
        self.carry(side, scratch)?;
        if hung_up && self.sides[side].ended {
            self.give_up(side)?;
        }
        Ok(())
    }

    /// Nobody is on this side any more: what is on its way there is lost, what came from there still arrives.
    fn give_up(&mut self, side: usize) -> Result<(), Broken> {
        self.sides[side].shut = true;
        self.sides[side].pending = Vec::new();
        self.sides[1 - side].ended = true;
        self.flush(1 - side)
    }

    /// Whether everything has been said in both directions.
    pub fn is_done(&self) -> bool {
        self.sides.iter().all(|side| side.ended && side.shut)
    }

    /// Whether the client has been given all that the app will ever say.
    pub fn is_heard(&self) -> bool {
        self.sides[CLIENT].shut
    }

    /// Tells the poller what is waited for now. `token` is the client's side; the app's is the next.
    pub fn register(&mut self, poller: &Poller, token: Token) -> Result<(), Broken> {
        for index in [CLIENT, APP] {
            let wanted = self.interest(index);
            let side = &mut self.sides[index];
            let token = token + index as Token;
            let told = match (side.interest.is_empty(), wanted.is_empty()) {
                _ if side.interest == wanted => continue,
                (true, _) => poller.add(&side.socket, token, wanted),
                (false, false) => poller.change(&side.socket, token, wanted),
                (false, true) => {
                    poller.remove(&side.socket);
                    Ok(())
                }
            };
            told.map_err(|_| Broken)?;
            side.interest = wanted;
        }
        Ok(())
    }

    /// Takes both sides out of the poller.
    pub fn forget(&self, poller: &Poller) {
        for side in &self.sides {
            poller.remove(&side.socket);
        }
    }

    fn interest(&self, index: usize) -> EpollFlags {
        let (side, other) = (&self.sides[index], &self.sides[1 - index]);
        let mut wanted = EpollFlags::empty();
        if self.connecting {
            return if index == APP { WRITE } else { wanted };
        }
        if !side.ended && other.pending.is_empty() {
            wanted |= READ;
        }
        if !side.pending.is_empty() {
            wanted |= WRITE;
        }
        wanted
    }

    /// Reads from one side and writes to the other, until either would block.
    fn carry(&mut self, from: usize, scratch: &mut [u8]) -> Result<(), Broken> {
        let to = 1 - from;
        for _ in 0..ROUNDS {
            if self.sides[from].ended || !self.sides[to].pending.is_empty() {
                return Ok(());
            }
            match self.sides[from].socket.read(scratch) {
                Ok(0) => {
                    self.sides[from].ended = true;
                    self.flush(to)?;
                }
                Ok(count) => {
                    self.sides[from].received += count as u64;
                    let written = write_some(&mut self.sides[to].socket, &scratch[..count])?;
                    self.sides[to].pending.extend_from_slice(&scratch[written..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken),
            }
        }
        Ok(())
    }

    /// Writes what is pending; then passes the other side's end on.
    fn flush(&mut self, index: usize) -> Result<(), Broken> {
        let other_ended = self.sides[1 - index].ended;
        let side = &mut self.sides[index];
        if !side.pending.is_empty() {
            let written = write_some(&mut side.socket, &side.pending)?;
            side.pending.drain(..written);
            if side.pending.is_empty() {
                side.pending = Vec::new();
            }
        }
        if side.pending.is_empty() && other_ended && !side.shut {
            side.shut = true;
            // A half-closed connection: the answer may still be on its way.
            let _ = shutdown(side.socket.as_raw_fd(), Shutdown::Write);
        }
        Ok(())
    }
}

fn write_some(socket: &mut File, bytes: &[u8]) -> Result<usize, Broken> {
    let mut written = 0;
    while written < bytes.len() {
        match socket.write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Broken),
        }
    }
    Ok(written)
}
