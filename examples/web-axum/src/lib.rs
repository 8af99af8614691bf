//! A small notes service: a JSON API over a file, and a stream of what is new.

mod api;
mod notes;

pub use api::router;
pub use notes::{Note, Notes};
