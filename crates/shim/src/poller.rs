//! The event loop's one system call, and the numbers by which its sources are told apart.

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::os::fd::AsFd;
use std::time::Duration;

/// Names a source of events.
pub type Token = u64;

/// Signals of the shim itself.
pub const SIGNALS: Token = 0;
/// New connections to `control.sock`.
pub const CONTROL: Token = 1;
/// New connections to the forwarder.
pub const FORWARD: Token = 2;
/// The app's standard output.
pub const OUT: Token = 3;
/// The app's standard error.
pub const ERR: Token = 4;
/// Bubblewrap's report.
pub const INFO: Token = 5;
/// The connection of the present probe.
pub const PROBE: Token = 6;
/// The standard output of `pre_start` or `post_start`.
pub const HOOK_OUT: Token = 7;
/// Its standard error.
pub const HOOK_ERR: Token = 8;
/// What the app says of its own readiness.
pub const NOTICE: Token = 9;
/// Records of what the app has executed.
pub const RECORDS: Token = 10;
/// Clients of `control.sock` count from here.
pub const CLIENTS: Token = 1 << 32;
/// Doors of the doorman count from here.
pub const DOORS: Token = 1 << 40;
/// Gates of the relay count from here.
pub const GATES: Token = 1 << 44;
/// Forwarded connections count from here, two for each.
pub const PAIRS: Token = 1 << 48;
/// Relayed connections count from here, two for each.
pub const RELAYED: Token = 1 << 52;

/// Something can be read, or has ended.
pub const READ: EpollFlags = EpollFlags::EPOLLIN;
/// Something can be written, or a connect has been decided.
pub const WRITE: EpollFlags = EpollFlags::EPOLLOUT;

/// One thing that happened.
#[derive(Clone, Copy)]
pub struct Ready {
    /// Where.
    pub token: Token,
    /// What.
    pub flags: EpollFlags,
}

/// A set of descriptors to wait for.
pub struct Poller(Epoll);

impl Poller {
    /// An empty set.
    pub fn open() -> nix::Result<Poller> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Poller)
    }

    /// Waits for `flags` on a descriptor from now on.
    pub fn add(&self, fd: impl AsFd, token: Token, flags: EpollFlags) -> nix::Result<()> {
        self.0.add(fd, EpollEvent::new(flags, token))
    }

    /// Waits for something else on it.
    pub fn change(&self, fd: impl AsFd, token: Token, flags: EpollFlags) -> nix::Result<()> {
        self.0.modify(fd, &mut EpollEvent::new(flags, token))
    }

    /// Forgets it. Closing alone is not enough while a child between fork and exec has a copy.
    pub fn remove(&self, fd: impl AsFd) {
        let _ = self.0.delete(fd);
    }

    /// What happened within `limit`; without one it waits for ever. An interruption looks like nothing.
    pub fn wait(&self, limit: Option<Duration>) -> Vec<Ready> {
        let mut events = [EpollEvent::empty(); 64];
        // Rounded up, so that a timer is due when the wait for it ends.
        let limit = limit.map_or(EpollTimeout::NONE, |limit| {
            let ms = limit.as_micros().div_ceil(1000).min(i32::MAX as u128);
            EpollTimeout::try_from(ms as i32).unwrap_or(EpollTimeout::MAX)
        });
        let count = self.0.wait(&mut events, limit).unwrap_or(0);
        events[..count].iter().map(|event| Ready { token: event.data(), flags: event.events() }).collect()
    }
}
