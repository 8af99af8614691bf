//! The socket an instance is given: bound here, passed on, and watched from here, because who serves it does not
//! say how many are connected.

use crate::descriptors;
use crate::error::SetupError;
use crate::forward::bind_socket;
use crate::spawn::own_copy;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The kernel's word for a socket that listens, in the column of flags.
const LISTENING: &str = "00010000";

/// The kernel's table of sockets, as those see it who connect.
pub struct SocketTable(File);

impl SocketTable {
    /// To be opened in the namespace of the clients: a table shows what was connected from its own.
    pub fn open() -> io::Result<Self> {
        File::open("/proc/self/net/unix").map(Self)
    }

    /// Connections to the socket that was bound under this name, those included that nobody has accepted yet.
    fn connections_to(&self, name: &str) -> io::Result<u32> {
        let mut text = Vec::new();
        (&self.0).seek(SeekFrom::Start(0))?;
        (&self.0).read_to_end(&mut text)?;
        // Other people's names may be anything.
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().filter(|line| is_connection(line, name)).count() as u32)
    }
}

/// `Num: RefCount Protocol Flags Type St Inode Path`
fn is_connection(line: &str, name: &str) -> bool {
    let Some(rest) = line.strip_suffix(name).and_then(|rest| rest.strip_suffix(' ')) else { return false };
    let mut fields = rest.split_whitespace().skip(3);
    let flags = fields.next();
    let is_stream = fields.next() == Some("0001");
    // Connecting, connected or being closed: everything in which bytes may still move.
    is_stream && flags != Some(LISTENING) && matches!(fields.next(), Some("02" | "03" | "04"))
}

/// A bound socket with the way to count its connections.
pub struct GivenSocket {
    listener: UnixListener,
    path: PathBuf,
    table: SocketTable,
}

impl GivenSocket {
    /// Binds the socket `file` in the present folder, under a name that no other instance's socket has: the kernel's
    /// table shows names as they were given.
    pub fn bind(file: &Path, table: SocketTable) -> io::Result<Self> {
        let folder = std::env::current_dir()?.file_name().map_or_else(|| OsString::from("."), ToOwned::to_owned);
        let path = Path::new("..").join(folder).join(file);
        Ok(Self { listener: bind_socket(&path)?, path, table })
    }

    /// A copy for the command, which finds it under this number.
    pub fn for_command(&self) -> Result<(OwnedFd, RawFd), SetupError> {
        own_copy(&self.listener).map(|fd| (fd, descriptors::LISTEN))
    }

    /// Open connections of clients. What cannot be read counts as one: nobody's work ends for want of a figure.
    pub fn connections(&self) -> u32 {
        self.path.to_str().and_then(|name| self.table.connections_to(name).ok()).unwrap_or(1)
    }

    pub fn unlink(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn counts_those_who_are_connected_accepted_or_not() {
        let base = std::env::temp_dir().join(format!("bloom-given-{}", std::process::id()));
        fs::create_dir_all(&base).unwrap();
        let path = base.join("given.sock");
        let socket = GivenSocket {
            listener: bind_socket(&path).unwrap(),
            path: path.clone(),
            table: SocketTable::open().unwrap(),
        };
        assert_eq!(socket.connections(), 0);
        let first = UnixStream::connect(&path).unwrap();
        assert_eq!(socket.connections(), 1);
        let accepted = socket.listener.accept().unwrap();
        let second = UnixStream::connect(&path).unwrap();
        assert_eq!(socket.connections(), 2);
        drop((first, accepted));
        assert_eq!(socket.connections(), 1);
        drop(second);
        drop(socket.listener.accept());
        assert_eq!(socket.connections(), 0);
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn tells_its_own_from_others() {
        let line = |rest: &str| format!("0000000000000000: 00000003 00000000 {rest}");
        assert!(is_connection(&line("00000000 0001 03 1056 ../i-1/app.sock"), "../i-1/app.sock"));
        assert!(is_connection(&line("00000000 0001 02     0 ../i-1/app.sock"), "../i-1/app.sock"));
        assert!(!is_connection(&line("00010000 0001 01 1056 ../i-1/app.sock"), "../i-1/app.sock"));
        assert!(!is_connection(&line("00000000 0001 03 1056 ../i-10/app.sock"), "../i-1/app.sock"));
        assert!(!is_connection(&line("00000000 0001 03 1056"), "../i-1/app.sock"));
        assert!(!is_connection("", "../i-1/app.sock"));
    }
}
