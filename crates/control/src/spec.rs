//! The order for one process, a single JSON document.

use crate::standby::Complete;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The order for one process. `run` supervises it and needs all of it; `exec` becomes it and looks at nothing
/// from `dir` on, which may then be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Must be [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The instance's id.
    pub id: String,
    /// What `command` begins with.
    pub sandbox: Sandbox,
    /// The whole argument list, program first, as a path.
    pub command: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// The user to become; absent when the daemon is not root.
    pub user: Option<User>,
    /// A network namespace to enter, as a path.
    pub netns: Option<PathBuf>,
    /// Mounts made as root in a private mount namespace.
    pub stage: Option<Stage>,
    /// Control groups to make and join.
    pub cgroups: Vec<Cgroup>,
    /// Resource limits, soft and hard alike.
    pub rlimits: Rlimits,
    /// Niceness.
    pub nice: i32,
    /// Whether bubblewrap is given the default system call filter.
    pub seccomp: bool,
    /// Folder for `control.sock`, `state.json` and `log/`; it exists.
    #[serde(default)]
    pub dir: Option<PathBuf>,
    /// How readiness is found out.
    #[serde(default)]
    pub ready: Ready,
    /// What happens when the process ends.
    #[serde(default)]
    pub restart: Restart,
    /// How the process is asked to end.
    #[serde(default)]
    pub stop: Stop,
    /// Sizes of the log.
    #[serde(default)]
    pub log: Log,
    /// Sizes of `log/executions.log`, which takes what the command writes into descriptor 4; absent, it has none.
    #[serde(default)]
    pub records: Option<Log>,
    /// A unix socket whose connections are passed on to the app.
    #[serde(default)]
    pub forward: Option<Forward>,
    /// A unix socket the shim listens on for the command, which finds it as descriptor 5: one that starts anew loses
    /// nobody, because who comes meanwhile waits.
    #[serde(default)]
    pub listen: Option<PathBuf>,
    /// What a sandbox that was made ahead still lacks for this instance; absent, it is not for this one. Later starts of
    /// the command are in a sandbox of their own in any case.
    #[serde(default)]
    pub complete: Option<Complete>,
    /// Run inside the sandbox of each start; the command waits for it to end well.
    #[serde(default)]
    pub pre_start: Option<Vec<String>>,
    /// Run inside the sandbox beside the command, which is ready only when this has ended well.
    #[serde(default)]
    pub post_start: Option<Vec<String>>,
}

/// What isolates the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// `command` is a bubblewrap call.
    Bwrap,
    /// `command` is run as it is.
    None,
}

/// Numbers of a user and its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// A tmpfs on `target` with one entry for each mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// An existing folder that is covered.
    pub target: PathBuf,
    /// What is mounted below it.
    pub mounts: Vec<StageMount>,
}

/// One mount of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a mount of the stage has a name and either a source or an overlay")]
pub enum StageMount {
    /// A file or folder seen in a second place.
    Bind(BindMount),
    /// Several folders seen as one.
    Overlay(OverlayMount),
}

/// A file or folder seen in a second place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindMount {
    /// Name below the stage's target.
    pub name: String,
    /// A file or folder.
    pub source: PathBuf,
}

/// Several folders seen as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlayMount {
    /// Name below the stage's target.
    pub name: String,
    /// Which ones.
    pub overlay: Overlay,
}

/// The folders of an overlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Never written; the first lies uppermost.
    pub lower: Vec<PathBuf>,
    /// Takes everything that is written.
    pub upper: PathBuf,
    /// An empty folder on the file system of `upper`, for the kernel.
    pub work: PathBuf,
}

/// A control group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cgroup {
    /// Its folder.
    pub path: PathBuf,
    /// Files to write after it is made.
    pub files: BTreeMap<String, String>,
    /// A failure is a warning instead of an error.
    pub optional: bool,
}

/// Resource limits; absent ones are left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rlimits {
    /// Open files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nofile: Option<u64>,
    /// Core dump, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<u64>,
    /// Size of one file, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fsize: Option<u64>,
    /// Private writable memory, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<u64>,
    /// Processes of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nproc: Option<u64>,
}

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
    /// Ready when the command writes the line `ready` into its descriptor 3.
    Message {
        /// After this, `ready_timeout` is told.
        timeout_ms: u64,
    },
}

impl Ready {
    /// The port that readiness and the count of connections are about.
    pub fn port(&self) -> Option<u16> {
        match self {
            Ready::None {} | Ready::Unix { .. } | Ready::Message { .. } => None,
            Ready::Tcp { port, .. } | Ready::Http { port, .. } => Some(*port),
        }
    }

    /// Milliseconds after which `ready_timeout` is told.
    pub fn timeout_ms(&self) -> Option<u64> {
        match self {
            Ready::None {} => None,
            Ready::Tcp { timeout_ms, .. }
            | Ready::Http { timeout_ms, .. }
            | Ready::Unix { timeout_ms, .. }
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
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { signal: "TERM".into(), grace_ms: 15_000 }
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
