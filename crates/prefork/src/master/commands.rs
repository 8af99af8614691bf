//! What signals and bytes of the FIFO ask for.

use super::fleet::Command;
use nix::sys::signal::Signal;

/// What is asked of the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Of its workers.
    Fleet(Command),
    /// Everything anew; with `brutal` the old workers end at once when the new ones accept.
    Reload {
        brutal: bool,
    },
    /// A few lines of statistics to the log.
    Statistics,
    /// What each worker does, to the log.
    Status,
    ReopenLogs,
    RotateLogs,
    /// Write pid files again.
    WritePid,
    /// Listen to another FIFO.
    Slot(usize),
    /// Something uWSGI does and this host does not.
    Unsupported(char),
}

/// What a signal asks for.
pub(super) fn of_signal(signal: Signal, brutal_term: bool) -> Option<Request> {
    match signal {
        Signal::SIGTERM if brutal_term => Some(Request::Fleet(Command::StopNow)),
        Signal::SIGTERM | Signal::SIGINT => Some(Request::Fleet(Command::Stop)),
        Signal::SIGQUIT => Some(Request::Fleet(Command::StopNow)),
        Signal::SIGHUP => Some(Request::Reload { brutal: false }),
        Signal::SIGUSR1 => Some(Request::Statistics),
        Signal::SIGUSR2 => Some(Request::Status),
        Signal::SIGTSTP => Some(Request::Fleet(Command::TogglePause)),
        _ => None,
    }
}

/// What a byte written to the FIFO asks for; others mean nothing.
pub(super) fn of_byte(byte: u8) -> Option<Request> {
    Some(match byte {
        b'0'..=b'9' => Request::Slot(usize::from(byte - b'0')),
        b'+' => Request::Fleet(Command::More),
        b'-' => Request::Fleet(Command::Less),
        b'C' => Request::Fleet(Command::Least),
        b'c' => Request::Fleet(Command::ReloadChain),
        b'w' => Request::Fleet(Command::ReloadWorkers),
        b'W' => Request::Fleet(Command::RestartWorkers),
        b'p' => Request::Fleet(Command::TogglePause),
        b'q' => Request::Fleet(Command::Stop),
        b'Q' => Request::Fleet(Command::StopNow),
        b'r' => Request::Reload { brutal: false },
        b'R' => Request::Reload { brutal: true },
        b'l' => Request::ReopenLogs,
        b'L' => Request::RotateLogs,
        b'P' => Request::WritePid,
        b's' => Request::Statistics,
        b'B' | b'E' | b'f' | b'S' => Request::Unsupported(byte.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_mean_what_they_mean_to_containers() {
        let of = |signal| of_signal(signal, false);
        assert_eq!(of(Signal::SIGTERM), Some(Request::Fleet(Command::Stop)));
        assert_eq!(of(Signal::SIGINT), of(Signal::SIGTERM));
        assert_eq!(of_signal(Signal::SIGTERM, true), of(Signal::SIGQUIT));
        assert_eq!((of(Signal::SIGWINCH), of(Signal::SIGCHLD)), (None, None));
    }

    #[test]
    fn every_letter_of_uwsgi_is_known_and_nothing_else() {
        let known: String = (0..=255u8).filter(|byte| of_byte(*byte).is_some()).map(char::from).collect();
        assert_eq!(known, "+-0123456789BCELPQRSWcflpqrsw");
        assert_eq!(of_byte(b'f'), Some(Request::Unsupported('f')));
    }
}
