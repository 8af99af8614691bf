//! The master: binds sockets, keeps workers alive, replaces them, and obeys signals, commands and touched files.
//!
//! [`fleet`] decides who should live; the rest acts. The master never runs an app's code: that is for the app process
//! it forks (`app_process`) and for the workers forked from there.

mod accounts;
mod act;
mod app_process;
mod clock;
mod commands;
mod control;
mod daemonize;
mod describe;
mod error;
mod fifo;
pub mod fleet;
mod generation;
mod heirs;
mod identity;
mod obey;
mod overview;
mod parts;
mod pidfile;
mod ready;
mod run;
mod signals;
pub mod sockets;
mod stats_sockets;
mod touch;
mod tune;

pub use daemonize::daemonize;
pub use error::MasterError;
pub use generation::Live;
pub use overview::Overview;
pub use parts::{LoadFailure, Parts};
pub use run::run;
