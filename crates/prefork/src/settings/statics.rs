//! Files served without asking the app.

use std::path::PathBuf;

/// Files served without asking the app.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StaticSettings {
    /// Mount point and folder or file; the longest mount point wins. uWSGI: `static-map`.
    pub maps: Vec<(String, PathBuf)>,
    /// The same, the mount point being part of the path below the folder. uWSGI: `static-map2`.
    pub whole_maps: Vec<(String, PathBuf)>,
    /// Folders laid over the whole tree. uWSGI: `check-static`.
    pub overlays: Vec<PathBuf>,
    /// Names served for a folder. uWSGI: `static-index`.
    pub indexes: Vec<String>,
    /// Endings that are never served. uWSGI: `static-skip-ext`.
    pub skip: Vec<String>,
    /// Folders that links may lead to. uWSGI: `static-safe`.
    pub safe: Vec<PathBuf>,
    /// Files with media types, as /etc/mime.types. uWSGI: `mime-file`.
    pub mime_files: Vec<PathBuf>,
    /// Seconds a file may be kept, by a regular expression of its path. uWSGI: `static-expires`.
    pub expires: Vec<(String, u64)>,
    /// Serve NAME.br or NAME.gz where it lies beside. uWSGI: `static-gzip-all`.
    pub precompressed: bool,
}

impl StaticSettings {
    /// Whether no file is ever served.
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty() && self.whole_maps.is_empty() && self.overlays.is_empty()
    }
}
