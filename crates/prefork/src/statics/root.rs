//! A folder whose files are served, and what lies at a path below it.

use super::beneath::{Links, Purpose, Way};
use nix::errno::Errno;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A folder that stays open.
#[derive(Debug)]
pub struct Root {
    /// Where it is, without links.
    pub path: PathBuf,
    folder: File,
    way: Way,
}

/// A regular file, open.
#[derive(Debug)]
pub struct Found {
    /// The file.
    pub file: File,
    /// What it was when it was opened.
    pub facts: Metadata,
}

/// What lies at a path.
#[derive(Debug)]
pub enum Looked {
    /// A file.
    File(Found),
    /// A folder.
    Folder,
    /// Nothing, or neither file nor folder.
    Missing,
    /// A link leads to where files may not be served from.
    Outside,
    /// It is there but cannot be opened.
    Failed(Errno),
}

impl Root {
    /// Opens a folder; its own path may hold links.
    pub fn folder(path: &Path) -> std::io::Result<Root> {
        let path = path.canonicalize()?;
        // O_PATH: files below may be readable where the list of names is not.
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let folder = File::options().read(true).custom_flags(flags).open(&path)?;
        Ok(Root { way: Way::of(folder.as_fd()), path, folder })
    }

    /// Looks at a path of clean segments below this folder. Links may lead into `safe`, too.
    pub fn look(&self, relative: &[u8], safe: &[Root]) -> Looked {
        match self.open(relative, Links::Inside) {
            Err(Errno::EXDEV) => self.look_through_links(relative, safe),
            done => done.unwrap_or_else(failed),
        }
    }

    fn open(&self, relative: &[u8], links: Links) -> Result<Looked, Errno> {
        let open = |purpose| self.way.open(self.folder.as_fd(), relative, links, purpose);
        match open(Purpose::Reading) {
            // The names in a folder may be nobody's business and its index everybody's.
            Err(Errno::EACCES) => match open(Purpose::Looking).map(|fd| File::from(fd).metadata()) {
                Ok(Ok(facts)) if facts.is_dir() => Ok(Looked::Folder),
                _ => Err(Errno::EACCES),
            },
            done => done.map(|fd| seen(File::from(fd))),
        }
    }

    /// Where the kernel refused a link: finds out where it leads, and opens that place without following any link, so
    /// that nothing can be changed between looking and opening.
    fn look_through_links(&self, relative: &[u8], safe: &[Root]) -> Looked {
        let real = match self.path.join(OsStr::from_bytes(relative)).canonicalize() {
            Ok(real) => real,
            Err(error) => return failed(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))),
        };
        for root in std::iter::once(self).chain(safe) {
            if let Ok(below) = real.strip_prefix(&root.path) {
                return root.open(below.as_os_str().as_bytes(), Links::None).unwrap_or_else(failed);
            }
        }
        Looked::Outside
    }
}

fn seen(file: File) -> Looked {
    match file.metadata() {
        Ok(facts) if facts.is_file() => Looked::File(Found { file, facts }),
        Ok(facts) if facts.is_dir() => Looked::Folder,
        Ok(_) => Looked::Missing,
        Err(error) => Looked::Failed(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))),
    }
}

/// What an error of opening says about the path. ENXIO and the like are of sockets and devices without a driver.
fn failed(errno: Errno) -> Looked {
    match errno {
        Errno::ENOENT
        | Errno::ENOTDIR
        | Errno::ELOOP
        | Errno::ENAMETOOLONG
        | Errno::ENXIO
        | Errno::ENODEV
        | Errno::EINVAL
        | Errno::EILSEQ => Looked::Missing,
        // A link that changed while it was looked at, or one of another file system of the kernel's own.
        Errno::EXDEV => Looked::Outside,
        other => Looked::Failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_of_opening_means() {
        assert!(matches!(failed(Errno::ENOENT), Looked::Missing));
        assert!(matches!(failed(Errno::ENXIO), Looked::Missing));
        assert!(matches!(failed(Errno::EACCES), Looked::Failed(Errno::EACCES)));
        assert!(matches!(failed(Errno::EMFILE), Looked::Failed(Errno::EMFILE)));
    }

    /// Where links lead must not depend on what the kernel can do.
    #[test]
    fn both_ways_see_the_same() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for folder in ["www/a/b", "safe"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["www/a/b/file", "safe/file", "secret"] {
            std::fs::write(path(file), "").unwrap();
        }
        for (link, target) in [
            ("www/near", "a/b/file".into()),
            ("www/folder", "a/b".into()),
            ("www/a/up", "../a/b".into()),
            ("www/absolute", path("www/a/b")),
            ("www/out", "../secret".into()),
            ("www/parent", "..".into()),
            ("www/safe", "../safe".into()),
            ("www/loop", "loop".into()),
            ("www/gone", "nothing".into()),
        ] {
            std::os::unix::fs::symlink(target, path(link)).unwrap();
        }
        for way in [Way::Kernel, Way::Steps] {
            let root = Root { way, ..Root::folder(&path("www")).unwrap() };
            let safe = [Root { way, ..Root::folder(&path("safe")).unwrap() }];
            for (relative, expected) in [
                ("a/b/file", "file"),
                ("near", "file"),
                ("folder/file", "file"),
                ("a/up/file", "file"),
                ("absolute/file", "file"),
                ("safe/file", "file"),
                ("", "folder"),
                ("folder", "folder"),
                ("out", "outside"),
                ("parent", "outside"),
                ("parent/secret", "outside"),
                ("parent/www/a/b/file", "file"),
                ("loop", "missing"),
                ("gone", "missing"),
                ("near/more", "missing"),
            ] {
                let seen = match root.look(relative.as_bytes(), &safe) {
                    Looked::File(_) => "file",
                    Looked::Folder => "folder",
                    Looked::Missing => "missing",
                    Looked::Outside => "outside",
                    Looked::Failed(errno) => errno.desc(),
                };
                assert_eq!(seen, expected, "{relative} {way:?}");
            }
            assert!(matches!(root.look(b"safe/file", &[]), Looked::Outside));
        }
    }
}
