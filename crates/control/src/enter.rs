//! The order for a further command inside a running sandbox, and what is said to it while it runs.

use crate::{Rlimits, User};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What `bloom-shim enter` reads as the first line on descriptor 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnterSpec {
    /// Must be [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The instance's id.
    pub id: String,
    /// A process inside the sandbox, as the host sees it.
    pub pid: i32,
    /// The whole argument list; a plain name is looked for along PATH, inside.
    pub command: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Where it starts, inside.
    pub cwd: PathBuf,
    /// The user to become; absent when the daemon is not root.
    pub user: Option<User>,
    /// Folders of control groups to join; those that are gone are passed over.
    pub cgroups: Vec<PathBuf>,
    /// Resource limits, soft and hard alike.
    pub rlimits: Rlimits,
    /// Whether it gets the default system call filter.
    pub seccomp: bool,
    /// A terminal of its own, relayed over standard input and output.
    pub tty: Option<Size>,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Characters in each.
    pub cols: u16,
}

/// A line on descriptor 3 after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnterMessage {
    /// The terminal has another size now.
    Resize(Size),
    /// A signal, by its name without `SIG`, for the command's whole process group.
    Signal(String),
}
