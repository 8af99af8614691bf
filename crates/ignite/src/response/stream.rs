//! `ctx.stream()`: a response that is written while the handler runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{IntoResponse, Response};
use crate::execution::Execution;
use crate::signal::Signal;
use crate::{Body, Error, Result, StatusCode};

/// Writes the response while the handler runs: the head leaves with the first piece, each piece at once.
///
/// Status and headers come first, then the pieces. What the handler returns ends the stream: return the stream
/// itself, `()`, or a body for its last piece; an `Err` breaks it off so that the caller notices.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let mut out = ctx.stream().content_type("text/csv");
///     for n in 1..=3 {
///         out.send(format!("{n},{}\n", n * n)).await?;
///     }
///     Ok(out)
/// }
///
/// assert_eq!(ignite::test::get("/").call(handler).text(), "1,1\n2,4\n3,9\n");
/// ```
pub struct ResponseStream {
    execution: Arc<Execution>,
    sender: mpsc::Sender<Result<Bytes>>,
    status: StatusCode,
    headers: HeaderMap,
}

impl ResponseStream {
    pub(crate) fn open(execution: Arc<Execution>) -> Self {
        let sender = execution.stream().sender();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        // nginx collects answers unless it is told that this one must not wait.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Self { execution, sender, status: StatusCode::OK, headers }
    }

    /// The status; after the first piece it has been sent already and stays what it was.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let out = ctx.stream().status(ignite::StatusCode::ACCEPTED);
    /// # }
    /// ```
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// One more header; fails when name or value cannot be one.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let out = ctx.stream().header("cache-control", "no-store")?;
    /// # Ok(()) }
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        super::IntoHeaders::put_into([(name, value)], &mut self.headers)?;
        Ok(self)
    }

    /// The content type; `application/octet-stream` unless it is said.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let out = ctx.stream().content_type("text/plain; charset=utf-8");
    /// # }
    /// ```
    #[must_use]
    pub fn content_type(mut self, content_type: &'static str) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// Sends a piece: text, bytes or an [`Event`](super::Event). Waits while the caller is slow; fails when it has left.
    ///
    /// ```
    /// # async fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let mut out = ctx.stream();
    /// out.send("first").await?;
    /// # Ok(()) }
    /// ```
    pub async fn send(&mut self, piece: impl Into<Bytes>) -> Result<()> {
        self.commit();
        self.sender.send(Ok(piece.into())).await.map_err(|_| over())
    }

    /// Sends a value as one line of JSON.
    ///
    /// ```
    /// # async fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let mut out = ctx.stream().content_type("application/x-ndjson");
    /// out.send_json(&ignite::json!({ "row": 1 })).await?;
    /// # Ok(()) }
    /// ```
    pub async fn send_json(&mut self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.send(line).await
    }

    /// [`send`](ResponseStream::send) for a plain `fn`.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// ctx.stream().blocking_send("first")?;
    /// # Ok(()) }
    /// ```
    pub fn blocking_send(&mut self, piece: impl Into<Bytes>) -> Result<()> {
        self.commit();
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| over())
    }

    fn commit(&mut self) {
        self.execution.stream().commit(self.status, &mut self.headers);
    }
}

fn over() -> Error {
    Error::msg("the caller has left, or the answer was given already")
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseStream({})", self.status.as_u16())
    }
}

impl IntoResponse for ResponseStream {
    fn into_response(self) -> Response {
        match self.execution.stream().take_unless_committed() {
            // Nothing was sent yet; another handle of this stream may still do so.
            Some(receiver) => {
                let mut response = Response::new(Body::from_receiver(receiver));
                *response.status_mut() = self.status;
                *response.headers_mut() = self.headers;
                response
            }
            None => ().into_response(),
        }
    }
}

/// Where an execution keeps its stream until the server takes it.
#[derive(Debug, Default)]
pub(crate) struct StreamSlot {
    slot: Mutex<Slot>,
    pub(crate) committed: Signal,
}

#[derive(Debug, Default)]
struct Slot {
    // Weak: a context that lives on must not keep the response open.
    sender: Option<mpsc::WeakSender<Result<Bytes>>>,
    receiver: Option<mpsc::Receiver<Result<Bytes>>>,
    head: Option<(StatusCode, HeaderMap)>,
}

impl StreamSlot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sender(&self) -> mpsc::Sender<Result<Bytes>> {
        let mut slot = self.lock();
        if let Some(sender) = slot.sender.as_ref().and_then(mpsc::WeakSender::upgrade) {
            return sender;
        }
        let (sender, receiver) = mpsc::channel(16);
        // A stream whose handles are all gone has ended: a later one finds nobody to send to.
        if slot.sender.is_none() || (slot.receiver.is_some() && slot.head.is_none()) {
            slot.receiver = Some(receiver);
        }
        slot.sender = Some(sender.downgrade());
        sender
    }

    fn commit(&self, status: StatusCode, headers: &mut HeaderMap) {
        let mut slot = self.lock();
        if slot.head.is_none() {
            slot.head = Some((status, std::mem::take(headers)));
            drop(slot);
            self.committed.fire();
        }
    }

    fn take_unless_committed(&self) -> Option<mpsc::Receiver<Result<Bytes>>> {
        let mut slot = self.lock();
        if slot.head.is_some() {
            return None;
        }
        slot.head = Some(Default::default());
        slot.receiver.take()
    }

    /// Head and pieces of a stream that has begun, once.
    pub(crate) fn take_committed(&self) -> Option<(Response<()>, mpsc::Receiver<Result<Bytes>>)> {
        let mut slot = self.lock();
        let receiver = slot.head.is_some().then(|| slot.receiver.take())??;
        let (status, headers) = slot.head.clone().unwrap_or_default();
        let mut head = Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = headers;
        Some((head, receiver))
    }

    /// The answer was given another way: whoever still sends learns that nobody reads.
    pub(crate) fn close(&self) {
        let mut slot = self.lock();
        slot.receiver = None;
        slot.head.get_or_insert_default();
    }
}
