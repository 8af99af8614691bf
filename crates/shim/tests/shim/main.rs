//! The shim as a program: real processes, real sockets, real sandboxes.

mod app;
mod app_socket;
mod control;
mod descriptors;
mod enter;
mod enter_terminal;
mod exec;
mod forward;
mod goodbye;
mod harness;
mod hooks;
mod lifecycle;
mod limits;
mod listens;
mod log;
mod overlay;
mod sandbox;
mod sandbox_root;
mod stop;
