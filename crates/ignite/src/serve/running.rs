//! A handler at work, on a task or a thread of its own.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, JoinHandle};

use crate::context::known;
use crate::execution::{Execution, Lease};
use crate::handler::Work;
use crate::log::{panic_text, within};
use crate::{Body, Context, Error, Response};

/// A place among the executions that may run at once; free when all who hold it are gone.
pub(crate) type Permit = Arc<OwnedSemaphorePermit>;

/// A handler that has begun. Dropping it drops the future of an async handler; a plain `fn` cannot be stopped and
/// keeps its place until it returns.
pub(crate) enum Running {
    /// At work.
    Task(JoinHandle<Response>),
    /// Returned already.
    Done(Option<Response>),
}

impl Running {
    /// Begins. A task of its own, so that one which never awaits does not keep its connection from answering.
    pub(crate) fn start(execution: &Arc<Execution>, head: Parts, body: Body, permit: Option<Permit>) -> Self {
        let ctx = Context::new(execution.clone());
        let held = (Lease::new(execution), permit);
        let id = execution.id.clone();
        Self::Task(match execution.app.handler.call(head, body, ctx) {
            Work::Async(reply) => tokio::spawn(async move {
                let _held = held;
                known(id, reply).await
            }),
            Work::Blocking(job) => tokio::task::spawn_blocking(move || {
                let _held = held;
                within(&id, job)
            }),
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<Response, JoinError>> {
        match self {
            Self::Task(task) => Pin::new(task).poll(cx),
            Self::Done(response) => Poll::Ready(Ok(response.take().unwrap_or_default())),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}

/// What became of a handler that returned nothing.
pub(crate) fn describe(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(payload) => {
            let payload: Box<dyn Any + Send> = payload;
            Error::msg(format!("the handler panicked: {}", panic_text(&*payload)))
        }
        Err(_) => Error::msg("the process was stopped before the handler had answered"),
    }
}
