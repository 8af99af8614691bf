//! What comes into a sandbox that stands already: folders of the host, and other sizes of those in memory.

use crate::error::{SetupError, at};
use crate::sys;
use bloom_control::Complete;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::Mode;
use nix::unistd::{chroot, fchdir};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Does it in the mount namespace of this process, in which nothing of the app's may have run yet: paths inside are
/// believed.
pub fn fill(pid: i32, complete: &Complete) -> Result<(), SetupError> {
    let mut trees = Vec::new();
    for late in &complete.mounts {
        let tree = sys::open_tree(&late.source).and_then(|tree| sys::protect_tree(&tree).map(|()| tree));
        trees.push((tree.map_err(at(format!("open {}", late.source.display())))?, late.target.as_path()));
    }
    let path = format!("/proc/{pid}/ns/mnt");
    let theirs = File::open(&path).map_err(at(format!("open {path}")))?;
    let home = Home::note()?;
    setns(&theirs, CloneFlags::CLONE_NEWNS).map_err(at("enter the sandbox's mounts"))?;
    let done = fill_here(&trees, complete);
    home.go_back();
    done
}

fn fill_here(trees: &[(OwnedFd, &Path)], complete: &Complete) -> Result<(), SetupError> {
    for (tree, target) in trees {
        sys::move_mount(tree, target).map_err(at(format!("mount {}", target.display())))?;
    }
    for (path, bytes) in &complete.tmpfs {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let size = format!("size={bytes}");
        mount(None::<&str>, path, None::<&str>, flags, Some(size.as_str()))
            .map_err(at(format!("give {} its size", path.display())))?;
    }
    Ok(())
}

/// Where this process belongs.
struct Home {
    mounts: File,
    root: OwnedFd,
    folder: OwnedFd,
}

impl Home {
    fn note() -> Result<Home, SetupError> {
        let folder = |path: &str| {
            open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
                .map_err(at("note a folder"))
        };
        let mounts = File::open("/proc/self/ns/mnt").map_err(at("open our own mounts"))?;
        Ok(Home { mounts, root: folder("/")?, folder: folder(".")? })
    }

    /// One that cannot come back must do nothing more: it would take the sandbox's files for the host's.
    fn go_back(&self) {
        let back = setns(&self.mounts, CloneFlags::CLONE_NEWNS)
            .and_then(|()| fchdir(&self.root))
            .and_then(|()| chroot("."))
            .and_then(|()| fchdir(&self.folder));
        if back.is_err() {
            sys::end_child(125);
        }
    }
}
