use super::renewal::{recycle, together};
use super::worker::Asked;
use super::{AppState, Fleet, Generation, Millis, Role, Stop, Worker};
use crate::board::WorkerState;

/// A worker that was told to end at once is killed after this time.
pub(super) const STOP_MERCY: Millis = 2_000;
/// A worker whose own main thread did not act this long after a request's deadline is killed.
pub(super) const HARAKIRI_MERCY: Millis = 2_000;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the sentence above each says what its fields are")]
pub enum Action {
    /// Fork a worker at a place.
    Fork { generation: u64, place: usize, id: u32 },
    /// Have another worker take the place of this one.
    Replace { generation: u64, place: usize, why: Reason },
    /// Ask a worker to finish what it has (HUP).
    Drain { generation: u64, place: usize },
    /// Ask a worker to end at once (TERM).
    StopWorker { generation: u64, place: usize },
    /// Kill a worker.
    Kill { generation: u64, place: usize, why: Reason },
    /// Tell a worker to pause, or to go on (TSTP).
    Toggle { generation: u64, place: usize },
    /// Start the app process again.
    StartApp { generation: u64 },
    /// Ask the app process to end, or kill it while it loads.
    EndApp { generation: u64, kill: bool },
    /// The candidate serves from now on; the one before it retires.
    Promote { generation: u64 },
    /// The candidate will not serve.
    Abandon { generation: u64, text: String },
    /// Nothing is left of it.
    Drop { generation: u64 },
}

/// Why a worker is replaced or killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the settings they come from")]
pub enum Reason {
    Requests,
    Lifetime,
    Rss,
    AddressSpace,
    Reload,
    Mercy,
    Harakiri,
    EvilMemory,
    NoPlace,
}

/// What to do now. What is done comes back as [`super::Event::Done`].
pub fn plan(fleet: &Fleet, now: Millis) -> Vec<Action> {
    fleet.generations.iter().flat_map(|generation| plan_generation(fleet, generation, now)).collect()
}

fn plan_generation(fleet: &Fleet, generation: &Generation, now: Millis) -> Vec<Action> {
    let number = generation.number;
    let mut actions: Vec<Action> =
        generation.living().filter_map(|(place, worker)| overdue(generation, place, worker, now)).collect();
    if fleet.stop != Stop::No || generation.role == Role::Retiring {
        let now = fleet.stop == Stop::Now || generation.retire_now;
        actions.extend(generation.living().filter_map(|(place, worker)| ask_to_end(number, place, worker, now)));
        actions.extend(end_app(generation));
        return actions;
    }
    if let Some(text) = generation.broken.as_ref().filter(|_| generation.role == Role::Candidate) {
        actions.push(Action::Abandon { generation: number, text: text.clone() });
        return actions;
    }
    if generation.app == AppState::Gone && now >= generation.app_slot.not_before {
        actions.push(Action::StartApp { generation: number });
    }
    if generation.role == Role::Candidate && generation.app == AppState::Ready && generation.stands() {
        actions.push(Action::Promote { generation: number });
    }
    actions.extend(restart(generation));
    actions.extend(toggle(fleet, generation));
    actions.extend(fill(generation, now));
    actions.extend(hand_over(generation));
    actions.extend(together(generation));
    actions.extend(recycle(generation, now));
    actions
}

/// Who was given enough time, or took too much.
fn overdue(generation: &Generation, place: usize, worker: &Worker, now: Millis) -> Option<Action> {
    worker.pid?;
    if worker.asked == Asked::Kill {
        return None;
    }
    let rules = &generation.rules;
    let (rss, vsz) = worker.memory;
    let evil = (rules.evil_rss > 0 && rss > rules.evil_rss) || (rules.evil_vsz > 0 && vsz > rules.evil_vsz);
    let why = if ends_by(rules.mercy, worker).is_some_and(|end| now >= end) {
        Reason::Mercy
    } else if worker.deadline.is_some_and(|deadline| now >= deadline + HARAKIRI_MERCY) {
        Reason::Harakiri
    } else if evil {
        Reason::EvilMemory
    } else {
        return None;
    };
    Some(Action::Kill { generation: generation.number, place, why })
}

/// When a worker that is on its way out is killed.
pub(super) fn ends_by(mercy: Millis, worker: &Worker) -> Option<Millis> {
    match worker.asked {
        Asked::Stop => Some(worker.asked_at + STOP_MERCY.min(mercy.max(1))),
        Asked::Drain => Some(worker.asked_at + mercy),
        Asked::Kill => None,
        Asked::Nothing => worker.drains_since.map(|since| since + mercy),
    }
}

fn ask_to_end(generation: u64, place: usize, worker: &Worker, now: bool) -> Option<Action> {
    worker.pid?;
    match (now, worker.asked) {
        (true, Asked::Nothing | Asked::Drain) => Some(Action::StopWorker { generation, place }),
        (false, Asked::Nothing) => Some(Action::Drain { generation, place }),
        _ => None,
    }
}

/// An app process that loads, and will never be used, is killed: an app may take any time to load.
fn end_app(generation: &Generation) -> Option<Action> {
    let number = generation.number;
    let empty = generation.living().next().is_none();
    match generation.app {
        AppState::Starting => Some(Action::EndApp { generation: number, kill: true }),
        AppState::Ready if empty => Some(Action::EndApp { generation: number, kill: false }),
        AppState::Gone if empty => Some(Action::Drop { generation: number }),
        _ => None,
    }
}

fn restart(generation: &Generation) -> impl Iterator<Item = Action> {
    generation
        .living()
        .filter(|(_, worker)| worker.restart && worker.asked < Asked::Stop && worker.pid.is_some())
        .map(|(place, _)| Action::StopWorker { generation: generation.number, place })
}

fn toggle(fleet: &Fleet, generation: &Generation) -> Vec<Action> {
    let wrong = if fleet.paused { WorkerState::Accepting } else { WorkerState::Paused };
    generation
        .living()
        .filter(|(_, worker)| worker.serves() && worker.state == wrong && !worker.toggled)
        .map(|(place, _)| Action::Toggle { generation: generation.number, place })
        .collect()
}

/// Forks whom a number lacks.
fn fill(generation: &Generation, now: Millis) -> Vec<Action> {
    if generation.app != AppState::Ready {
        return Vec::new();
    }
    let number = generation.number;
    let mut free = generation.workers.iter().enumerate().filter(|(_, at)| at.is_none()).map(|(place, _)| place);
    let mut actions = Vec::new();
    for id in generation.active().filter(|id| generation.fresh(*id).is_none()) {
        if now < generation.slots[id as usize - 1].not_before {
            continue;
        }
        if let Some(place) = free.next() {
            actions.push(Action::Fork { generation: number, place, id });
        } else if !holds(generation, id)
            && let Some(place) = make_room(generation)
        {
            actions.push(Action::Kill { generation: number, place, why: Reason::NoPlace });
            break;
        }
    }
    actions
}

/// Whether somebody of this number still serves.
fn holds(generation: &Generation, id: u32) -> bool {
    generation.living().any(|(_, worker)| worker.id == id && !worker.drains())
}

/// Who has been on the way out for longest, unless somebody was killed for room already.
fn make_room(generation: &Generation) -> Option<usize> {
    let out = || generation.living().filter(|(_, worker)| worker.drains() && worker.pid.is_some());
    if out().any(|(_, worker)| worker.asked == Asked::Kill) {
        return None;
    }
    out().min_by_key(|(_, worker)| worker.serial).map(|(place, _)| place)
}

/// Drains whoever is not needed any more: another one has its place, or nobody should.
fn hand_over(generation: &Generation) -> Vec<Action> {
    let needless = |worker: &Worker| {
        let taken = worker.leaving && generation.fresh(worker.id).is_some_and(|(_, fresh)| fresh.serves());
        taken || !generation.slots[worker.id as usize - 1].active
    };
    generation
        .living()
        .filter(|(_, worker)| worker.pid.is_some() && !worker.drains() && !worker.restart)
        .filter(|(_, worker)| needless(worker))
        .map(|(place, _)| Action::Drain { generation: generation.number, place })
        .collect()
}
