//! Workers as processes of their own, asked over real sockets.

#[path = "../apps/mod.rs"]
mod apps;
mod bodies;
mod client;
mod connections;
mod endings;
mod faults;
mod harness;
mod protocols;
mod refusals;
