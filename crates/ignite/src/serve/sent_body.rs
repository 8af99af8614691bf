//! The body of an answer on its way out: counted, limited by the deadline, and recorded at its end.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

use super::deadline::Deadline;
use super::gate::Permit;
use super::report::Report;
use super::running::Running;
use crate::execution::Lease;
use crate::response::Failed;
use crate::{Body, Error, Result};

/// The body hyper sends.
pub(crate) struct SentBody {
    source: Source,
    deadline: Deadline,
    report: Report,
    // Held until the last byte: the temporary files may be what the body is made from.
    _lease: Lease,
    _permit: Option<Permit>,
}

enum Source {
    Whole(Body),
    /// Pieces the handler sends while it runs; what it returns comes after them.
    Live {
        pieces: mpsc::Receiver<Result<Bytes>>,
        handler: Option<Running>,
        rest: Option<Body>,
    },
}

impl SentBody {
    pub(crate) fn whole(body: Body, report: Report, lease: Lease, permit: Option<Permit>) -> Self {
        let deadline = Deadline::new(report.execution().deadline);
        Self { source: Source::Whole(body), deadline, report, _lease: lease, _permit: permit }
    }

    pub(crate) fn live(
        pieces: mpsc::Receiver<Result<Bytes>>,
        handler: Running,
        report: Report,
        lease: Lease,
        permit: Option<Permit>,
    ) -> Self {
        let source = Source::Live { pieces, handler: Some(handler), rest: None };
        Self { source, deadline: Deadline::new(report.execution().deadline), report, _lease: lease, _permit: permit }
    }

    /// Nothing of this body will be sent: the answer to a HEAD, or a status without a body.
    pub(crate) fn skip(&mut self) {
        self.report.finish();
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.report.error = Some(error.for_record());
        self.report.execution().cancelled.fire();
        self.report.finish();
        Poll::Ready(Some(Err(error)))
    }
}

impl Source {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match self {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Live { pieces, handler, rest } => {
                let piece = pieces.poll_recv(cx);
                if let Poll::Ready(Some(piece)) = piece {
                    return Poll::Ready(Some(piece.map(Frame::data)));
                }
                // The handler is asked in any case, so that its end wakes us too.
                if let Some(running) = handler {
                    match running.poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(outcome) => {
                            *handler = None;
                            let (head, body) = outcome?.into_parts();
                            if let Some(Failed(text)) = head.extensions.get() {
                                return Poll::Ready(Some(Err(Error::msg(text))));
                            }
                            *rest = Some(body);
                        }
                    }
                }
                // Somebody else may hold the stream: its pieces come before the rest, too.
                if piece.is_pending() {
                    if let Some(piece) = ready!(pieces.poll_recv(cx)) {
                        return Poll::Ready(Some(piece.map(Frame::data)));
                    }
                }
                match rest {
                    Some(body) => Pin::new(body).poll_frame(cx),
                    None => Poll::Ready(None),
                }
            }
        }
    }
}

impl HttpBody for SentBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match self.source.poll(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.report.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                if self.source.is_end() {
                    self.report.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => self.fail(error),
            Poll::Ready(None) => {
                self.report.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.deadline.poll(cx));
                self.fail(Error::msg("the deadline passed while the answer was being sent"))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(body) => body.size_hint(),
            Source::Live { .. } => SizeHint::default(),
        }
    }
}

impl Source {
    fn is_end(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Live { .. } => false,
        }
    }
}
