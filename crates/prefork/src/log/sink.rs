//! Where lines go: a file that may be moved away, or standard error. A write that would wait is not waited for.
#![allow(unsafe_code)]

use super::shared::Shared;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU32};

/// How long a line waits for a reader that was quick enough until now, in milliseconds.
const PATIENCE: u16 = 20;
/// How often that may happen within one line: a long one goes through a pipe in parts.
const WAITS: u8 = 8;

/// How a write can be kept from waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Files never wait for a reader; a pipe of our own opening says that it is full.
    Plain,
    /// A pipe that others use as well: it is asked first.
    Asked,
    /// A socket: each write says that it will not wait.
    Socket,
}

pub struct Sink {
    fd: OwnedFd,
    kind: Kind,
    path: Option<PathBuf>,
    shared: Shared,
    /// The generation of the file this process has open.
    seen: AtomicU32,
    /// Nobody reads: lines are dropped at once until one gets through.
    stuck: AtomicBool,
    /// Standard output and standard error lead here too.
    is_output: AtomicBool,
}

impl Sink {
    /// A file to append to, made where it is not there.
    pub fn file(path: &Path, truncate: bool) -> io::Result<Sink> {
        let path = std::path::absolute(path)?;
        let file = open_file(&path).map_err(|error| at(&path, "cannot be opened for the log", &error))?;
        let kind = if file.metadata()?.file_type().is_fifo() { Kind::Asked } else { Kind::Plain };
        if truncate && kind == Kind::Plain {
            // Not for a device such as /dev/null or a terminal.
            let _ = file.set_len(0);
        }
        Sink::new(file.into(), kind, Some(path))
    }

    /// Standard error.
    pub fn stderr() -> io::Result<Sink> {
        Sink::output_of(libc::STDERR_FILENO)
    }

    pub(super) fn output_of(number: RawFd) -> io::Result<Sink> {
        // SAFETY: only duplicated; a descriptor that is not open is an error of the call.
        let raw = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
        if raw < 0 {
            return Sink::new(open_file(Path::new("/dev/null"))?.into(), Kind::Plain, None);
        }
        // SAFETY: new, and ours alone.
        let file = unsafe { File::from_raw_fd(raw) };
        let kind = file.metadata()?.file_type();
        if kind.is_socket() {
            return Sink::new(file.into(), Kind::Socket, None);
        }
        if !kind.is_fifo() {
            return Sink::new(file.into(), Kind::Plain, None);
        }
        // Opened a second time the pipe has a flag of its own, so that no other process stops waiting because of us.
        let own = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(format!("/proc/self/fd/{raw}"));
        match own {
            Ok(own) => Sink::new(own.into(), Kind::Plain, None),
            Err(_) => Sink::new(file.into(), Kind::Asked, None),
        }
    }

    fn new(fd: OwnedFd, kind: Kind, path: Option<PathBuf>) -> io::Result<Sink> {
        let shared = Shared::create()?;
        Ok(Sink {
            fd,
            kind,
            path,
            shared,
            seen: AtomicU32::new(0),
            stuck: AtomicBool::new(false),
            is_output: AtomicBool::new(false),
        })
    }

    /// Makes standard output and standard error lead here, now and after each change of the file.
    pub fn take_output(&self) -> io::Result<()> {
        if self.path.is_some() {
            self.is_output.store(true, Relaxed);
            replace(self.fd.as_fd(), libc::STDOUT_FILENO)?;
            replace(self.fd.as_fd(), libc::STDERR_FILENO)?;
        }
        Ok(())
    }

    /// Writes one line, with its newline.
    pub fn write(&self, line: &[u8]) {
        self.refresh();
        if self.shared.torn.load(Relaxed) && self.shared.torn.swap(false, AcqRel) {
            self.send(b"\n");
        }
        if !self.send(line) {
            self.shared.lost.fetch_add(1, Relaxed);
            return;
        }
        if self.shared.lost.load(Relaxed) > 0 {
            let lost = self.shared.lost.swap(0, AcqRel);
            if lost > 0 && !self.send(format!("log: {lost} lines before this one could not be written\n").as_bytes()) {
                self.shared.lost.fetch_add(lost, Relaxed);
            }
        }
    }

    /// Whether all of it went out.
    fn send(&self, line: &[u8]) -> bool {
        let mut rest = line;
        let mut waits = 0;
        while !rest.is_empty() {
            match self.send_some(rest) {
                Ok(0) => break,
                Ok(sent) => rest = &rest[sent..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.stuck.load(Relaxed) || waits == WAITS || !self.has_room(PATIENCE) {
                        break;
                    }
                    waits += 1;
                }
                Err(_) => break,
            }
        }
        if !rest.is_empty() && rest.len() < line.len() {
            self.shared.torn.store(true, Relaxed);
        }
        let sent = rest.is_empty();
        if self.stuck.load(Relaxed) == sent {
            self.stuck.store(!sent, Relaxed);
        }
        sent
    }

    fn send_some(&self, bytes: &[u8]) -> io::Result<usize> {
        let (fd, at) = (self.fd.as_raw_fd(), bytes.as_ptr().cast());
        let sent = match self.kind {
            // SAFETY: the bytes are valid for the call.
            Kind::Socket => unsafe { libc::send(fd, at, bytes.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) },
            Kind::Asked if !self.has_room(0) => return Err(io::ErrorKind::WouldBlock.into()),
            // What a pipe that has room takes without waiting.
            // SAFETY: as above; not more than there is.
            Kind::Asked => unsafe { libc::write(fd, at, bytes.len().min(libc::PIPE_BUF)) },
            // SAFETY: as above.
            Kind::Plain => unsafe { libc::write(fd, at, bytes.len()) },
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    fn has_room(&self, milliseconds: u16) -> bool {
        use nix::poll::{PollFd, PollFlags, poll};
        poll(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)], milliseconds).is_ok_and(|ready| ready > 0)
    }

    /// Opens the file anew where the master said so.
    pub fn refresh(&self) {
        let (seen, wanted) = (self.seen.load(Relaxed), self.shared.generation.load(Acquire));
        if seen != wanted && self.seen.compare_exchange(seen, wanted, AcqRel, Relaxed).is_ok() {
            self.open_again();
        }
    }

    /// Says to everybody that the file is to be opened anew, and does.
    pub fn reopen(&self) {
        self.shared.generation.fetch_add(1, AcqRel);
        self.refresh();
    }

    fn open_again(&self) {
        let Some(path) = &self.path else { return };
        let done = open_file(path).and_then(|file| {
            // The number stays: a thread that is about to write writes to the old file or to the new one.
            replace(file.as_fd(), self.fd.as_raw_fd())?;
            if self.is_output.load(Relaxed) { self.take_output() } else { Ok(()) }
        });
        if let Err(error) = done {
            let error =
                at(path, "cannot be opened again for the log, which goes on in the file that was moved", &error);
            self.send(format!("log: {error}\n").as_bytes());
        }
    }

    /// Bytes of the file.
    pub fn size(&self) -> Option<u64> {
        self.path.as_ref()?;
        let found = nix::sys::stat::fstat(self.fd.as_fd()).ok()?;
        (found.st_mode & libc::S_IFMT == libc::S_IFREG).then(|| found.st_size.unsigned_abs())
    }

    /// Moves the file to `backup`, or to its own name with the time, and begins a new one.
    pub fn rotate(&self, backup: Option<&Path>) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| self.size().is_some()) else { return Ok(()) };
        let backup = backup.map_or_else(|| free_name(path), Path::to_path_buf);
        std::fs::rename(path, &backup)
            .map_err(|error| at(path, &format!("cannot be moved to {}", backup.display()), &error))?;
        self.reopen();
        Ok(())
    }
}

fn free_name(path: &Path) -> PathBuf {
    let seconds = super::clock::since_epoch(std::time::SystemTime::now()).as_secs();
    let name = |end: String| PathBuf::from([path.as_os_str(), end.as_ref()].join(std::ffi::OsStr::new(".")));
    let first = name(seconds.to_string());
    let others = (1..).map(|index| name(format!("{seconds}.{index}")));
    std::iter::once(first).chain(others).find(|name| !name.exists()).expect("there are more numbers than files")
}

fn open_file(path: &Path) -> io::Result<File> {
    // Without waiting, also for the reader of a named pipe; standard output must not be told so by `replace`.
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

fn replace(fd: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    let flags = if number <= libc::STDERR_FILENO { 0 } else { libc::O_CLOEXEC };
    // SAFETY: both are numbers; what stood at `number` belongs to this sink, or is the output of this process.
    if unsafe { libc::dup3(fd.as_raw_fd(), number, flags) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn at(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} {what}: {error}", path.display()))
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
