use bloom_prefork::exchange::{AnswerError, Exchange, Headers};
use std::io;

/// A request without a client: what is answered is kept.
#[derive(Default)]
pub struct Fake {
    pub vars: Vec<(&'static [u8], &'static [u8])>,
    pub body: &'static [u8],
    /// Pieces the body comes in; 0: all at once.
    pub piece: usize,
    /// Writes that are taken before the client is gone.
    pub writes_left: Option<usize>,
    pub answer: Answer,
}

#[derive(Default, Debug, PartialEq)]
pub struct Answer {
    pub status: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How it came: at once, or begun with this length.
    pub whole: bool,
    pub length: Option<u64>,
    pub refused: bool,
}

impl Fake {
    pub fn get(path: &'static str) -> Fake {
        let vars: Vec<(&[u8], &[u8])> = vec![(b"REQUEST_METHOD", b"GET"), (b"PATH_INFO", path.as_bytes())];
        Fake { vars, ..Fake::default() }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.answer.body.clone()).unwrap()
    }

    fn head(&mut self, status: &[u8], headers: Headers<'_>) -> Result<(), AnswerError> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: Vec<(String, String)> = headers.map(|(name, value)| (text(name), text(value))).collect();
        if headers.iter().any(|(_, value)| value.contains(['\r', '\n'])) {
            self.answer.refused = true;
            return Err(AnswerError::Invalid("a line break".into()));
        }
        self.answer.status = text(status);
        self.answer.headers = headers;
        Ok(())
    }
}

impl Exchange for Fake {
    fn vars(&self) -> &[(&[u8], &[u8])] {
        &self.vars
    }

    fn head(&self) -> &[u8] {
        b"GET / HTTP/1.1\r\n\r\n"
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = if self.piece == 0 { into.len() } else { self.piece.min(into.len()) };
        let (now, later) = self.body.split_at(most.min(self.body.len()));
        into[..now.len()].copy_from_slice(now);
        self.body = later;
        Ok(now.len())
    }

    fn respond(&mut self, status: &[u8], headers: Headers<'_>, body: Vec<Vec<u8>>) -> Result<(), AnswerError> {
        self.head(status, headers)?;
        self.answer.whole = true;
        self.answer.body = body.concat();
        Ok(())
    }

    fn begin(&mut self, status: &[u8], headers: Headers<'_>, body: Option<u64>) -> Result<(), AnswerError> {
        self.head(status, headers)?;
        self.answer.length = body;
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match &mut self.writes_left {
            Some(0) => return Err(io::ErrorKind::BrokenPipe.into()),
            Some(left) => *left -= 1,
            None => {}
        }
        self.answer.body.extend_from_slice(data);
        Ok(())
    }
}
