//! The sockets a host serves on.

use std::path::PathBuf;

/// One listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// The address as it was written; what `stats` calls it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Certificate chain and key in PEM, for [`Protocol::Https`].
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1. uWSGI: `http-socket`, `http11-socket`, `http`.
    Http,
    /// HTTP/1.1 in TLS. uWSGI: `https-socket`.
    Https,
    /// uWSGI's own, as nginx speaks with `uwsgi_pass`. uWSGI: `socket`, `uwsgi-socket`.
    Uwsgi,
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`, `:port` (all of IPv4), `[v6]:port`; the host still as text.
    Tcp {
        /// Empty: all of IPv4.
        host: String,
        /// 0: any free one.
        port: u16,
    },
    /// A path.
    Unix(PathBuf),
    /// A name without a file, written `@name`.
    Abstract(String),
    /// An open descriptor, written `fd://N`; or the Nth of systemd's.
    Inherited(i32),
}
