//! Calls a handler in a unit test: everything the server does, without a server.
//!
//! ```standalone_crate
//! use ignite::prelude::*;
//!
//! #[ignite::main]
//! async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
//!     let name: String = req.field("name")?;
//!     Ok(ignite::json!({ "hello": name }))
//! }
//!
//! let response = ignite::test::post(ignite::json!({ "name": "Ada" })).call(handler);
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.json::<Value>(), ignite::json!({ "hello": "Ada" }));
//! ```

mod response;

pub use response::TestResponse;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http_body::Body as _;
use serde_json::Value;

use crate::execution::{App, Execution, Limits};
use crate::handler::IntoHandler;
use crate::serve::execute::answer;
use crate::serve::records::Records;
use crate::{Body, Env};

/// A GET of this path and query.
///
/// ```
/// # use ignite::prelude::*;
/// # async fn handler(req: Request, _ctx: Context) -> Result<String> { Ok(req.query_param("q").unwrap_or_default()) }
/// assert_eq!(ignite::test::get("/search?q=tea").call(handler).text(), "tea");
/// ```
pub fn get(path: &str) -> TestRequest {
    request(Method::GET, path)
}

/// A POST to `/` with this body: JSON, text or bytes.
///
/// ```
/// # use ignite::prelude::*;
/// # fn handler(req: Request, _ctx: Context) -> Result<Bytes> { Ok(req.raw().clone()) }
/// assert_eq!(ignite::test::post(vec![1, 2]).call(handler).bytes(), &[1, 2][..]);
/// ```
pub fn post(body: impl Into<TestBody>) -> TestRequest {
    request(Method::POST, "/").body(body)
}

/// A request of any method.
///
/// ```
/// # use ignite::prelude::*;
/// # async fn handler(req: Request, _ctx: Context) -> Result<String> { Ok(req.method().to_string()) }
/// assert_eq!(ignite::test::request("DELETE", "/orders/17").call(handler).text(), "DELETE");
/// ```
///
/// # Panics
///
/// When there can be no such method or path.
#[track_caller]
pub fn request<M>(method: M, path: &str) -> TestRequest
where
    M: TryInto<Method>,
    M::Error: fmt::Debug,
{
    let mut request = http::Request::new(Bytes::new());
    *request.method_mut() = method.try_into().expect("a method");
    *request.uri_mut() = path.parse().expect("a path such as /orders?page=2");
    let limits = Limits {
        function_id: "test/function".into(),
        organization_id: "test".into(),
        timeout: None,
        max_body: 6 * 1024 * 1024,
        concurrency: 0,
        queue: 0,
        temp_dir: std::env::temp_dir().into(),
        temp_bytes: 64 * 1024 * 1024,
    };
    TestRequest { request, limits, env: BTreeMap::new(), state: None }
}

/// Runs a future to its end, for tests of what a handler awaits.
///
/// ```
/// let sum = ignite::test::block_on(async { 1 + 1 });
/// assert_eq!(sum, 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads to run on").block_on(future)
}

/// A body for a test, from JSON, text or bytes. JSON comes with its content type.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(req: Request, _ctx: Context) -> Result<impl IntoResponse> {
///     Ok(req.header("content-type").unwrap_or("none").to_string())
/// }
/// assert_eq!(ignite::test::post(ignite::json!({})).call(handler).text(), "application/json");
/// assert_eq!(ignite::test::post("text").call(handler).text(), "none");
/// ```
#[derive(Debug)]
pub struct TestBody(Bytes, Option<&'static str>);

impl From<Value> for TestBody {
    fn from(value: Value) -> Self {
        Self(value.to_string().into(), Some("application/json"))
    }
}

macro_rules! test_body_from {
    ($($type:ty),*) => {$(
        impl From<$type> for TestBody {
            fn from(bytes: $type) -> Self {
                Self(bytes.into(), None)
            }
        }
    )*};
}
test_body_from!(&'static str, String, Vec<u8>, &'static [u8], Bytes);

/// A request, and the process it meets.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     Ok(format!("{} {} {}", req.method(), req.path(), ctx.env().require("WHO")?))
/// }
/// let request = ignite::test::request("PUT", "/orders/17").env("WHO", "Ada");
/// assert_eq!(request.call(handler).text(), "PUT /orders/17 Ada");
/// ```
pub struct TestRequest {
    request: http::Request<Bytes>,
    limits: Limits,
    env: BTreeMap<String, String>,
    state: Option<Box<dyn Any + Send + Sync>>,
}

impl TestRequest {
    /// Path and query.
    ///
    /// ```
    /// let request = ignite::test::post("").path("/orders?draft");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        *self.request.uri_mut() = path.parse().expect("a path such as /orders?page=2");
        self
    }

    /// The body, with the content type of JSON when it is a value.
    ///
    /// ```
    /// let request = ignite::test::request("PUT", "/orders/17").body(ignite::json!({ "count": 2 }));
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<TestBody>) -> Self {
        let TestBody(bytes, content_type) = body.into();
        *self.request.body_mut() = bytes;
        if let Some(content_type) = content_type {
            self.request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        self
    }

    /// One more header.
    ///
    /// ```
    /// let request = ignite::test::get("/").header("accept", "text/csv");
    /// ```
    #[track_caller]
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("the name of a header");
        self.request.headers_mut().append(name, value.parse().expect("the value of a header"));
        self
    }

    /// A variable, before those of the process.
    ///
    /// ```
    /// let request = ignite::test::get("/").env("GREETING", "Hello");
    /// ```
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// What the warm-up would have returned.
    ///
    /// ```
    /// let request = ignite::test::get("/").state(vec![1, 2, 3]);
    /// ```
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.state = Some(Box::new(state));
        self
    }

    /// The function, as `org/app`.
    ///
    /// ```
    /// let request = ignite::test::get("/").function_id("acme/hello");
    /// ```
    #[must_use]
    pub fn function_id(mut self, id: &str) -> Self {
        self.limits.organization_id = id.split('/').next().unwrap_or(id).into();
        self.limits.function_id = id.into();
        self
    }

    /// The time until the deadline.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// # async fn handler(_req: Request, _ctx: Context) -> Result<()> { std::future::pending().await }
    /// let late = std::time::Duration::from_millis(10);
    /// assert_eq!(ignite::test::get("/").timeout(late).call(handler).status(), 504);
    /// ```
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limits.timeout = Some(limit);
        self
    }

    /// How many bytes the temporary files may have.
    ///
    /// ```
    /// let request = ignite::test::post("four").temp_bytes(3);
    /// ```
    #[must_use]
    pub fn temp_bytes(mut self, limit: u64) -> Self {
        self.limits.temp_bytes = limit;
        self
    }

    /// Calls the handler, async or plain, and waits for the whole answer and for what it spawned.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    ///     Ok("plain")
    /// }
    /// assert_eq!(ignite::test::get("/").call(handler).text(), "plain");
    /// ```
    pub fn call<Kind>(self, handler: impl IntoHandler<Kind>) -> TestResponse {
        block_on(self.call_async(handler))
    }

    /// [`call`](TestRequest::call) in a test that is async itself.
    ///
    /// ```
    /// # use ignite::prelude::*;
    /// # async fn handler(_req: Request, _ctx: Context) -> Result<&'static str> { Ok("async") }
    /// # ignite::test::block_on(async {
    /// let response = ignite::test::get("/").call_async(handler).await;
    /// assert_eq!(response.text(), "async");
    /// # });
    /// ```
    pub async fn call_async<Kind>(self, handler: impl IntoHandler<Kind>) -> TestResponse {
        let mut app = App::new(handler.into_handler(), self.limits, Env::with(self.env), Records::None);
        app.state = self.state;
        let app = Arc::new(app);
        let execution = Arc::new(Execution::new(app.clone(), self.request.headers()));
        let (head, body) = answer(execution, Arc::default(), self.request.map(Body::from)).await.into_parts();
        let (body, broke_off) = collect(body).await;
        app.until_idle().await;
        TestResponse::new(head.status, head.headers, body, broke_off)
    }
}

async fn collect(body: impl http_body::Body<Data = Bytes, Error = crate::Error>) -> (Bytes, Option<String>) {
    let mut body = std::pin::pin!(body);
    let mut all = BytesMut::new();
    while !body.is_end_stream() {
        match std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            None => break,
            Some(Ok(frame)) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return (all.freeze(), Some(error.to_string())),
        }
    }
    (all.freeze(), None)
}
