//! HTTP/1.1, the `uwsgi` protocol and the PROXY protocol as functions of bytes; nothing here reads or writes a socket.
//!
//! ```text
//! bytes ─ proxy_protocol ─ request::Head ─┬─ vars::Vars (what the app is told) ─ mount (which app)
//!                        └ uwsgi ─────────┘
//!         body::Body     what of the following bytes is the request's body
//!         response       the head of the app's answer and how its body is framed
//!         refusal        answers the host gives by itself
//! ```

pub mod body;
pub mod chunked;
pub mod date;
mod framing;
pub mod front;
pub mod mount;
pub mod path;
pub mod proxy_protocol;
pub mod refusal;
pub mod request;
pub mod response;
mod span;
pub mod target;
pub mod uwsgi;
pub mod vars;
mod wire;
