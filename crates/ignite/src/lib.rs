//! Write one handler; Bloomery compiles, serves and scales it.
//!
//! ```
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

mod body;
mod body_sender;
mod context;
mod env;
mod error;
mod execution;
mod from_request;
mod handler;
mod id;
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
/// An `async fn` shares its threads with other executions and should not block them; a plain `fn` runs on a thread
/// where it may. The attribute works in `src/main.rs` and in `src/lib.rs`; there is no `main` to write.
///
/// ```
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
/// ```
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
