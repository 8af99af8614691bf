//! Signals: their names, and the ones the shim itself waits for.

use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::str::FromStr;

/// Reads `TERM` as well as `SIGTERM`.
pub fn parse_signal(name: &str) -> Option<Signal> {
    let short = name.strip_prefix("SIG").unwrap_or(name);
    Signal::from_str(&format!("SIG{short}")).ok()
}

/// Sends a signal; a process that is gone is no error.
pub fn send(pid: i32, signal: Signal) {
    // Zero and below would mean whole groups, our own among them.
    if pid > 1 {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn handled() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// From now on the handled signals are read from the returned descriptor.
pub fn open() -> nix::Result<SignalFd> {
    handled().thread_block()?;
    SignalFd::with_flags(&handled(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// Gives a child what every program expects at its start.
pub fn reset_in_child() -> nix::Result<()> {
    SigSet::all().thread_unblock()?;
    reset_pipe_signal()
}

/// Rust programs ignore SIGPIPE; the command must not inherit that.
#[allow(unsafe_code)] // signal() has no safe form
pub fn reset_pipe_signal() -> nix::Result<()> {
    // SAFETY: the default action runs no code of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_signals_and_nothing_else_is() {
        assert_eq!(parse_signal("TERM"), Some(Signal::SIGTERM));
        assert_eq!(parse_signal("SIGQUIT"), Some(Signal::SIGQUIT));
        for name in ["", "SIG", "term", "9", "SIGSIGTERM"] {
            assert_eq!(parse_signal(name), None, "{name}");
        }
    }
}
