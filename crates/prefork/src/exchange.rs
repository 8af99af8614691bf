//! What an app and its host do with one request, whatever the app's kind and whatever the protocol.

use std::io;

/// One request, seen from the app's side. Reads and writes wait, as long as the settings allow.
pub trait Exchange {
    /// The variables, named as in CGI. Values may be any bytes. The app may look at them until the exchange is over:
    /// they and the head stay in their place whatever else is called.
    fn vars(&self) -> &[(&[u8], &[u8])];

    /// The head as it came; empty where it came in another protocol.
    fn head(&self) -> &[u8];

    /// Reads of the body; 0 is its end.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// A whole answer at once. `status` is such as `200 OK`.
    fn respond(&mut self, status: &[u8], headers: Headers<'_>, body: Vec<Vec<u8>>) -> Result<(), AnswerError>;

    /// Begins an answer whose body follows by [`Exchange::write`]; `body` is its length where that is known.
    fn begin(&mut self, status: &[u8], headers: Headers<'_>, body: Option<u64>) -> Result<(), AnswerError>;

    /// Sends a part of the body.
    fn write(&mut self, data: &[u8]) -> io::Result<()>;
}

/// Names and values as the app gave them.
pub type Headers<'a> = &'a mut dyn Iterator<Item = (&'a [u8], &'a [u8])>;

/// Why an answer was not sent.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The app's fault: the client was answered 500 instead.
    #[error("the app's answer cannot be sent: {0}")]
    Invalid(String),
    /// The client's or the network's.
    #[error("the answer could not be sent: {0}")]
    Io(#[from] io::Error),
}

/// How a call of the app ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Done,
    /// It panicked, with this text and place; caught where that is possible.
    Panicked(String),
}
