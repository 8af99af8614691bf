//! Opens files that lie below a folder, whatever links and other processes do meanwhile.

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Which links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Those that stay below the folder. Others are EXDEV, also absolute ones that lead back.
    Inside,
    /// None: ELOOP.
    None,
}

/// What an open file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read it.
    Reading,
    /// To see what it is. Takes no right to read.
    Looking,
}

/// For a pipe or a device: opening waits for nothing, and makes no terminal ours.
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
const STEP: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// How a folder is kept from being left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The kernel watches over links (`openat2`, Linux 5.6).
    Kernel,
    /// We go step by step. [`Links::Inside`] is EXDEV at the first link then, and the caller resolves it.
    Steps,
}

impl Purpose {
    fn flags(self) -> OFlag {
        match self {
            Purpose::Reading => READ,
            Purpose::Looking => LOOK,
        }
    }
}

impl Way {
    /// The kernel's, where it has it and a sandbox allows it.
    pub fn of(folder: BorrowedFd<'_>) -> Way {
        let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_BENEATH);
        if openat2(folder, ".", how).is_ok() { Way::Kernel } else { Way::Steps }
    }

    /// Opens `relative` (segments without `..`; empty: the folder itself) below `folder`.
    pub fn open(
        self,
        folder: BorrowedFd<'_>,
        relative: &[u8],
        links: Links,
        purpose: Purpose,
    ) -> Result<OwnedFd, Errno> {
        let relative = if relative.is_empty() { b".".as_slice() } else { relative };
        match self {
            Way::Kernel => watched(folder, relative, links, purpose),
            Way::Steps => walked(folder, relative, links, purpose),
        }
    }
}

fn watched(folder: BorrowedFd<'_>, relative: &[u8], links: Links, purpose: Purpose) -> Result<OwnedFd, Errno> {
    let resolve = match links {
        Links::Inside => ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        Links::None => ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS,
    };
    // EAGAIN: something was renamed while the kernel looked at `..` of a link. It says to try again.
    for _ in 0..8 {
        match openat2(folder, relative, OpenHow::new().flags(purpose.flags()).resolve(resolve)) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            done => return done,
        }
    }
    Err(Errno::EXDEV)
}

/// One segment after the other, following no link.
fn walked(folder: BorrowedFd<'_>, relative: &[u8], links: Links, purpose: Purpose) -> Result<OwnedFd, Errno> {
    let at_link = |errno| if errno == Errno::ELOOP && links == Links::Inside { Errno::EXDEV } else { errno };
    let mut held: Option<OwnedFd> = None;
    let mut segments = relative.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let at = held.as_ref().map_or(folder, |fd| fd.as_fd());
        if segments.peek().is_none() && purpose == Purpose::Reading {
            return openat(at, segment, READ | OFlag::O_NOFOLLOW, Mode::empty()).map_err(at_link);
        }
        // ENOTDIR is also said of a link, which O_PATH alone would open.
        let next = openat(at, segment, STEP, Mode::empty())?;
        match nix::sys::stat::fstat(&next)?.st_mode & libc::S_IFMT {
            libc::S_IFLNK => return Err(at_link(Errno::ELOOP)),
            _ if segments.peek().is_none() => return Ok(next),
            libc::S_IFDIR => held = Some(next),
            _ => return Err(Errno::ENOTDIR),
        }
    }
    Err(Errno::ENOENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    /// Both ways must agree, save that walking leaves links to the caller.
    #[test]
    fn with_and_without_the_kernel_s_help() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "x").unwrap();
        fs::write(home.path().join("secret"), "x").unwrap();
        symlink("b/file", root.join("a/inside")).unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("a", root.join("folder")).unwrap();
        let folder = File::open(&root).unwrap();
        for way in [watched, walked] {
            let open = |path: &str, links| way(folder.as_fd(), path.as_bytes(), links, Purpose::Reading).map(drop);
            assert_eq!(open("a/b/file", Links::Inside), Ok(()));
            assert_eq!(open("a/b/file", Links::None), Ok(()));
            assert_eq!(open("a/b/none", Links::Inside), Err(Errno::ENOENT));
            assert_eq!(open("a/b/file/x", Links::Inside), Err(Errno::ENOTDIR));
            assert_eq!(open("out", Links::Inside), Err(Errno::EXDEV));
            assert_eq!(open("out", Links::None), Err(Errno::ELOOP));
            assert_eq!(open("folder/b/file", Links::None), Err(Errno::ELOOP));
        }
        let open =
            |way: Opener, path: &str| way(folder.as_fd(), path.as_bytes(), Links::Inside, Purpose::Looking).map(drop);
        assert_eq!(open(watched, "a/inside"), Ok(()));
        assert_eq!(open(walked, "a/inside"), Err(Errno::EXDEV));
        assert_eq!(open(walked, "folder/b"), Err(Errno::EXDEV));
        assert_eq!(open(walked, "a/b"), Ok(()));
        assert_eq!(open(walked, "a/b/file"), Ok(()));
    }

    type Opener = fn(BorrowedFd<'_>, &[u8], Links, Purpose) -> Result<OwnedFd, Errno>;
}
