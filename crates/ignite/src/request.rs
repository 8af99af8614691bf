//! What the caller sent.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::query;
use crate::{Body, Error, Result};

/// What the caller sent: `Request` has the whole body, `Request<Body>` reads it while it arrives.
///
/// The body is decoded as JSON when [`field`](Request::field) or [`body`](Request::body) ask for it, never before, so
/// that a body of any other kind reaches [`raw`](Request::raw).
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
///     let name: String = req.field("name")?;
///     let loud = req.query_param("loud").is_some();
///     Ok(if loud { name.to_uppercase() } else { name })
/// }
///
/// let response = ignite::test::post(ignite::json!({ "name": "Ada" })).path("/?loud").call(handler);
/// assert_eq!(response.text(), "ADA");
/// ```
pub struct Request<B = Bytes> {
    head: Parts,
    body: B,
    json: OnceLock<std::result::Result<Value, String>>,
}

impl<B> Request<B> {
    pub(crate) fn new(head: Parts, body: B) -> Self {
        Self { head, body, json: OnceLock::new() }
    }

    /// The method: `req.method() == "POST"`, or compared with [`http::Method`](Method).
    ///
    /// ```
    /// # fn f(req: ignite::Request) -> ignite::Result<()> {
    /// if req.method() != "POST" {
    ///     return Err(ignite::Error::new(ignite::StatusCode::METHOD_NOT_ALLOWED, "send a POST"));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path as it was sent, percent-encoding included, without the query.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// # fn f(req: Request) -> Result<u32> {
    /// let id = req.path().strip_prefix("/orders/").or_status(StatusCode::NOT_FOUND, "no such page")?;
    /// # Ok(id.parse()?) }
    /// ```
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Path and query together.
    ///
    /// ```
    /// # fn f(req: ignite::Request) {
    /// let query = req.uri().query().unwrap_or("");
    /// # }
    /// ```
    pub fn uri(&self) -> &Uri {
        &self.head.uri
    }

    /// The first query parameter of this name, decoded; the empty text for `?name` and `?name=`.
    ///
    /// ```
    /// # fn f(req: ignite::Request) {
    /// let page: u32 = req.query_param("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    /// # }
    /// ```
    pub fn query_param(&self, name: &str) -> Option<String> {
        self.query_params().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// All query parameters in their order, decoded.
    ///
    /// ```
    /// # fn f(req: ignite::Request) {
    /// let tags: Vec<_> = req.query_params().filter(|(name, _)| name == "tag").map(|(_, tag)| tag).collect();
    /// # }
    /// ```
    pub fn query_params(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query::pairs(self.head.uri.query().unwrap_or(""))
    }

    /// The first header of this name (in any case); `None` as well when it is not text.
    ///
    /// ```
    /// # fn f(req: ignite::Request) {
    /// let agent = req.header("user-agent").unwrap_or("somebody");
    /// # }
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    ///
    /// ```
    /// # fn f(req: ignite::Request) {
    /// let cookies = req.headers().get_all("cookie").iter().count();
    /// # }
    /// ```
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }
}

impl Request {
    /// One field of the JSON object in the body. A missing field, one of another type, or a body that is not a JSON
    /// object is an [`Error`] with status 400. For an optional field ask for an `Option`, which takes `null` too,
    /// or use `unwrap_or_else`.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    ///     let size: u32 = req.field("size")?;
    ///     let colour: String = req.field("colour").unwrap_or_else(|_| "red".to_string());
    ///     Ok(format!("{size} {colour}"))
    /// }
    ///
    /// let response = ignite::test::post(ignite::json!({ "size": "large" })).call(handler);
    /// assert_eq!(response.status(), 400);
    /// ```
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let object = match self.json()? {
            Value::Object(object) => object,
            other => {
                let found = kind(other);
                return Err(Error::bad_request(format!("the body should be a JSON object, but it is {found}"))
                    .with_field("field", name));
            }
        };
        match object.get(name) {
            Some(value) => T::deserialize(value).map_err(|error| {
                Error::bad_request(format!("the field `{name}` cannot be used: {error}")).with_field("field", name)
            }),
            // Null stands for nothing: an Option is satisfied, every other type explains itself below.
            None => T::deserialize(&Value::Null)
                .map_err(|_| Error::bad_request(format!("the field `{name}` is missing")).with_field("field", name)),
        }
    }

    /// The whole body as JSON, into any type that deserializes. What does not fit is an [`Error`] with status 400.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Order { item: String, count: u32 }
    ///
    /// #[ignite::main]
    /// async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    ///     let order: Order = req.body()?;
    ///     Ok(format!("{} × {}", order.count, order.item))
    /// }
    ///
    /// let response = ignite::test::post(ignite::json!({ "item": "tea", "count": 2 })).call(handler);
    /// assert_eq!(response.text(), "2 × tea");
    /// ```
    pub fn body<T: DeserializeOwned>(&self) -> Result<T> {
        if self.body.is_empty() {
            return Err(Error::bad_request("the body is empty, it should be JSON"));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::bad_request(format!("the body cannot be used: {error}")))
    }

    /// The bytes of the body, whatever they are.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    ///     Ok(format!("{} bytes", req.raw().len()))
    /// }
    /// assert_eq!(ignite::test::post("not JSON").call(handler).text(), "8 bytes");
    /// ```
    pub fn raw(&self) -> &Bytes {
        &self.body
    }

    fn json(&self) -> Result<&Value> {
        let parsed = self.json.get_or_init(|| match self.body.as_ref() {
            [] => Err("the body is empty, it should be a JSON object".to_owned()),
            bytes => serde_json::from_slice(bytes).map_err(|error| format!("the body is not JSON: {error}")),
        });
        parsed.as_ref().map_err(Error::bad_request)
    }
}

impl Request<Body> {
    /// The next piece of the body, or `None` at its end. A caller that breaks off is an error.
    ///
    /// ```
    /// # async fn f(mut req: ignite::Request<ignite::Body>) -> ignite::Result<()> {
    /// while let Some(piece) = req.chunk().await? {
    ///     eprintln!("{} bytes", piece.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.body.chunk().await
    }

    /// Reads the rest of the body, up to `limit` bytes, for [`field`](Request::field) and the like.
    ///
    /// ```
    /// # async fn f(req: ignite::Request<ignite::Body>) -> ignite::Result<()> {
    /// let req = req.collect(1024).await?;
    /// let name: String = req.field("name")?;
    /// # Ok(()) }
    /// ```
    pub async fn collect(self, limit: usize) -> Result<Request> {
        Ok(Request::new(self.head, self.body.collect(limit).await?))
    }

    /// The body alone, to be passed on.
    ///
    /// ```standalone_crate
    /// use ignite::prelude::*;
    ///
    /// #[ignite::main]
    /// async fn handler(req: Request<Body>, _ctx: Context) -> Result<impl IntoResponse> {
    ///     Ok(req.into_body()) // an echo that never holds the whole
    /// }
    /// assert_eq!(ignite::test::post("hello").call(handler).text(), "hello");
    /// ```
    pub fn into_body(self) -> Body {
        self.body
    }
}

impl<B> fmt::Debug for Request<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.head.method, self.head.uri)
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
