//! The app's side of one request: [`Exchange`] over a connection.

use super::output::Output;
use super::source::Source;
use super::transport::{Transport, wait_for};
use crate::board::{Core, CoreState};
use crate::exchange::{AnswerError, Exchange, Headers};
use crate::http::response::{BodyFraming, BodyLength, LAST_CHUNK, ResponseHead, Sent, chunk_head};
use nix::poll::PollFlags;
use std::io::{self, IoSlice};
use std::time::Duration;

/// Bytes of a body that nobody read which are waited for so that the connection can go on.
pub const SKIP: usize = 256 << 10;

/// An answer while it is made.
pub struct Answer<'a> {
    pub transport: &'a mut Transport,
    /// What could not be sent without waiting.
    pub output: &'a mut Output,
    pub core: &'a Core,
    pub head: &'a [u8],
    pub vars: &'a [(&'a [u8], &'a [u8])],
    pub source: Source<'a>,
    pub form: ResponseHead<'a>,
    /// Longest silence of a client that does not take what is sent.
    pub silence: Duration,
    /// Memory for the head.
    pub scratch: &'a mut Vec<u8>,
    pub stage: Stage,
    /// Bytes of the body that were given.
    pub body_bytes: u64,
    /// Why the app's answer could not be sent.
    pub complaint: Option<String>,
    pub write_failed: bool,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Fresh,
    /// The head is sent, the body follows.
    Open(Sent),
    Whole(Sent),
    /// The client cannot be answered any more.
    Broken,
}

impl Answer<'_> {
    /// Makes the head. Who takes the core from `Asked` is the one who answers.
    fn open(&mut self, status: &[u8], headers: Headers<'_>, length: BodyLength) -> Result<Sent, AnswerError> {
        if self.stage != Stage::Fresh {
            return Err(AnswerError::Invalid("there is an answer already".into()));
        }
        self.scratch.clear();
        // So much is not waited for after the answer, so the connection ends with it.
        self.form.keep_alive &= self.source.is_over() || self.source.unread(SKIP).is_some();
        let sent = self.form.write(self.scratch, status, headers, length).map_err(|bad| {
            self.complaint = Some(bad.to_string());
            AnswerError::Invalid(bad.to_string())
        })?;
        if !self.core.change_state(CoreState::Asked, CoreState::Answering) {
            self.stage = Stage::Broken;
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        Ok(sent)
    }

    fn broken(&mut self, error: io::Error) -> io::Error {
        self.stage = Stage::Broken;
        self.write_failed = true;
        error
    }

    /// Sends all of it, waiting for the client where that is needed.
    fn send_all(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        for part in parts {
            if !part.is_empty() {
                self.output.push(part.to_vec());
            }
        }
        loop {
            match self.output.flush(self.transport) {
                Ok(true) => return Ok(()),
                Ok(false) if wait_for(self.transport.fd(), PollFlags::POLLOUT, self.silence)? => {}
                Ok(false) => return Err(self.broken(io::ErrorKind::TimedOut.into())),
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// What is left to do when the app has returned.
    pub fn finish(&mut self) {
        let Stage::Open(sent) = self.stage else { return };
        let is_whole = match sent.framing {
            BodyFraming::Length(length) => self.body_bytes == length,
            BodyFraming::Chunked => {
                self.output.push(LAST_CHUNK.to_vec());
                true
            }
            BodyFraming::None | BodyFraming::UntilClose => true,
        };
        if is_whole {
            self.stage = Stage::Whole(sent);
            if self.output.flush(self.transport).is_err() {
                let _ = self.broken(io::ErrorKind::BrokenPipe.into());
            }
        } else {
            self.complaint =
                Some(format!("the app announced another length than the {} bytes it sent", self.body_bytes));
            self.stage = Stage::Broken;
        }
    }
}

impl Exchange for Answer<'_> {
    fn vars(&self) -> &[(&[u8], &[u8])] {
        self.vars
    }

    fn head(&self) -> &[u8] {
        self.head
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.source.read(self.transport, into)
    }

    fn respond(&mut self, status: &[u8], headers: Headers<'_>, body: Vec<Vec<u8>>) -> Result<(), AnswerError> {
        let length = body.iter().map(|part| part.len() as u64).sum();
        let sent = self.open(status, headers, BodyLength::Known(length))?;
        self.stage = Stage::Whole(sent);
        let bodies: &[Vec<u8>] = if sent.framing == BodyFraming::None { &[] } else { &body };
        self.body_bytes = if bodies.is_empty() { 0 } else { length };
        // Almost always everything fits into the socket at once, without a copy.
        let mut slices = std::array::from_fn::<_, 16, _>(|_| IoSlice::new(&[]));
        let mut count = 1;
        slices[0] = IoSlice::new(self.scratch);
        for part in bodies.iter().filter(|part| !part.is_empty()).take(15) {
            slices[count] = IoSlice::new(part);
            count += 1;
        }
        let mut done = match self.transport.send(&slices[..count]) {
            Ok(done) => done,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(self.broken(error).into()),
        };
        if done as u64 == self.scratch.len() as u64 + self.body_bytes && !self.transport.wants_write() {
            return Ok(());
        }
        let head = std::mem::take(self.scratch);
        let rest = if sent.framing == BodyFraming::None { Vec::new() } else { body };
        for part in std::iter::once(head).chain(rest) {
            let of_it = done.min(part.len());
            done -= of_it;
            self.output.push_from(part, of_it);
        }
        self.output.flush(self.transport).map_err(|error| self.broken(error))?;
        Ok(())
    }

    fn begin(&mut self, status: &[u8], headers: Headers<'_>, body: Option<u64>) -> Result<(), AnswerError> {
        let length = body.map_or(BodyLength::Unknown, BodyLength::Known);
        let sent = self.open(status, headers, length)?;
        self.stage = Stage::Open(sent);
        // The head goes with the first part of the body.
        self.output.push(std::mem::take(self.scratch));
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let Stage::Open(sent) = self.stage else { return Err(io::ErrorKind::BrokenPipe.into()) };
        match sent.framing {
            BodyFraming::None => Ok(()),
            BodyFraming::Length(length) if self.body_bytes + data.len() as u64 > length => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "more than the announced length"))
            }
            BodyFraming::Length(_) | BodyFraming::UntilClose => {
                self.body_bytes += data.len() as u64;
                self.send_all(&[data])
            }
            BodyFraming::Chunked if data.is_empty() => self.send_all(&[]),
            BodyFraming::Chunked => {
                self.body_bytes += data.len() as u64;
                let mut space = [0; 18];
                let mark = chunk_head(data.len() as u64, &mut space);
                self.send_all(&[mark, data, b"\r\n"])
            }
        }
    }
}
