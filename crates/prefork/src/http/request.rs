//! The head of a request: what came, where it stands in the buffer, and what it means for the connection.

use super::framing;
use super::refusal::Refusal;
use super::target;
use crate::settings::HttpSettings;
use httparse::{Error, Header, Status};
use std::mem::MaybeUninit;

pub use super::span::Span;

/// Headers that a request can have at most, whatever is set.
pub const MOST_HEADERS: usize = 512;

/// Empty lines before a request that are let pass: some old clients send one after a body.
const EMPTY_LINES: usize = 2;

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the head.
    pub head_bytes: usize,
    /// Number of headers, never above [`MOST_HEADERS`].
    pub headers: usize,
    /// Bytes of the body; 0: no limit.
    pub body_bytes: u64,
}

impl From<&HttpSettings> for Limits {
    fn from(settings: &HttpSettings) -> Limits {
        Limits { head_bytes: settings.head_bytes, headers: settings.headers, body_bytes: settings.body_bytes }
    }
}

/// How far a head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// More bytes are needed.
    Partial,
    /// The head is whole, and its fields say what it is.
    Complete,
}

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    #[default]
    None,
    /// After this many bytes, at least one.
    Length(u64),
    /// Where its last chunk says so.
    Chunked,
}

/// A request's head. Reused from request to request, so that nothing is allocated for the next one.
///
/// Its fields mean something only after [`Head::parse`] said [`Parsed::Complete`]; spans are places in the buffer
/// that was given there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the head, with empty lines before it: the body begins here.
    pub len: usize,
    /// Such as `GET`.
    pub method: Span,
    /// The target as it was written.
    pub target: Span,
    /// HTTP/1.`minor`: 0 or 1.
    pub minor: u8,
    /// Names and values, in the order in which they came; values without blanks around them.
    pub headers: Vec<(Span, Span)>,
    /// Whether there is a body, and where it ends.
    pub framing: Framing,
    /// The client wishes to go on after this request, and may.
    pub keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The method is HEAD: the answer has no body.
    pub is_head: bool,
}

impl Head {
    /// Reads the head at the beginning of `buf`, whose first byte is the first after the previous request.
    ///
    /// Bytes beyond `limits.head_bytes` are not looked at. The answer depends on the bytes alone, not on how often
    /// it was asked for.
    pub fn parse(&mut self, buf: &[u8], limits: &Limits) -> Result<Parsed, Refusal> {
        let view = &buf[..buf.len().min(limits.head_bytes)];
        let skipped = empty_lines(view)?;
        let lines = &view[skipped..];
        let mut slots = [const { MaybeUninit::<Header>::uninit() }; MOST_HEADERS];
        let slots = &mut slots[..limits.headers.min(MOST_HEADERS)];
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(lines, slots) {
            Ok(Status::Complete(len)) => {
                self.take(&request, lines, len)?;
                self.judge(lines, limits)?;
                self.shift(skipped);
                Ok(Parsed::Complete)
            }
            Ok(Status::Partial) if view.len() >= limits.head_bytes => Err(too_long(lines)),
            Ok(Status::Partial) => Ok(Parsed::Partial),
            Err(error) => Err(refusal_of(error, lines)),
        }
    }

    /// The first header of this name, written in lower case.
    pub fn header<'a>(&self, buf: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let wanted = |span: &Span| span.get(buf).eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().find(|(name, _)| wanted(name)).map(|(_, value)| value.get(buf))
    }

    fn take(&mut self, request: &httparse::Request<'_, '_>, lines: &[u8], len: usize) -> Result<(), Refusal> {
        self.len = len;
        self.method = Span::of(request.method.unwrap_or_default().as_bytes(), lines);
        self.target = Span::of(request.path.unwrap_or_default().as_bytes(), lines);
        self.minor = request.version.unwrap_or_default();
        self.headers.clear();
        for header in request.headers.iter() {
            let name = Span::of(header.name.as_bytes(), lines);
            // The parser lets a line end with a line feed alone, which others on the way may not see as its end.
            if !lines[..name.start as usize].ends_with(b"\r\n") {
                return Err(BARE_LF);
            }
            self.headers.push((name, Span::of(header.value, lines)));
        }
        if lines[..len].ends_with(b"\r\n\r\n") { Ok(()) } else { Err(BARE_LF) }
    }

    fn judge(&mut self, lines: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let method = self.method.get(lines);
        target::check(method, self.target.get(lines))?;
        self.is_head = method == b"HEAD";
        let meaning = framing::judge(lines, &self.headers, self.minor, limits.body_bytes)?;
        self.framing = meaning.framing;
        self.keep_alive = meaning.keep_alive;
        self.expects_continue = meaning.expects_continue;
        Ok(())
    }

    fn shift(&mut self, by: usize) {
        if by == 0 {
            return;
        }
        self.len += by;
        self.method = self.method.moved(by);
        self.target = self.target.moved(by);
        for (name, value) in &mut self.headers {
            (*name, *value) = (name.moved(by), value.moved(by));
        }
    }
}

/// Whether [`Head::parse`] can say anything but [`Parsed::Partial`] again, the bytes up to `seen` having been such:
/// whether a line has ended since, or there is no room left. Keeps a client that sends byte by byte cheap.
pub fn worth_parsing(buf: &[u8], seen: usize, limits: &Limits) -> bool {
    seen == 0 || buf.len() >= limits.head_bytes || buf[seen.min(buf.len())..].contains(&b'\n')
}

const BARE_LF: Refusal = Refusal::new(400, "A line of the request does not end with CR LF.");

/// How many bytes of empty lines stand before the request.
fn empty_lines(view: &[u8]) -> Result<usize, Refusal> {
    let mut skipped = 0;
    while view[skipped..].starts_with(b"\r\n") {
        skipped += 2;
        if skipped > 2 * EMPTY_LINES {
            return Err(Refusal::new(400, "There are empty lines where a request is expected."));
        }
    }
    if view[skipped..].starts_with(b"\n") { Err(BARE_LF) } else { Ok(skipped) }
}

/// The head does not fit.
fn too_long(lines: &[u8]) -> Refusal {
    if lines.contains(&b'\n') {
        Refusal::new(431, "The headers of the request are too large.")
    } else {
        Refusal::new(414, "The target of the request is too long.")
    }
}

/// What to answer when the parser gave up.
fn refusal_of(error: Error, lines: &[u8]) -> Refusal {
    match error {
        Error::TooManyHeaders => Refusal::new(431, "The request has too many headers."),
        Error::HeaderName => Refusal::new(400, "The name of a header is malformed."),
        Error::HeaderValue => Refusal::new(400, "The value of a header is malformed."),
        Error::NewLine => BARE_LF,
        Error::Version | Error::Token if other_version(lines) => {
            Refusal::new(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        }
        Error::Version | Error::Token | Error::Status => Refusal::new(400, "The first line is not one of HTTP."),
    }
}

/// Whether the first line is one of another version of HTTP: `GET /` of 0.9, or `PRI * HTTP/2.0`.
fn other_version(lines: &[u8]) -> bool {
    let end = lines.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = &lines[..end.unwrap_or(lines.len())];
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_method = method.is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_alphabetic));
    let is_target = target.is_some_and(|word| matches!(word.first(), Some(b'/' | b'*' | b'h')) && is_text(word));
    match version {
        None => is_method && is_target && end.is_some(),
        Some(version) => is_method && is_target && version.starts_with(b"HTTP/"),
    }
}

/// Whether the parser takes this for a target: else it gave up for that, and not for the version.
fn is_text(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| !word.bytes().any(|byte| byte.is_ascii_control()))
}

#[cfg(test)]
mod chance;
#[cfg(test)]
mod tests;
