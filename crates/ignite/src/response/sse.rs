//! Server-sent events.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tokio::time::{Instant, Sleep, sleep};

use super::{IntoResponse, Response};
use crate::{Body, BodySender, Error, Result};

/// One event of a [`Sse`] response.
///
/// ```
/// use ignite::Event;
///
/// let event = Event::new().name("order").id("17").data("two\nlines");
/// assert_eq!(event.to_string(), "event: order\nid: 17\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Event(String);

impl Event {
    /// An event with nothing in it yet.
    ///
    /// ```
    /// let event = ignite::Event::new().data("hello");
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// An event whose data is this value as JSON.
    ///
    /// ```
    /// let event = ignite::Event::json(&[1, 2]).unwrap();
    /// assert_eq!(event.to_string(), "data: [1,2]\n\n");
    /// ```
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Ok(Self::new().data(serde_json::to_string(value)?))
    }

    /// Adds data; each line of it becomes a line of the event.
    ///
    /// ```
    /// assert_eq!(ignite::Event::new().data("a\nb").to_string(), "data: a\ndata: b\n\n");
    /// ```
    #[must_use]
    pub fn data(mut self, data: impl AsRef<str>) -> Self {
        // A lone carriage return ends a line for a browser, too.
        for line in data.as_ref().replace("\r\n", "\n").split(['\n', '\r']) {
            self.line("data", line);
        }
        self
    }

    /// The name listeners register for.
    ///
    /// ```
    /// let event = ignite::Event::new().name("tick").data("1");
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.line("event", &one_line(name.as_ref()));
        self
    }

    /// What a browser sends as `last-event-id` when it connects again.
    ///
    /// ```
    /// let event = ignite::Event::new().id("42").data("1");
    /// ```
    #[must_use]
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.line("id", &one_line(id.as_ref()));
        self
    }

    /// How long a browser waits before it connects again.
    ///
    /// ```
    /// let event = ignite::Event::new().retry(std::time::Duration::from_secs(3));
    /// assert_eq!(event.to_string(), "retry: 3000\n\n");
    /// ```
    #[must_use]
    pub fn retry(mut self, after: Duration) -> Self {
        self.line("retry", &after.as_millis().to_string());
        self
    }

    fn line(&mut self, field: &str, value: &str) {
        let _ = writeln!(self.0, "{field}: {value}");
    }
}

/// A line break would start a field of its own, which text from outside must not do.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\0'], " ")
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.0)
    }
}

impl From<Event> for Bytes {
    fn from(event: Event) -> Self {
        event.to_string().into()
    }
}

/// A response of server-sent events, sent one by one and never held back by a proxy.
/// While there is nothing to send, a comment every 15 seconds keeps the connection open.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let (events, response) = Sse::channel();
///     ctx.spawn(async move {
///         for n in 0..3 {
///             events.send(Event::new().name("tick").data(n.to_string())).await?;
///         }
///         Ok::<_, Error>(())
///     });
///     Ok(response)
/// }
///
/// let response = ignite::test::get("/").call(handler);
/// assert_eq!(response.header("content-type"), Some("text/event-stream"));
/// assert!(response.text().ends_with("event: tick\ndata: 2\n\n"));
/// ```
#[derive(Debug)]
pub struct Sse(Body);

impl Sse {
    /// Events from a stream.
    ///
    /// ```
    /// fn answer<S>(events: S) -> impl ignite::IntoResponse
    /// where
    ///     S: ignite::Stream<Item = ignite::Result<ignite::Event>> + Send + 'static,
    /// {
    ///     ignite::Sse::new(events)
    /// }
    /// ```
    pub fn new<S, E>(events: S) -> Self
    where
        S: Stream<Item = std::result::Result<Event, E>> + Send + 'static,
        E: Into<Error> + 'static,
    {
        Self(Body::from_stream(KeptAlive::new(events)))
    }

    /// Events from whoever holds the sender; the response ends when it is dropped.
    ///
    /// ```
    /// let (events, response) = ignite::Sse::channel();
    /// # drop((events, response));
    /// ```
    pub fn channel() -> (EventSender, Self) {
        let (sender, body) = Body::channel();
        (EventSender(sender), Self(Body::from_stream(KeptAlive::new(Sent(body)))))
    }
}

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE.as_str(), "text/event-stream"),
            (CACHE_CONTROL.as_str(), "no-cache"),
            // nginx collects answers unless it is told that this one must not wait.
            ("x-accel-buffering", "no"),
        ];
        (headers, self.0).into_response()
    }
}

/// Sends the events of an [`Sse::channel`].
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let (events, response) = Sse::channel();
///     ctx.spawn(async move { events.send(Event::new().data("hello")).await });
///     Ok(response)
/// }
/// assert_eq!(ignite::test::get("/").call(handler).text(), "data: hello\n\n");
/// ```
#[derive(Clone, Debug)]
pub struct EventSender(BodySender);

impl EventSender {
    /// Sends an event; waits while the caller is slow, and fails when it has left.
    ///
    /// ```
    /// # async fn f(events: ignite::EventSender) -> ignite::Result<()> {
    /// events.send(ignite::Event::json(&42)?).await
    /// # }
    /// ```
    pub async fn send(&self, event: Event) -> Result<()> {
        self.0.send(event).await
    }

    /// [`send`](EventSender::send) for a plain `fn` and for threads of its own.
    ///
    /// ```
    /// # fn f(events: ignite::EventSender) -> ignite::Result<()> {
    /// events.blocking_send(ignite::Event::new().data("from a thread"))
    /// # }
    /// ```
    pub fn blocking_send(&self, event: Event) -> Result<()> {
        self.0.blocking_send(event)
    }
}

/// The body of a channel as a stream of its pieces.
struct Sent(Body);

impl Stream for Sent {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        use http_body::Body as _;
        Pin::new(&mut self.0).poll_frame(cx).map(|frame| frame.map(|frame| Ok(frame?.into_data().unwrap_or_default())))
    }
}

const PAUSE: Duration = Duration::from_secs(15);

/// A stream that says something at least every [`PAUSE`].
struct KeptAlive<S> {
    events: Pin<Box<S>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> KeptAlive<S> {
    fn new(events: S) -> Self {
        Self { events: Box::pin(events), timer: None }
    }
}

impl<S, T, E> Stream for KeptAlive<S>
where
    S: Stream<Item = std::result::Result<T, E>>,
    T: Into<Bytes>,
    E: Into<Error>,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(event) = self.events.as_mut().poll_next(cx) {
            self.timer = None;
            return Poll::Ready(event.map(|event| event.map(Into::into).map_err(Into::into)));
        }
        // Made here and not before: a handler may build its answer outside the runtime's timers.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        timer.as_mut().reset(Instant::now() + PAUSE);
        Poll::Ready(Some(Ok(Bytes::from_static(b":\n\n"))))
    }
}
