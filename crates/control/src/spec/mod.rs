//! The order for one process, a single JSON document.

mod life;
mod ports;
mod sandbox;

pub use life::{Forward, ForwardToPort, ForwardToSocket, Log, Policy, Ready, Restart, Stop};
pub use ports::{Goodbye, PortDrain, Relay, RelayAtPort, RelayAtSocket};
pub use sandbox::{BindMount, Cgroup, Overlay, OverlayMount, Rlimits, Sandbox, Stage, StageMount, User};

use crate::standby::Complete;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

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
    /// Sent on connections that are open when the time to drain is over, before the command is asked to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goodbye: Vec<Goodbye>,
    /// Ports whose connections may last less long than the time to drain says; they too hear a goodbye.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drains: Vec<PortDrain>,
    /// Where clients are taken in who are to be announced to the app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relays: Vec<Relay>,
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
