//! Write one request function; Bloomery serves it by workers and threads.
//!
//! ```standalone_crate
//! use prefork::{Request, Response};
//!
//! #[prefork::application]
//! fn application(req: &mut Request) -> Response {
//!     match req.path() {
//!         "/" => Response::text("Hello").header("Foo", "Bar"),
//!         _ => Response::not_found(),
//!     }
//! }
//! # assert_eq!(prefork::test::get("/").call(application).text(), "Hello");
//! ```
//!
//! The crate that this stands in is a `cdylib`, and an ini names it:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! prefork = "*"
//! ```
//!
//! ```ini
//! [uwsgi]
//! http-socket = :8080
//! dlopen = ./libmyapp.so
//! processes = 4
//! threads = 8
//! ```
//!
//! - [`application`](macro@application) exports the function; its arguments name hooks for the life of a worker.
//! - [`Request`] is what the client sent, its [`Body`] a reader; [`Response`] and [`IntoResponse`] are what is answered.
//! - [`log`](mod@log) writes to the log of the host, [`worker_id`] says which worker this is.
//! - [`test`](mod@test) calls the function in a unit test.
//!
//! # What to know
//!
//! The function is called from many threads at once, in several processes: what it shares must be `Sync`, and is shared
//! within one worker only. It may block; other threads go on.
//!
//! A panic is answered with 500 and costs nothing else: it is caught in the app, and the log has its text and place.
//! That needs `panic = "unwind"`, the default. With `panic = "abort"` in a profile the process ends up in a handler of
//! the host instead: the client still gets its 500, but the thread is lost and the worker is replaced.
//!
//! App and host meet in a C layout with sizes in it ([`abi`]), so either may be built by another compiler or be newer
//! than the other. This crate has no dependency but the standard library once it is compiled.
//!
//! With `lazy-apps` each worker loads the library by itself; otherwise it is loaded once, `init` runs once, and workers
//! are forked from that: threads that `init` starts do not exist in workers. Start them in `post_fork`.

pub mod abi;
mod body;
mod host;
mod into_response;
pub mod log;
mod panic_text;
mod raw;
mod reason;
mod request;
mod response;
mod serve;
pub mod test;

pub use body::Body;
pub use host::worker_id;
pub use into_response::IntoResponse;
pub use reason::reason;
pub use request::Request;
pub use response::{Bytes, Response};

/// Exports a function to the host: `fn` with a `&mut` [`Request`], returning anything that is [`IntoResponse`]. Any name
/// will do; there is one in a crate.
///
/// ```standalone_crate
/// use prefork::{Request, Response};
///
/// #[prefork::application]
/// fn hello(req: &mut Request) -> Response {
///     Response::text(format!("{} {}", req.method(), req.path()))
/// }
/// # assert_eq!(prefork::test::get("/a").call(hello).text(), "GET /a");
/// ```
///
/// Arguments name functions for the life of a worker. Each returns nothing or a `Result`; an error of `init` or
/// `post_fork` is logged, and nothing is served.
///
/// | argument | called |
/// |---|---|
/// | `init = fn()` | once, when the library is loaded and before there are workers (in each worker with `lazy-apps`) |
/// | `post_fork = fn(worker: u32)` | once in each worker, before its first request |
/// | `exit = fn()` | once in each worker that ends in order, after its last request |
///
/// ```standalone_crate
/// use prefork::{Request, Response};
/// use std::sync::OnceLock;
///
/// static PRICES: OnceLock<Vec<u32>> = OnceLock::new();
///
/// fn load() -> Result<(), std::num::ParseIntError> {
///     let prices: Result<Vec<u32>, _> = "3 5 8".split(' ').map(str::parse).collect();
///     PRICES.set(prices?).expect("loaded once");
///     Ok(())
/// }
///
/// fn ready(worker: u32) {
///     prefork::info!("worker {worker} is ready");
/// }
///
/// #[prefork::application(init = load, post_fork = ready)]
/// fn application(_req: &mut Request) -> Response {
///     Response::text(PRICES.get().map_or(0, Vec::len).to_string())
/// }
/// ```
pub use prefork_macros::application;

/// What the attribute's code calls.
#[doc(hidden)]
pub mod __private {
    pub use crate::serve::{handle, init, run};
}
