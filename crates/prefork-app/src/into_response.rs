use crate::Response;
use std::borrow::Cow;
use std::fmt::Display;

/// What a request function may return: a [`Response`], text, bytes, or a `Result` of these.
///
/// An error is answered 500 without its words, which go to the log instead.
///
/// ```standalone_crate
/// use prefork::Request;
///
/// #[prefork::application]
/// fn application(req: &mut Request) -> Result<String, Box<dyn std::error::Error>> {
///     let number: u64 = req.query().parse()?;
///     Ok(format!("{}", number * 2))
/// }
/// # assert_eq!(prefork::test::get("/?21").call(application).text(), "42");
/// # assert_eq!(prefork::test::get("/?x").call(application).status(), 500);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be answered",
    label = "return a `Response`, a `String`, a `Vec<u8>`, or a `Result` of one of these whose error can be displayed"
)]
pub trait IntoResponse {
    /// The answer.
    ///
    /// ```
    /// use prefork::IntoResponse;
    /// assert_eq!("hi".into_response().status_line(), "200 OK");
    /// ```
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

macro_rules! text_into_response {
    ($($type:ty),*) => {$(
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                Response::text(self)
            }
        }
    )*};
}
text_into_response!(&'static str, String, Cow<'static, str>);

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::new(200).header("Content-Type", "application/octet-stream").body(self)
    }
}

impl<T: IntoResponse, E: Display> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(error) => {
                // `{:#}`: the causes as well, with the error types that know them.
                crate::error!("the request failed: {error:#}");
                Response::text("Internal Server Error\n").status(500)
            }
        }
    }
}
