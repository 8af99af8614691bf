//! Headers beside a response: `(StatusCode, headers, body)` and its shorter forms.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{IntoResponse, Response};
use crate::{Error, Result, StatusCode};

/// Headers for a response: a [`HeaderMap`], or names with values in an array or a `Vec`.
/// A name given twice in one of them appears twice (as `set-cookie` needs); it replaces what the response had.
///
/// ```
/// use ignite::prelude::*;
///
/// let response = ([("content-type", "text/csv"), ("cache-control", "no-store")], "a,b\n").into_response();
/// assert_eq!(response.headers()["content-type"], "text/csv");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand before the body of a response",
    label = "neither a status nor headers",
    note = "write `(StatusCode, body)`, `(headers, body)` or `(StatusCode, headers, body)`, where headers are `[(name, value)]` or a `HeaderMap`"
)]
pub trait IntoHeaders {
    /// Puts the headers into the map; fails when a name or value cannot be one.
    ///
    /// ```
    /// use ignite::{HeaderMap, IntoHeaders};
    ///
    /// let mut headers = HeaderMap::new();
    /// [("etag", "17")].put_into(&mut headers).unwrap();
    /// assert_eq!(headers["etag"], "17");
    /// assert!([("no name", "17")].put_into(&mut headers).is_err());
    /// ```
    fn put_into(self, headers: &mut HeaderMap) -> Result<()>;
}

impl IntoHeaders for HeaderMap {
    fn put_into(self, headers: &mut HeaderMap) -> Result<()> {
        headers.extend(self);
        Ok(())
    }
}

impl<K, V, const N: usize> IntoHeaders for [(K, V); N]
where
    K: TryInto<HeaderName>,
    K::Error: std::fmt::Display,
    V: TryInto<HeaderValue>,
    V::Error: std::fmt::Display,
{
    fn put_into(self, headers: &mut HeaderMap) -> Result<()> {
        put_pairs(self, headers)
    }
}

impl<K, V> IntoHeaders for Vec<(K, V)>
where
    K: TryInto<HeaderName>,
    K::Error: std::fmt::Display,
    V: TryInto<HeaderValue>,
    V::Error: std::fmt::Display,
{
    fn put_into(self, headers: &mut HeaderMap) -> Result<()> {
        put_pairs(self, headers)
    }
}

fn put_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>, headers: &mut HeaderMap) -> Result<()>
where
    K: TryInto<HeaderName>,
    K::Error: std::fmt::Display,
    V: TryInto<HeaderValue>,
    V::Error: std::fmt::Display,
{
    let mut own = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.try_into().map_err(|e| Error::msg(format!("a header of the answer: {e}")))?;
        let value = value.try_into().map_err(|e| Error::msg(format!("the header `{name}` of the answer: {e}")))?;
        own.append(name, value);
    }
    headers.extend(own);
    Ok(())
}

impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        *response.status_mut() = self.0;
        response
    }
}

fn with_headers(mut response: Response, put: impl FnOnce(&mut HeaderMap) -> Result<()>) -> Response {
    match put(response.headers_mut()) {
        Ok(()) => response,
        Err(error) => error.into_response(),
    }
}

impl<H: IntoHeaders, R: IntoResponse> IntoResponse for (H, R) {
    fn into_response(self) -> Response {
        with_headers(self.1.into_response(), |headers| self.0.put_into(headers))
    }
}

impl<H: IntoHeaders, R: IntoResponse> IntoResponse for (StatusCode, H, R) {
    fn into_response(self) -> Response {
        // The headers last: when they cannot be sent, their error keeps its own status.
        with_headers((self.0, self.2).into_response(), |headers| self.1.put_into(headers))
    }
}

impl<H1: IntoHeaders, H2: IntoHeaders, R: IntoResponse> IntoResponse for (H1, H2, R) {
    fn into_response(self) -> Response {
        with_headers((self.1, self.2).into_response(), |headers| self.0.put_into(headers))
    }
}

impl<H1: IntoHeaders, H2: IntoHeaders, R: IntoResponse> IntoResponse for (StatusCode, H1, H2, R) {
    fn into_response(self) -> Response {
        with_headers((self.0, self.2, self.3).into_response(), |headers| self.1.put_into(headers))
    }
}
