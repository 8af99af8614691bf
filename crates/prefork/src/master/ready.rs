//! Tells whoever started the host how it is: the platform, systemd, or the shell that sent it to the background.
#![allow(unsafe_code)]

use crate::notify::Notify;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Who waits for the host to be ready.
pub(super) struct Waiting {
    fds: Vec<OwnedFd>,
    systemd: Notify,
}

impl Waiting {
    /// By the variables `BLOOM_READY_FD` and `NOTIFY_SOCKET`, and one more descriptor.
    pub fn of_environment(more: Option<OwnedFd>) -> io::Result<Waiting> {
        let given = std::env::var("BLOOM_READY_FD").ok().and_then(|text| text.parse::<RawFd>().ok());
        let given = given.filter(|fd| *fd > 2 && fcntl(borrow(*fd), FcntlArg::F_GETFD).is_ok());
        if let Some(fd) = given {
            let _ = fcntl(borrow(fd), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
        }
        // SAFETY: open, and given to this process for this alone.
        let given = given.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        // A name that cannot be one is nobody who waits.
        let systemd = Notify::new(std::env::var_os("NOTIFY_SOCKET").as_deref()).or_else(|_| Notify::new(None))?;
        Ok(Waiting { fds: given.into_iter().chain(more).collect(), systemd })
    }

    pub fn private_fds(&self) -> impl Iterator<Item = RawFd> {
        self.fds.iter().map(AsRawFd::as_raw_fd)
    }

    /// Says it. Descriptors are told once.
    pub fn ready(&mut self) {
        for fd in self.fds.drain(..) {
            let _ = File::from(fd).write_all(b"ready\n");
        }
        self.systemd.ready("serving");
    }

    /// A reload has begun.
    pub fn reloading(&self) {
        self.systemd.reloading();
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.systemd.stopping();
    }
}

fn borrow(fd: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: not negative; only asked whether it is open.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) }
}
