//! What turns a sandbox that was made ahead into that of one instance.

use crate::spec::Rlimits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What makes a sandbox that was made for anybody one for this instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// Mounted now, each on what is there already or else, where the sandbox's user may, is made for it.
    pub mounts: Vec<LateMount>,
    /// Folders in memory that are there, with the bytes they may hold from now on.
    pub tmpfs: BTreeMap<PathBuf, u64>,
    /// The name of the machine that its processes see; none: the one it has.
    pub hostname: Option<String>,
    /// The argument list, program first, as a path inside.
    pub command: Vec<String>,
    /// Where the command begins, inside.
    pub cwd: PathBuf,
}

/// A folder or a file of the host that comes into a sandbox when that stands already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateMount {
    /// On the host.
    pub source: PathBuf,
    /// Inside.
    pub target: PathBuf,
    /// Whether the app may write there.
    pub writable: bool,
}

/// What a program that waits in a sandbox becomes: the shim's own word to it, with the socket for the command when there
/// is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The argument list, program first, as a path.
    pub command: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Where the command begins.
    pub cwd: PathBuf,
    /// Never more than what holds already.
    pub rlimits: Rlimits,
    /// Whether the command says itself when it is ready.
    pub notice: bool,
    /// Whether it keeps records.
    pub records: bool,
}
