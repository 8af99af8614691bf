//! Takes a chunked body apart, however it is cut into pieces. Strict: what one reader takes for a size and another for
//! something else is refused.

use super::body::Step;
use super::framing::TOO_LARGE;
use super::refusal::Refusal;

/// Most hex digits of a size.
const DIGITS: u32 = 16;
/// Most bytes of the extensions of one chunk, and of all.
const EXTENSION: u32 = 256;
const EXTENSIONS: u32 = 16 << 10;
/// Most bytes of all trailers.
const TRAILERS: u32 = 8 << 10;

const SIZE: Refusal = Refusal::new(400, "The size of a chunk is malformed.");
const SIZE_LONG: Refusal = Refusal::new(400, "The size of a chunk is too large to be one.");
const EXTENSION_LONG: Refusal = Refusal::new(400, "The extensions of chunks are too long.");
const EXTENSION_BAD: Refusal = Refusal::new(400, "The extension of a chunk is malformed.");
const END: Refusal = Refusal::new(400, "A chunk does not end with CR LF.");
const TRAILER: Refusal = Refusal::new(400, "A trailer is malformed.");
const TRAILERS_LONG: Refusal = Refusal::new(431, "The trailers of the request are too large.");

/// Where a decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before or in a size, with this many digits so far.
    Size(u32),
    /// In an extension of this many bytes.
    Extension(u32),
    /// After the CR of a line with a size.
    SizeEnd,
    /// In the data of a chunk.
    Data,
    /// After the data: CR, then LF.
    DataCr,
    DataLf,
    /// At the beginning of a trailer, or of the empty line at the end.
    TrailerStart,
    TrailerName,
    TrailerValue,
    /// After the CR of a trailer.
    TrailerEnd,
    /// After the CR of the empty line.
    LastLf,
    Done,
}

/// The state of one body. [`ChunkedDecoder::decode`] is given its bytes in order.
#[derive(Clone, Debug)]
pub struct ChunkedDecoder {
    state: State,
    /// Of the current chunk, still to come.
    remaining: u64,
    received: u64,
    most: u64,
    extensions: u32,
    trailers: u32,
}

impl ChunkedDecoder {
    /// For a body of at most `most` bytes of data; 0: any.
    pub fn new(most: u64) -> ChunkedDecoder {
        ChunkedDecoder { state: State::Size(0), remaining: 0, received: 0, most, extensions: 0, trailers: 0 }
    }

    /// Bytes of data so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether the body is over.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Goes on with `input`, up to the end of one piece of data or of the body. Nothing after the body is consumed.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Refusal> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if self.state == State::Data {
                let len = self.remaining.min((input.len() - at) as u64);
                self.remaining -= len;
                self.received += len;
                if self.remaining == 0 {
                    self.state = State::DataCr;
                }
                let end = at + len as usize;
                return Ok(Step { consumed: end, data: at..end, done: false });
            }
            self.state = self.next(input[at])?;
            at += 1;
        }
        Ok(Step { consumed: at, data: at..at, done: self.is_done() })
    }

    /// The state after a byte that is not data.
    fn next(&mut self, byte: u8) -> Result<State, Refusal> {
        match (self.state, byte) {
            (State::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (State::Size(1..), b'\r') | (State::Extension(_), b'\r') => Ok(State::SizeEnd),
            (State::Size(1..), b';') => Ok(State::Extension(1)),
            (State::Size(_), _) => Err(SIZE),
            (State::Extension(len), _) => self.extension(len, byte),
            (State::SizeEnd, b'\n') if self.remaining == 0 => Ok(State::TrailerStart),
            (State::SizeEnd, b'\n') => self.begin_data(),
            (State::SizeEnd, _) => Err(SIZE),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size(0)),
            (State::DataCr | State::DataLf, _) => Err(END),
            (State::LastLf, b'\n') => Ok(State::Done),
            (State::TrailerStart, b'\r') => Ok(State::LastLf),
            _ => self.trailer(byte),
        }
    }

    fn digit(&mut self, digits: u32, byte: u8) -> Result<State, Refusal> {
        if digits == DIGITS {
            return Err(SIZE_LONG);
        }
        let value = char::from(byte).to_digit(16).unwrap_or(0);
        // Zero where a size begins: the chunk before it is over.
        self.remaining = self.remaining << 4 | u64::from(value);
        Ok(State::Size(digits + 1))
    }

    fn extension(&mut self, len: u32, byte: u8) -> Result<State, Refusal> {
        self.extensions += 1;
        match byte {
            _ if len == EXTENSION || self.extensions > EXTENSIONS => Err(EXTENSION_LONG),
            b'\t' | b' '..=b'~' | 0x80.. => Ok(State::Extension(len + 1)),
            _ => Err(EXTENSION_BAD),
        }
    }

    fn begin_data(&mut self) -> Result<State, Refusal> {
        let total = self.received.checked_add(self.remaining).filter(|total| *total <= i64::MAX as u64);
        match total {
            Some(total) if self.most == 0 || total <= self.most => Ok(State::Data),
            _ => Err(TOO_LARGE),
        }
    }

    /// Trailers are checked for their form and dropped.
    fn trailer(&mut self, byte: u8) -> Result<State, Refusal> {
        self.trailers += 1;
        if self.trailers > TRAILERS {
            return Err(TRAILERS_LONG);
        }
        match (self.state, byte) {
            (State::TrailerStart | State::TrailerName, _) if super::response::is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerValue, b'\r') => Ok(State::TrailerEnd),
            (State::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => Ok(State::TrailerValue),
            (State::TrailerEnd, b'\n') => Ok(State::TrailerStart),
            _ => Err(TRAILER),
        }
    }
}

#[cfg(test)]
mod tests;
