//! The first thread of a worker: signals, time limits, crashes, and the end. It never asks the app.

use super::clock::{now_ms, now_us};
use super::shared::Shared;
use super::sweep;
use super::thread::{give_row_away, take_last};
use super::{balance, give_up};
use crate::app::crash;
use crate::board::{CoreState, Wish, WorkerState};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Exit code of a worker that has ended in order.
pub const RELOADED: i32 = 17;
/// Exit code of a worker that was told to end at once.
pub const ENDED: i32 = 30;

/// Longest sleep, and longest lateness of a time limit that nobody waits for.
const TICK: Duration = Duration::from_secs(1);
/// The same while the worker is about to end.
const DRAIN_TICK: Duration = Duration::from_millis(50);

/// How long a worker that has more connections than others takes over none.
const ASIDE: Duration = Duration::from_millis(1);

/// Returns when the worker is to exit, with its code.
pub fn watch(shared: &Shared, signals: &SignalFd, lifeline: &OwnedFd) -> i32 {
    let mut next_sweep = now_ms();
    loop {
        let timeout = planned_sleep(shared, now_ms()).min(REMINDER);
        let was_aside = shared.is_aside();
        let mut polled = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(shared.wake_main.as_fd(), PollFlags::POLLIN),
            PollFd::new(lifeline.as_fd(), PollFlags::POLLIN),
        ];
        // A drain without a master is in time limits' hands alone.
        let watched = if shared.is_draining() { 2 } else { 3 };
        let _ = poll(&mut polled[..watched], PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX));
        let is_orphan = watched == 3 && polled[2].revents().is_some_and(|events| !events.is_empty());
        while let Ok(Some(signal)) = signals.read_signal() {
            shared.cell().signals.fetch_add(1, Relaxed);
            if let Some(code) = obey(shared, signal.ssi_signo as i32) {
                return code;
            }
        }
        let _ = shared.wake_main.read();
        if is_orphan {
            shared.logger.line(&format!("worker {} (pid {}): the master is gone, ending", shared.id, shared.pid));
            begin_drain(shared, false);
        }
        if was_aside {
            balance::rejoin(shared);
        }
        look_for_crashes(shared);
        give_up::look(shared, now_ms());
        if now_ms() >= next_sweep || shared.is_draining() {
            sweep::sweep(shared, now_ms());
            give_row_away(shared);
            remind_of_clients(shared);
            next_sweep = now_ms() + 500;
        }
        if shared.is_draining() && shared.is_done() {
            return RELOADED;
        }
    }
}

/// Longest time between two looks at listening sockets.
const REMINDER: Duration = Duration::from_secs(1);

/// One worker alone is told of a client that comes, or is passed on. Where that one drains, or is killed, before it takes
/// it, nobody else knows: whoever has a free thread looks again.
fn remind_of_clients(shared: &Shared) {
    let is_open = shared.cell().state() == WorkerState::Accepting && !shared.is_draining() && !shared.is_aside();
    if !is_open || shared.busy() >= shared.settings.threads as usize {
        return;
    }
    let listeners = shared.listeners.iter().map(|listener| listener.fd.as_fd());
    let passed_on = shared.handover.iter().map(|handover| handover.receive.as_fd());
    let mut fds: Vec<_> = listeners.chain(passed_on).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    if poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        super::watch_listeners(shared);
    }
}

/// How long nothing can become due.
fn planned_sleep(shared: &Shared, now: u64) -> Duration {
    if shared.is_draining() {
        return DRAIN_TICK;
    }
    if shared.is_aside() {
        return ASIDE;
    }
    let harakiri = shared.settings.life.harakiri;
    if harakiri.is_zero() {
        return TICK;
    }
    // A request that begins while this thread sleeps is due after `harakiri` at the earliest.
    let due = shared.board.cores(shared.place).filter(|core| is_asked(core.state()));
    let first = due.map(|core| core.deadline_ms.load(Relaxed)).filter(|due| *due > 0).min();
    let rest = first.map_or(harakiri, |due| Duration::from_millis(due.saturating_sub(now).max(1)));
    rest.min(TICK)
}

pub fn is_asked(state: CoreState) -> bool {
    matches!(state, CoreState::Asked | CoreState::Answering)
}

fn obey(shared: &Shared, signal: i32) -> Option<i32> {
    match Signal::try_from(signal).ok()? {
        Signal::SIGHUP => begin_drain(shared, shared.cell().hands_over.load(Relaxed)),
        Signal::SIGINT | Signal::SIGTERM | Signal::SIGQUIT => return Some(ENDED),
        Signal::SIGTSTP => toggle_pause(shared),
        Signal::SIGUSR1 => say_counts(shared),
        Signal::SIGUSR2 => say_requests(shared),
        _ => {}
    }
    None
}

pub fn begin_drain(shared: &Shared, gives_away: bool) {
    if shared.is_draining() {
        return;
    }
    shared.drain(gives_away);
    take_last(shared);
    shared.cell().set_state(WorkerState::Draining);
    shared.tell_master();
}

fn toggle_pause(shared: &Shared) {
    match shared.cell().state() {
        WorkerState::Accepting => {
            for listener in &shared.listeners {
                shared.poller.remove(listener.fd.as_fd());
            }
            shared.cell().set_state(WorkerState::Paused);
        }
        WorkerState::Paused => {
            super::watch_listeners(shared);
            shared.cell().set_state(WorkerState::Accepting);
        }
        _ => return,
    }
    shared.tell_master();
}

/// A thread that crashed stands still; the others finish what they have, and the worker ends.
fn look_for_crashes(shared: &Shared) {
    for crash in crash::reported() {
        let request = describe_request(shared, crash.core);
        shared.cell().exceptions.fetch_add(1, Relaxed);
        shared.logger.line(&format!(
            "worker {} (pid {}) core {}: {} at {:#x}; request: {request}; the worker finishes its other requests and is replaced",
            shared.id,
            shared.pid,
            crash.core,
            name_of(crash.signal),
            crash.address,
        ));
        shared.wish(Wish::Crash);
        begin_drain(shared, true);
    }
}

fn name_of(signal: i32) -> &'static str {
    Signal::try_from(signal).map_or("a crash", Signal::as_str)
}

/// The request line of what a core serves.
pub fn describe_request(shared: &Shared, core: usize) -> String {
    let length = shared.board.core(shared.place, core).head_len.load(Relaxed) as usize;
    let head = shared.board.copy_buffer(shared.place, core, length.min(2048));
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).escape_debug().to_string()
}

fn say_counts(shared: &Shared) {
    let cell = shared.cell();
    shared.logger.line(&format!(
        "worker {} (pid {}): {} requests, {} connections, {} of {} threads busy",
        shared.id,
        shared.pid,
        cell.requests.load(Relaxed),
        shared.slots.open(),
        shared.busy(),
        shared.board.threads(),
    ));
}

fn say_requests(shared: &Shared) {
    for (number, core) in shared.board.cores(shared.place).enumerate().filter(|(_, core)| is_asked(core.state())) {
        let since = now_us().saturating_sub(core.started_us.load(Relaxed)) / 1000;
        let request = describe_request(shared, number);
        shared.logger.line(&format!("worker {} core {number}: for {since} ms: {request}", shared.id));
    }
}
