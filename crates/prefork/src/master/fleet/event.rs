use super::{Action, Millis};
use crate::board::{Wish, WorkerState};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What a worker's cells on the board say.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// What it does.
    pub state: WorkerState,
    /// What it asks for.
    pub wish: Wish,
    /// Threads that serve a request.
    pub busy: u32,
    /// The earliest deadline of requests nobody has given up yet.
    pub deadline: Option<Millis>,
}

/// What a person (or a file) asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End in order; the second time at once.
    Stop,
    /// End at once.
    StopNow,
    /// Pause, or go on.
    TogglePause,
    /// Replace one worker after the other.
    ReloadChain,
    /// Replace all workers at a time.
    ReloadWorkers,
    /// End all workers at once and fork others.
    RestartWorkers,
    /// A worker more (`cheaper`).
    More,
    /// A worker less (`cheaper`).
    Less,
    /// As few workers as allowed (`cheaper`).
    Least,
}

/// What happened.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the sentence above each says what its fields are")]
pub enum Event {
    /// An action was carried out.
    Done(Action),
    /// The app process has loaded.
    AppReady { generation: u64 },
    /// The app process could not load, for this reason; it ends with this code.
    AppFailed { generation: u64, text: String, code: i32 },
    /// The app process is gone.
    AppGone { generation: u64 },
    /// A worker was forked.
    Forked { generation: u64, place: usize, pid: i32 },
    /// A worker could not be forked.
    NotForked { generation: u64, place: usize },
    /// A worker has ended.
    Exited { generation: u64, place: usize, how: Ending },
    /// What a worker's cells say.
    Seen { generation: u64, place: usize, sight: Sight },
    /// Resident memory and address space of a worker.
    Memory { generation: u64, place: usize, memory: (u64, u64) },
    /// A second has passed; this many connections wait to be accepted.
    Second { backlog: u32 },
    /// Somebody asks for something.
    Command(Command),
}
