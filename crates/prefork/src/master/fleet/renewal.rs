//! Workers that serve well and are replaced all the same: the new one accepts before the old one is asked to drain.

use super::{Action, AppState, Generation, Millis, Reason, Worker};
use crate::board::Wish;

/// The next worker to replace. Only one at a time, so that most of them serve at any moment.
pub(super) fn recycle(generation: &Generation, now: Millis) -> Option<Action> {
    let busy = generation.living().any(|(_, worker)| worker.leaving && !worker.drains());
    if busy || !may_replace(generation, 1) {
        return None;
    }
    let (place, _, why) = generation
        .living()
        .filter(|(_, worker)| worker.is_fresh() && worker.serves())
        .filter_map(|(place, worker)| Some((place, worker.serial, why(generation, worker, now)?)))
        .min_by_key(|(_, serial, _)| *serial)?;
    Some(Action::Replace { generation: generation.number, place, why })
}

/// All workers that are to be replaced at a time, as far as there is room.
pub(super) fn together(generation: &Generation) -> Vec<Action> {
    generation
        .living()
        .filter(|(_, worker)| worker.is_fresh() && worker.serves() && worker.serial < generation.renew_all_before)
        .enumerate()
        .take_while(|(index, _)| may_replace(generation, index + 1))
        .map(|(_, (place, _))| Action::Replace { generation: generation.number, place, why: Reason::Reload })
        .collect()
}

/// Whether so many more find room beside those that are still to be forked.
fn may_replace(generation: &Generation, more: usize) -> bool {
    let free = generation.workers.iter().filter(|at| at.is_none()).count();
    let missing = generation.active().filter(|id| generation.fresh(*id).is_none()).count();
    generation.app == AppState::Ready && free >= missing + more
}

fn why(generation: &Generation, worker: &Worker, now: Millis) -> Option<Reason> {
    if worker.serial < generation.renew_before {
        return Some(Reason::Reload);
    }
    if outlived(generation, worker).is_some_and(|end| now >= end) {
        return Some(Reason::Lifetime);
    }
    if now < worker.ready_at? + generation.rules.min_lifetime {
        return None;
    }
    match worker.wish {
        Wish::MaxRequests => Some(Reason::Requests),
        Wish::Rss => Some(Reason::Rss),
        Wish::AddressSpace => Some(Reason::AddressSpace),
        _ => None,
    }
}

/// When a worker is too old.
pub(super) fn outlived(generation: &Generation, worker: &Worker) -> Option<Millis> {
    let rules = &generation.rules;
    let more = rules.max_lifetime_delta * u64::from(worker.id - 1);
    (rules.max_lifetime > 0).then_some(worker.ready_at? + rules.max_lifetime + more)
}
