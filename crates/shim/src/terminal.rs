//! The terminal of a command inside, and its relay over standard input and output.

use crate::error::{SetupError, at};
use crate::sys;
use bloom_control::Size;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::PollFlags;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Makes a terminal where this process is, inside, takes it over, and sends its other end through the socket.
pub fn make_terminal(size: Size, socket: &OwnedFd) -> Result<(), SetupError> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let front = open("/dev/ptmx", flags, Mode::empty()).map_err(at("open /dev/ptmx"))?;
    let back = sys::open_peer(&front).map_err(at("open a terminal"))?;
    sys::resize_terminal(&front, size.rows, size.cols).map_err(at("size the terminal"))?;
    sys::control_terminal(&back).map_err(at("take the terminal over"))?;
    let all = dup2_stdin(&back).and_then(|()| dup2_stdout(&back)).and_then(|()| dup2_stderr(&back));
    all.map_err(at("set standard streams"))?;
    let rights = [front.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"t")], &message, MsgFlags::empty(), None)
        .map_err(at("pass the terminal on"))?;
    Ok(())
}

/// What came through the socket: bytes, and a terminal with them or not.
pub fn receive(socket: &OwnedFd) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = [0; 16];
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let count = message.bytes;
    let mut found = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            found = fds.first().map(|fd| sys::own(*fd));
        }
    }
    Ok((bytes[..count].to_vec(), found))
}

/// Copies between a terminal and the standard streams.
pub struct Relay {
    front: File,
    /// Typed, and not yet taken by the terminal.
    typed: Vec<u8>,
    /// Nothing more is typed.
    input_ended: bool,
}

impl Relay {
    /// Takes the front end over.
    pub fn new(front: OwnedFd) -> io::Result<Relay> {
        fcntl(&front, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Relay { front: File::from(front), typed: Vec::new(), input_ended: false })
    }

    /// The terminal, for the poll.
    pub fn front(&self) -> BorrowedFd<'_> {
        self.front.as_fd()
    }

    /// What it waits for at the terminal.
    pub fn interest(&self) -> PollFlags {
        if self.typed.is_empty() { PollFlags::POLLIN } else { PollFlags::POLLIN | PollFlags::POLLOUT }
    }

    /// Whether more may be typed: what a program does not read must not pile up here.
    pub fn wants_input(&self) -> bool {
        self.typed.is_empty() && !self.input_ended
    }

    /// Tells the terminal its size.
    pub fn resize(&self, size: Size) {
        let _ = sys::resize_terminal(&self.front, size.rows, size.cols);
    }

    /// Takes in what was typed. An end is no end of the program: it may go on talking.
    pub fn read_input(&mut self) {
        let mut buffer = [0; 4096];
        match io::stdin().read(&mut buffer) {
            Ok(0) => self.input_ended = true,
            Ok(count) => self.typed.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.input_ended = true,
        }
        self.write_typed();
    }

    /// Passes on what was typed, as far as the terminal takes it.
    pub fn write_typed(&mut self) {
        while !self.typed.is_empty() {
            match self.front.write(&self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.typed.clear(),
            }
        }
    }

    /// Copies output, everything that is there; false at its end, or when nobody wants it any more.
    pub fn copy_output(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.front.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    let mut out = io::stdout();
                    if out.write_all(&buffer[..count]).and_then(|()| out.flush()).is_err() {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // EIO: nobody has the other end open.
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}
