//! What is done for the connections of an app that listens on ports of its own choice.

use crate::spec::User;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What clients are told whose connection is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goodbye {
    /// The port of the app they are connected to.
    pub port: u16,
    /// Sent as it is.
    pub text: String,
}

/// A port whose connections are cut before the time to drain is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortDrain {
    /// The port of the app.
    pub port: u16,
    /// Longest time from the beginning of draining, in milliseconds.
    pub limit_ms: u64,
}

/// A place where clients of a port are taken in by a line of the PROXY protocol, version 1, and led to the app by a head
/// of version 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a relay has a port of the app and a place to listen, which is a port or a socket")]
pub enum Relay {
    /// At a port, in a namespace that leads clients there.
    Port(RelayAtPort),
    /// At a unix socket.
    Socket(RelayAtSocket),
}

/// Clients come to a port of the loopback address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayAtPort {
    /// The port of the app.
    pub port: u16,
    /// Where clients are led who mean it.
    pub at: u16,
}

/// Clients come to a unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayAtSocket {
    /// The port of the app.
    pub port: u16,
    /// Where clients come; nobody but the owner may.
    pub socket: PathBuf,
    /// Who connects to it; absent: the shim's own user.
    pub owner: Option<User>,
}

impl Relay {
    /// The port of the app.
    pub fn port(&self) -> u16 {
        match self {
            Relay::Port(relay) => relay.port,
            Relay::Socket(relay) => relay.port,
        }
    }
}
