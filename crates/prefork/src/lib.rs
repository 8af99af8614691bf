//! The prefork host: a master, workers and threads that serve a Rust library over HTTP.
//!
//! ```text
//! master ── app process ── workers        the app process loads the library once and forks workers from it;
//!   │           (one for each generation)  a reload makes a new one beside the old one
//!   └── sockets, signals, FIFO, stats, touched files, cron, daemons
//! ```

pub mod app;
pub mod board;
pub mod config;
pub mod cron;
pub mod daemons;
pub mod exchange;
pub mod host;
pub mod http;
pub mod listener;
pub mod log;
pub mod master;
pub mod memory;
pub mod notify;
pub mod settings;
pub mod statics;
pub mod stats;
pub mod tls;
pub mod worker;
