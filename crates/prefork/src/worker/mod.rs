//! A worker: threads that share one event loop, each of which takes whatever connection has something to say.
//!
//! ```text
//! main thread    signals, time limits, crashes, the end
//! threads 0..T   one event ─ accept | drive ─ head ─ body ─ answer ─ park ─ next event
//! ```

mod accept;
mod answer;
mod balance;
mod clock;
mod connection;
mod context;
mod drive;
mod files;
mod gather;
mod give_up;
mod handover;
mod limits;
mod main_thread;
mod output;
mod poller;
mod serve;
mod shared;
mod slots;
mod source;
mod start;
mod sweep;
mod tally;
mod thread;
mod transport;

pub use context::{Handover, WorkerContext};
pub use main_thread::{ENDED, RELOADED};
pub use start::{buffer_size, load_apps, run};

use start::watch_listeners;

/// Bytes of a core's buffer that are kept free for what follows a head.
const BODY_ROOM: usize = 8 << 10;
