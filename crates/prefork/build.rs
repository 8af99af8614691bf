//! Tells the program which compiler it was built with: libraries of the classic signature must be of the same.

use std::env;
use std::process::Command;

fn main() {
    let compiler = env::var_os("RUSTC").expect("cargo says which compiler");
    let version = Command::new(compiler).arg("-V").output().expect("the compiler's version").stdout;
    let version = String::from_utf8(version).expect("text");
    println!("cargo::rustc-env=PREFORK_RUSTC={}", version.trim().trim_start_matches("rustc "));
    println!("cargo::rerun-if-changed=build.rs");
}
