//! What the host offers for as long as the process lives.
#![allow(unsafe_code)]

use crate::abi::{self, HostTable, Slice};
use std::sync::OnceLock;

static HOST: OnceLock<HostTable> = OnceLock::new();

/// # Safety
/// `table` is null or leads to a table as long as it says; what it leads to is good until the process ends.
pub(crate) unsafe fn set(table: *const HostTable) {
    if !table.is_null() {
        // SAFETY: by the caller's promise. Asked twice, the first stays.
        let _ = HOST.set(unsafe { abi::read(table) });
    }
}

/// The number of this worker from 1 on; 0 before there are workers, and in tests.
///
/// ```
/// assert_eq!(prefork::worker_id(), 0);
/// ```
pub fn worker_id() -> u32 {
    match HOST.get().and_then(|host| host.worker) {
        // SAFETY: the host said it may be called, for as long as the process lives.
        Some(worker) => unsafe { worker() },
        None => 0,
    }
}

pub(crate) fn log(level: u32, line: &str) {
    match HOST.get().and_then(|host| host.log) {
        // SAFETY: as above; the host keeps nothing of the line.
        Some(log) => unsafe { log(level, Slice::of(line.as_bytes())) },
        None => eprintln!("{line}"),
    }
}
