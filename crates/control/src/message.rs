//! What goes over `control.sock`, one JSON document a line.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A truth value that can be only one: it tells the lines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exactly<const VALUE: bool>;

impl<const VALUE: bool> Serialize for Exactly<VALUE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(VALUE)
    }
}

impl<'de, const VALUE: bool> Deserialize<'de> for Exactly<VALUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? == VALUE {
            true => Ok(Exactly),
            false => Err(D::Error::custom(format!("expected {VALUE}"))),
        }
    }
}

/// A request line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back in the answer.
    pub id: i64,
    /// What to do.
    #[serde(flatten)]
    pub verb: Verb,
}

/// What can be asked of a shim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Verb {
    /// A fresh status.
    Status,
    /// A status now and an event at every change.
    Watch,
    /// TERM, grace, KILL, then the shim ends.
    Stop {
        /// Overrides the spec's grace.
        grace_ms: Option<u64>,
    },
    /// Waits until no connection is left, then stops.
    Drain {
        /// Longest wait in milliseconds.
        limit_ms: u64,
    },
    /// Sends a signal to the process.
    Signal {
        /// Name without `SIG`.
        signal: String,
    },
    /// Stops the process and starts it again.
    Restart,
}

/// A line from the shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// Told to watchers.
    Event {
        /// Always `state`.
        event: String,
        /// What is true now.
        status: Box<Status>,
    },
    /// The answer to a request that was carried out.
    Done {
        /// The request's.
        id: i64,
        /// Always true.
        ok: Exactly<true>,
        /// For `status` and `watch`.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Box<Status>>,
    },
    /// The answer to one that was not.
    Refused {
        /// The request's, when it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<i64>,
        /// Always false.
        ok: Exactly<false>,
        /// Why.
        error: ProtocolError,
    },
}

/// What `bloom-shim run` prints before it lets go of its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Hello {
    /// It stands and supervises.
    Standing {
        /// Always true.
        ok: Exactly<true>,
        /// The shim's own.
        pid: i32,
    },
    /// It could not begin and is gone.
    Failed {
        /// Always false.
        ok: Exactly<false>,
        /// Why, for people.
        error: String,
    },
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Runs, or waits for its next start, and is not ready.
    Starting,
    /// Answers.
    Ready,
    /// Serves its last connections.
    Draining,
    /// Gone.
    Stopped,
    /// Keeps ending; it is still started again, with growing pauses.
    Crashed,
}

/// How the process ended last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Such as `SIGKILL`.
    pub signal: Option<String>,
    /// RFC 3339.
    pub at: String,
    /// The kernel killed it for want of memory.
    pub oom: bool,
    /// Milliseconds from start to end.
    pub ran_ms: u64,
    /// What else there is to know.
    pub note: Option<String>,
}

/// Everything a shim knows of its instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The instance's id.
    pub id: String,
    /// What it is now.
    pub state: State,
    /// The user's process as the host sees it.
    pub pid: Option<i32>,
    /// The first process inside the sandbox, which is there as long as the sandbox is.
    #[serde(default)]
    pub sandbox_pid: Option<i32>,
    /// The shim itself.
    pub shim_pid: i32,
    /// Clock ticks since boot at which the shim started.
    pub shim_start: u64,
    /// When the present process was started, RFC 3339.
    pub started_at: Option<String>,
    /// When it became ready, RFC 3339.
    pub ready_at: Option<String>,
    /// Milliseconds from start to ready.
    pub ready_ms: Option<u64>,
    /// Starts after the first.
    pub restarts: u32,
    /// Quick ends in a row.
    pub consecutive_failures: u32,
    /// It has not become ready in its time.
    pub ready_timeout: bool,
    /// How it ended last.
    pub last_exit: Option<LastExit>,
    /// What the last probe saw, when it was not readiness.
    pub last_probe: Option<String>,
    /// Ports on which something in the namespace listens, while it is not ready.
    pub listening: Vec<u16>,
    /// With `Ready::Listens`: ports on which the instance was found to listen, ascending, at the latest look before it
    /// was ready.
    #[serde(default)]
    pub listens: Vec<u16>,
    /// Open connections to the app's ports.
    pub connections: u32,
    /// Connections taken since the shim began, as far as it can tell: who compares two of them learns whether somebody
    /// came in between. Of a socket that was passed on it cannot.
    #[serde(default)]
    pub accepted: Option<u64>,
    /// Memory in use.
    pub memory_bytes: Option<u64>,
    /// Processes of the instance, its helpers included, that the kernel has killed for want of memory since the
    /// shim began.
    #[serde(default)]
    pub oom_kills: u64,
    /// How often since then the instance was refused a further process or thread.
    #[serde(default)]
    pub pids_limit_hits: u64,
    /// What could not be set up but was not needed.
    pub warnings: Vec<String>,
}
