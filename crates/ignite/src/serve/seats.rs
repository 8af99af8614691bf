//! What each connection is busy with, for those who look from outside: the watch, and the last moment of the process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::execution::Execution;

/// All open connections.
#[derive(Default)]
pub(crate) struct Seats {
    all: Mutex<BTreeMap<u64, Arc<Seat>>>,
    next: AtomicU64,
    /// Connections without a request are closed.
    closing: AtomicBool,
}

/// One connection, which has at most one execution at a time.
#[derive(Default)]
pub(crate) struct Seat {
    number: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The number of the descriptor, for as long as it is open.
    socket: Option<i32>,
    waker: Option<Waker>,
    current: Option<Current>,
}

struct Current {
    execution: Arc<Execution>,
    phase: Phase,
    headless: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// The answer has not begun.
    Open,
    Answering,
    /// Somebody else has answered, because nobody did in time.
    Taken,
}

impl Seats {
    pub(crate) fn open(&self, socket: i32) -> Arc<Seat> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let inner = Inner { socket: Some(socket), ..Inner::default() };
        let seat = Arc::new(Seat { number, inner: Mutex::new(inner) });
        lock(&self.all).insert(number, seat.clone());
        seat
    }

    pub(crate) fn remove(&self, seat: &Seat) {
        lock(&self.all).remove(&seat.number);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Has every connection look whether it is closing.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        for seat in self.list() {
            let waker = lock(&seat.inner).waker.clone();
            waker.inspect(Waker::wake_by_ref);
        }
    }

    pub(crate) fn list(&self) -> Vec<Arc<Seat>> {
        lock(&self.all).values().cloned().collect()
    }

    /// [`list`](Seats::list) at the end of the process: another thread may hold the lock and never run again.
    pub(crate) fn try_list(&self) -> Vec<Arc<Seat>> {
        self.all.try_lock().map_or_else(|_| Vec::new(), |all| all.values().cloned().collect())
    }

    /// How many wait for an answer, or for the rest of one.
    pub(crate) fn busy(&self) -> usize {
        let is_busy = |seat: &Arc<Seat>| lock(&seat.inner).current.as_ref().is_some_and(|it| it.phase != Phase::Taken);
        self.list().into_iter().filter(is_busy).count()
    }
}

impl Seat {
    /// The task to wake when connections close.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        lock(&self.inner).waker = Some(waker.clone());
    }

    /// Before the descriptor closes: its number may mean another one afterwards.
    pub(crate) fn forget_socket(&self) {
        lock(&self.inner).socket = None;
    }

    pub(crate) fn begin(&self, execution: &Arc<Execution>, headless: bool) {
        lock(&self.inner).current = Some(Current { execution: execution.clone(), phase: Phase::Open, headless });
    }

    /// Whether the connection may answer; when somebody else has, it must not.
    pub(crate) fn begin_answer(&self) -> bool {
        let mut inner = lock(&self.inner);
        let Some(current) = &mut inner.current else { return true };
        let is_open = current.phase != Phase::Taken;
        if is_open {
            current.phase = Phase::Answering;
        }
        is_open
    }

    /// The execution is over. Returns whether its record is still to be written.
    pub(crate) fn end(&self) -> bool {
        let current = lock(&self.inner).current.take();
        current.is_none_or(|current| current.phase != Phase::Taken)
    }

    /// The execution, when its answer has been given in its place and it still keeps the connection.
    pub(crate) fn stuck(&self) -> Option<Arc<Execution>> {
        let inner = lock(&self.inner);
        let stuck = inner.current.as_ref().filter(|current| current.phase == Phase::Taken);
        stuck.map(|current| current.execution.clone())
    }

    /// Answers in place of the connection, if nobody has begun to and `is_late` says so. `say` gets the descriptor,
    /// and whether the answer has no body.
    pub(crate) fn take_over(&self, is_late: impl Fn(&Execution) -> bool, say: impl Fn(&Execution, i32, bool)) {
        let mut inner = lock(&self.inner);
        let Inner { socket: Some(socket), current: Some(current), .. } = &mut *inner else { return };
        if current.phase == Phase::Open && is_late(&current.execution) {
            current.phase = Phase::Taken;
            // Said under the lock, so that the descriptor stays what it is.
            say(&current.execution, *socket, current.headless);
        }
    }

    /// The execution whose record nobody will write any more.
    pub(crate) fn last(&self) -> Option<Arc<Execution>> {
        let current = self.inner.try_lock().ok()?.current.take()?;
        (current.phase != Phase::Taken).then_some(current.execution)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
