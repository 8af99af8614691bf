//! The body of a request that is still coming, and of one that nobody reads.

use super::connection::{Connection, Gather};
use super::drive::Step;
use super::limits;
use super::serve::Request;
use super::thread::Thread;
use crate::http::body::Body;
use crate::http::refusal::Refusal;
use crate::http::request::Framing;
use crate::http::uwsgi;
use crate::settings::Protocol;
use std::io;
use std::ops::Range;

impl Thread<'_> {
    /// The head is whole; `buffer[head.len..filled]` is what came after it.
    pub fn begin_body(&mut self, connection: &mut Connection, filled: usize) -> Step {
        self.body.clear();
        let mut body = Body::new(self.head.framing, self.shared.limits.body_bytes);
        let rest = self.head.len..filled;
        if self.head.framing == Framing::None {
            return self.answer(connection, Request { body, rest, is_gathered: true, was_told_to_go_on: true });
        }
        let most = self.shared.settings.http.post_buffering as u64;
        if matches!(self.head.framing, Framing::Length(length) if length > most) {
            return self.answer(connection, Request { body, rest, is_gathered: false, was_told_to_go_on: false });
        }
        if self.head.expects_continue && rest.is_empty() {
            connection.output.push(crate::http::refusal::CONTINUE.to_vec());
            let _ = connection.output.flush(&mut connection.transport);
        }
        match self.feed(&mut body, rest) {
            Ok((true, rest)) => {
                self.answer(connection, Request { body, rest, is_gathered: true, was_told_to_go_on: true })
            }
            Ok((false, _)) => self.gather_more(connection, body),
            Err(refusal) => self.refuse(connection, refusal),
        }
    }

    pub fn go_on_gathering(&mut self, connection: &mut Connection, gather: Gather) -> Step {
        self.buffer[..gather.head.len()].copy_from_slice(&gather.head);
        if let Err(refusal) = self.look_again(connection, gather.head.len()) {
            return self.refuse(connection, refusal);
        }
        self.body = gather.data;
        self.gather_more(connection, gather.body)
    }

    /// Throws away what the app did not read of a body, for the next request stands behind it.
    pub fn go_on_skipping(&mut self, connection: &mut Connection, mut body: Box<Body>, mut left: usize) -> Step {
        loop {
            match connection.transport.receive(self.buffer) {
                Ok(0) => return Step::End,
                Ok(received) => {
                    left = left.saturating_sub(received);
                    self.body.clear();
                    match self.feed(&mut body, 0..received) {
                        Ok((true, rest)) => {
                            connection.input.extend_from_slice(&self.buffer[rest]);
                            connection.is_unparsed = !connection.input.is_empty();
                            return Step::Again;
                        }
                        Ok((false, _)) if left > 0 => {}
                        Ok((false, _)) | Err(_) => return Step::End,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.skip = Some((body, left));
                    return Step::Wait(limits::silence(self.shared));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::End,
            }
        }
    }

    /// Receives more of the body into what is free of the buffer behind the head.
    fn gather_more(&mut self, connection: &mut Connection, mut body: Body) -> Step {
        let most = self.shared.settings.http.post_buffering;
        let start = self.head.len;
        loop {
            if self.body.len() > most {
                // Only bodies in chunks get here: the app reads the rest as it comes.
                return self.answer(
                    connection,
                    Request { body, rest: start..start, is_gathered: false, was_told_to_go_on: true },
                );
            }
            match connection.transport.receive(&mut self.buffer[start..]) {
                Ok(0) => return Step::End,
                Ok(received) => match self.feed(&mut body, start..start + received) {
                    Ok((true, rest)) => {
                        return self
                            .answer(connection, Request { body, rest, is_gathered: true, was_told_to_go_on: true });
                    }
                    Ok((false, _)) => {}
                    Err(refusal) => return self.refuse(connection, refusal),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let head = self.buffer[..start].to_vec();
                    let data = std::mem::take(&mut self.body);
                    connection.gather = Some(Box::new(Gather { head, body, data }));
                    return Step::Wait(limits::silence(self.shared));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::End,
            }
        }
    }

    /// Feeds `range` of the buffer to a body. True: the body is whole, and what is left of the range follows it.
    fn feed(&mut self, body: &mut Body, mut range: Range<usize>) -> Result<(bool, Range<usize>), Refusal> {
        while !range.is_empty() {
            let step = body.feed(&self.buffer[range.clone()])?;
            self.body.extend_from_slice(&self.buffer[range.start + step.data.start..range.start + step.data.end]);
            range.start += step.consumed;
            if step.done {
                return Ok((true, range));
            }
        }
        Ok((body.is_done(), range))
    }

    /// The head of a request that was left for a while, again.
    fn look_again(&mut self, connection: &Connection, len: usize) -> Result<(), Refusal> {
        let bytes = &self.buffer[..len];
        match self.shared.listeners[connection.listener as usize].protocol {
            Protocol::Uwsgi => uwsgi::parse(bytes, &self.shared.limits, &mut self.head, &mut self.vars),
            Protocol::Http | Protocol::Https => self.head.parse(bytes, &self.shared.limits),
        }?;
        Ok(())
    }
}
