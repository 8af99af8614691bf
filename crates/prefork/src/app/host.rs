//! What apps may ask of their host as long as the process lives.
#![allow(unsafe_code)]

use prefork::abi::{HostTable, Slice};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What the host hands to its apps.
pub struct HostFacts {
    /// Takes a line of an app for the log: level (1 error, 2 warning, 3 information, 4 detail) and text.
    pub log: Log,
}

/// Takes lines from any thread.
pub type Log = Box<dyn Fn(u32, &str) + Send + Sync>;

static FACTS: OnceLock<HostFacts> = OnceLock::new();
static WORKER: AtomicU32 = AtomicU32::new(0);
static TABLE: HostTable = HostTable { size: size_of::<HostTable>(), log: Some(log), worker: Some(worker) };

/// The table, with these facts behind it; the first ones stay, for all apps of a process have the same.
pub(super) fn table(facts: HostFacts) -> &'static HostTable {
    let _ = FACTS.set(facts);
    &TABLE
}

pub(super) fn set_worker(id: u32) {
    WORKER.store(id, Relaxed);
}

unsafe extern "C" fn log(level: u32, line: Slice) {
    // SAFETY: the app's line is there for this call.
    let line = String::from_utf8_lossy(unsafe { line.bytes() });
    match FACTS.get() {
        Some(facts) => (facts.log)(level, &line),
        None => eprintln!("{line}"),
    }
}

unsafe extern "C" fn worker() -> u32 {
    WORKER.load(Relaxed)
}
