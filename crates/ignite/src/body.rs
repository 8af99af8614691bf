//! Bytes on their way in or out: all at once, or a piece at a time.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::execution::Execution;
use crate::incoming::Incoming;
use crate::{BodySender, Error, Result, StatusCode};

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A body that is complete, or one that comes in pieces.
///
/// A handler that takes [`Request<Body>`](crate::Request) reads what the caller sends while it arrives;
/// a handler that answers with a `Body` sends while it works.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(mut req: Request<Body>, _ctx: Context) -> Result<impl IntoResponse> {
///     let mut lines = 0;
///     while let Some(piece) = req.chunk().await? {
///         lines += piece.iter().filter(|byte| **byte == b'\n').count();
///     }
///     Ok(ignite::json!({ "lines": lines }))
/// }
///
/// let response = ignite::test::post("a\nb\n").call(handler);
/// assert_eq!(response.json::<ignite::Value>()["lines"], 2);
/// ```
pub struct Body(Kind);

enum Kind {
    Full(Option<Bytes>),
    Incoming(Incoming),
    Channel(mpsc::Receiver<Result<Bytes>>),
    Pieces(Pieces),
}

impl Body {
    /// A body of no bytes.
    ///
    /// ```
    /// let response = ignite::http::Response::new(ignite::Body::empty());
    /// ```
    pub fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// A body from a stream of pieces. A piece that is an error breaks the answer off, which the caller notices.
    ///
    /// ```
    /// fn answer<S>(pieces: S) -> impl ignite::IntoResponse
    /// where
    ///     S: ignite::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    /// {
    ///     ignite::Body::from_stream(pieces)
    /// }
    /// ```
    pub fn from_stream<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = std::result::Result<T, E>> + Send + 'static,
        T: Into<Bytes>,
        E: Into<Error>,
    {
        Self(Kind::Pieces(Box::pin(Converted(Box::pin(stream)))))
    }

    /// A body and the end to feed it from, which may be moved into [`ctx.spawn`](crate::Context::spawn).
    /// The body ends when its sender is dropped; sending waits while the caller is slow to read.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    ///     let (sender, body) = Body::channel();
    ///     ctx.spawn(async move {
    ///         for n in 0..3 {
    ///             sender.send(format!("{n}\n")).await?;
    ///         }
    ///         Ok::<_, Error>(())
    ///     });
    ///     Ok(body)
    /// }
    /// assert_eq!(ignite::test::get("/").call(handler).text(), "0\n1\n2\n");
    /// ```
    pub fn channel() -> (BodySender, Self) {
        let (sender, receiver) = mpsc::channel(16);
        (BodySender::new(sender), Self(Kind::Channel(receiver)))
    }

    pub(crate) fn from_receiver(receiver: mpsc::Receiver<Result<Bytes>>) -> Self {
        Self(Kind::Channel(receiver))
    }

    /// What arrives on a connection for an execution, which counts its bytes.
    pub(crate) fn incoming(body: hyper::body::Incoming, execution: Arc<Execution>) -> Self {
        Self(Kind::Incoming(Incoming::new(body, execution)))
    }

    /// The next piece, or `None` at the end. A caller that breaks off is an error.
    ///
    /// ```
    /// # ignite::test::block_on(async {
    /// let mut body = ignite::Body::from("all of it");
    /// assert_eq!(body.chunk().await.unwrap().unwrap(), "all of it");
    /// assert!(body.chunk().await.unwrap().is_none());
    /// # });
    /// ```
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            match poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                None => return Ok(None),
                Some(Err(error)) => return Err(error),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, if it has at most `limit` bytes; more is an error with status 413.
    ///
    /// ```
    /// # ignite::test::block_on(async {
    /// assert_eq!(ignite::Body::from("tea").collect(3).await.unwrap(), "tea");
    /// assert_eq!(ignite::Body::from("coffee").collect(3).await.unwrap_err().status(), 413);
    /// # });
    /// ```
    pub async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let hint = self.size_hint();
        if hint.lower() > limit as u64 {
            return Err(too_large(limit));
        }
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large(limit));
        }
        // Most bodies come in one piece, which needs no copy.
        if self.is_end_stream() {
            return Ok(first);
        }
        let mut all = BytesMut::with_capacity((hint.lower() as usize).max(first.len()));
        all.extend_from_slice(&first);
        while let Some(piece) = self.chunk().await? {
            if all.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The bytes of a body that is complete already.
    pub(crate) fn into_full(self) -> Bytes {
        match self.0 {
            Kind::Full(bytes) => bytes.unwrap_or_default(),
            _ => Bytes::new(),
        }
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than the {limit} bytes this function takes at once"),
    )
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b)))),
            Kind::Channel(receiver) => receiver.poll_recv(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data))),
            Kind::Pieces(pieces) => {
                pieces.as_mut().poll_next(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)))
            }
            Kind::Incoming(incoming) => incoming.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Kind::Incoming(incoming) => incoming.is_end_stream(),
            Kind::Channel(_) | Kind::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Incoming(incoming) => incoming.size_hint(),
            Kind::Channel(_) | Kind::Pieces(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Full(_) => "Body(complete)",
            _ => "Body(in pieces)",
        })
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Full(Some(bytes)))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

macro_rules! body_from {
    ($($type:ty),*) => {$(
        impl From<$type> for Body {
            fn from(bytes: $type) -> Self {
                Self::from(Bytes::from(bytes))
            }
        }
    )*};
}
body_from!(String, &'static str, Vec<u8>, &'static [u8]);

/// A stream of anything like bytes as a stream of bytes.
struct Converted<S: ?Sized>(Pin<Box<S>>);

impl<S, T, E> Stream for Converted<S>
where
    S: Stream<Item = std::result::Result<T, E>>,
    T: Into<Bytes>,
    E: Into<Error>,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Into::into).map_err(Into::into)))
    }
}
