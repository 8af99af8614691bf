//! `control.sock`: requests and answers as JSON lines, any number of clients, none of which can hold up the rest.

use crate::poller::{CLIENTS, CONTROL, Poller, READ, Ready, Token, WRITE};
use bloom_control::{Exactly, Line, ProtocolError, Request};
use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Longest request line in bytes.
const MAX_LINE: usize = 64 * 1024;
/// A client that has so much to read is given up.
const MAX_UNREAD: usize = 1024 * 1024;
const MAX_CLIENTS: usize = 256;

/// The socket and those who talk on it.
pub struct ControlServer {
    listener: UnixListener,
    clients: HashMap<Token, Client>,
    next: Token,
}

struct Client {
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    watches: bool,
    /// Requests that have been handed out and not been answered yet.
    unanswered: u32,
    /// Nothing more is read; it goes when everything is answered and written.
    closing: bool,
}

/// A request and whom to answer.
pub struct Incoming {
    /// The client.
    pub client: Token,
    /// What it wants.
    pub request: Request,
}

impl ControlServer {
    /// Binds the socket, replacing one that a dead shim has left; a living one is an error. The path should be
    /// a short one: the kernel takes 107 bytes.
    pub fn bind(path: &Path, poller: &Poller) -> io::Result<ControlServer> {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(ErrorKind::AddrInUse, "another shim answers on it"));
        }
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        poller.add(&listener, CONTROL, READ)?;
        Ok(ControlServer { listener, clients: HashMap::new(), next: CLIENTS })
    }

    /// Lets new clients in.
    pub fn accept(&mut self, poller: &Poller) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() >= MAX_CLIENTS || stream.set_nonblocking(true).is_err() {
                continue;
            }
            let token = self.next;
            self.next += 1;
            if poller.add(&stream, token, READ).is_ok() {
                let client = Client {
                    stream,
                    input: Vec::new(),
                    output: Vec::new(),
                    watches: false,
                    unanswered: 0,
                    closing: false,
                };
                self.clients.insert(token, client);
            }
        }
    }

    /// Goes on with one client and returns its whole requests; bad lines are answered here.
    pub fn advance(&mut self, event: Ready, poller: &Poller) -> Vec<Incoming> {
        let token = event.token;
        let Some(client) = self.clients.get_mut(&token) else { return Vec::new() };
        let mut requests = Vec::new();
        if !client.closing {
            client.read();
            for line in client.take_lines() {
                match parse_request(&line) {
                    Ok(request) => {
                        client.unanswered += 1;
                        requests.push(Incoming { client: token, request });
                    }
                    Err(refusal) => client.queue(&refusal),
                }
            }
        }
        self.flush(token, poller);
        requests
    }

    /// Answers one request of a client.
    pub fn answer(&mut self, token: Token, line: &Line, poller: &Poller) {
        if let Some(client) = self.clients.get_mut(&token) {
            client.unanswered -= 1;
            self.send(token, line, poller);
        }
    }

    fn send(&mut self, token: Token, line: &Line, poller: &Poller) {
        if let Some(client) = self.clients.get_mut(&token) {
            client.queue(line);
            self.flush(token, poller);
        }
    }

    /// From now on this client is told every change.
    pub fn watch(&mut self, token: Token) {
        if let Some(client) = self.clients.get_mut(&token) {
            client.watches = true;
        }
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.clients.values().any(|client| client.watches)
    }

    /// Tells everyone who watches.
    pub fn broadcast(&mut self, line: &Line, poller: &Poller) {
        let watching = self.clients.iter().filter(|(_, client)| client.watches).map(|(token, _)| *token);
        for token in watching.collect::<Vec<_>>() {
            self.send(token, line, poller);
        }
    }

    fn flush(&mut self, token: Token, poller: &Poller) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        let alive = client.write();
        if !alive || client.output.len() > MAX_UNREAD || client.is_finished() {
            poller.remove(&client.stream);
            self.clients.remove(&token);
            return;
        }
        let mut interest = if client.closing { nix::sys::epoll::EpollFlags::empty() } else { READ };
        if !client.output.is_empty() {
            interest |= WRITE;
        }
        let _ = poller.change(&client.stream, token, interest);
    }
}

impl Client {
    fn is_finished(&self) -> bool {
        self.closing && self.unanswered == 0 && self.output.is_empty()
    }

    fn read(&mut self) {
        let mut buffer = [0; 4096];
        while self.input.len() <= MAX_LINE {
            match self.stream.read(&mut buffer) {
                // What is left counts as a line, so that answers still go to one who has closed its side.
                Ok(0) => {
                    self.closing = true;
                    if !self.input.is_empty() && !self.input.ends_with(b"\n") {
                        self.input.push(b'\n');
                    }
                    return;
                }
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.closing = error.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    fn take_lines(&mut self) -> Vec<Vec<u8>> {
        let end = self.input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.input.drain(..end).collect();
        if self.input.len() > MAX_LINE {
            // What follows is not the beginning of another line.
            self.input = Vec::new();
            self.closing = true;
            self.queue(&refuse(None, "bad_request", format!("a line is longer than {MAX_LINE} bytes")));
        }
        whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    fn queue(&mut self, line: &Line) {
        if serde_json::to_writer(&mut self.output, line).is_ok() {
            self.output.push(b'\n');
        }
    }

    /// Writes what it can; false when the client is gone.
    fn write(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

fn parse_request(line: &[u8]) -> Result<Request, Line> {
    serde_json::from_slice(line).map_err(|error| {
        let value = serde_json::from_slice::<serde_json::Value>(line).ok();
        let id = value.and_then(|value| value.get("id")?.as_i64());
        refuse(id, "bad_request", error.to_string())
    })
}

/// An answer that says no.
pub fn refuse(id: Option<i64>, code: &str, message: impl Into<String>) -> Line {
    Line::Refused { id, ok: Exactly, error: ProtocolError { code: code.into(), message: message.into() } }
}
