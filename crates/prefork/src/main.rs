//! `bloom-prefork app.ini`: serves a Rust library as `uwsgi app.ini` would.

use std::ffi::OsString;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    std::process::exit(bloom_prefork::host::main(&arguments));
}
