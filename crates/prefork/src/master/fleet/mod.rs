//! Who lives and who should: the master's picture of its generations and workers, and what follows from it.
//!
//! Nothing here acts. [`Fleet::take`] notes what happened, [`plan`] says what to do about it, and each thing that was
//! done comes back as an event. Times are milliseconds of any clock that does not go back.

mod backoff;
mod cheaper;
mod event;
mod generation;
mod note;
mod plan;
mod renewal;
mod wake;
mod worker;

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod simulation;

pub use cheaper::Change;
pub use event::{Command, Ending, Event, Sight};
pub use generation::{AppState, Generation, Role, Rules, Slot};
pub use plan::{Action, Reason, plan};
pub use wake::next_wake;
pub use worker::{Asked, Worker};

/// Milliseconds.
pub type Millis = u64;

/// How the host is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Stop {
    /// It is not.
    #[default]
    No,
    /// Workers finish what they have.
    Graceful,
    /// Workers end at once.
    Now,
}

/// Everything the master supervises.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// The oldest first.
    pub generations: Vec<Generation>,
    /// Whether all of it ends.
    pub stop: Stop,
    /// Workers take no connections for the time being.
    pub paused: bool,
    /// A worker has accepted, at any time.
    pub served: bool,
    /// Why the host cannot serve at all: the code to exit with.
    pub failed: Option<i32>,
    serial: u64,
}

impl Fleet {
    /// A generation by its number.
    pub fn generation(&self, number: u64) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.number == number)
    }

    fn generation_mut(&mut self, number: u64) -> Option<&mut Generation> {
        self.generations.iter_mut().find(|generation| generation.number == number)
    }

    /// The generation that is on its way to serve.
    pub fn candidate(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.role == Role::Candidate)
    }

    /// The generation that serves.
    pub fn serving(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.role == Role::Serving)
    }

    /// Generations that have somebody to take over what a worker has open: those with another worker that serves.
    pub fn heirs(&self, generation: u64, place: usize) -> impl Iterator<Item = u64> {
        let lasting = self.generations.iter().filter(|of| self.stop == Stop::No && of.role != Role::Retiring);
        let has_heir = move |of: &&Generation| {
            of.living().any(|(at, worker)| worker.serves() && (of.number, at) != (generation, place))
        };
        lasting.filter(has_heir).map(|of| of.number)
    }

    /// Adds a generation whose app process is being started: a candidate where another one serves.
    pub fn add(&mut self, number: u64, rules: Rules, brutal: bool) {
        let role = if self.generations.iter().any(|other| other.role == Role::Serving) {
            Role::Candidate
        } else {
            Role::Serving
        };
        self.generations.push(Generation::new(number, rules, role, brutal));
    }

    /// Whether nothing is left to wait for.
    pub fn ended(&self) -> bool {
        self.stop != Stop::No && self.generations.is_empty()
    }
}
