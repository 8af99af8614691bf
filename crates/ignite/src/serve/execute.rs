//! From a request to its answer: limits, body, handler, deadline.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use tokio::task::JoinError;
use tokio::time::{sleep_until, timeout_at};

use super::report::Report;
use super::running::{Permit, Running, describe};
use super::sent_body::SentBody;
use crate::execution::{App, Execution, Lease};
use crate::response::Failed;
use crate::{Body, Error, IntoResponse, Result};

/// Answers one request.
pub(crate) async fn execute(app: Arc<App>, request: Request<hyper::body::Incoming>) -> Response<SentBody> {
    let execution = Arc::new(Execution::new(app, request.headers()));
    let received = execution.received.clone();
    answer(execution, request.map(|body| Body::incoming(body, received))).await
}

/// [`execute`] for a request from anywhere.
pub(crate) async fn answer(execution: Arc<Execution>, request: Request<Body>) -> Response<SentBody> {
    let mut report = Report::new(execution.clone());
    let lease = Lease::new(&execution);
    let headless = request.method() == Method::HEAD;
    let mut held: Option<Permit> = None;
    let outcome = run(&execution, request, &mut held).await;
    let mut response = match outcome {
        Outcome::Streaming { head, pieces, handler } => {
            report.status = head.status().as_u16();
            head.map(|()| SentBody::live(pieces, handler, report, lease, held))
        }
        Outcome::Answered(response) => {
            execution.stream.close();
            report.status = response.status().as_u16();
            report.error = response.extensions().get().map(|Failed(text)| text.clone());
            response.map(|body| SentBody::whole(body, report, lease, held))
        }
    };
    let bodyless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if headless || bodyless || response.body().is_end_stream() {
        response.body_mut().skip();
    }
    if execution.app.draining.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

enum Outcome {
    Answered(crate::Response),
    Streaming { head: Response<()>, pieces: tokio::sync::mpsc::Receiver<Result<bytes::Bytes>>, handler: Running },
}

async fn run(execution: &Arc<Execution>, request: Request<Body>, held: &mut Option<Permit>) -> Outcome {
    let prepared = match execution.deadline {
        Some(at) => {
            timeout_at(at.into(), prepare(execution, request, held)).await.unwrap_or_else(|_| Err(too_late(execution)))
        }
        None => prepare(execution, request, held).await,
    };
    let (head, body) = match prepared {
        Ok(request) => request.into_parts(),
        Err(error) => return Outcome::Answered(error.into_response()),
    };
    let mut handler = Running::start(execution, head, body, held.clone());
    match wait(&mut handler, execution).await {
        Waited::Done(Ok(response)) => match execution.stream.take_committed() {
            Some((head, pieces)) => Outcome::Streaming { head, pieces, handler: Running::Done(Some(response)) },
            None => Outcome::Answered(response),
        },
        Waited::Done(Err(error)) => Outcome::Answered(describe(error).into_response()),
        Waited::Streams => match execution.stream.take_committed() {
            Some((head, pieces)) => Outcome::Streaming { head, pieces, handler },
            None => Outcome::Answered(Error::msg("the stream was lost").into_response()),
        },
        Waited::Late => {
            drop(handler);
            Outcome::Answered(too_late(execution).into_response())
        }
    }
}

/// Waits for a free place, then for the body unless the handler reads it itself.
async fn prepare(execution: &Execution, request: Request<Body>, held: &mut Option<Permit>) -> Result<Request<Body>> {
    let app = &execution.app;
    if let Some(permits) = &app.permits {
        // Never closed, so never an error.
        *held = permits.clone().acquire_owned().await.ok().map(Arc::new);
    }
    if app.handler.in_pieces {
        return Ok(request);
    }
    let (head, body) = request.into_parts();
    let bytes = body.collect(app.limits.max_body).await?;
    Ok(Request::from_parts(head, bytes.into()))
}

enum Waited {
    Done(Result<crate::Response, JoinError>),
    Streams,
    Late,
}

/// Until the handler returns, begins to stream, or is late.
async fn wait(handler: &mut Running, execution: &Execution) -> Waited {
    let mut committed = pin!(execution.stream.committed.wait());
    let mut late = pin!(execution.deadline.map(|at| sleep_until(at.into())));
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = handler.poll(cx) {
            return Poll::Ready(Waited::Done(outcome));
        }
        if committed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Waited::Streams);
        }
        match late.as_mut().as_pin_mut() {
            Some(late) => late.poll(cx).map(|()| Waited::Late),
            None => Poll::Pending,
        }
    })
    .await
}

fn too_late(execution: &Execution) -> Error {
    execution.cancelled.fire();
    Error::new(StatusCode::GATEWAY_TIMEOUT, "the deadline passed before the handler had answered")
}
