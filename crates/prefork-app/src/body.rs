use crate::raw::Raw;
use std::io::{self, BufRead, Read};

const BUFFER: usize = 8 * 1024;

/// The body of a request, read while it arrives: [`Read`] and [`BufRead`].
///
/// What is not read is dropped by the host; the next request of the connection is not harmed.
///
/// ```
/// use prefork::{Request, Response};
/// use std::io::BufRead;
///
/// fn longest_line(req: &mut Request) -> std::io::Result<Response> {
///     let mut longest = 0;
///     for line in req.body().lines() {
///         longest = longest.max(line?.len());
///     }
///     Ok(Response::text(longest.to_string()))
/// }
/// # assert_eq!(prefork::test::post("/", "a\nabc\nab").call(longest_line).text(), "3");
/// ```
pub struct Body {
    pub(crate) raw: Raw,
    length: Option<u64>,
    buffer: Vec<u8>,
    at: usize,
}

impl Body {
    pub(crate) fn new(raw: Raw) -> Body {
        let announced = raw.vars().find(|(name, _)| *name == b"CONTENT_LENGTH").map(|(_, value)| value);
        let length = announced.and_then(|value| std::str::from_utf8(value).ok()?.trim().parse().ok());
        Body { raw, length, buffer: Vec::new(), at: 0 }
    }

    /// Its length as the client announced it; `None` for one in chunks, or for none at all.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) {
    /// let too_long = req.body().announced().is_some_and(|bytes| bytes > 1_000_000);
    /// # }
    /// ```
    pub fn announced(&self) -> Option<u64> {
        self.length
    }

    /// All of it, or an error (`FileTooLarge`) when there are more than `limit` bytes.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) -> std::io::Result<()> {
    /// let upload: Vec<u8> = req.body().bytes(16 * 1024 * 1024)?;
    /// # Ok(()) }
    /// ```
    pub fn bytes(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let too_large = || {
            let what = format!("the body of the request has more than the {limit} bytes that are taken");
            io::Error::new(io::ErrorKind::FileTooLarge, what)
        };
        if self.length.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut all = Vec::with_capacity(self.length.unwrap_or(0).min(limit as u64) as usize);
        self.take((limit as u64).saturating_add(1)).read_to_end(&mut all)?;
        if all.len() > limit { Err(too_large()) } else { Ok(all) }
    }

    /// The same as text; an error (`InvalidData`) when it is not UTF-8.
    ///
    /// ```
    /// # fn f(req: &mut prefork::Request) -> std::io::Result<()> {
    /// let note: String = req.body().text(64 * 1024)?;
    /// # Ok(()) }
    /// ```
    pub fn text(&mut self, limit: usize) -> io::Result<String> {
        String::from_utf8(self.bytes(limit)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() && into.len() >= BUFFER {
            return self.raw.read(into);
        }
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() {
            self.at = 0;
            self.buffer.resize(BUFFER, 0);
            let read = self.raw.read(&mut self.buffer);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        Ok(&self.buffer[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.buffer.len());
    }
}
