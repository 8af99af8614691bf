//! A handler at work: inside the task of its connection at first, and on a task or a thread of its own if it waits.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context as TaskContext, Poll};

use http::request::Parts;
use tokio::task::{JoinError, JoinHandle};

use super::gate::Permit;
use crate::context::known;
use crate::execution::{Execution, Lease};
use crate::handler::{Reply, Work};
use crate::log::{panic_text, within};
use crate::{Body, Context, Error, Response};

/// A handler that has begun. Dropping it drops the future of an async handler; a plain `fn` cannot be stopped and
/// keeps its place until it returns.
pub(crate) enum Running {
    /// At work.
    Task(Task),
    /// Returned already, with an answer or a panic.
    Done(Option<Result<Response, Error>>),
}

pub(crate) struct Task {
    handle: JoinHandle<Response>,
    stay: Arc<Stay>,
}

impl Running {
    /// Begins. Most async handlers answer without ever waiting, and are asked once where they stand, which costs no
    /// task; the watch sees to those that keep the thread. One that waits gets a task of its own, so that it goes on
    /// whatever its connection does.
    pub(crate) async fn start(execution: &Arc<Execution>, head: Parts, body: Body, permit: &Option<Permit>) -> Self {
        let work = execution.app.handler.call(head, body, Context::new(execution.clone()));
        let hold = || (Lease::new(execution), permit.clone());
        match work {
            Work::Async(mut reply) => match poll_fn(|cx| Poll::Ready(poll_inside(execution, &mut reply, cx))).await {
                Ok(Poll::Ready(response)) => Self::Done(Some(Ok(response))),
                Err(error) => Self::Done(Some(Err(error))),
                Ok(Poll::Pending) => {
                    let (held, id) = (hold(), execution.id.clone());
                    let stay = Stay::new(execution, false);
                    let stays = Stays(stay.clone());
                    let handle = tokio::spawn(async move {
                        let _held = (held, stays);
                        known(id, reply).await
                    });
                    Self::Task(Task { handle, stay })
                }
            },
            Work::Blocking(job) => {
                let (held, id) = (hold(), execution.id.clone());
                let stay = Stay::new(execution, true);
                let stays = Stays(stay.clone());
                let handle = tokio::task::spawn_blocking(move || {
                    let _held = (held, stays);
                    within(&id, job)
                });
                Self::Task(Task { handle, stay })
            }
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<Response, Error>> {
        match self {
            Self::Task(task) => Pin::new(&mut task.handle).poll(cx).map_err(describe),
            Self::Done(outcome) => Poll::Ready(outcome.take().unwrap_or_else(|| Ok(Response::default()))),
        }
    }
}

/// Asks a handler for its answer in the task of its connection.
fn poll_inside(
    execution: &Arc<Execution>,
    reply: &mut Reply,
    cx: &mut TaskContext<'_>,
) -> Result<Poll<Response>, Error> {
    execution.inside.store(true, Ordering::SeqCst);
    let polled = catch_unwind(AssertUnwindSafe(|| within(&execution.id, || reply.as_mut().poll(cx))));
    execution.inside.store(false, Ordering::SeqCst);
    polled.map_err(panicked)
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Task(Task { handle, stay }) = self {
            handle.abort();
            stay.leave();
        }
    }
}

/// Knows whether a handler that nobody waits for has ended.
struct Stay {
    number: u64,
    execution: Arc<Execution>,
    is_plain: bool,
    state: AtomicU8,
}

const AWAITED: u8 = 0;
const LEFT: u8 = 1;
const ENDED: u8 = 2;

impl Stay {
    fn new(execution: &Arc<Execution>, is_plain: bool) -> Arc<Self> {
        let number = execution.app.overdue.number();
        Arc::new(Self { number, execution: execution.clone(), is_plain, state: AtomicU8::new(AWAITED) })
    }

    fn leave(&self) {
        if self.state.load(Ordering::SeqCst) == ENDED {
            return;
        }
        let overdue = &self.execution.app.overdue;
        // In the list before it can end, so that its end takes it out.
        overdue.leave(self.number, &self.execution, self.is_plain);
        if self.state.swap(LEFT, Ordering::SeqCst) == ENDED {
            overdue.ended(self.number);
        }
    }
}

/// Held by the handler's task; goes when it ends.
struct Stays(Arc<Stay>);

impl Drop for Stays {
    fn drop(&mut self) {
        if self.0.state.swap(ENDED, Ordering::SeqCst) == LEFT {
            self.0.execution.app.overdue.ended(self.0.number);
        }
    }
}

/// What became of a handler that returned nothing.
fn describe(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(payload) => panicked(payload),
        Err(_) => Error::msg("the process was stopped before the handler had answered"),
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let error = Error::msg(format!("the handler panicked: {}", panic_text(&*payload)));
    // What a handler panics with is its own and may panic again when it goes.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
    error
}
