//! How a process ended, as it is told to people.

use bloom_control::Sandbox;
use nix::sys::signal::Signal;

/// How the first process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Such as `SIGKILL`.
    pub signal: Option<String>,
}

impl Exit {
    /// Bubblewrap and shells tell of a signal as 128 plus its number.
    pub fn by_code(code: i32, sandbox: Sandbox) -> Exit {
        if sandbox == Sandbox::Bwrap && code > 128 && Signal::try_from(code - 128).is_ok() {
            return Exit::by_signal(code - 128);
        }
        Exit { code: Some(code), signal: None }
    }

    /// A signal ended it.
    pub fn by_signal(number: i32) -> Exit {
        Exit { code: None, signal: Some(signal_name(number)) }
    }
}

fn signal_name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_stand_for_signals_are_told_as_such() {
        let told = |code, sandbox| {
            let exit = Exit::by_code(code, sandbox);
            (exit.code, exit.signal)
        };
        assert_eq!(told(0, Sandbox::Bwrap), (Some(0), None));
        assert_eq!(told(101, Sandbox::Bwrap), (Some(101), None));
        assert_eq!(told(137, Sandbox::Bwrap), (None, Some("SIGKILL".into())));
        assert_eq!(told(137, Sandbox::None), (Some(137), None));
        assert_eq!(told(255, Sandbox::Bwrap), (Some(255), None));
    }
}
