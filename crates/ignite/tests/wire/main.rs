//! The handler of `handlers.rs` as a process of its own, spoken to over real sockets.

// Old toolchains build functions; the tests run where Bloomery itself is built.
#![allow(clippy::incompatible_msrv)]

mod bodies;
mod ends;
mod faults;
mod handlers;
mod limits;
mod plain;
mod process;
mod queue;
mod stuck;
mod temp;

/// Not a test by itself: the process the others start is this program, asked for this one name.
#[test]
fn serve_when_asked() {
    match std::env::var("WIRE_SERVES").as_deref() {
        Ok("plain") => ignite::__private::start("ignite", ignite::__private::blocking(plain::handler), None),
        Ok(_) => handlers::__ignite_main(),
        Err(_) => {}
    }
}
