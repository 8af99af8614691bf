use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64};

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WorkerState {
    /// Nobody is here.
    Empty = 0,
    /// Forked, not ready yet.
    Starting = 1,
    /// Takes connections.
    Accepting = 2,
    /// Takes none until it is told to go on.
    Paused = 3,
    /// Finishes what it has and ends.
    Draining = 4,
}

/// What a worker asks its master for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wish {
    /// Nothing.
    None = 0,
    /// To be replaced: it has served as many requests as it may.
    MaxRequests = 1,
    /// To be replaced: resident memory.
    Rss = 2,
    /// To be replaced: address space.
    AddressSpace = 3,
    /// To be replaced: a thread of it took longer than a request may. It drains already.
    Harakiri = 4,
    /// To be replaced: a thread of it crashed. It drains already.
    Crash = 5,
}

/// What a thread of a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CoreState {
    /// Waits.
    Idle = 0,
    /// The app is asked; nothing of an answer was sent yet.
    Asked = 1,
    /// The app is asked and has begun to answer.
    Answering = 2,
    /// It took too long: its client was answered without it, and what it still says is dropped.
    GivenUp = 3,
    /// It crashed and stands still; its client was answered 500 where nothing was sent before.
    Crashed = 4,
}

/// One worker. Counters of the worker itself begin at 0 with each process.
#[repr(C)]
#[derive(Default)]
pub struct WorkerCell {
    /// Process id; 0: nobody is here.
    pub pid: AtomicI32,
    /// Number of the worker as uWSGI counts, from 1; the worker that replaces it has the same.
    pub id: AtomicU32,
    state: AtomicU8,
    wish: AtomicU8,
    /// Requests served.
    pub requests: AtomicU64,
    /// Requests the app panicked or failed in.
    pub exceptions: AtomicU64,
    /// Requests that took too long.
    pub harakiri_count: AtomicU64,
    /// Signals received.
    pub signals: AtomicU64,
    /// Bytes sent.
    pub tx: AtomicU64,
    /// Time spent in requests, in microseconds.
    pub running_time: AtomicU64,
    /// Smoothed time of a request in microseconds, as uWSGI: (old + new) / 2.
    pub avg_rt: AtomicU64,
    /// Resident memory in bytes, sampled.
    pub rss: AtomicU64,
    /// Address space in bytes, sampled.
    pub vsz: AtomicU64,
    /// When it was forked: seconds since 1970.
    pub last_spawn: AtomicU64,
    /// When it took its first connection, in milliseconds of the monotonic clock; 0: not yet.
    pub ready_at: AtomicU64,
    /// Connections it has open.
    pub connections: AtomicU32,
    /// Threads that serve a request now.
    pub busy: AtomicU32,
    /// Set by the master before it asks for a drain: others take this worker's connections over.
    pub hands_over: AtomicBool,
    /// What loading the app took, in milliseconds (`startup_time` in seconds for uWSGI).
    pub startup_ms: AtomicU64,
}

impl WorkerCell {
    /// What the worker does.
    pub fn state(&self) -> WorkerState {
        match self.state.load(Acquire) {
            1 => WorkerState::Starting,
            2 => WorkerState::Accepting,
            3 => WorkerState::Paused,
            4 => WorkerState::Draining,
            _ => WorkerState::Empty,
        }
    }

    /// Says what the worker does.
    pub fn set_state(&self, state: WorkerState) {
        self.state.store(state as u8, Release);
    }

    /// What the worker asks for.
    pub fn wish(&self) -> Wish {
        match self.wish.load(Acquire) {
            1 => Wish::MaxRequests,
            2 => Wish::Rss,
            3 => Wish::AddressSpace,
            4 => Wish::Harakiri,
            5 => Wish::Crash,
            _ => Wish::None,
        }
    }

    /// Asks for something.
    pub fn set_wish(&self, wish: Wish) {
        self.wish.store(wish as u8, Release);
    }

    /// As new.
    pub(super) fn clear(&self) {
        self.pid.store(0, Relaxed);
        self.id.store(0, Relaxed);
        for counter in [
            &self.requests,
            &self.exceptions,
            &self.harakiri_count,
            &self.signals,
            &self.tx,
            &self.running_time,
            &self.avg_rt,
            &self.rss,
            &self.vsz,
            &self.last_spawn,
            &self.ready_at,
            &self.startup_ms,
        ] {
            counter.store(0, Relaxed);
        }
        self.connections.store(0, Relaxed);
        self.busy.store(0, Relaxed);
        self.hands_over.store(false, Relaxed);
        self.set_wish(Wish::None);
        self.set_state(WorkerState::Empty);
    }
}

/// One thread of a worker.
#[repr(C)]
#[derive(Default)]
pub struct Core {
    state: AtomicU8,
    /// The request came in the `uwsgi` protocol, or in TLS: its socket cannot be written to from outside of the worker.
    pub opaque: AtomicBool,
    /// Descriptor of the connection that is served, as the worker numbers it; -1 or 0: none.
    pub fd: AtomicI32,
    /// Bytes of the request's head at the begin of the core's buffer.
    pub head_len: AtomicU32,
    /// When the request began, in microseconds of the monotonic clock.
    pub started_us: AtomicU64,
    /// When the request has taken too long, in milliseconds of the monotonic clock; 0: never.
    pub deadline_ms: AtomicU64,
    /// Requests served.
    pub requests: AtomicU64,
    /// Of these, files.
    pub static_requests: AtomicU64,
    /// Answers that were sent on without the thread.
    pub offloaded_requests: AtomicU64,
    /// Answers that could not be sent.
    pub write_errors: AtomicU64,
    /// Bodies that could not be read.
    pub read_errors: AtomicU64,
}

impl Core {
    /// What the thread does.
    pub fn state(&self) -> CoreState {
        match self.state.load(Acquire) {
            1 => CoreState::Asked,
            2 => CoreState::Answering,
            3 => CoreState::GivenUp,
            4 => CoreState::Crashed,
            _ => CoreState::Idle,
        }
    }

    /// Says what the thread does.
    pub fn set_state(&self, state: CoreState) {
        self.state.store(state as u8, Release);
    }

    /// From one state to another, if it is still the one: who wins decides who writes to the client.
    pub fn change_state(&self, from: CoreState, to: CoreState) -> bool {
        self.state.compare_exchange(from as u8, to as u8, std::sync::atomic::Ordering::AcqRel, Acquire).is_ok()
    }

    /// Whether a request is being served.
    pub fn in_request(&self) -> bool {
        self.state() != CoreState::Idle
    }

    /// As new.
    pub(super) fn clear(&self) {
        self.set_state(CoreState::Idle);
        self.opaque.store(false, Relaxed);
        self.fd.store(-1, Relaxed);
        self.head_len.store(0, Relaxed);
        for counter in [
            &self.started_us,
            &self.deadline_ms,
            &self.requests,
            &self.static_requests,
            &self.offloaded_requests,
            &self.write_errors,
            &self.read_errors,
        ] {
            counter.store(0, Relaxed);
        }
    }
}
