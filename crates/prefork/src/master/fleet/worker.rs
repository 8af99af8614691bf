use super::Millis;
use crate::board::{Wish, WorkerState};

/// What a worker was last asked to do; each is stronger than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// To finish what it has.
    Drain,
    /// To end at once.
    Stop,
    /// It was killed.
    Kill,
}

/// A worker that was ordered or lives.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its number, from 1.
    pub id: u32,
    /// Which one of all workers ever ordered.
    pub serial: u64,
    /// Process id; None: ordered, not yet forked.
    pub pid: Option<i32>,
    /// What it says of itself.
    pub state: WorkerState,
    /// What it asks for.
    pub wish: Wish,
    /// What it was asked, and when.
    pub asked: Asked,
    pub(super) asked_at: Millis,
    /// When it was ordered.
    pub born: Millis,
    /// When it was first seen accepting.
    pub ready_at: Option<Millis>,
    /// Another one of the same number will take its place, and then it drains.
    pub leaving: bool,
    /// It is to end at once, and another one to be forked.
    pub(super) restart: bool,
    /// Since when it drains by itself.
    pub(super) drains_since: Option<Millis>,
    /// It was told to pause, or to go on, and has not done so yet.
    pub(super) toggled: bool,
    /// Threads that serve a request.
    pub busy: u32,
    /// The earliest deadline of its requests.
    pub deadline: Option<Millis>,
    /// Resident memory and address space in bytes.
    pub memory: (u64, u64),
}

impl Worker {
    pub(super) fn ordered(id: u32, serial: u64, now: Millis) -> Worker {
        Worker {
            id,
            serial,
            pid: None,
            state: WorkerState::Starting,
            wish: Wish::None,
            asked: Asked::Nothing,
            asked_at: now,
            born: now,
            ready_at: None,
            leaving: false,
            restart: false,
            drains_since: None,
            toggled: false,
            busy: 0,
            deadline: None,
            memory: (0, 0),
        }
    }

    /// Whether it is on its way out, asked or not.
    pub fn drains(&self) -> bool {
        self.asked > Asked::Nothing || self.drains_itself()
    }

    pub(super) fn drains_itself(&self) -> bool {
        self.state == WorkerState::Draining || matches!(self.wish, Wish::Harakiri | Wish::Crash)
    }

    /// Whether it takes connections (or would, if it were not paused).
    pub fn serves(&self) -> bool {
        !self.drains() && self.pid.is_some() && matches!(self.state, WorkerState::Accepting | WorkerState::Paused)
    }

    /// Whether it holds its number: it serves or is going to, and nobody takes its place.
    pub fn is_fresh(&self) -> bool {
        !self.drains() && !self.leaving
    }
}
