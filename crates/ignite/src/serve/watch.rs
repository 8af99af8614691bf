//! Keeps deadlines and other requests going while a handler blocks the thread it runs on.
//!
//! The thread of the runtime that waits for sockets and timers is also the one that runs what they wake. When that is
//! a handler that blocks, the other threads sleep on, and nobody looks at sockets and timers until it returns. A task
//! given to the runtime from outside wakes one of the others, which then takes over the looking.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::execution::App;

/// How long sockets and timers may go unattended.
const ROUND: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(crate) struct Watch {
    armed: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Watch {
    /// Called whenever work begins; costs something only when the watch was asleep.
    pub(crate) fn arm(&self) {
        if !self.armed.load(Ordering::SeqCst) && !self.armed.swap(true, Ordering::SeqCst) {
            self.thread.get().inspect(|thread| thread.unpark());
        }
    }
}

/// Starts the thread that watches. It sleeps whenever nothing runs.
pub(crate) fn start(app: &Arc<App>) -> std::io::Result<()> {
    let (runtime, watched) = (Handle::current(), app.clone());
    let watching = std::thread::Builder::new().name("ignite-watch".into()).stack_size(64 * 1024);
    let thread = watching.spawn(move || {
        loop {
            while !watched.watch.armed.load(Ordering::SeqCst) {
                std::thread::park();
            }
            std::thread::sleep(ROUND);
            if watched.is_idle() {
                watched.watch.armed.store(false, Ordering::SeqCst);
                // Work that began in between found the watch armed and did not wake it.
                if watched.is_idle() {
                    continue;
                }
                watched.watch.armed.store(true, Ordering::SeqCst);
            }
            runtime.spawn(async {});
        }
    })?;
    let _ = app.watch.thread.set(thread.thread().clone());
    // Work may have begun before there was a thread to wake.
    thread.thread().unpark();
    Ok(())
}
