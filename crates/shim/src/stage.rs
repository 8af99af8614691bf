//! The stage: a folder in a mount namespace of its own where root binds what an ordinary user could not reach.

use crate::error::{SetupError, at};
use bloom_control::Stage;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use std::fs::{self, File};
use std::path::Path;

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
        place(&item.source, &stage.target, &item.name)
            .map_err(|cause| at(format!("stage {} as {}", item.source.display(), item.name))(cause))?;
    }
    Ok(())
}

fn place(source: &Path, stage: &Path, name: &str) -> std::io::Result<()> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(std::io::Error::other("the name is not one plain word"));
    }
    let target = stage.join(name);
    if fs::metadata(source)?.is_dir() {
        fs::create_dir(&target)?;
    } else {
        File::create(&target)?;
    }
    mount(Some(source), &target, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)?;
    Ok(())
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
