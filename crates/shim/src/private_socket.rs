//! Unix sockets that are for this process's own user alone.

use nix::sys::stat::{Mode, umask};
use std::fs;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Binds without blocking; whatever was there is replaced. Nobody else may connect, not for a moment. For a process with
/// one thread: all of them would have the umask.
pub fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let _ = fs::remove_file(path);
    let before = umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
