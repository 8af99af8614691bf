//! Names for the state of a file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// A strong entity tag: another time (to the nanosecond), size or inode is another state.
pub fn of(facts: &Metadata) -> String {
    let nanos = i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec());
    format!("\"{:x}-{:x}-{:x}\"", nanos, facts.size(), facts.ino())
}

/// Whether a list of tags (If-None-Match) names this one; whether they are weak does not matter there.
pub fn listed(list: &str, tag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|item| item.trim().trim_start_matches("W/") == tag)
}
