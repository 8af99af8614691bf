//! What a test looks at.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

/// What came back.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
///     Ok((StatusCode::CREATED, json!({ "id": 17 })))
/// }
/// let response = ignite::test::post("").call(handler);
/// assert_eq!((response.status(), response.json::<Value>()), (StatusCode::CREATED, json!({ "id": 17 })));
/// ```
#[derive(Clone, Debug)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    broke_off: Option<String>,
}

impl TestResponse {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes, broke_off: Option<String>) -> Self {
        Self { status, headers, body, broke_off }
    }

    /// The status; it compares with numbers.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// # async fn handler(_req: Request, _ctx: Context) -> Result<StatusCode> { Ok(StatusCode::ACCEPTED) }
    /// assert_eq!(ignite::test::get("/").call(handler).status(), 202);
    /// ```
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The first header of this name.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// # async fn handler(_req: Request, _ctx: Context) -> Result<Value> { Ok(json!({})) }
    /// let response = ignite::test::get("/").call(handler);
    /// assert_eq!(response.header("content-type"), Some("application/json"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    ///
    /// ```
    /// # fn f(response: ignite::test::TestResponse) {
    /// assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    /// # }
    /// ```
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The bytes of the body.
    ///
    /// ```
    /// # fn f(response: ignite::test::TestResponse) {
    /// assert!(response.bytes().is_empty());
    /// # }
    /// ```
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    ///
    /// ```
    /// # fn f(response: ignite::test::TestResponse) {
    /// assert_eq!(response.text(), "hello");
    /// # }
    /// ```
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body that is text")
    }

    /// The body as JSON.
    ///
    /// ```
    /// # fn f(response: ignite::test::TestResponse) {
    /// assert_eq!(response.json::<ignite::Value>()["error"], "`size` is missing");
    /// # }
    /// ```
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("a body that is JSON, not {:?}: {error}", self.body))
    }

    /// Why the body broke off before its end, when it did.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// async fn handler(_req: Request, ctx: Context) -> Result<()> {
    ///     ctx.stream().send("one").await?;
    ///     Err(Error::msg("two is missing"))
    /// }
    /// let response = ignite::test::get("/").call(handler);
    /// assert_eq!((response.text(), response.broke_off()), ("one", Some("two is missing")));
    /// ```
    pub fn broke_off(&self) -> Option<&str> {
        self.broke_off.as_deref()
    }
}
