//! Numbers about the host: JSON with uWSGI's names, so that `uwsgitop` and exporters read it, and Prometheus' text.
//!
//! The master makes a [`View`] when somebody asks, from its boards ([`workers_of`]) and from what it knows itself;
//! everything else here is pure.

mod head_vars;
mod json;
mod ledger;
mod prometheus;
pub mod queue;
mod respond;
mod view;
mod workers;

pub use json::json;
pub use ledger::Ledger;
pub use prometheus::prometheus;
pub use respond::respond;
pub use view::{AppView, CoreView, CronView, DaemonView, SocketView, View, WorkerView};
pub use workers::workers_of;

/// What is said to be the version: first that of the uWSGI whose names these are, as tools compare it, then who speaks.
pub const VERSION: &str = concat!("2.0.21-bloom-prefork-", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
