//! What runs inside of a signal handler: atomics and system calls, no locks and no memory.

use crate::board::{Core, CoreState, Wish, WorkerCell};
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize};

/// What is taken for a crash.
pub const SIGNALS: [Signal; 5] = [Signal::SIGABRT, Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL];

/// What a client is sent whose request crashed.
const ANSWER: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\n\
Content-Type: text/plain\r\n\
Content-Length: 22\r\n\
Connection: close\r\n\
\r\n\
Internal Server Error\n";

/// The cells of a thread on the board.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    pub(super) core: *const Core,
    pub(super) worker: *const WorkerCell,
    pub(super) number: u32,
}

thread_local! {
    // Without a destructor and with a constant at its begin: no more than memory beside the thread, to be read in a
    // handler as well.
    pub(super) static ARMED: Cell<Option<Armed>> = const { Cell::new(None) };
}

static NOTIFY: AtomicI32 = AtomicI32::new(-1);

pub(super) fn set_notify(notify: RawFd) {
    NOTIFY.store(notify, Relaxed);
}

/// One crash of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Number of the core.
    pub core: usize,
    /// The signal.
    pub signal: i32,
    /// The address of the fault; 0 for an abort.
    pub address: usize,
}

/// As many crashes are told apart as can happen before somebody looks.
const SLOTS: usize = 64;

struct Slot {
    /// Core number + 1; 0: nothing is here yet.
    core: AtomicU32,
    signal: AtomicI32,
    address: AtomicU64,
}

static CRASHES: [Slot; SLOTS] =
    [const { Slot { core: AtomicU32::new(0), signal: AtomicI32::new(0), address: AtomicU64::new(0) } }; SLOTS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// The crashes since the last call.
pub fn reported() -> Vec<Crash> {
    let whole = |slot: &Slot| match slot.core.swap(0, Acquire) {
        0 => None,
        core => {
            let (signal, address) = (slot.signal.load(Relaxed), slot.address.load(Relaxed) as usize);
            Some(Crash { core: core as usize - 1, signal, address })
        }
    };
    CRASHES.iter().filter_map(whole).collect()
}

fn report(core: u32, signal: i32, address: usize) {
    let slot = &CRASHES[NEXT.fetch_add(1, Relaxed) % SLOTS];
    slot.signal.store(signal, Relaxed);
    slot.address.store(address as u64, Relaxed);
    slot.core.store(core + 1, Release);
}

pub(super) extern "C" fn crashed(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let Some(armed) = ARMED.get() else { return as_without_us(signal) };
    // SAFETY: the thread that is armed holds the board (`ArmedThread`).
    let (core, worker) = unsafe { (&*armed.core, &*armed.worker) };
    if !core.in_request() {
        return as_without_us(signal);
    }
    answer(core);
    // By this a master knows even when the main thread cannot tell: it may wait for a lock this thread holds.
    worker.set_wish(Wish::Crash);
    // SAFETY: the kernel's own; of an abort it has no address.
    let address = if signal == libc::SIGABRT { 0 } else { unsafe { (*info).si_addr() as usize } };
    report(armed.number, signal, address);
    // SAFETY: eight bytes, as an eventfd takes them.
    unsafe { libc::write(NOTIFY.load(Relaxed), (&raw const ONE).cast(), size_of::<u64>()) };
    loop {
        // SAFETY: waits, with all signals blocked (`install`), until the process ends.
        unsafe { libc::pause() };
    }
}

static ONE: u64 = 1;

/// Says 500 where nothing was said yet, and that nothing more will come. Whoever changes the state writes; where the
/// time of the request was up, somebody else has.
fn answer(core: &Core) {
    let fd = core.fd.load(Relaxed);
    let is_socket = fd > 0;
    if core.change_state(CoreState::Asked, CoreState::Crashed) {
        // SAFETY: bytes of ours, to a connection of this thread; never waits, never signals.
        if is_socket && !core.opaque.load(Relaxed) {
            let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
            unsafe { libc::send(fd, ANSWER.as_ptr().cast(), ANSWER.len(), flags) };
        }
    } else if !core.change_state(CoreState::Answering, CoreState::Crashed) {
        return;
    }
    if is_socket {
        // SAFETY: as above.
        unsafe { libc::shutdown(fd, libc::SHUT_WR) };
    }
}

/// The signal does what it does by itself.
fn as_without_us(signal: i32) {
    // SAFETY: calls that may be made in a handler. A fault happens again when this returns; what was raised is raised
    // again, and comes when the handler lets signals through.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
