//! The stage: a folder in a mount namespace of its own where root mounts what an ordinary user could not reach.

use crate::error::{SetupError, at};
use bloom_control::{Overlay, Stage, StageMount};
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

const NOTHING: Option<&str> = None;

/// Leaves the host's mount namespace and sets the stage. Whether a mount can be written is bubblewrap's
/// business, which takes it from here.
pub fn make_stage(stage: &Stage) -> Result<(), SetupError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(at("make a mount namespace"))?;
    // Nothing done here gets out. What the host unmounts later goes away here too, instead of being kept alive.
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_SLAVE, NOTHING)
        .map_err(at("make the mounts private"))?;
    let_go_of_namespaces();
    let options = Some("mode=0755,size=1m");
    mount(Some("tmpfs"), &stage.target, Some("tmpfs"), MsFlags::MS_NOSUID, options)
        .map_err(at(format!("mount the stage on {}", stage.target.display())))?;
    for item in &stage.mounts {
        let (name, what) = match item {
            StageMount::Bind(bind) => (&bind.name, bind.source.display().to_string()),
            StageMount::Overlay(over) => (&over.name, format!("an overlay on {}", over.overlay.upper.display())),
        };
        let placed = target_of(&stage.target, name).and_then(|target| match item {
            StageMount::Bind(bind) => place(&bind.source, &target),
            StageMount::Overlay(over) => lay(&over.overlay, &target),
        });
        placed.map_err(at(format!("stage {what} as {name}")))?;
    }
    Ok(())
}

fn target_of(stage: &Path, name: &str) -> io::Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(io::Error::other("the name is not one plain word"));
    }
    Ok(stage.join(name))
}

fn place(source: &Path, target: &Path) -> io::Result<()> {
    if fs::metadata(source)?.is_dir() {
        fs::create_dir(target)?;
    } else {
        File::create(target)?;
    }
    mount(Some(source), target, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)?;
    Ok(())
}

/// The folders are named by descriptors: their paths may be long, together longer than the kernel takes, and hold
/// the characters that part its options.
fn lay(overlay: &Overlay, target: &Path) -> io::Result<()> {
    let opened = |path: &PathBuf| -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open(path, flags, Mode::empty()).map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })
    };
    let lower = overlay.lower.iter().map(opened).collect::<io::Result<Vec<OwnedFd>>>()?;
    let (upper, work) = (opened(&overlay.upper)?, opened(&overlay.work)?);
    fs::create_dir(target)?;
    let options = overlay_options(&lower, &upper, &work);
    mount(Some("overlay"), target, Some("overlay"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options.as_str()))?;
    Ok(())
}

fn overlay_options(lower: &[OwnedFd], upper: &OwnedFd, work: &OwnedFd) -> String {
    let name = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let lower: Vec<String> = lower.iter().map(name).collect();
    format!("lowerdir={},upperdir={},workdir={}", lower.join(":"), name(upper), name(work))
}

/// A named namespace lives as long as any mount of it does: copies in here would keep those of all the other
/// instances alive after their end.
fn let_go_of_namespaces() {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for path in namespace_mounts(&table) {
        let _ = umount2(Path::new(path), MntFlags::MNT_DETACH);
    }
}

fn namespace_mounts(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        kind.starts_with("nsfs ").then(|| mount.split(' ').nth(4))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mounts_of_namespaces() {
        let table = "22 1 8:1 / / rw - ext4 /dev/sda rw\n\
                     30 22 0:4 net:[4026532008] /run/netns/bl-1 rw shared:5 - nsfs nsfs rw\n\
                     31 22 0:4 mnt:[4026532009] /run/other rw - nsfs nsfs rw\n";
        assert_eq!(namespace_mounts(table).collect::<Vec<_>>(), ["/run/netns/bl-1", "/run/other"]);
    }
}
