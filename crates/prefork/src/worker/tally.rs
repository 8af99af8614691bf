//! Counting and logging of requests that were served.

use super::answer::Stage;
use super::clock::now_us;
use super::shared::Shared;
use crate::board::{Board, Core, Wish};
use crate::exchange::Outcome;
use crate::log::RequestEntry;
use crate::memory;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

/// What is known of a request when it is over.
pub struct Finished<'a> {
    /// The time of day and of the monotonic clock, in microseconds.
    pub began: (SystemTime, u64),
    pub app: usize,
    pub is_file: bool,
    pub outcome: &'a Outcome,
    pub stage: Stage,
    pub complaint: Option<String>,
    pub body_in: u64,
    pub body_out: u64,
    pub read_failed: bool,
    pub write_failed: bool,
}

/// Counts it, logs it, and asks for a new worker where this one has served enough.
pub fn tally(
    shared: &Shared,
    core: &Core,
    number: usize,
    vars: &[(&[u8], &[u8])],
    head_bytes: usize,
    finished: &Finished<'_>,
) {
    let cell = shared.cell();
    let took = now_us().saturating_sub(finished.began.1);
    let sent = match finished.stage {
        Stage::Whole(sent) | Stage::Open(sent) => Some(sent),
        Stage::Fresh | Stage::Broken => None,
    };
    let (status, headers, head_out) = sent.map_or((0, 0, 0), |sent| (sent.status, sent.headers, sent.bytes));
    core.requests.fetch_add(1, Relaxed);
    let served = cell.requests.fetch_add(1, Relaxed) + 1;
    if finished.is_file {
        core.static_requests.fetch_add(1, Relaxed);
    }
    core.read_errors.fetch_add(u64::from(finished.read_failed), Relaxed);
    core.write_errors.fetch_add(u64::from(finished.write_failed), Relaxed);
    cell.running_time.fetch_add(took, Relaxed);
    cell.avg_rt.store((cell.avg_rt.load(Relaxed) + took) / 2, Relaxed);
    cell.tx.fetch_add(head_out as u64 + finished.body_out, Relaxed);
    if let Some(what) = complaint(finished) {
        cell.exceptions.fetch_add(1, Relaxed);
        let value = |name: &[u8]| {
            let found = vars.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            String::from_utf8_lossy(found.unwrap_or_default()).escape_debug().to_string()
        };
        let (method, uri) = (value(b"REQUEST_METHOD"), value(b"REQUEST_URI"));
        shared.logger.line(&format!("worker {} core {number}: {what}; request: {method} {uri}", shared.id));
    }
    shared.logger.request(&RequestEntry {
        vars,
        head_bytes,
        body_bytes: finished.body_in,
        status,
        headers,
        headers_bytes: head_out,
        response_bytes: finished.body_out,
        began: finished.began.0,
        took: Duration::from_micros(took),
        pid: shared.pid,
        worker: shared.id,
        core: number,
        worker_requests: served,
        total_requests: if shared.settings.log.disable_requests { 0 } else { all_requests(&shared.board) },
        app: finished.app,
        read_errors: u64::from(finished.read_failed),
        write_errors: u64::from(finished.write_failed),
        memory: (cell.rss.load(Relaxed), cell.vsz.load(Relaxed)),
    });
    ask_for_successor(shared, served);
}

fn complaint(finished: &Finished<'_>) -> Option<String> {
    match (finished.outcome, &finished.complaint, finished.stage) {
        (Outcome::Panicked(why), _, _) => Some(format!("the app panicked: {why}")),
        (Outcome::Done, Some(why), _) => Some(why.clone()),
        _ => None,
    }
}

fn all_requests(board: &Board) -> u64 {
    (0..board.places()).map(|place| board.worker(place).requests.load(Relaxed)).sum()
}

/// Threads of all workers that serve a request at this moment.
pub fn all_busy(board: &Board) -> u32 {
    (0..board.places()).map(|place| board.worker(place).busy.load(Relaxed)).sum()
}

/// A worker is replaced in its own time: the master waits until it is old enough and its successor accepts.
fn ask_for_successor(shared: &Shared, served: u64) {
    let life = &shared.settings.life;
    let most = life.max_requests + life.max_requests_delta * u64::from(shared.id.saturating_sub(1));
    if life.max_requests > 0 && served >= most {
        shared.wish(Wish::MaxRequests);
    }
    if life.reload_on_rss == 0 && life.reload_on_as == 0 {
        return;
    }
    let Some((resident, size)) = memory::of_process(shared.pid) else { return };
    shared.cell().vsz.store(size, Relaxed);
    shared.cell().rss.store(resident, Relaxed);
    if life.reload_on_rss > 0 && resident > life.reload_on_rss {
        shared.wish(Wish::Rss);
    } else if life.reload_on_as > 0 && size > life.reload_on_as {
        shared.wish(Wish::AddressSpace);
    }
}
