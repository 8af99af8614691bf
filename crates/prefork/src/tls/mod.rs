//! HTTPS: certificates, and TLS over a descriptor that somebody else owns.

mod config;
mod error;
mod stream;

pub use config::server_config;
pub use error::{StreamError, TlsError};
pub use stream::Stream;
