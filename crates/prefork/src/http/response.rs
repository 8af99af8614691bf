//! The head of an app's answer, and how its body is framed.

use super::wire::decimal;

pub use super::wire::{LAST_CHUNK, chunk_head, push_chunk};

/// What an answer goes by.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// HTTP/1.`minor` of the request: 0 has no chunks.
    pub minor: u8,
    /// The connection could go on: the client wishes so, and so does the host.
    pub keep_alive: bool,
    /// The request was HEAD.
    pub head_request: bool,
    /// The text for `Date`.
    pub date: &'a [u8],
    /// Headers that every answer gets.
    pub add_headers: &'a [(String, String)],
}

/// What is known of a body's length before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// All of it.
    Known(u64),
    /// Nothing: it follows in pieces.
    Unknown,
}

/// How the end of a body is told to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body is sent, whatever the app gave.
    None,
    /// As many bytes.
    Length(u64),
    /// In chunks; see [`push_chunk`] and [`LAST_CHUNK`].
    Chunked,
    /// By closing the connection.
    UntilClose,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The answer's status.
    pub status: u16,
    /// How the body is to be sent.
    pub framing: BodyFraming,
    /// Whether the connection goes on after it.
    pub keep_alive: bool,
    /// Number of headers.
    pub headers: usize,
    /// Bytes of the head.
    pub bytes: usize,
}

/// What an app said that cannot be sent; nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Such as `OK` or `99 Low`.
    #[error("the status {0:?} is not three digits from 200 to 599, with or without words after them")]
    Status(String),
    /// Not a token.
    #[error("{0:?} is not the name of a header")]
    Name(String),
    /// Has CR, LF or NUL.
    #[error("the value of the header {0:?} has a line break or a zero byte in it")]
    Value(String),
    /// Not a number, or two different ones.
    #[error("the app's Content-Length {0:?} is not one number")]
    Length(String),
    /// Another length than the body has.
    #[error("the app's Content-Length is {said}, but its body has {is} bytes")]
    Mismatch {
        /// By the header.
        said: u64,
        /// In truth.
        is: u64,
    },
    /// The app framed its body by itself.
    #[error("the app sent Transfer-Encoding: how a body is framed is left to the host")]
    Transfer,
}

impl ResponseHead<'_> {
    /// Appends the head of an answer to `out`. `status` is such as `200 OK` or `200`.
    ///
    /// Headers are sent in the order of the app, without those that are about the connection; Date, Content-Length or
    /// Transfer-Encoding, and Connection are added.
    pub fn write<'h>(
        &self,
        out: &mut Vec<u8>,
        status: &[u8],
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        body: BodyLength,
    ) -> Result<Sent, BadAnswer> {
        let start = out.len();
        let mut writer = Writer { out, count: 0, length: None, close: false, date: false, bodiless: false };
        let sent = writer.head(self, status, headers, body);
        match sent {
            Ok(sent) => Ok(Sent { bytes: out.len() - start, ..sent }),
            Err(bad) => {
                out.truncate(start);
                Err(bad)
            }
        }
    }
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    count: usize,
    length: Option<u64>,
    close: bool,
    date: bool,
    /// 204: a Content-Length is not sent either.
    bodiless: bool,
}

impl Writer<'_> {
    fn head<'h>(
        &mut self,
        about: &ResponseHead<'_>,
        status: &[u8],
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        body: BodyLength,
    ) -> Result<Sent, BadAnswer> {
        let code = self.status_line(about.minor, status)?;
        self.bodiless = code == 204;
        for (name, value) in headers {
            self.header(name, value)?;
        }
        for (name, value) in about.add_headers {
            self.header(name.as_bytes(), value.as_bytes())?;
        }
        if !self.date {
            self.line(b"Date", about.date);
        }
        let framing = self.framing(about, code, body)?;
        let keep_alive = about.keep_alive && !self.close && framing != BodyFraming::UntilClose;
        match (keep_alive, about.minor) {
            (false, _) => self.line(b"Connection", b"close"),
            (true, 0) => self.line(b"Connection", b"keep-alive"),
            (true, _) => {}
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(Sent { status: code, framing, keep_alive, headers: self.count, bytes: 0 })
    }

    fn status_line(&mut self, minor: u8, status: &[u8]) -> Result<u16, BadAnswer> {
        let bad = || BadAnswer::Status(String::from_utf8_lossy(status).into_owned());
        let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = status else { return Err(bad()) };
        let code = [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'));
        let words = match rest {
            [] | [b' '] => prefork::reason(code).as_bytes(),
            [b' ', words @ ..] if words.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()) => words,
            _ => return Err(bad()),
        };
        self.out.extend_from_slice(if minor == 0 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
        self.out.extend_from_slice(&status[..3]);
        self.out.push(b' ');
        self.out.extend_from_slice(words);
        self.out.extend_from_slice(b"\r\n");
        Ok(code)
    }

    fn header(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadAnswer> {
        check_header(name, value)?;
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            4 if is("date") => self.date = true,
            7 if is("trailer") || is("upgrade") => return Ok(()),
            10 if is("keep-alive") => return Ok(()),
            10 if is("connection") => {
                let mut tokens = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                self.close |= tokens.any(|token| token.eq_ignore_ascii_case(b"close"));
                return Ok(());
            }
            14 if is("content-length") => return self.length(value),
            16 if is("proxy-connection") => return Ok(()),
            17 if is("transfer-encoding") => return Err(BadAnswer::Transfer),
            _ => {}
        }
        self.line(name, value);
        Ok(())
    }

    /// Takes the app's Content-Length down; it is written once, with the framing.
    fn length(&mut self, value: &[u8]) -> Result<(), BadAnswer> {
        let bad = || BadAnswer::Length(String::from_utf8_lossy(value).into_owned());
        let length = super::framing::number(value.trim_ascii()).map_err(|_| bad())?;
        match self.length.replace(length) {
            Some(before) if before != length => Err(bad()),
            _ => Ok(()),
        }
    }

    fn framing(&mut self, about: &ResponseHead<'_>, code: u16, body: BodyLength) -> Result<BodyFraming, BadAnswer> {
        if about.head_request || matches!(code, 204 | 304) {
            // What the length would have been may be told; an empty body of such an answer says nothing of it.
            let known = match body {
                BodyLength::Known(length) if length > 0 && code != 304 => Some(length),
                _ => None,
            };
            if let Some(length) = self.length.or(known).filter(|_| !self.bodiless) {
                self.length_line(length);
            }
            return Ok(BodyFraming::None);
        }
        let length = match (self.length, body) {
            (Some(said), BodyLength::Known(is)) if said != is => return Err(BadAnswer::Mismatch { said, is }),
            (_, BodyLength::Known(length)) => Some(length),
            (said, BodyLength::Unknown) => said,
        };
        if let Some(length) = length {
            self.length_line(length);
            return Ok(BodyFraming::Length(length));
        }
        if about.minor == 0 {
            return Ok(BodyFraming::UntilClose);
        }
        self.line(b"Transfer-Encoding", b"chunked");
        Ok(BodyFraming::Chunked)
    }

    fn length_line(&mut self, length: u64) {
        let mut digits = [0; 20];
        self.line(b"Content-Length", decimal(length, &mut digits));
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
        self.count += 1;
    }
}

/// Whether a header may be sent as it is.
pub fn check_header(name: &[u8], value: &[u8]) -> Result<(), BadAnswer> {
    if name.is_empty() || !name.iter().all(|byte| is_token_byte(*byte)) {
        return Err(BadAnswer::Name(String::from_utf8_lossy(name).into_owned()));
    }
    if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(BadAnswer::Value(String::from_utf8_lossy(name).into_owned()));
    }
    Ok(())
}

/// Whether names of headers and methods may have this byte.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
