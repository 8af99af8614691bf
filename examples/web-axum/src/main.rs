//! Serves the notes on PORT. `web-axum check` looks whether they can be read, for the deploy hook.

use std::process::ExitCode;
use web_axum::{check, serve};

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        None => serve(),
        Some("check") => check(),
        Some(word) => Err(format!("there is no command {word}; there is only `check`").into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("web-axum: {error}");
            ExitCode::FAILURE
        }
    }
}
