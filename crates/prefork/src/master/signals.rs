//! Signals as something to read, and children that have ended.
#![allow(unsafe_code)]

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

const OF_MASTER: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTSTP,
    Signal::SIGCHLD,
    Signal::SIGWINCH,
];

/// Signals of this process, blocked and read instead.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Those of the master. Its children inherit that they are blocked.
    pub fn of_master() -> nix::Result<Signals> {
        Signals::of(&OF_MASTER)
    }

    /// The end of children.
    pub fn of_app_process() -> nix::Result<Signals> {
        Signals::of(&[Signal::SIGCHLD])
    }

    fn of(signals: &[Signal]) -> nix::Result<Signals> {
        let mut set = SigSet::empty();
        signals.iter().for_each(|signal| set.add(*signal));
        set.thread_block()?;
        Ok(Signals(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Signals that came since the last time.
    pub fn read(&self) -> Vec<Signal> {
        let mut signals = Vec::new();
        while let Ok(Some(info)) = self.0.read_signal() {
            signals.extend(Signal::try_from(info.ssi_signo as i32).ok());
        }
        signals
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Children that have ended, each with its status.
pub(super) fn ended_children() -> Vec<(i32, i32)> {
    let mut ended = Vec::new();
    loop {
        let mut status = 0;
        // SAFETY: writes one int.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return ended;
        }
        ended.push((pid, status));
    }
}
