//! What is written down about an execution, whichever way it ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::fds;
use super::records::{Record, Records};
use crate::execution::Execution;

/// Nothing was answered because the caller had left; the number nginx uses, too.
const CALLER_LEFT: u16 = 499;

/// Follows one execution; dropped before [`finish`](Report::finish), it tells that the caller left.
pub(crate) struct Report {
    number: u64,
    execution: Arc<Execution>,
    began: Instant,
    at: u64,
    cold: bool,
    pub(crate) status: u16,
    pub(crate) sent: u64,
    pub(crate) error: Option<String>,
    done: bool,
}

impl Report {
    pub(crate) fn new(execution: Arc<Execution>) -> Self {
        let at = now_ms();
        let cold = !execution.app.warm.load(Ordering::Relaxed) && !execution.app.warm.swap(true, Ordering::Relaxed);
        let number = enter(&execution, at);
        Self { number, execution, began: Instant::now(), at, cold, status: 0, sent: 0, error: None, done: false }
    }

    pub(crate) fn execution(&self) -> &Arc<Execution> {
        &self.execution
    }

    /// Writes the record. Only the first call counts.
    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        leave(self.number);
        self.execution.app.records.push(&Record {
            execution: self.execution.id.clone(),
            at: self.at,
            run_us: self.began.elapsed().as_micros() as u64,
            status: self.status,
            error: self.error.take(),
            request_bytes: self.execution.received.load(Ordering::Relaxed),
            response_bytes: self.sent,
            cold: self.cold,
        });
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.execution.cancelled.fire();
        if self.status == 0 {
            self.status = CALLER_LEFT;
        }
        let stopped = self.execution.app.ended.has_fired();
        self.error.get_or_insert_with(|| {
            let why = if stopped { "the process was stopped" } else { "the caller left" };
            format!("{why} before the answer was complete")
        });
        self.finish();
    }
}

/// The executions that run, by the order they began in, for the moment a handler ends the process.
static UNFINISHED: Mutex<BTreeMap<u64, (Arc<Execution>, u64)>> = Mutex::new(BTreeMap::new());

fn enter(execution: &Arc<Execution>, at: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).insert(number, (execution.clone(), at));
    number
}

fn leave(number: u64) {
    let gone = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    drop(gone);
}

/// Where the records of this process go, for its last moment.
static RECORDS: OnceLock<Records> = OnceLock::new();

/// Has the last records written when the process exits without having been told to stop.
pub(crate) fn write_at_exit(records: &Records) {
    if RECORDS.set(records.clone()).is_ok() {
        fds::call_at_exit(write_last_records);
    }
}

/// Called by the C library when the process exits: tells about the executions that end with it.
extern "C" fn write_last_records() {
    let Some(records) = RECORDS.get() else { return };
    // Another thread may hold the lock and never run again; waiting here could wait for ever.
    if let Ok(mut all) = UNFINISHED.try_lock() {
        for (execution, at) in std::mem::take(&mut *all).into_values() {
            records.push(&Record {
                execution: execution.id.clone(),
                at,
                run_us: now_ms().saturating_sub(at) * 1000,
                error: Some("the process exited before the answer was complete".into()),
                request_bytes: execution.received.load(Ordering::Relaxed),
                ..Record::default()
            });
            // What it holds is not taken apart while the process ends.
            std::mem::forget(execution);
        }
    }
    records.close(Duration::from_millis(500));
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_millis() as u64)
}
