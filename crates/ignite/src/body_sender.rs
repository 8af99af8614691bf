//! The end that feeds a body.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{Error, Result};

/// The end that feeds a [`Body::channel`](crate::Body::channel). The body ends when the last of its clones is dropped.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let (sender, body) = Body::channel();
///     ctx.spawn(async move {
///         for line in ["one\n", "two\n"] {
///             sender.send(line).await?;
///         }
///         Ok::<_, Error>(())
///     });
///     Ok(body)
/// }
/// assert_eq!(ignite::test::get("/").call(handler).text(), "one\ntwo\n");
/// ```
#[derive(Clone, Debug)]
pub struct BodySender(mpsc::Sender<Result<Bytes>>);

impl BodySender {
    pub(crate) fn new(sender: mpsc::Sender<Result<Bytes>>) -> Self {
        Self(sender)
    }

    /// Sends a piece; waits while the caller is slow. Fails when the caller has left.
    ///
    /// ```
    /// # ignite::test::block_on(async {
    /// let (sender, body) = ignite::Body::channel();
    /// drop(body);
    /// assert!(sender.send("nobody reads this").await.is_err());
    /// # });
    /// ```
    pub async fn send(&self, piece: impl Into<Bytes>) -> Result<()> {
        self.0.send(Ok(piece.into())).await.map_err(|_| caller_left())
    }

    /// [`send`](BodySender::send) for a plain `fn` and for threads of its own.
    ///
    /// ```
    /// let (sender, body) = ignite::Body::channel();
    /// std::thread::spawn(move || sender.blocking_send("from a thread")).join().unwrap().unwrap();
    /// # drop(body);
    /// ```
    pub fn blocking_send(&self, piece: impl Into<Bytes>) -> Result<()> {
        self.0.blocking_send(Ok(piece.into())).map_err(|_| caller_left())
    }

    /// Breaks the body off, so that the caller does not take it for complete.
    ///
    /// ```
    /// # ignite::test::block_on(async {
    /// let (sender, mut body) = ignite::Body::channel();
    /// sender.fail(ignite::Error::msg("the source dried up")).await;
    /// assert!(body.chunk().await.is_err());
    /// # });
    /// ```
    pub async fn fail(self, error: impl Into<Error>) {
        // Nobody reads: then nobody needs to know.
        let _ = self.0.send(Err(error.into())).await;
    }
}

fn caller_left() -> Error {
    Error::msg("the caller has left")
}
