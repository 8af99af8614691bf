//! What the master says in its log.

use super::fleet::{Action, Asked, Ending, Fleet, Reason, Worker};
use crate::board::{Board, CoreState};
use nix::sys::signal::Signal;
use std::sync::atomic::Ordering::Relaxed;

/// A line for what is done, where it is worth one.
pub(super) fn action(fleet: &Fleet, action: &Action) -> Option<String> {
    let name = |generation: &u64, place: &usize| {
        let worker = fleet.generation(*generation)?.workers.get(*place)?.as_ref()?;
        Some(worker_name(worker))
    };
    Some(match action {
        Action::Replace { generation, place, why } => {
            format!("{} will be replaced: {}", name(generation, place)?, reason(*why))
        }
        Action::Kill { generation, place, why } => format!("killing {}: {}", name(generation, place)?, reason(*why)),
        Action::StartApp { .. } => "the app process is gone; another one is started".into(),
        Action::Promote { .. } => "the new generation serves".into(),
        Action::Abandon { text, .. } => format!("reload failed, the generation before goes on: {text}"),
        _ => return None,
    })
}

fn worker_name(worker: &Worker) -> String {
    match worker.pid {
        Some(pid) => format!("worker {} (pid {pid})", worker.id),
        None => format!("worker {}", worker.id),
    }
}

fn reason(why: Reason) -> &'static str {
    match why {
        Reason::Requests => "it has served as many requests as it may (max-requests)",
        Reason::Lifetime => "it is as old as it may be (max-worker-lifetime)",
        Reason::Rss => "its resident memory is above reload-on-rss",
        Reason::AddressSpace => "its address space is above reload-on-as",
        Reason::Reload => "a reload was asked for",
        Reason::Mercy => "it did not end in time (worker-reload-mercy)",
        Reason::Harakiri => "a request took too long (harakiri) and the worker did not see to it",
        Reason::EvilMemory => "its memory is above evil-reload-on-rss or evil-reload-on-as",
        Reason::NoPlace => "another worker needs its place",
    }
}

/// A line for a worker's end, where nobody asked for it.
pub(super) fn ending(worker: &Worker, how: Ending, board: &Board, place: usize) -> Option<String> {
    let ended = match how {
        Ending::Code(17 | 30) if worker.ready_at.is_some() => return None,
        Ending::Code(22) => "could not load the app (exit code 22)".into(),
        Ending::Code(code) => format!("ended with exit code {code}"),
        Ending::Signal(number) => match Signal::try_from(number) {
            Ok(signal) => format!("was ended by {}", signal.as_str()),
            Err(_) => format!("was ended by signal {number}"),
        },
    };
    if worker.asked > Asked::Nothing {
        return None;
    }
    let before = if worker.ready_at.is_none() { " before it served" } else { "" };
    let requests: Vec<String> = running(board, place).collect();
    let during = if requests.is_empty() { String::new() } else { format!(", during {}", requests.join("; ")) };
    Some(format!("{} {ended}{before}{during}", worker_name(worker)))
}

/// First lines of the requests a worker has begun.
fn running(board: &Board, place: usize) -> impl Iterator<Item = String> {
    (0..board.threads()).filter(move |core| board.core(place, *core).state() != CoreState::Idle).map(move |core| {
        let len = board.core(place, core).head_len.load(Relaxed) as usize;
        let head = board.copy_buffer(place, core, len.min(200));
        let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line).escape_debug().to_string()
    })
}

/// Lines for `USR1`: totals; and for `USR2`, with `each`: every worker.
pub(super) fn statistics(fleet: &Fleet, boards: &[(u64, Board)], each: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for generation in &fleet.generations {
        let Some((_, board)) = boards.iter().find(|(number, _)| *number == generation.number) else { continue };
        let requests: u64 = generation.living().map(|(place, _)| board.worker(place).requests.load(Relaxed)).sum();
        lines.push(format!(
            "generation {} ({:?}): {} of {} workers accept, {requests} requests by those that live",
            generation.number,
            generation.role,
            generation.accepting(),
            generation.rules.workers,
        ));
        for (place, worker) in generation.living().filter(|_| each) {
            let cell = board.worker(place);
            lines.push(format!(
                "{}: {:?}, {} requests, {} connections, {} of {} threads busy",
                worker_name(worker),
                cell.state(),
                cell.requests.load(Relaxed),
                cell.connections.load(Relaxed),
                cell.busy.load(Relaxed),
                board.threads(),
            ));
            lines.extend(running(board, place).map(|request| format!("  {request}")));
        }
    }
    lines
}
