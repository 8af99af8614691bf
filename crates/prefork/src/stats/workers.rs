use super::head_vars::vars_of;
use super::ledger::{Account, Ledger};
use super::view::{AppView, CoreView, WorkerView};
use crate::board::{Board, Core, CoreState, WorkerState};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads boards, the oldest generation first: the workers 1 to `workers`, and those beside them that are draining.
/// `mounts`: mount points of the apps. `with_vars`: with the variables of running requests.
pub fn workers_of(
    boards: &[&Board],
    ledger: &Ledger,
    workers: u32,
    mounts: &[String],
    with_vars: bool,
) -> (Vec<WorkerView>, Vec<WorkerView>) {
    let places = || boards.iter().flat_map(|board| (0..board.places()).map(move |place| (*board, place)));
    let used = || places().filter(|(board, place)| board.worker(*place).state() != WorkerState::Empty);
    let (mut counted, mut draining) = (Vec::new(), Vec::new());
    for id in 1..=workers {
        let mine: Vec<(&Board, usize)> =
            used().filter(|(board, place)| board.worker(*place).id.load(Relaxed) == id).collect();
        let shown = mine.iter().copied().max_by_key(|(board, place)| rank(board.worker(*place).state()));
        let mut account = ledger.account(id);
        for (board, place) in &mine {
            account.add(board, *place);
            if shown.is_some_and(|(shown, at)| !std::ptr::eq(shown, *board) || at != *place) {
                let mut own = Account::default();
                own.add(board, *place);
                draining.push(worker_view(id, Some((board, *place)), &own, mounts, with_vars));
            }
        }
        counted.push(worker_view(id, shown, &account, mounts, with_vars));
    }
    // A reload to fewer workers leaves some with numbers that are not counted any more.
    for (board, place) in used().filter(|(board, place)| board.worker(*place).id.load(Relaxed) > workers) {
        let mut own = Account::default();
        own.add(board, place);
        draining.push(worker_view(board.worker(place).id.load(Relaxed), Some((board, place)), &own, mounts, with_vars));
    }
    (counted, draining)
}

/// Of several processes with one number the best is shown; of equals the last, which is the newest.
fn rank(state: WorkerState) -> u8 {
    match state {
        WorkerState::Empty => 0,
        WorkerState::Draining => 1,
        WorkerState::Starting => 2,
        WorkerState::Paused => 3,
        WorkerState::Accepting => 4,
    }
}

fn worker_view(
    id: u32,
    at: Option<(&Board, usize)>,
    account: &Account,
    mounts: &[String],
    with_vars: bool,
) -> WorkerView {
    let cell = at.map(|(board, place)| board.worker(place));
    let startup_ms = cell.map_or(0, |cell| cell.startup_ms.load(Relaxed));
    let is_alone = mounts.len() == 1;
    let app = |mountpoint: &String| AppView {
        mountpoint: mountpoint.clone(),
        startup_ms,
        requests: if is_alone { account.requests } else { 0 },
        exceptions: if is_alone { account.exceptions } else { 0 },
    };
    let threads = at.map_or(account.cores.len(), |(board, _)| board.threads());
    let core = |index: usize| core_view(index, at, account.cores.get(index).copied().unwrap_or_default(), with_vars);
    WorkerView {
        id,
        pid: cell.map_or(0, |cell| cell.pid.load(Relaxed)),
        state: cell.map_or(WorkerState::Empty, |cell| cell.state()),
        requests: account.requests,
        delta_requests: cell.map_or(0, |cell| cell.requests.load(Relaxed)),
        exceptions: account.exceptions,
        harakiri_count: account.harakiri_count,
        signals: account.signals,
        rss: cell.map_or(0, |cell| cell.rss.load(Relaxed)),
        vsz: cell.map_or(0, |cell| cell.vsz.load(Relaxed)),
        running_time: account.running_time,
        last_spawn: cell.map_or(0, |cell| cell.last_spawn.load(Relaxed)),
        respawn_count: account.spawns,
        tx: account.tx,
        avg_rt: cell.map_or(0, |cell| cell.avg_rt.load(Relaxed)),
        connections: cell.map_or(0, |cell| cell.connections.load(Relaxed)),
        apps: mounts.iter().map(app).collect(),
        cores: (0..threads).map(core).collect(),
    }
}

fn core_view(index: usize, at: Option<(&Board, usize)>, sums: [u64; 5], with_vars: bool) -> CoreView {
    let core = at.map(|(board, place)| board.core(place, index));
    let state = core.map_or(CoreState::Idle, Core::state);
    let running = at.zip(core).filter(|_| state != CoreState::Idle);
    let [requests, static_requests, offloaded_requests, write_errors, read_errors] = sums;
    CoreView {
        id: index,
        state,
        requests,
        static_requests,
        offloaded_requests,
        write_errors,
        read_errors,
        vars: running.filter(|_| with_vars).map_or_else(Vec::new, |((board, place), core)| {
            vars_of(&board.copy_buffer(place, index, core.head_len.load(Relaxed) as usize))
        }),
        request_start: running.map_or(0, |(_, core)| since_1970(core.started_us.load(Relaxed))),
    }
}

/// A time of the monotonic clock in microseconds, as seconds since 1970.
fn since_1970(started_us: u64) -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return 0 };
    let now_us = now.tv_sec().unsigned_abs() * 1_000_000 + now.tv_nsec().unsigned_abs() / 1000;
    let ago = std::time::Duration::from_micros(now_us.saturating_sub(started_us));
    let began = SystemTime::now().checked_sub(ago);
    began.and_then(|began| began.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}
