//! What can be wrong with certificates and connections.

use std::io;
use std::path::PathBuf;

/// Why `https-socket` cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {cause}; https-socket needs it as {role}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Its task.
        role: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// A file holds something else.
    #[error("{path}: {problem}", path = .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// The key belongs to another certificate.
    #[error("{}: this key does not belong to the first certificate in {}; give both of one pair", .key.display(), .cert.display())]
    Mismatch {
        /// The certificates.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

/// Why a connection cannot go on. The inside of an [`io::Error`] of the kind InvalidData.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The client speaks HTTP without TLS. It has been told so, with a 400.
    #[error("plain HTTP on a socket for HTTPS")]
    PlainHttp,
    /// The client does not speak TLS as it should, or nothing we speak. It has been sent an alert.
    #[error("TLS: {0}")]
    Protocol(#[from] rustls::Error),
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
