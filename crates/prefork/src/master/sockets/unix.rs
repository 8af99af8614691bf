use super::super::MasterError;
use super::Bound;
use super::tcp::backlog;
use crate::settings::{Address, HttpSettings};
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use std::fs::Permissions;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

/// Binds a path. A file nobody answers at is replaced.
pub(super) fn bind(name: &str, address: &Address, path: &Path, http: &HttpSettings) -> Result<Bound, MasterError> {
    let wrong = |why: String| MasterError::Address { address: name.to_string(), why };
    remove_stale(name, path)?;
    let at = UnixAddr::new(path).map_err(|error| wrong(format!("not a path for a socket ({})", error.desc())))?;
    let fd = open(name, &at, http)?;
    let inode = inode(path).ok_or_else(|| wrong("its file is gone already".into()))?;
    if let Some(owner) = &http.socket_owner {
        give(path, owner)?;
    }
    if let Some(mode) = http.socket_mode {
        let set = std::fs::set_permissions(path, Permissions::from_mode(mode));
        set.map_err(|error| MasterError::File { what: "set the mode of", path: path.into(), error })?;
    }
    Ok(bound(name, address, fd, Some((path.to_path_buf(), inode))))
}

/// Binds a name without a file.
pub(super) fn bind_abstract(
    name: &str,
    address: &Address,
    words: &str,
    http: &HttpSettings,
) -> Result<Bound, MasterError> {
    let wrong = |error: Errno| MasterError::Address { address: name.to_string(), why: error.desc().to_string() };
    let at = UnixAddr::new_abstract(words.as_bytes()).map_err(wrong)?;
    Ok(bound(name, address, open(name, &at, http)?, None))
}

/// The inode of a socket's file.
pub(super) fn inode(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().filter(|meta| meta.file_type().is_socket()).map(|meta| meta.ino())
}

fn bound(name: &str, address: &Address, fd: OwnedFd, file: Option<(std::path::PathBuf, u64)>) -> Bound {
    Bound {
        address: address.clone(),
        fds: vec![Arc::new(fd)],
        name: name.to_string(),
        server_port: "80".into(),
        file,
        is_tcp: false,
    }
}

fn open(name: &str, at: &UnixAddr, http: &HttpSettings) -> Result<OwnedFd, MasterError> {
    let failed = |error: Errno| match error {
        Errno::EADDRINUSE => MasterError::InUse { address: name.to_string(), holder: String::new() },
        Errno::ENOENT => MasterError::Address { address: name.to_string(), why: "its folder does not exist".into() },
        other => MasterError::Address { address: name.to_string(), why: other.desc().to_string() },
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(failed)?;
    socket::bind(fd.as_raw_fd(), at).map_err(failed)?;
    socket::listen(&fd, backlog(http)).map_err(failed)?;
    Ok(fd)
}

fn remove_stale(name: &str, path: &Path) -> Result<(), MasterError> {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let address = name.to_string();
    if !meta.file_type().is_socket() {
        return Err(MasterError::Address { address, why: "a file that is not a socket lies there".into() });
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(MasterError::InUse { address, holder: " by a process that answers there".into() }),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|error| MasterError::File { what: "replace the socket", path: path.into(), error }),
        // Its queue is full, or it may not be asked: somebody is there.
        Err(error) => Err(MasterError::InUse { address, holder: format!(" ({error})") }),
    }
}

/// `user`, `user:group` or `:group`.
fn give(path: &Path, owner: &str) -> Result<(), MasterError> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let uid = super::super::accounts::user("chown-socket", user)?.map(|account| account.uid);
    let gid = super::super::accounts::group("chown-socket", group)?;
    nix::unistd::chown(path, uid, gid).map_err(|error| MasterError::File {
        what: "change the owner of",
        path: path.into(),
        error: error.into(),
    })
}
