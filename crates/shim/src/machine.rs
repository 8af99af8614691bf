//! What follows from what: the life of an instance as a pure function. The supervisor tells it what happened
//! and does what it says.

use bloom_control::{Policy, Restart, State};

/// Where in its life the instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Runs and is not ready.
    Starting,
    /// Runs and is ready.
    Ready,
    /// Does not run; the next start is due after a pause.
    Waiting,
    /// Runs until its last connection has ended.
    Draining,
    /// Has been asked to end, and is then started again or not.
    Ending {
        /// Whether it is.
        again: bool,
    },
    /// Nothing is left.
    Done,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A probe succeeded.
    Ready,
    /// The time to become ready is over.
    ReadyTimeout,
    /// The process has ended and nothing of it is left.
    Ended {
        /// Milliseconds from its start.
        ran_ms: u64,
        /// Its exit code was 0.
        well: bool,
    },
    /// The pause before the next start is over.
    PauseOver,
    /// It shall serve its last connections and stop.
    Drain,
    /// No connection is left, or the limit has passed.
    Drained,
    /// It shall stop.
    Stop,
    /// It shall stop and start again.
    Restart,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Start the process.
    Start,
    /// Ask the process to end, and see to it.
    End,
    /// Tell `PauseOver` after so many milliseconds.
    Pause(u64),
    /// Watch the connections and tell `Drained`.
    WatchConnections,
    /// Clean up and leave.
    Finish,
}

/// Everything that decides what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Where in its life the instance is.
    pub phase: Phase,
    /// Starts after the first.
    pub restarts: u32,
    /// Quick ends in a row.
    pub failures: u32,
    /// It has not become ready in its time.
    pub ready_timeout: bool,
    /// Its last end, with `Policy::Never`, was a bad one.
    failed: bool,
    rules: Restart,
}

impl Machine {
    /// An instance whose first process has just been started.
    pub fn started(rules: Restart) -> Machine {
        Machine { phase: Phase::Starting, restarts: 0, failures: 0, ready_timeout: false, failed: false, rules }
    }

    /// The state as it is told.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Starting | Phase::Waiting if self.is_crash_looping() => State::Crashed,
            Phase::Starting | Phase::Waiting | Phase::Ending { again: true } => State::Starting,
            Phase::Ready => State::Ready,
            Phase::Draining | Phase::Ending { again: false } => State::Draining,
            Phase::Done if self.failed => State::Crashed,
            Phase::Done => State::Stopped,
        }
    }

    /// Whether it has failed too often in a row.
    pub fn is_crash_looping(&self) -> bool {
        self.failures >= self.rules.crash_loop_after
    }

    /// Takes an event in and says what to do. Events that no longer matter change nothing.
    pub fn handle(&mut self, event: Event) -> Action {
        use Phase::{Done, Draining, Ending, Ready, Starting, Waiting};
        match (self.phase, event) {
            (Starting, Event::Ready) => self.go(Ready, Action::None),
            (Starting, Event::ReadyTimeout) => {
                self.ready_timeout = true;
                Action::None
            }
            (Starting | Ready, Event::Ended { ran_ms, well }) => self.ended(ran_ms, well),
            (Waiting, Event::PauseOver) => self.start_again(),

            (Starting | Ready, Event::Drain) => self.go(Draining, Action::WatchConnections),
            (Draining, Event::Drain) => Action::WatchConnections,
            (Draining, Event::Drained) => self.go(Ending { again: false }, Action::End),
            (Draining, Event::Ended { .. }) => self.go(Done, Action::Finish),

            (Starting | Ready | Draining, Event::Stop) => self.go(Ending { again: false }, Action::End),
            (Waiting, Event::Stop | Event::Drain) => self.go(Done, Action::Finish),
            (Ending { .. }, Event::Stop | Event::Drain) => self.go(Ending { again: false }, Action::None),
            (Ending { again: false }, Event::Ended { .. }) => self.go(Done, Action::Finish),

            (Starting | Ready, Event::Restart) => {
                self.failures = 0;
                self.go(Ending { again: true }, Action::End)
            }
            (Waiting, Event::Restart) => {
                self.failures = 0;
                self.start_again()
            }
            (Ending { again: true }, Event::Ended { .. }) => self.start_again(),
            _ => Action::None,
        }
    }

    fn go(&mut self, phase: Phase, action: Action) -> Action {
        self.phase = phase;
        action
    }

    fn start_again(&mut self) -> Action {
        self.restarts += 1;
        self.ready_timeout = false;
        self.go(Phase::Starting, Action::Start)
    }

    fn ended(&mut self, ran_ms: u64, well: bool) -> Action {
        if self.rules.policy == Policy::Never {
            self.failed = !well;
            return self.go(Phase::Done, Action::Finish);
        }
        self.failures = if ran_ms >= self.rules.reset_after_ms { 0 } else { self.failures.saturating_add(1) };
        let pause = self.pause_ms();
        self.go(Phase::Waiting, Action::Pause(pause))
    }

    /// Doubles with every failure in a row, from the first pause to the longest.
    fn pause_ms(&self) -> u64 {
        let doublings = self.failures.saturating_sub(1).min(30);
        self.rules.backoff_initial_ms.saturating_mul(1 << doublings).min(self.rules.backoff_max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Event = Event::Ended { ran_ms: 10, well: true };
    const LONG: Event = Event::Ended { ran_ms: 60_000, well: true };

    fn machine() -> Machine {
        Machine::started(Restart::default())
    }

    fn after(events: &[Event]) -> (Machine, Vec<Action>) {
        let mut machine = machine();
        let actions = events.iter().map(|event| machine.handle(*event)).collect();
        (machine, actions)
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_a_long_run_ends_the_series() {
        let mut machine = machine();
        let mut pauses = Vec::new();
        for _ in 0..11 {
            let Action::Pause(ms) = machine.handle(QUICK) else { panic!("no pause") };
            pauses.push(ms);
            assert_eq!(machine.handle(Event::PauseOver), Action::Start);
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(machine.state(), State::Crashed);
        assert_eq!(machine.handle(LONG), Action::Pause(100));
        assert_eq!((machine.state(), machine.failures, machine.restarts), (State::Starting, 0, 11));
    }

    #[test]
    fn states_are_told_as_their_users_know_them() {
        use Event::{Drain, PauseOver, Ready, Restart, Stop};
        let states: &[(&[Event], State)] = &[
            (&[], State::Starting),
            (&[Ready], State::Ready),
            (&[QUICK, PauseOver, QUICK], State::Starting),
            (&[QUICK, PauseOver, QUICK, PauseOver, QUICK], State::Crashed),
            (&[QUICK, PauseOver, QUICK, PauseOver, QUICK, PauseOver], State::Crashed),
            (&[QUICK, PauseOver, QUICK, PauseOver, QUICK, PauseOver, Ready], State::Ready),
            (&[QUICK, PauseOver, QUICK, PauseOver, QUICK, Restart], State::Starting),
            (&[Ready, Restart], State::Starting),
            (&[Ready, Drain], State::Draining),
            (&[Ready, Stop], State::Draining),
            (&[Ready, Stop, QUICK], State::Stopped),
        ];
        for (events, state) in states {
            assert_eq!(after(events).0.state(), *state, "{events:?}");
        }
    }

    #[test]
    fn stop_works_in_every_phase_and_twice() {
        use Event::{Drain, Drained, PauseOver, Ready, Restart, Stop};
        let ways: &[&[Event]] = &[
            &[Stop, QUICK],
            &[Stop, Stop, QUICK],
            &[Ready, Stop, Drain, Restart, Ready, QUICK],
            &[QUICK, Stop],
            &[QUICK, Drain],
            &[Ready, Drain, Drained, QUICK],
            &[Ready, Drain, Stop, QUICK],
            &[Ready, Drain, Restart, QUICK],
            &[Ready, Restart, Stop, QUICK],
            &[Ready, Restart, Drain, QUICK],
        ];
        for events in ways {
            let (mut machine, actions) = after(events);
            assert_eq!(machine.phase, Phase::Done, "{events:?}");
            assert_eq!(actions.last(), Some(&Action::Finish), "{events:?}");
            assert!(!actions.contains(&Action::Start), "{events:?}");
            for event in [Ready, Stop, Drain, Drained, Restart, PauseOver, QUICK] {
                assert_eq!(machine.handle(event), Action::None);
            }
        }
    }

    #[test]
    fn a_restart_is_no_failure_and_forgives_earlier_ones() {
        let (machine, actions) = after(&[QUICK, Event::PauseOver, Event::Ready, Event::Restart, QUICK]);
        assert_eq!(actions[3..], [Action::End, Action::Start]);
        assert_eq!((machine.phase, machine.failures, machine.restarts), (Phase::Starting, 0, 2));
    }

    #[test]
    fn lateness_is_told_until_the_next_start() {
        let (mut machine, _) = after(&[Event::ReadyTimeout]);
        assert!(machine.ready_timeout);
        machine.handle(QUICK);
        machine.handle(Event::PauseOver);
        assert!(!machine.ready_timeout);
        machine.handle(Event::Ready);
        machine.handle(Event::ReadyTimeout);
        assert!(!machine.ready_timeout);
    }

    #[test]
    fn what_runs_once_ends_as_it_ended() {
        for (well, state) in [(true, State::Stopped), (false, State::Crashed)] {
            let mut machine = Machine::started(Restart { policy: Policy::Never, ..Restart::default() });
            assert_eq!(machine.handle(Event::Ended { ran_ms: 5, well }), Action::Finish);
            assert_eq!(machine.state(), state);
        }
    }
}
