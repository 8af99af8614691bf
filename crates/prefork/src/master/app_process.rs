//! The app process: loads the apps once, then only forks workers and tells how they end.
//!
//! It has one thread, and is the only one of the host's processes beside the workers that ever runs an app's code.
#![allow(unsafe_code)]

use super::control::{Heard, Order, Report, hear, report};
use super::sockets::Sockets;
use super::{LoadFailure, Parts, signals, tune};
use crate::app::App;
use crate::board::{Board, WorkerState};
use crate::settings::Settings;
use crate::worker::{Handover, WorkerContext};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, fork};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

/// What an app process is given.
pub(super) struct AppProcess {
    pub control: OwnedFd,
    pub settings: Arc<Settings>,
    pub board: Board,
    pub sockets: Sockets,
    pub notify: OwnedFd,
    pub lifeline: OwnedFd,
    pub handover: (OwnedFd, OwnedFd),
}

/// Forks an app process; the parent gets its pid. In the child, `private` are closed and this never returns.
pub(super) fn start<P: Parts>(parts: &mut P, given: AppProcess, private: &[i32]) -> nix::Result<i32> {
    let master = std::process::id() as i32;
    // SAFETY: the master has one thread.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child.as_raw()),
        ForkResult::Child => {
            for fd in private {
                // SAFETY: the objects that own them are never used or dropped in this process, which ends below.
                unsafe { libc::close(*fd) };
            }
            let code = catch_unwind(AssertUnwindSafe(|| run(parts, given, master))).unwrap_or(1);
            leave(code)
        }
    }
}

/// Ends a process without running anything of its parents.
fn leave(code: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(code) }
}

fn run<P: Parts>(parts: &mut P, mut given: AppProcess, master: i32) -> i32 {
    if !tune::end_with_master(master) {
        return 1;
    }
    tune::app_process(&given.settings);
    let mut apps = match load(parts, &given.settings) {
        Ok(apps) => apps,
        Err(LoadFailure { text, code }) => {
            report(&given.control, &Report::Failed { code, text });
            return code;
        }
    };
    tune::outlive_master();
    report(&given.control, &Report::Loaded);
    let Ok(ended) = signals::Signals::of_app_process() else { return 1 };
    let mut workers = HashMap::new();
    let mut open = true;
    while open || !workers.is_empty() {
        wait(open.then_some(&given.control), &ended);
        ended.read();
        while open {
            match hear(&given.control) {
                Heard::Words(text) => match Order::decode(&text) {
                    Some(Order::Fork { place, id }) => {
                        let forked = fork_worker(parts, &given, &mut apps, &ended, place, id);
                        if let Report::Forked { pid, .. } = forked {
                            workers.insert(pid, place);
                        }
                        report(&given.control, &forked);
                    }
                    Some(Order::Close) => given.sockets = Sockets::default(),
                    None => {}
                },
                Heard::Nothing => break,
                Heard::End => {
                    open = false;
                    given.sockets = Sockets::default();
                }
            }
        }
        for (pid, status) in signals::ended_children() {
            if let Some(place) = workers.remove(&pid) {
                report(&given.control, &Report::Exited { place, pid, status });
            }
        }
    }
    0
}

fn load<P: Parts>(parts: &mut P, settings: &Settings) -> Result<Option<Vec<App>>, LoadFailure> {
    if settings.lazy_apps { Ok(None) } else { parts.load(settings).map(Some) }
}

fn wait(control: Option<&OwnedFd>, ended: &signals::Signals) {
    let fds = control.map(AsFd::as_fd).into_iter().chain([ended.as_fd()]);
    let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let _ = poll(&mut fds, PollTimeout::NONE);
}

fn fork_worker<P: Parts>(
    parts: &mut P,
    given: &AppProcess,
    apps: &mut Option<Vec<App>>,
    ended: &signals::Signals,
    place: usize,
    id: u32,
) -> Report {
    // SAFETY: this process has one thread, but for those an app has made while it was loaded.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Report::Forked { place, pid: child.as_raw() },
        Err(error) => Report::NotForked { place, errno: error as i32 },
        Ok(ForkResult::Child) => {
            let cell = given.board.worker(place);
            cell.pid.store(std::process::id() as i32, Relaxed);
            cell.id.store(id, Relaxed);
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            cell.last_spawn.store(since.as_secs(), Relaxed);
            cell.set_state(WorkerState::Starting);
            // SAFETY: their owners are never used or dropped in this process, which ends below.
            unsafe {
                libc::close(given.control.as_raw_fd());
                libc::close(ended.as_fd().as_raw_fd());
            }
            tune::worker(&given.settings, id);
            let apps = apps.take();
            let code = catch_unwind(AssertUnwindSafe(|| match context(parts, given, apps, place, id) {
                Ok(context) => parts.work(context),
                Err(error) => {
                    parts.line(&format!("worker {id} cannot begin: {}", error.desc()));
                    1
                }
            }));
            leave(code.unwrap_or(1))
        }
    }
}

fn context<P: Parts>(
    parts: &P,
    given: &AppProcess,
    apps: Option<Vec<App>>,
    place: usize,
    id: u32,
) -> Result<WorkerContext, Errno> {
    let copy = |fd: &OwnedFd| fd.try_clone().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)));
    Ok(WorkerContext {
        settings: given.settings.clone(),
        board: given.board.clone(),
        place,
        id,
        listeners: given.sockets.of_worker(id),
        apps,
        notify: copy(&given.notify)?,
        lifeline: copy(&given.lifeline)?,
        handover: Some(Handover { receive: copy(&given.handover.0)?, send: copy(&given.handover.1)? }),
        logger: parts.logger(&given.settings),
    })
}
