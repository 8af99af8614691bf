//! From a request to its answer: limits, body, handler, deadline.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;

use super::deadline::Deadline;
use super::gate::{self, Permit};
use super::report::{Report, TOO_LATE};
use super::running::Running;
use super::seats::Seat;
use super::sent_body::SentBody;
use crate::execution::{App, Execution, Lease};
use crate::response::Failed;
use crate::{Body, Error, IntoResponse, Result};

/// Answers one request.
pub(crate) async fn execute(
    app: Arc<App>,
    seat: Arc<Seat>,
    request: Request<hyper::body::Incoming>,
) -> Response<SentBody> {
    let execution = Arc::new(Execution::new(app, request.headers()));
    let counted = execution.clone();
    answer(execution, seat, request.map(|body| Body::incoming(body, counted))).await
}

/// [`execute`] for a request from anywhere.
pub(crate) async fn answer(execution: Arc<Execution>, seat: Arc<Seat>, request: Request<Body>) -> Response<SentBody> {
    let (head, body) = request.into_parts();
    let headless = head.method == Method::HEAD;
    let lease = Lease::new(&execution);
    let mut report = Report::new(execution.clone(), seat, headless);
    let mut held: Option<Permit> = None;
    let mut deadline = Deadline::new(execution.deadline);
    let prepared = deadline.limit(prepare(&execution, body, &report, &mut held)).await;
    let outcome = match prepared.unwrap_or_else(|| Err(too_late(&execution))) {
        Ok(body) => {
            let handler = Running::start(&execution, head, body, &held).await;
            follow(&execution, handler, &mut deadline).await
        }
        Err(error) => Outcome::Answered(refuse(error)),
    };
    report.begin_answer();
    let mut response = match outcome {
        Outcome::Streaming { head, pieces, handler } => {
            report.status = head.status().as_u16();
            head.map(|()| SentBody::live(pieces, handler, report, lease, held))
        }
        Outcome::Answered(response) => {
            execution.opened_stream().inspect(|stream| stream.close());
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

async fn follow(execution: &Arc<Execution>, mut handler: Running, deadline: &mut Deadline) -> Outcome {
    let committed = || execution.opened_stream().and_then(|stream| stream.take_committed());
    match wait(&mut handler, execution, deadline).await {
        Waited::Done(Ok(response)) => match committed() {
            Some((head, pieces)) => Outcome::Streaming { head, pieces, handler: Running::Done(Some(Ok(response))) },
            None => Outcome::Answered(response),
        },
        Waited::Done(Err(error)) => Outcome::Answered(error.into_response()),
        Waited::Streams => match committed() {
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
async fn prepare(execution: &Execution, body: Body, report: &Report, held: &mut Option<Permit>) -> Result<Body> {
    let app = &execution.app;
    if let Some(gate) = &app.gate {
        *held = Some(gate.enter(report).await?);
    }
    if app.handler.in_pieces {
        return Ok(body);
    }
    Ok(body.collect(app.limits.max_body).await?.into())
}

/// The answer to a request that never reached its handler.
fn refuse(error: Error) -> crate::Response {
    let mut response = error.into_response();
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(gate::RETRY_AFTER));
    }
    response
}

enum Waited {
    Done(Result<crate::Response>),
    Streams,
    Late,
}

/// Until the handler returns, begins to stream, or is late.
async fn wait(handler: &mut Running, execution: &Execution, deadline: &mut Deadline) -> Waited {
    if let Running::Done(outcome) = handler {
        return Waited::Done(outcome.take().unwrap_or_else(|| Ok(crate::Response::default())));
    }
    let mut committed = pin!(execution.stream().committed.wait());
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = handler.poll(cx) {
            return Poll::Ready(Waited::Done(outcome));
        }
        if committed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Waited::Streams);
        }
        deadline.poll(cx).map(|()| Waited::Late)
    })
    .await
}

fn too_late(execution: &Execution) -> Error {
    execution.cancelled.fire();
    Error::new(StatusCode::GATEWAY_TIMEOUT, TOO_LATE)
}
