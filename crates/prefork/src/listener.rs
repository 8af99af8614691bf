//! A socket that is listened on.

use crate::settings::Protocol;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// One bound socket. Bound by the master, taken from by every worker; never blocks.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The socket.
    pub fd: Arc<OwnedFd>,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// The address as `stats` and `SERVER_PORT` know it: `127.0.0.1:8080`, `/run/app.sock`, `@name`.
    pub name: String,
    /// What stands after the last colon of a TCP address; `80` for others, as uWSGI says.
    pub server_port: String,
    /// The file of a unix socket that this host made.
    pub path: Option<PathBuf>,
    /// A TCP socket (not a unix one).
    pub is_tcp: bool,
    /// How TLS is spoken, for [`Protocol::Https`].
    pub tls: Option<Arc<rustls::ServerConfig>>,
}
