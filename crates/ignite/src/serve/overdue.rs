//! Handlers that nobody waits for any more and that have not ended: a plain `fn` past its deadline goes on, and a
//! future is only dropped when it next gives its thread back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::execution::Execution;

#[derive(Default)]
pub(crate) struct Overdue {
    left: Mutex<BTreeMap<u64, Left>>,
    next: AtomicU64,
}

struct Left {
    execution: Arc<Execution>,
    is_plain: bool,
}

/// How many have not ended, and are past their deadline for longer than a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) plain: usize,
    pub(crate) futures: usize,
}

impl Overdue {
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn leave(&self, number: u64, execution: &Arc<Execution>, is_plain: bool) {
        self.lock().insert(number, Left { execution: execution.clone(), is_plain });
    }

    pub(crate) fn ended(&self, number: u64) {
        let left = self.lock().remove(&number);
        drop(left);
    }

    /// Those past their deadline for at least this long.
    pub(crate) fn count(&self, now: Instant, longer: std::time::Duration) -> Counts {
        let mut counts = Counts::default();
        for Left { execution, is_plain } in self.lock().values() {
            if execution.late_by(now).is_some_and(|late| late >= longer) {
                *(if *is_plain { &mut counts.plain } else { &mut counts.futures }) += 1;
            }
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
