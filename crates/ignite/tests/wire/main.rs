//! The handler of `handlers.rs` as a process of its own, spoken to over real sockets.

// Old toolchains build functions; the tests run where Bloomery itself is built.
#![allow(clippy::incompatible_msrv)]

mod bodies;
mod ends;
mod handlers;
mod limits;
mod process;
mod temp;

/// Not a test by itself: the process the others start is this program, asked for this one name.
#[test]
fn serve_when_asked() {
    if std::env::var_os("WIRE_SERVES").is_some() {
        handlers::__ignite_main();
    }
}
