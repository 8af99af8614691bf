//! The app's own unix socket. Its folder is the app's to write, so nothing in it is trusted: no link is followed on
//! the way, and what is found at the end is a socket or nothing.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::sys::stat::{Mode, SFlag, fstat};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// A socket below the folder this process stands in is reached from there: what leads to that folder is the
/// administrator's and may hold links, what lies below it may not.
pub fn seen_from(dir: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(dir).unwrap_or(path).to_owned()
}

/// A connection that does not block. `WouldBlock`: the app accepts nothing at present.
pub fn connect_to(path: &Path) -> io::Result<OwnedFd> {
    let place = find(path)?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let stream = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // Through the descriptor, so that what was looked at is also what is met.
    let address = UnixAddr::new(format!("/proc/self/fd/{}", place.as_raw_fd()).as_str())?;
    connect(stream.as_raw_fd(), &address)?;
    Ok(stream)
}

/// What went wrong with a connection, for people.
pub fn describe(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => "it is not there".into(),
        Some(Errno::ENOTDIR) => "something on the way to it is not a folder".into(),
        Some(Errno::ECONNREFUSED) => "nobody listens on it".into(),
        Some(Errno::EAGAIN) => "nobody accepts connections on it".into(),
        _ => error.to_string(),
    }
}

fn find(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let start = if path.is_absolute() { "/" } else { "." };
    let mut place = openat(AT_FDCWD, start, flags, Mode::empty())?;
    for part in path.components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => place = openat(&place, name, flags, Mode::empty())?,
            _ => return Err(io::Error::other("its path is not a plain one")),
        }
    }
    let kind = SFlag::from_bits_truncate(fstat(&place)?.st_mode) & SFlag::S_IFMT;
    match kind {
        SFlag::S_IFSOCK => Ok(place),
        SFlag::S_IFLNK => Err(io::Error::other("it is a link, which is not followed")),
        _ => Err(io::Error::other("it is not a socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_socket_is_connected_to_and_only_without_links() {
        let base = std::env::temp_dir().join(format!("bloom-socket-{}", std::process::id()));
        let other = base.join("somebody-elses");
        fs::create_dir_all(base.join("own")).unwrap();
        fs::create_dir(&other).unwrap();
        let listener = UnixListener::bind(other.join("app.sock")).unwrap();
        listener.set_nonblocking(true).unwrap();
        symlink(other.join("app.sock"), base.join("own/link")).unwrap();
        symlink(&other, base.join("own/folder")).unwrap();
        fs::write(base.join("own/file"), "").unwrap();
        drop(UnixListener::bind(base.join("own/dead")).unwrap());
        let refused = |name: &str| describe(&connect_to(&base.join(name)).unwrap_err());
        assert_eq!(refused("own/none"), "it is not there");
        assert_eq!(refused("own/file"), "it is not a socket");
        assert_eq!(refused("own/dead"), "nobody listens on it");
        assert_eq!(refused("own/link"), "it is a link, which is not followed");
        assert_eq!(refused("own/folder/app.sock"), "something on the way to it is not a folder");
        assert_eq!(refused("own/../somebody-elses/app.sock"), "its path is not a plain one");
        // Nobody came, although every one of these would have led to the listener.
        assert!(listener.accept().is_err());
        connect_to(&other.join("app.sock")).unwrap();
        assert!(listener.accept().is_ok());
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn paths_below_the_own_folder_are_short_ones() {
        assert_eq!(seen_from(Path::new("/a/b"), Path::new("/a/b/run/s")), Path::new("run/s"));
        assert_eq!(seen_from(Path::new("/a/b"), Path::new("/a/bc/s")), Path::new("/a/bc/s"));
    }
}
