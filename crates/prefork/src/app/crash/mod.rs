//! A thread of the app that crashes: its client is answered, the thread stands still for ever, the worker is replaced.
//!
//! Everything else of the worker goes on until it has drained. A crash outside of a request, or on a thread that serves
//! none, ends the process as it would without us.
#![allow(unsafe_code)]

mod handler;
mod stack;

pub use handler::{Crash, SIGNALS, reported};

use crate::board::Board;
use handler::{ARMED, Armed};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction};
use stack::AlternateStack;
use std::os::fd::RawFd;

/// Takes the signals of crashes in this process. `notify` is an eventfd that stays open: written after each crash.
pub fn install(notify: RawFd) -> nix::Result<()> {
    handler::set_notify(notify);
    // All signals wait while it runs: it never returns in an armed thread.
    let flags = SaFlags::SA_ONSTACK | SaFlags::SA_SIGINFO;
    let action = SigAction::new(SigHandler::SigAction(handler::crashed), flags, SigSet::all());
    for signal in SIGNALS {
        // SAFETY: the handler calls nothing but what may be called in one.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

/// What makes a thread answer when it crashes; taken back when it is dropped, which is on the same thread.
pub struct ArmedThread {
    _stack: AlternateStack,
    // Kept: the handler goes through pointers into it.
    _board: Board,
}

/// Says that this thread serves a core. Asked once by each thread that calls the app.
pub fn arm_thread(board: &Board, place: usize, core: usize) -> nix::Result<ArmedThread> {
    let stack = AlternateStack::install()?;
    ARMED.set(Some(Armed { core: board.core(place, core), worker: board.worker(place), number: core as u32 }));
    Ok(ArmedThread { _stack: stack, _board: board.clone() })
}

impl Drop for ArmedThread {
    fn drop(&mut self) {
        ARMED.set(None);
    }
}
