//! The two forms of a request a handler can ask for.

use http::request::Parts;

use crate::{Body, Request};

/// What a handler can take as its first argument.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(mut req: Request<Body>, _ctx: Context) -> Result<impl IntoResponse> {
///     let mut bytes = 0;
///     while let Some(piece) = req.chunk().await? {
///         bytes += piece.len();
///     }
///     Ok(bytes.to_string())
/// }
/// assert_eq!(ignite::test::post("hello").call(handler).text(), "5");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first argument of a handler",
    label = "should be `Request`, or `Request<Body>` to read the body while it arrives",
    note = "the shape of a handler: async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse>"
)]
pub trait FromRequest: Send + Sized + 'static + sealed::Sealed {
    /// Whether the body is handed over while it arrives.
    #[doc(hidden)]
    const IN_PIECES: bool;
    #[doc(hidden)]
    fn from_request(head: Parts, body: Body) -> Self;
}

impl FromRequest for Request {
    const IN_PIECES: bool = false;
    fn from_request(head: Parts, body: Body) -> Self {
        Self::new(head, body.into_full())
    }
}

impl FromRequest for Request<Body> {
    const IN_PIECES: bool = true;
    fn from_request(head: Parts, body: Body) -> Self {
        Self::new(head, body)
    }
}

mod sealed {
    pub trait Sealed {}
    impl<B> Sealed for crate::Request<B> {}
}
