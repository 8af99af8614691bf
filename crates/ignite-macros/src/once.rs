//! One handler in a crate: two in different modules would not collide by their names.

use std::sync::atomic::{AtomicBool, Ordering};

use syn::{Error, Ident, Result};

/// The compiler loads this library anew for each crate, so what is remembered here is about one crate.
static CLAIMED: AtomicBool = AtomicBool::new(false);

pub(crate) fn claim(handler: &Ident) -> Result<()> {
    if CLAIMED.swap(true, Ordering::Relaxed) && !in_editor() {
        let message = "this crate has a handler already: `#[ignite::main]` stands before one function of a crate\n\n\
             call other functions from it, or make an app of each";
        return Err(Error::new(handler.span(), message));
    }
    Ok(())
}

/// rust-analyzer keeps the library for hours and expands the same handler again at every key.
fn in_editor() -> bool {
    std::env::current_exe().is_ok_and(|program| program.to_string_lossy().contains("rust-analyzer"))
}
