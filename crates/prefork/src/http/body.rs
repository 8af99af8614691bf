//! What of the bytes after a head is the body of the request.

use super::chunked::ChunkedDecoder;
use super::refusal::Refusal;
use std::ops::Range;

pub use super::request::Framing;

/// What became of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes used up. At least one where there was one, unless the body is over.
    pub consumed: usize,
    /// The part of them that is data.
    pub data: Range<usize>,
    /// The body is over; what follows belongs to the next request.
    pub done: bool,
}

/// The body of one request while it comes in.
#[derive(Clone, Debug)]
pub struct Body {
    state: State,
    received: u64,
}

#[derive(Clone, Debug)]
enum State {
    Length(u64),
    Chunked(ChunkedDecoder),
}

impl Body {
    /// `most`: bytes that a chunked body may have, 0 for any. (That of a known length was refused with the head.)
    pub fn new(framing: Framing, most: u64) -> Body {
        let state = match framing {
            Framing::None => State::Length(0),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(ChunkedDecoder::new(most)),
        };
        Body { state, received: 0 }
    }

    /// Goes on with `input`. Asked again with what is left of it until it says `done` or has consumed all.
    pub fn feed(&mut self, input: &[u8]) -> Result<Step, Refusal> {
        let step = match &mut self.state {
            State::Length(remaining) => {
                let len = (*remaining).min(input.len() as u64);
                *remaining -= len;
                Step { consumed: len as usize, data: 0..len as usize, done: *remaining == 0 }
            }
            State::Chunked(decoder) => decoder.decode(input)?,
        };
        self.received += step.data.len() as u64;
        Ok(step)
    }

    /// Whether nothing more belongs to it.
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Length(remaining) => *remaining == 0,
            State::Chunked(decoder) => decoder.is_done(),
        }
    }

    /// Bytes of data so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes of data still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        match &self.state {
            State::Length(remaining) => Some(*remaining),
            State::Chunked(decoder) => decoder.is_done().then_some(0),
        }
    }
}
