//! The program itself, with an ini and apps: what it does with bad input, faults and everything around it.

mod answers;
#[path = "../apps/mod.rs"]
mod apps;
mod children;
#[path = "../worker/client.rs"]
mod client;
mod clients;
mod conformance;
mod faults;
mod harness;
mod idle;
mod kills;
mod large;
mod nginx;
mod reloads;
mod sockets;
mod starting;
mod uwsgitop;
