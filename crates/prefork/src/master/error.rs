use std::io;
use std::path::PathBuf;

/// Why the host cannot do as it was told.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence above each says what its fields are")]
pub enum MasterError {
    /// Somebody else has the address.
    #[error("cannot listen on {address}: it is in use{holder}. Stop that process or choose another address")]
    InUse { address: String, holder: String },
    /// The address is reserved.
    #[error(
        "cannot listen on {address}: ports below {first} need the right CAP_NET_BIND_SERVICE. Choose a higher port, or start as root with uid and gid set"
    )]
    Privileged { address: String, first: u16 },
    /// The address makes no sense here.
    #[error("cannot listen on {address}: {why}")]
    Address { address: String, why: String },
    /// A descriptor that was to be inherited is not a listening socket.
    #[error("{address}: descriptor {fd} {why}. Whoever starts this host must open it and listen on it")]
    Inherited { address: String, fd: i32, why: String },
    /// A certificate or key.
    #[error("{address}: {text}")]
    Tls { address: String, text: String },
    /// A user or group does not exist.
    #[error("{option} = {name}: there is no such {what}")]
    Unknown { option: &'static str, name: String, what: &'static str },
    /// Something was refused by the system.
    #[error("cannot {what}: {error}")]
    System { what: String, error: io::Error },
    /// A file.
    #[error("cannot {what} {}: {error}", path.display())]
    File { what: &'static str, path: PathBuf, error: io::Error },
}

impl MasterError {
    pub(super) fn system(what: impl Into<String>, error: impl Into<io::Error>) -> MasterError {
        MasterError::System { what: what.into(), error: error.into() }
    }
}
