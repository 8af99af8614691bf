//! The master with real processes. Its workers are stand-ins that answer their pid and obey as workers do, and its
//! configuration is a file of a few words: what is tested is who lives, and who does not.
#![allow(unsafe_code)]

#[path = "master/host.rs"]
mod host;
#[path = "master/life.rs"]
mod life;
#[path = "master/program.rs"]
mod program;
#[path = "master/reloads.rs"]
mod reloads;
#[path = "master/system.rs"]
mod system;
#[path = "master/worker.rs"]
mod worker;

/// This test program is the host as well: before anything of the test runner begins (a master has one thread), it
/// looks whether it was started to be one.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

extern "C" fn begin() {
    if let Ok(path) = std::env::var(host::VARIABLE) {
        std::process::exit(program::serve(std::path::Path::new(&path)));
    }
}
