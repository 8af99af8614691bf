//! What follows for a command that runs beside the workers.

use std::time::Duration;

/// A command that ended sooner than this after its start is started again later and later.
const QUICK: Duration = Duration::from_secs(3);
/// Longest wait before a start.
const LONGEST: u32 = 300;
/// Looks at a pid file that has to appear, one each second, before the command is started once more.
pub const LOOKS: u32 = 10;

/// After an end: how many quick ones came in a row, and how long to wait.
pub fn plan_again(ran: Duration, quick: u32) -> (u32, Duration) {
    if ran > QUICK {
        return (0, Duration::ZERO);
    }
    let quick = quick.saturating_add(1);
    (quick, Duration::from_secs(quick.min(LONGEST).into()))
}

/// What to do about a command known by its pid file.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It runs, as this process.
    Runs(i32),
    /// Look again in a second.
    Wait,
    /// Start it.
    Start,
}

/// `found`: the process the pid file names, where it lives. `known`: one was seen before. `started`: it was started by
/// us and not seen since, `looks` ago.
pub fn plan_smart(found: Option<i32>, known: bool, started: bool, looks: u32) -> Step {
    match found {
        Some(pid) => Step::Runs(pid),
        None if known || !started || looks >= LOOKS => Step::Start,
        None => Step::Wait,
    }
}

/// The process a pid file names; not init, nor a group.
pub fn pid_of(text: &str) -> Option<i32> {
    text.split_whitespace().next()?.parse().ok().filter(|pid| *pid > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_quickly_waits_longer_each_time() {
        for before in 0..300 {
            let expected = (before + 1, Duration::from_secs(u64::from(before) + 1));
            assert_eq!(plan_again(Duration::from_secs(1), before), expected);
        }
        let (quick, wait) = plan_again(Duration::from_secs(3), 300);
        assert_eq!(wait, Duration::from_secs(300), "never longer");
        assert_eq!(plan_again(Duration::from_secs(4), quick), (0, Duration::ZERO));
        assert_eq!(plan_again(Duration::ZERO, u32::MAX).0, u32::MAX);
    }

    #[test]
    fn a_pid_file_decides() {
        assert_eq!(plan_smart(Some(7), false, false, 0), Step::Runs(7));
        assert_eq!(plan_smart(None, false, false, 0), Step::Start, "never started");
        assert_eq!(plan_smart(None, false, true, LOOKS - 1), Step::Wait, "its file may still come");
        assert_eq!(plan_smart(None, false, true, LOOKS), Step::Start);
        assert_eq!(plan_smart(None, true, true, 0), Step::Start, "it ran, and is gone");
        assert_eq!(pid_of("123\n"), Some(123));
        for text in ["", "0", "1", "-5", "x", "99999999999"] {
            assert_eq!(pid_of(text), None, "{text}");
        }
    }
}
