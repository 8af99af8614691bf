//! Groups that this process is in before it knows what it will start. To join a group takes the kernel ten milliseconds
//! and more; whoever is forked inside it is in it at once. So a shim that is kept for later joins while nobody waits,
//! and leaves when its child is up.

use crate::sys;
use nix::unistd::ForkResult;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The groups this process has joined, and where it came from.
#[derive(Default)]
pub struct Ahead {
    joined: Vec<Joined>,
    left: bool,
}

struct Joined {
    group: PathBuf,
    home: PathBuf,
}

impl Ahead {
    /// Makes and joins groups; the words name each with the one to go back to. One that cannot be joined is joined
    /// later, by the child, like any other.
    pub fn enter(words: impl Iterator<Item = OsString>) -> Ahead {
        let mut words = words.map(PathBuf::from);
        let mut joined = Vec::new();
        while let (Some(group), Some(home)) = (words.next(), words.next()) {
            match make_and_join(&group) {
                Ok(()) => joined.push(Joined { group, home }),
                Err(_) => drop(fs::remove_dir(&group)),
            }
        }
        Ahead { joined, left: false }
    }

    /// The groups a child is in from its first moment on.
    pub fn inherited(&self) -> Vec<PathBuf> {
        if self.left { Vec::new() } else { self.made().map(Path::to_owned).collect() }
    }

    /// The groups that were made here.
    pub fn made(&self) -> impl Iterator<Item = &Path> {
        self.joined.iter().map(|joined| joined.group.as_path())
    }

    /// Goes back, by the hand of a child that does the waiting: this process has others to look after.
    pub fn leave(&mut self) {
        if self.left || self.joined.is_empty() {
            return;
        }
        self.left = true;
        let own = std::process::id().to_string();
        if let Ok(ForkResult::Child) = sys::fork() {
            for joined in &self.joined {
                let _ = fs::write(joined.home.join("cgroup.procs"), &own);
            }
            sys::end_child(0);
        }
    }
}

fn make_and_join(group: &Path) -> io::Result<()> {
    fs::create_dir_all(group)?;
    // "0" is the writing process itself.
    fs::write(group.join("cgroup.procs"), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    // A plain folder takes the number like a group.
    #[test]
    fn joins_what_it_can_and_says_what_a_child_inherits() {
        let base = std::env::temp_dir().join(format!("bloom-ahead-{}", std::process::id()));
        let words = [base.join("a/b"), base.join("home"), "/proc/no/such".into(), base.join("home")];
        let mut ahead = Ahead::enter(words.into_iter().map(OsString::from));
        assert_eq!(ahead.inherited(), [base.join("a/b")]);
        assert_eq!(fs::read(base.join("a/b/cgroup.procs")).unwrap(), b"0");
        ahead.left = true;
        assert!(ahead.inherited().is_empty());
        assert_eq!(ahead.made().count(), 1);
        fs::remove_dir_all(&base).unwrap();
    }
}
