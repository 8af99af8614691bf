import type { NewFile } from "./starting-point.js";

/** The ini of an app whose library cargo makes. */
export function renderIni(library: string): string {
  return `[uwsgi]
; The library below is written in Rust.
plugin = rust
; For \`bloom prefork app.ini\`; where it is deployed, the platform gives it a socket of its own.
http-socket = :8080
; Where \`cargo build --release\` puts the library.
dlopen = ./target/release/lib${library}.so

master = true
; Workers, and the threads of each: so many requests are worked on at a time.
processes = 2
threads = 8
; Seconds that one request may take; then it is answered with 504 and its worker is replaced.
harakiri = 30
`;
}

/** A library with one request function, and its crate. */
export function planLibrary(name: string): NewFile[] {
  const crate = `[package]
name = "${name}"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
# The platform puts its own in this place.
prefork = "0.1"
`;
  return [
    { path: "Cargo.toml", text: crate },
    { path: "src/lib.rs", text: application },
    { path: ".gitignore", text: "/target\n" },
    { path: "app.ini", text: renderIni(name.replaceAll("-", "_")) },
  ];
}

const application = `use prefork::{Request, Response};

/// Called by many threads at once, and may block.
#[prefork::application]
fn application(req: &mut Request) -> Response {
    match req.path() {
        "/" => Response::text("Hello"),
        _ => Response::not_found(),
    }
}
`;
