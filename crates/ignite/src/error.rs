//! What a handler fails with: a status, a sentence for the caller, and the cause.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use serde_json::{Map, Value};

/// The result of a handler; the error is [`Error`] unless another one is named.
///
/// ```
/// fn half(n: u32) -> ignite::Result<u32> {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(ignite::Error::bad_request(format!("{n} is odd"))) }
/// }
/// assert!(half(3).is_err());
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with the status it is answered with. Any standard error becomes one through `?`, with status 500.
///
/// The answer is `{"error": message}`, and what [`with_field`](Error::with_field) adds.
///
/// ```
/// use ignite::prelude::*;
///
/// fn parse(text: &str) -> Result<u8> {
///     let number = text.parse::<u8>()?; // a ParseIntError: 500
///     if number == 0 {
///         return Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "zero is not a size").with_field("code", "zero"));
///     }
///     Ok(number)
/// }
/// assert_eq!(parse("x").unwrap_err().status(), 500);
/// assert_eq!(parse("0").unwrap_err().status(), 422);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    status: StatusCode,
    message: String,
    fields: Map<String, Value>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure with this status and message.
    ///
    /// ```
    /// let error = ignite::Error::new(ignite::StatusCode::CONFLICT, "somebody else was faster");
    /// assert_eq!(error.status(), 409);
    /// ```
    pub fn new(status: StatusCode, message: impl fmt::Display) -> Self {
        Self(Box::new(Inner { status, message: message.to_string(), fields: Map::new(), source: None }))
    }

    /// A failure of the function itself: status 500.
    ///
    /// ```
    /// assert_eq!(ignite::Error::msg("the till is closed").status(), 500);
    /// ```
    pub fn msg(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The caller sent something wrong: status 400.
    ///
    /// ```
    /// assert_eq!(ignite::Error::bad_request("`size` is missing").status(), 400);
    /// ```
    pub fn bad_request(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The caller did not say who it is: status 401.
    ///
    /// ```
    /// assert_eq!(ignite::Error::unauthorized("the signature does not match").status(), 401);
    /// ```
    pub fn unauthorized(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// The caller may not do this: status 403.
    ///
    /// ```
    /// assert_eq!(ignite::Error::forbidden("only owners may delete").status(), 403);
    /// ```
    pub fn forbidden(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// There is no such thing: status 404.
    ///
    /// ```
    /// assert_eq!(ignite::Error::not_found("no order 17").status(), 404);
    /// ```
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The same failure with another status.
    ///
    /// ```
    /// let error = ignite::Error::msg("the bank does not answer").with_status(ignite::StatusCode::BAD_GATEWAY);
    /// assert_eq!(error.status(), 502);
    /// ```
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The same failure with one more field in its answer.
    ///
    /// ```
    /// let error = ignite::Error::bad_request("too long").with_field("limit", 80);
    /// assert_eq!(error.to_json()["limit"], 80);
    /// ```
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.fields.insert(name.into(), value.into());
        self
    }

    /// The same failure with its cause, which is kept for logs and not told to the caller.
    ///
    /// ```
    /// let cause = std::io::Error::other("disk full");
    /// let error = ignite::Error::msg("the order was not stored").with_source(cause);
    /// assert_eq!(error.source().unwrap().to_string(), "disk full");
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The status of the answer.
    ///
    /// ```
    /// assert_eq!(ignite::Error::msg("no").status(), ignite::StatusCode::INTERNAL_SERVER_ERROR);
    /// ```
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The sentence the caller reads.
    ///
    /// ```
    /// assert_eq!(ignite::Error::msg("no").message(), "no");
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The cause, when there is one.
    ///
    /// ```
    /// assert!(ignite::Error::msg("no").source().is_none());
    /// ```
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// The body of the answer.
    ///
    /// ```
    /// assert_eq!(ignite::Error::msg("no").to_json(), ignite::json!({ "error": "no" }));
    /// ```
    pub fn to_json(&self) -> Value {
        let mut body = self.0.fields.clone();
        body.insert("error".into(), self.0.message.clone().into());
        Value::Object(body)
    }

    /// Message and causes in one line, for records and logs.
    pub(crate) fn for_record(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = self.0.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::msg(&error).with_source(error)
    }
}

/// As a standard error: for libraries that take one.
#[derive(Debug)]
struct Standard(Error);

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Standard {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status.as_u16(), self.for_record())
    }
}

/// Gives a failure, or a missing value, the status it should be answered with.
///
/// ```
/// use ignite::prelude::*;
///
/// fn price(name: &str) -> Result<f64> {
///     let text = (name == "tea").then_some("2.40").or_status(StatusCode::NOT_FOUND, "no such thing")?;
///     text.parse::<f64>().or_status(StatusCode::BAD_GATEWAY, "the price list is broken")
/// }
/// assert_eq!(price("tea").unwrap(), 2.4);
/// assert_eq!(price("coffee").unwrap_err().status(), 404);
/// ```
pub trait OrStatus<T> {
    /// The value, or an [`Error`] with this status and message; the failure itself becomes its source.
    fn or_status(self, status: StatusCode, message: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> OrStatus<T> for std::result::Result<T, E> {
    fn or_status(self, status: StatusCode, message: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(status, message).with_source(error))
    }
}

impl<T> OrStatus<T> for Option<T> {
    fn or_status(self, status: StatusCode, message: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::new(status, message))
    }
}
