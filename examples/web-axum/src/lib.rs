//! A small notes service: a JSON API over a file, and a stream of what is new.

mod api;
mod notes;
mod program;

pub use api::router;
pub use notes::{Note, Notes};
pub use program::{Outcome, check, serve};
