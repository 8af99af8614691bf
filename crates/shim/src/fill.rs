//! What comes into a sandbox that stands already: folders and files of the host, other sizes of what is in memory, a name.

use crate::error::{SetupError, at};
use crate::sys;
use bloom_control::{Complete, User};
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{Gid, Uid, chroot, fchdir, mkdir, setfsgid, setfsuid, sethostname};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Does it in the namespaces of this process, in which nothing of the app's may have run yet: paths inside are believed.
pub fn fill(pid: i32, complete: &Complete, user: Option<User>) -> Result<(), SetupError> {
    if let Some(name) = &complete.hostname {
        rename(pid, name)?;
    }
    let mut trees = Vec::new();
    for late in &complete.mounts {
        let tree = sys::open_tree(&late.source);
        let tree = tree.and_then(|tree| sys::protect_tree(&tree, late.writable).map(|()| tree));
        trees.push((tree.map_err(at(format!("open {}", late.source.display())))?, late.target.as_path()));
    }
    let theirs = open_namespace(pid, "mnt")?;
    let home = Home::note()?;
    setns(&theirs, CloneFlags::CLONE_NEWNS).map_err(at("enter the sandbox's mounts"))?;
    let done = fill_here(&trees, complete, user);
    home.go_back();
    done
}

fn open_namespace(pid: i32, kind: &str) -> Result<File, SetupError> {
    let path = format!("/proc/{pid}/ns/{kind}");
    File::open(&path).map_err(at(format!("open {path}")))
}

fn rename(pid: i32, name: &str) -> Result<(), SetupError> {
    let own = open_namespace(std::process::id() as i32, "uts")?;
    setns(open_namespace(pid, "uts")?, CloneFlags::CLONE_NEWUTS).map_err(at("enter the sandbox's name"))?;
    let done = sethostname(name).map_err(at(format!("name the sandbox {name}")));
    setns(own, CloneFlags::CLONE_NEWUTS).map_err(at("go back to the machine's name"))?;
    done
}

fn fill_here(trees: &[(OwnedFd, &Path)], complete: &Complete, user: Option<User>) -> Result<(), SetupError> {
    for (tree, target) in trees {
        if !target.exists() {
            make_place(tree, target, user).map_err(at(format!("make {}", target.display())))?;
        }
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

/// Something of the same kind to mount upon. The folders in memory know the sandbox's user and nobody else, root neither.
fn make_place(tree: &OwnedFd, target: &Path, user: Option<User>) -> nix::Result<()> {
    let is_folder = fstat(tree)?.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits();
    let before = user.map(|user| (setfsgid(Gid::from_raw(user.gid)), setfsuid(Uid::from_raw(user.uid))));
    let made = if is_folder {
        mkdir(target, Mode::from_bits_truncate(0o755))
    } else {
        open(target, OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC, Mode::from_bits_truncate(0o444)).map(drop)
    };
    if let Some((group, user)) = before {
        setfsuid(user);
        setfsgid(group);
    }
    made
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
