//! Write one handler; Bloomery compiles, serves and scales it.
//!
//! ```standalone_crate
//! use ignite::prelude::*;
//!
//! #[ignite::main]
//! async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
//!     let name: String = req.field("name").unwrap_or_else(|_| "world".to_string());
//!     ctx.log("greeting").field("name", &name);
//!     Ok(ignite::json!({ "hello": name }))
//! }
//!
//! let response = ignite::test::post(ignite::json!({ "name": "Ada" })).call(handler);
//! assert_eq!(response.json::<Value>()["hello"], "Ada");
//! ```
//!
//! - [`main`](macro@main) makes a program of the handler; `cargo run` serves it on this machine.
//! - [`Request`] is what the caller sent, [`IntoResponse`] all that can be answered, [`Error`] what fails.
//! - [`Context`] is the execution: ids, variables, temporary files, streaming, deadline, log, background work.
//! - [`test`](mod@test) calls a handler in a unit test.
//!
//! # The process
//!
//! One process serves many executions at once. A panic, an [`Error`] or a caller that leaves ends one of them; the
//! others go on. An execution past its deadline is answered with 504 whatever its handler does: a future is dropped,
//! a plain `fn` goes on unheard. Handlers that keep a thread for good are left behind: when no thread is left, when
//! plain ones keep all places, or when an async one has blocked a thread for ten times what it was allowed (at most
//! ten seconds more), the process answers whom it can, ends with status 70, and the platform starts it anew.
//!
//! What the platform says to the process; everything may be absent:
//!
//! | variable | means | absent |
//! |---|---|---|
//! | `IGNITE_LISTEN_FD` | descriptor of a bound unix socket to serve on | |
//! | `IGNITE_SOCKET` | path of a unix socket to bind and serve on | with neither: `HOST` and `PORT`, for a run by hand |
//! | `IGNITE_READY_FD` | descriptor for `ready\n`, once connections are taken | |
//! | `IGNITE_RECORD_FD` | descriptor for a line of JSON about each execution | lines for a person, by hand only |
//! | `IGNITE_FUNCTION_ID`, `IGNITE_ORGANIZATION_ID` | what no header says otherwise | `local/` and the crate |
//! | `IGNITE_TIMEOUT_MS` | time of an execution, with its time in the queue | 0: no limit |
//! | `IGNITE_CONCURRENCY` | executions at once; more wait for a place | 0: no limit |
//! | `IGNITE_QUEUE_LIMIT` | how many may wait; more get 503 and `Retry-After` at once | 0: no limit |
//! | `IGNITE_MAX_BODY_BYTES` | bytes of a body that is taken as a whole; more get 413 | 6 MiB |
//! | `IGNITE_TEMP_DIR`, `IGNITE_TEMP_BYTES` | place and size of temporary files | the system's, 64 MiB |
//! | `IGNITE_DRAIN_MS` | time for what runs when the process is told to stop | 10 s |
//!
//! A line about an execution has `execution`, `at` (milliseconds since 1970 when the request came), `queue_us` (waited
//! for a place), `run_us`, `status` (0: the process ended before one was known), `error`, `request_bytes`,
//! `response_bytes`, `cold`, and `dropped` when lines before it found no reader. While requests wait for a place, at
//! most every 100 ms, and once when none do any more: `{"pressure":{"running":2,"waiting":5},"at":1700000000000}`.

mod body;
mod body_sender;
mod context;
mod env;
mod error;
mod execution;
mod from_request;
mod handler;
mod id;
mod incoming;
mod log;
mod query;
mod request;
mod response;
mod serve;
mod signal;
mod temp_store;
pub mod test;

pub use body::Body;
pub use body_sender::BodySender;
pub use context::Context;
pub use env::Env;
pub use error::{Error, OrStatus, Result};
pub use from_request::FromRequest;
pub use log::LogLine;
pub use request::Request;
pub use response::{Event, EventSender, Html, IntoHeaders, IntoResponse, Json, Response, ResponseStream, Sse};
pub use temp_store::TempStore;

pub use bytes::Bytes;
pub use futures_core::Stream;
pub use http::{self, HeaderMap, Method, StatusCode};
pub use serde_json::{self, Value};

/// JSON as it is written: `serde_json::json!`.
///
/// ```
/// let order = ignite::json!({ "item": "tea", "count": 2 });
/// assert_eq!(order["count"], 2);
/// ```
pub use serde_json::json;

/// Makes a program of the function `handler`, and of nothing else: `async fn` or `fn`, with a [`Request`] and a
/// [`Context`], returning anything that is [`IntoResponse`].
///
/// An `async fn` shares its threads with other executions and should not block them: what blocks goes to
/// [`ctx.spawn_blocking`](Context::spawn_blocking), or the handler is a plain `fn`, which runs on a thread where it may. The attribute works in `src/main.rs` and in `src/lib.rs`; there is no `main` to write.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     Ok(format!("{} {}", req.method(), ctx.function_id()))
/// }
/// # assert_eq!(ignite::test::get("/").call(handler).text(), "GET test/function");
/// ```
///
/// `warm_up` names an `async fn` without arguments that returns a [`Result`]. It runs once, before the process takes
/// its first request, and what it returns is what [`Context::state`] gives. When it fails, the process does not start.
///
/// ```standalone_crate
/// use ignite::prelude::*;
/// use std::collections::HashMap;
///
/// type Prices = HashMap<&'static str, f64>;
///
/// async fn load_prices() -> Result<Prices> {
///     Ok(HashMap::from([("tea", 2.4)]))
/// }
///
/// #[ignite::main(warm_up = load_prices)]
/// async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let item: String = req.field("item")?;
///     let price = ctx.state::<Prices>().get(item.as_str()).or_status(StatusCode::NOT_FOUND, "no such item")?;
///     Ok(ignite::json!({ "price": price }))
/// }
/// # let request = ignite::test::post(ignite::json!({ "item": "tea" }));
/// # let prices = ignite::test::block_on(load_prices()).unwrap();
/// # assert_eq!(request.state(prices).call(handler).text(), r#"{"price":2.4}"#);
/// ```
pub use ignite_macros::main;

/// All that most handlers need.
///
/// ```
/// use ignite::prelude::*;
/// ```
pub mod prelude {
    pub use crate::{
        Body, Bytes, Context, Error, Event, IntoResponse, Json, OrStatus, Request, Response, Result, Sse, StatusCode,
        Value, json,
    };
}

/// What the attribute's code calls.
#[doc(hidden)]
pub mod __private {
    pub use crate::handler::{asynchronous, blocking, warm_up};
    pub use crate::serve::start;
}
