//! Where the process runs and what it may use.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

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
