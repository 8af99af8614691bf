//! The shim as a program: real processes, real sockets, real sandboxes.

mod app;
mod control;
mod exec;
mod forward;
mod harness;
mod lifecycle;
mod log;
mod sandbox;
mod sandbox_root;
mod stop;
