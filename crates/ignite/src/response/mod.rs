//! What a handler answers, and everything that can be one.

mod headers;
mod sse;
mod stream;

pub use headers::IntoHeaders;
pub use sse::{Event, EventSender, Sse};
pub use stream::ResponseStream;
pub(crate) use stream::StreamSlot;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::{Body, Error, StatusCode};

/// A finished response: an [`http::Response`] with a [`Body`].
///
/// ```
/// use ignite::prelude::*;
///
/// let response: Response = (StatusCode::CREATED, "made").into_response();
/// assert_eq!(response.status(), 201);
/// ```
pub type Response<B = Body> = http::Response<B>;

/// Anything a handler may return.
///
/// | returned | answered |
/// |---|---|
/// | [`serde_json::Value`](Value), [`Json<T>`] | JSON |
/// | `String`, `&str`, [`Html`] | text |
/// | `Vec<u8>`, [`Bytes`], `&'static [u8]` | bytes |
/// | [`StatusCode`], `()` | no body |
/// | `(StatusCode, …)`, `(headers, …)`, `(StatusCode, headers, …)` | … with this status and these headers |
/// | [`http::Response`] | what it says |
/// | [`Body`], [`Sse`], [`ResponseStream`] | pieces, while they are made |
/// | `Result` of any of these | the failure as `{"error": …}` with its status |
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
///     Ok((StatusCode::CREATED, [("location", "/orders/17")], ignite::json!({ "id": 17 })))
/// }
///
/// let response = ignite::test::post("").call(handler);
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.header("location"), Some("/orders/17"));
/// assert_eq!(response.json::<Value>(), ignite::json!({ "id": 17 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be answered by a handler",
    label = "not a response",
    note = "return JSON (`ignite::json!`, `Json(value)`), text, bytes, a status, `(status, headers, body)` or an `http::Response`; wrap a type of your own that serializes in `Json`"
)]
pub trait IntoResponse {
    /// The response; a handler of several kinds of answers makes each of them one.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(req: Request, _ctx: Context) -> Result<ignite::Response> {
    ///     Ok(if req.path() == "/text" { "hello".into_response() } else { json!({ "hello": 1 }).into_response() })
    /// }
    /// assert_eq!(ignite::test::get("/text").call(handler).text(), "hello");
    /// ```
    fn into_response(self) -> Response;
}

/// Any type that serializes, as JSON.
///
/// ```
/// use ignite::prelude::*;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Order { id: u32 }
///
/// let response = Json(Order { id: 17 }).into_response();
/// assert_eq!(response.headers()["content-type"], "application/json");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// Text that is a page.
///
/// ```
/// use ignite::prelude::*;
///
/// let response = ignite::Html("<h1>Hello</h1>").into_response();
/// assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Html<T>(pub T);

/// The text of an error, kept beside the response for the record of the execution.
#[derive(Clone)]
pub(crate) struct Failed(pub(crate) String);

fn with_type(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => with_type("application/json", bytes.into()),
            Err(error) => Error::msg(format!("the answer cannot be written as JSON: {error}")).into_response(),
        }
    }
}

impl IntoResponse for Value {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        with_type("text/html; charset=utf-8", self.0.into())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_json()).into_response();
        response.extensions_mut().insert(Failed(self.for_record()));
        response
    }
}

impl<T: IntoResponse, E: Into<Error>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into().into_response(),
        }
    }
}

impl<B: Into<Body>> IntoResponse for http::Response<B> {
    fn into_response(self) -> Response {
        self.map(Into::into)
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self;
        response
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Body::empty())
    }
}

impl IntoResponse for std::convert::Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }
}

impl<const N: usize> IntoResponse for &'static [u8; N] {
    fn into_response(self) -> Response {
        self.as_slice().into_response()
    }
}

macro_rules! responses {
    ($content_type:literal: $($type:ty),*) => {$(
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                with_type($content_type, self.into())
            }
        }
    )*};
}
responses!("text/plain; charset=utf-8": String, &'static str);
responses!("application/octet-stream": Vec<u8>, Bytes, &'static [u8]);
