//! The line to the daemon. There is one daemon at a time: who connects later takes the place of who was there.

use crate::poller::{CLIENTS, CONTROL, Poller, READ, Ready, Token, WRITE};
use bloom_control::{News, Order};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longest order in bytes: some ten thousand doors.
const MAX_LINE: usize = 4 * 1024 * 1024;
/// A daemon that has so much to read is given up.
const MAX_UNREAD: usize = 64 * 1024 * 1024;

/// The socket, and the daemon that talks on it.
pub struct Link {
    listener: UnixListener,
    path: PathBuf,
    daemon: Option<Daemon>,
    next: Token,
}

struct Daemon {
    stream: UnixStream,
    token: Token,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Link {
    /// Binds the socket, replacing one that a dead doorman has left; a living one is an error.
    pub fn bind(path: &Path) -> io::Result<Link> {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(ErrorKind::AddrInUse, "another doorman answers on it"));
        }
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Link { listener, path: path.to_owned(), daemon: None, next: CLIENTS })
    }

    /// Waits for daemons from now on.
    pub fn register(&self, poller: &Poller) -> nix::Result<()> {
        poller.add(&self.listener, CONTROL, READ)
    }

    /// Lets a daemon in; true when there is another one than before.
    pub fn accept(&mut self, poller: &Poller) -> bool {
        let mut is_new = false;
        while let Ok((stream, _)) = self.listener.accept() {
            let token = self.next;
            self.next += 1;
            if stream.set_nonblocking(true).is_ok() && poller.add(&stream, token, READ).is_ok() {
                self.let_go(poller);
                self.daemon = Some(Daemon { stream, token, input: Vec::new(), output: Vec::new() });
                is_new = true;
            }
        }
        is_new
    }

    /// Names the present daemon; another one has another name.
    pub fn present(&self) -> Option<Token> {
        self.daemon.as_ref().map(|daemon| daemon.token)
    }

    /// Goes on with the daemon and returns what it orders; what is no order comes back as the reason why.
    pub fn advance(&mut self, event: Ready, poller: &Poller) -> Vec<Result<Order, String>> {
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.token == event.token) else { return Vec::new() };
        let stays = daemon.read();
        let lines = daemon.take_lines();
        if stays {
            self.flush(poller);
        } else {
            self.let_go(poller);
        }
        let orders = lines.iter().map(|line| serde_json::from_slice(line).map_err(|error| error.to_string()));
        orders.collect()
    }

    /// Tells the daemon, if there is one.
    pub fn tell(&mut self, news: &News, poller: &Poller) {
        let Some(daemon) = &mut self.daemon else { return };
        if serde_json::to_writer(&mut daemon.output, news).is_ok() {
            daemon.output.push(b'\n');
        }
        self.flush(poller);
    }

    /// Takes the socket's name away, where the user it has become may.
    pub fn unlink(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn flush(&mut self, poller: &Poller) {
        let Some(daemon) = &mut self.daemon else { return };
        if !daemon.write() || daemon.output.len() > MAX_UNREAD {
            return self.let_go(poller);
        }
        let interest = if daemon.output.is_empty() { READ } else { READ | WRITE };
        let _ = poller.change(&daemon.stream, daemon.token, interest);
    }

    fn let_go(&mut self, poller: &Poller) {
        if let Some(daemon) = self.daemon.take() {
            poller.remove(&daemon.stream);
        }
    }
}

impl Daemon {
    /// Reads what is there; false when nothing more will come.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        while self.input.len() <= MAX_LINE {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        // Whole orders may be in it; what is longer than an order is the beginning of none.
        self.input.contains(&b'\n')
    }

    fn take_lines(&mut self) -> Vec<Vec<u8>> {
        let end = self.input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.input.drain(..end).collect();
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// Writes what it can; false when the daemon is gone.
    fn write(&mut self) -> bool {
        let mut written = 0;
        while written < self.output.len() {
            match self.stream.write(&self.output[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        self.output.drain(..written);
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        true
    }
}
