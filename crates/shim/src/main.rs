//! `bloom-shim`: the parent of one instance. It sets up a sandboxed process, keeps its output, starts it again
//! when it ends, and answers on a control socket. It depends on nobody: the daemon may die and come back.
//!
//! One thread, one event loop: `supervisor` waits for events, `machine` decides what follows from them.

mod ahead;
mod app_socket;
mod begin;
mod cgroup;
mod child;
mod clock;
mod command;
mod control_server;
mod descriptors;
mod doorman;
mod ending;
mod enter;
mod error;
mod exit;
mod fill;
mod forward;
mod forward_pair;
mod given_socket;
mod goodbye;
mod held_sockets;
mod hooks;
mod inside;
mod launch;
mod lifecycle;
mod line_splitter;
mod lines;
mod listens;
mod log_writer;
mod loopback;
mod machine;
mod network_view;
mod own_copy;
mod poller;
mod port_ends;
mod private_socket;
mod probe;
mod probe_answer;
mod process_tree;
mod readiness;
mod relay;
mod seccomp;
mod setup;
mod signals;
mod socket_diag;
mod spawn;
mod spec_input;
mod stage;
mod standby;
mod status;
mod supervisor;
mod sys;
mod terminal;
mod verbs;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("run") => verbs::run(),
        Some("begin") => begin::begin(),
        Some("exec") => verbs::exec(),
        Some("launch") => launch::launch(),
        Some("doorman") => doorman::doorman(),
        Some("enter") => enter::enter(),
        Some("--version") => {
            println!("bloom-shim {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: bloom-shim run < SPEC | bloom-shim exec 3< SPEC | bloom-shim enter 3< SPEC | bloom-shim --version"
            );
            ExitCode::from(2)
        }
    }
}
