//! The shim as a program: real processes, real sockets, real sandboxes.

mod app;
mod app_socket;
mod control;
mod descriptors;
mod doorman;
mod doorman_carry;
mod doorman_harness;
mod doorman_life;
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
mod port_drains;
mod relay;
mod sandbox;
mod sandbox_root;
mod stop;
