//! The body of a request, for the app: what was gathered first, then what still comes.

use super::transport::{Transport, wait_for};
use crate::http::body::Body;
use crate::http::refusal::CONTINUE;
use nix::poll::PollFlags;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Bytes a second that a client must send at least, once it had time to begin.
const SLOWEST: u64 = 512;

/// Where the bytes of a body come from.
pub struct Source<'a> {
    gathered: &'a [u8],
    body: Body,
    /// Memory to receive into; `rest` of it is received and not read.
    room: &'a mut [u8],
    rest: Range<usize>,
    is_done: bool,
    awaits_continue: bool,
    silence: Duration,
    began: Option<Instant>,
    came: u64,
    /// A read has failed: the connection is of no use any more.
    pub has_failed: bool,
}

impl<'a> Source<'a> {
    pub fn new(
        gathered: &'a [u8],
        body: Body,
        room: &'a mut [u8],
        rest: Range<usize>,
        awaits_continue: bool,
        silence: Duration,
    ) -> Source<'a> {
        let is_done = body.is_done();
        Source {
            gathered,
            body,
            room,
            rest,
            is_done,
            awaits_continue,
            silence,
            began: None,
            came: 0,
            has_failed: false,
        }
    }

    /// Waits for bytes of the body; 0 is its end.
    pub fn read(&mut self, transport: &mut Transport, into: &mut [u8]) -> io::Result<usize> {
        if !self.gathered.is_empty() {
            let count = self.gathered.len().min(into.len());
            into[..count].copy_from_slice(&self.gathered[..count]);
            self.gathered = &self.gathered[count..];
            return Ok(count);
        }
        let read = self.read_on(transport, into);
        self.has_failed |= read.is_err();
        read
    }

    fn read_on(&mut self, transport: &mut Transport, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_done && !into.is_empty() {
            if self.rest.is_empty() {
                self.receive(transport, true)?;
            }
            // No more than fits: whatever of it is data is taken at once.
            let end = self.rest.end.min(self.rest.start + into.len());
            let step = self.body.feed(&self.room[self.rest.start..end]).map_err(malformed)?;
            let data = self.rest.start + step.data.start..self.rest.start + step.data.end;
            self.rest.start += step.consumed;
            self.is_done = step.done;
            if !data.is_empty() {
                into[..data.len()].copy_from_slice(&self.room[data.clone()]);
                return Ok(data.len());
            }
        }
        Ok(0)
    }

    fn receive(&mut self, transport: &mut Transport, waits: bool) -> io::Result<()> {
        let began = *self.began.get_or_insert_with(Instant::now);
        if std::mem::take(&mut self.awaits_continue) {
            transport.send(&[IoSlice::new(CONTINUE)])?;
        }
        loop {
            match transport.receive(self.room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.rest = 0..count;
                    self.came += count as u64;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && waits => {
                    let allowed = self.silence + Duration::from_secs(self.came / SLOWEST);
                    let left = allowed.saturating_sub(began.elapsed()).min(self.silence);
                    if !wait_for(transport.fd(), PollFlags::POLLIN, left)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Throws away what is here already of what the app did not read. True: the next request begins after it.
    pub fn skip(&mut self) -> bool {
        while !self.is_done && !self.rest.is_empty() {
            let Ok(step) = self.body.feed(&self.room[self.rest.clone()]) else { return false };
            self.rest.start += step.consumed;
            self.is_done = step.done;
        }
        self.is_done && !self.has_failed
    }

    /// Whether the body was read to its end.
    pub fn is_over(&self) -> bool {
        self.is_done
    }

    /// What still comes of the body, where it can be waited for: at most `most` bytes, and the client sends it.
    pub fn unread(&self, most: usize) -> Option<Body> {
        let left = self.body.remaining().unwrap_or(0);
        // A client that was never asked for its body has not sent it.
        let comes = !self.awaits_continue && !self.has_failed && left <= most as u64;
        comes.then(|| self.body.clone())
    }

    /// What came after the body.
    pub fn leftover(&self) -> &[u8] {
        &self.room[self.rest.clone()]
    }

    /// Bytes of the body so far.
    pub fn received(&self) -> u64 {
        self.body.received()
    }
}

fn malformed(refusal: crate::http::refusal::Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, refusal)
}
