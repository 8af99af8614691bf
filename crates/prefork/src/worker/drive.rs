//! What happens with a connection next. Nothing here waits.

use super::connection::{Connection, Then};
use super::limits;
use super::thread::Thread;
use crate::http::proxy_protocol::{self, Proxied};
use crate::http::refusal::{Refusal, without_body};
use crate::http::request::{Parsed, worth_parsing};
use crate::http::uwsgi;
use crate::settings::Protocol;
use std::io;

/// What is to be done with a connection.
pub enum Step {
    /// Look at it again.
    Again,
    /// Wait for an event, until this time in milliseconds.
    Wait(u64),
    /// It is over.
    End,
}

/// Most bytes that are thrown away after a refusal.
const LINGER_BYTES: u32 = 16 << 20;

impl Thread<'_> {
    /// One step of a connection.
    pub fn step(&mut self, connection: &mut Connection) -> Step {
        if !connection.output.is_empty() {
            match connection.output.flush(&mut connection.transport) {
                Ok(true) => {}
                Ok(false) => return Step::Wait(limits::silence(self.shared)),
                Err(_) => return Step::End,
            }
        }
        match connection.then {
            Then::Close => {
                connection.transport.finish();
                Step::End
            }
            Then::Linger(left) => linger(connection, left),
            Then::Read => match (connection.skip.take(), connection.gather.take()) {
                (Some((body, left)), _) => self.go_on_skipping(connection, body, left),
                (None, Some(gather)) => self.go_on_gathering(connection, *gather),
                (None, None) => self.read_head(connection),
            },
        }
    }

    /// Receives until a head is whole, then goes on with its body.
    fn read_head(&mut self, connection: &mut Connection) -> Step {
        let mut filled = connection.input.len();
        self.buffer[..filled].copy_from_slice(&connection.input);
        let mut is_parsed = !std::mem::take(&mut connection.is_unparsed);
        let mut seen = if is_parsed { filled } else { 0 };
        loop {
            if filled > 0 && !is_parsed && self.is_worth_a_look(connection, filled, seen) {
                seen = filled;
                match self.look_at_head(connection, filled) {
                    Ok(Looked::Partial) => {}
                    Ok(Looked::Preface(len)) => {
                        self.buffer.copy_within(len..filled, 0);
                        filled -= len;
                        seen = 0;
                        continue;
                    }
                    Ok(Looked::Whole) => {
                        connection.input.clear();
                        connection.until_ms = 0;
                        return self.begin_body(connection, filled);
                    }
                    Err(refusal) => return self.refuse(connection, refusal),
                }
            }
            match connection.transport.receive(&mut self.buffer[filled..]) {
                // Whoever goes away in the middle of a request does not wait for an answer.
                Ok(0) => return Step::End,
                Ok(received) => {
                    filled += received;
                    is_parsed = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.input.clear();
                    connection.input.extend_from_slice(&self.buffer[..filled]);
                    return self.wait_for_head(connection);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::End,
            }
        }
    }

    /// Whether more can be said of these bytes than of the first `seen` of them.
    fn is_worth_a_look(&self, connection: &Connection, filled: usize, seen: usize) -> bool {
        let is_http = self.shared.listeners[connection.listener as usize].protocol != Protocol::Uwsgi;
        !is_http || connection.awaits_proxy_line || worth_parsing(&self.buffer[..filled], seen, &self.shared.limits)
    }

    fn wait_for_head(&self, connection: &mut Connection) -> Step {
        if connection.input.is_empty() {
            if connection.requests == 0 {
                return Step::Wait(limits::head(self.shared));
            }
            return Step::Wait(limits::idle(self.shared));
        }
        // The time runs from the first byte, however often another one comes.
        if connection.until_ms == 0 {
            connection.until_ms = limits::head(self.shared);
        }
        Step::Wait(connection.until_ms)
    }

    fn look_at_head(&mut self, connection: &mut Connection, filled: usize) -> Result<Looked, Refusal> {
        let bytes = &self.buffer[..filled];
        if connection.awaits_proxy_line {
            return match proxy_protocol::parse(bytes) {
                Proxied::Partial => Ok(Looked::Partial),
                Proxied::Complete { len, source, .. } => {
                    connection.awaits_proxy_line = false;
                    if let Some(source) = source {
                        connection.peer.address = source.ip().to_canonical().to_string();
                        connection.peer.port = source.port();
                    }
                    Ok(Looked::Preface(len))
                }
                Proxied::Malformed(_) => Err(PROXY_LINE),
            };
        }
        let parsed = match self.shared.listeners[connection.listener as usize].protocol {
            Protocol::Uwsgi => {
                return Ok(match uwsgi::parse(bytes, &self.shared.limits, &mut self.head, &mut self.vars)? {
                    Parsed::Complete => Looked::Whole,
                    Parsed::Partial => Looked::Partial,
                });
            }
            Protocol::Http | Protocol::Https => self.head.parse(bytes, &self.shared.limits)?,
        };
        Ok(if parsed == Parsed::Complete { Looked::Whole } else { Looked::Partial })
    }
}

impl Thread<'_> {
    /// Answers by itself and ends. What the client still sends is let run out, so that it gets to see the answer.
    pub fn refuse(&mut self, connection: &mut Connection, refusal: Refusal) -> Step {
        let mut answer = refusal.answer();
        if self.buffer.starts_with(b"HEAD ") {
            without_body(&mut answer);
        }
        connection.output.push(answer);
        linger_after(connection);
        Step::Again
    }
}

const PROXY_LINE: Refusal = Refusal { status: 400, reason: "The connection does not begin with the PROXY protocol." };

/// What stands at the begin of the buffer.
enum Looked {
    Partial,
    /// So many bytes of the PROXY protocol.
    Preface(usize),
    /// A whole head; `Thread::head` says which.
    Whole,
}

/// The connection ends after what is to be sent.
pub fn linger_after(connection: &mut Connection) {
    connection.then = Then::Linger(LINGER_BYTES);
    connection.until_ms = limits::linger();
}

/// Stands alone: a frame of this size, made part of the caller's, would be touched for every request.
#[inline(never)]
fn linger(connection: &mut Connection, mut left: u32) -> Step {
    connection.transport.finish();
    let mut waste = [0; 16 << 10];
    loop {
        match connection.transport.receive(&mut waste) {
            Ok(0) => return Step::End,
            Ok(received) => left = left.saturating_sub(received as u32),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.then = Then::Linger(left);
                return Step::Wait(connection.until_ms);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Step::End,
        }
        if left == 0 {
            return Step::End;
        }
    }
}
