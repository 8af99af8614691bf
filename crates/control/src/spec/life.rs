//! How the process is watched, from its start to its end.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How readiness is found out; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ready {
    // With braces, because serde lets unknown keys of a unit variant pass.
    /// Ready as soon as it runs.
    None {},
    /// Ready when a connection to the loopback port succeeds.
    Tcp {
        /// Port on 127.0.0.1.
        port: u16,
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
    /// Ready when a GET answers with 2xx or 3xx.
    Http {
        /// Port on 127.0.0.1.
        port: u16,
        /// Path of the request.
        path: String,
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
    /// Ready when a connection to the app's own unix socket succeeds, or a GET over it does.
    Unix {
        /// The socket as the host sees it.
        socket: PathBuf,
        /// Path of the request, if there is to be one.
        path: Option<String>,
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
    /// Ready when the command and what it started listen on all of these ports. Nobody connects to find out.
    Listens {
        /// Ports of TCP; none: it is ready when it listens on any, and on no further ones for a moment.
        ports: Vec<u16>,
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
    /// Ready when the command writes the line `ready` into its descriptor 3.
    Message {
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
}

impl Ready {
    /// The ports that readiness and the count of connections are about, as far as they are said.
    pub fn ports(&self) -> &[u16] {
        match self {
            Ready::None {} | Ready::Unix { .. } | Ready::Message { .. } => &[],
            Ready::Tcp { port, .. } | Ready::Http { port, .. } => std::slice::from_ref(port),
            Ready::Listens { ports, .. } => ports,
        }
    }

    /// Milliseconds after which `ready_timeout` is told.
    pub fn timeout_ms(&self) -> Option<u64> {
        match self {
            Ready::None {} => None,
            Ready::Tcp { timeout_ms, .. }
            | Ready::Http { timeout_ms, .. }
            | Ready::Unix { timeout_ms, .. }
            | Ready::Listens { timeout_ms, .. }
            | Ready::Message { timeout_ms } => Some(*timeout_ms),
        }
    }
}

impl Default for Ready {
    fn default() -> Ready {
        Ready::None {}
    }
}

/// Whether a process that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// However it ended.
    Always,
    /// The shim ends with it.
    Never,
}

/// What happens when the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Whether it is started again.
    pub policy: Policy,
    /// First pause.
    pub backoff_initial_ms: u64,
    /// Longest pause.
    pub backoff_max_ms: u64,
    /// A process that ran this long starts the count of failures anew.
    pub reset_after_ms: u64,
    /// This many failures in a row are a crash loop.
    pub crash_loop_after: u32,
}

impl Default for Restart {
    fn default() -> Restart {
        Restart {
            policy: Policy::Always,
            backoff_initial_ms: 100,
            backoff_max_ms: 30_000,
            reset_after_ms: 10_000,
            crash_loop_after: 3,
        }
    }
}

/// How the process is asked to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Signal name without `SIG`.
    pub signal: String,
    /// Time until KILL.
    pub grace_ms: u64,
    /// Whether the command sees to its own processes: then it alone is asked, and otherwise all of them are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { signal: "TERM".into(), grace_ms: 15_000, alone: false }
    }
}

/// Sizes of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A file is rotated when it has reached this size.
    pub max_bytes: u64,
    /// Files kept, the current one included.
    pub files: u32,
}

impl Default for Log {
    fn default() -> Log {
        Log { max_bytes: 10_000_000, files: 5 }
    }
}

/// A unix socket whose connections are passed on to the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a forward has a place to listen and either a port or a socket")]
pub enum Forward {
    /// To a loopback port.
    Port(ForwardToPort),
    /// To a unix socket of the app.
    Socket(ForwardToSocket),
}

impl Forward {
    /// Where to listen.
    pub fn listen(&self) -> &Path {
        match self {
            Forward::Port(to) => &to.listen,
            Forward::Socket(to) => &to.listen,
        }
    }
}

/// Connections go to a loopback port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardToPort {
    /// Where to listen.
    pub listen: PathBuf,
    /// Port on 127.0.0.1.
    pub port: u16,
}

/// Connections go to a unix socket of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardToSocket {
    /// Where to listen.
    pub listen: PathBuf,
    /// The app's socket as the host sees it.
    pub socket: PathBuf,
}
