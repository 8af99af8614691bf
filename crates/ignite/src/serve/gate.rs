//! The places for executions that run at once, and the queue in front of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::report::Report;
use crate::{Error, Result};

/// A place among the executions that may run at once; free when all who hold it are gone.
pub(crate) type Permit = Arc<OwnedSemaphorePermit>;

/// The seconds after which a caller who was turned away may try again.
pub(crate) const RETRY_AFTER: &str = "1";

pub(crate) struct Gate {
    places: usize,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait; 0 for any number.
    limit: usize,
}

/// How many run and how many wait for a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pressure {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
}

impl Gate {
    pub(crate) fn new(places: usize, limit: usize) -> Self {
        Self { places, free: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0), limit }
    }

    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Waits for a place, unless too many wait for one already.
    pub(crate) async fn enter(&self, report: &Report) -> Result<Permit> {
        // Places that become free go to those who wait first, so one that can be taken at once is nobody else's.
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            return Ok(Arc::new(permit));
        }
        let _waits = Waits::begin(&self.waiting, self.limit).ok_or_else(|| {
            let text = format!("all {} places are taken, and {} requests wait for one", self.places, self.limit);
            Error::new(StatusCode::SERVICE_UNAVAILABLE, text).with_field("code", "ERR_QUEUE_FULL")
        })?;
        let queued = report.queue();
        let permit = self.free.clone().acquire_owned().await.map_err(|_| {
            let text = "the process is being replaced, because handlers that never return hold its places";
            Error::new(StatusCode::SERVICE_UNAVAILABLE, text).with_field("code", "ERR_REPLACED")
        })?;
        queued.over();
        Ok(Arc::new(permit))
    }

    pub(crate) fn pressure(&self) -> Pressure {
        let running = self.places - self.free.available_permits().min(self.places);
        Pressure { running, waiting: self.waiting.load(Ordering::Relaxed) }
    }

    /// Turns away those who wait.
    pub(crate) fn close(&self) {
        self.free.close();
    }
}

/// Counts one who waits for as long as it does.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let waits = Self(waiting);
        (limit == 0 || before < limit).then_some(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
