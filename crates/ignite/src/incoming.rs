//! What a caller sends, while it arrives.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::runtime::Handle;

use crate::execution::Execution;
use crate::{Error, Result};

/// How long, and how far, what nobody wants is read to its end.
const LINGER: Duration = Duration::from_secs(5);
const MOST_UNWANTED: usize = 256 * 1024 * 1024;

/// A body on a connection; the execution counts its bytes.
///
/// Closing a connection on which something still arrives would take the answer away from a caller that has not read it
/// yet. So one that is dropped early is read on for a while, and what comes is thrown away.
pub(crate) struct Incoming {
    body: Option<hyper::body::Incoming>,
    execution: Arc<Execution>,
}

impl Incoming {
    pub(crate) fn new(body: hyper::body::Incoming, execution: Arc<Execution>) -> Self {
        Self { body: Some(body), execution }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        Poll::Ready(match ready!(Pin::new(body).poll_frame(cx)) {
            None => None,
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.execution.received.fetch_add(bytes as u64, Ordering::Relaxed);
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.body = None;
                Some(Err(Error::bad_request("the body broke off").with_source(error)))
            }
        })
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LINGER, discard(body)));
        }
    }
}

async fn discard(mut body: hyper::body::Incoming) {
    let mut seen = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > MOST_UNWANTED {
            return;
        }
    }
}
