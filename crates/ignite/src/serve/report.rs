//! What is written down about an execution, whichever way it ends.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::fds;
use super::record_line::Record;
use super::records::Records;
use super::seats::{Seat, Seats};
use crate::execution::{Execution, QUEUED};

/// Nothing was answered because the caller had left; the number nginx uses, too.
const CALLER_LEFT: u16 = 499;

/// Follows one execution; dropped before [`finish`](Report::finish), it tells that the caller left.
pub(crate) struct Report {
    execution: Arc<Execution>,
    seat: Arc<Seat>,
    cold: bool,
    pub(crate) status: u16,
    pub(crate) sent: u64,
    pub(crate) error: Option<String>,
    done: bool,
}

impl Report {
    pub(crate) fn new(execution: Arc<Execution>, seat: Arc<Seat>, headless: bool) -> Self {
        let cold = !execution.app.warm.load(Ordering::Relaxed) && !execution.app.warm.swap(true, Ordering::Relaxed);
        seat.begin(&execution, headless);
        Self { execution, seat, cold, status: 0, sent: 0, error: None, done: false }
    }

    pub(crate) fn execution(&self) -> &Arc<Execution> {
        &self.execution
    }

    /// From now on it waits for a place.
    pub(crate) fn queue(&self) -> Queued<'_> {
        self.execution.queue_us.store(QUEUED, Ordering::Relaxed);
        Queued(&self.execution)
    }

    /// The answer is about to leave. When it was given in our place already, this one leads nowhere.
    pub(crate) fn begin_answer(&mut self) {
        self.done |= !self.seat.begin_answer();
    }

    /// Writes the record. Only the first call counts.
    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.done, true) || !self.seat.end() {
            return;
        }
        let told = Told { status: self.status, error: self.error.as_deref(), sent: self.sent, cold: self.cold };
        told.of(&self.execution);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if self.done {
            // Somebody else may have written the record; the seat is free now in any case.
            self.seat.end();
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

/// The time an execution waits for a place. Dropped before it is [`over`](Queued::over), all of its time was that.
pub(crate) struct Queued<'a>(&'a Execution);

impl Queued<'_> {
    pub(crate) fn over(self) {
        self.0.queue_us.store(self.0.came.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
}

/// What an execution does not know of itself.
#[derive(Default)]
pub(crate) struct Told<'a> {
    pub(crate) status: u16,
    pub(crate) error: Option<&'a str>,
    pub(crate) sent: u64,
    pub(crate) cold: bool,
}

impl Told<'_> {
    /// Writes the record of an execution.
    pub(crate) fn of(self, execution: &Execution) {
        let (queue_us, run_us) = execution.times();
        execution.app.records.push(&Record {
            execution: &execution.id,
            at: execution.at,
            queue_us,
            run_us,
            status: self.status,
            error: self.error,
            request_bytes: execution.received.load(Ordering::Relaxed),
            response_bytes: self.sent,
            cold: self.cold,
        });
    }
}

/// What the last moment of this process needs.
static LAST: OnceLock<(Records, Arc<Seats>)> = OnceLock::new();

/// Has the last records written when the process exits without having been told to stop.
pub(crate) fn write_at_exit(records: &Records, seats: &Arc<Seats>) {
    if LAST.set((records.clone(), seats.clone())).is_ok() {
        fds::call_at_exit(write_last_records);
    }
}

/// Called by the C library when the process exits: tells about the executions that end with it.
extern "C" fn write_last_records() {
    let Some((records, seats)) = LAST.get() else { return };
    let now = Instant::now();
    for execution in seats.try_list().iter().filter_map(|seat| seat.last()) {
        let is_late = execution.late_by(now).is_some();
        Told {
            status: if is_late { 504 } else { 0 },
            error: Some(if is_late { TOO_LATE } else { "the process exited before the answer was complete" }),
            ..Told::default()
        }
        .of(&execution);
        // What it holds is not taken apart while the process ends.
        std::mem::forget(execution);
    }
    records.close(Duration::from_millis(500));
}

/// What a caller and the record are told when the time is over.
pub(crate) const TOO_LATE: &str = "the deadline passed before the handler had answered";
