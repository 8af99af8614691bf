use crate::settings::{Touch, TouchAction};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells one state of a file from another: device, inode, seconds, nanoseconds, size. None: it is not there.
type Look = Option<(u64, u64, i64, i64, u64)>;

/// Files that are watched.
#[derive(Default)]
pub(super) struct Touches {
    seen: Vec<(Touch, Look)>,
}

fn look(path: &Path) -> Look {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size()))
}

impl Touches {
    /// From now on.
    pub fn watch(touches: &[Touch]) -> Touches {
        Touches { seen: touches.iter().map(|touch| (touch.clone(), look(&touch.path))).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// What changed since the last time: each action once.
    pub fn changed(&mut self) -> Vec<Touch> {
        let mut changed: Vec<Touch> = Vec::new();
        for (touch, seen) in &mut self.seen {
            let now = look(&touch.path);
            if now != std::mem::replace(seen, now) && !changed.iter().any(|other| other.action == touch.action) {
                changed.push(touch.clone());
            }
        }
        // One that makes everything anew leaves nothing for those that make a part of it.
        if changed.iter().any(|touch| touch.action == TouchAction::Reload) {
            changed.retain(|touch| !matches!(touch.action, TouchAction::ReloadWorkers | TouchAction::ReloadChain));
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_change_replacement_and_removal_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("touched");
        let touch = |action| Touch { path: path.clone(), action };
        let mut touches = Touches::watch(&[touch(TouchAction::Reload), touch(TouchAction::ReloadChain)]);
        let mut changed = || touches.changed().iter().map(|touch| touch.action).collect::<Vec<_>>();
        assert_eq!(changed(), []);
        std::fs::write(&path, "a").unwrap();
        assert_eq!(changed(), [TouchAction::Reload]);
        std::fs::write(&path, "bb").unwrap();
        assert_eq!(changed(), [TouchAction::Reload]);
        let other = folder.path().join("other");
        std::fs::copy(&path, &other).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(changed(), [TouchAction::Reload]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(changed(), [TouchAction::Reload]);
        assert_eq!(changed(), []);
    }
}
