use super::plan::{HARAKIRI_MERCY, ends_by};
use super::renewal::outlived;
use super::{AppState, Asked, Fleet, Generation, Millis, Role, Stop, Worker};

/// When [`super::plan`] is to be asked again although nothing happened.
pub fn next_wake(fleet: &Fleet, now: Millis) -> Option<Millis> {
    fleet.generations.iter().flat_map(|generation| moments(fleet, generation)).filter(|at| *at > now).min()
}

fn moments(fleet: &Fleet, generation: &Generation) -> Vec<Millis> {
    let mut moments: Vec<Millis> =
        generation.living().flat_map(|(_, worker)| moments_of(generation, worker)).flatten().collect();
    if fleet.stop == Stop::No && generation.role != Role::Retiring {
        moments.extend(
            generation
                .active()
                .filter(|id| generation.fresh(*id).is_none())
                .map(|id| generation.slots[id as usize - 1].not_before),
        );
        if generation.app == AppState::Gone {
            moments.push(generation.app_slot.not_before);
        }
    }
    moments
}

fn moments_of(generation: &Generation, worker: &Worker) -> [Option<Millis>; 4] {
    let rules = &generation.rules;
    let wishes = worker.wish != crate::board::Wish::None && worker.asked == Asked::Nothing;
    [
        ends_by(rules.mercy, worker),
        worker.deadline.map(|deadline| deadline + HARAKIRI_MERCY),
        outlived(generation, worker),
        worker.ready_at.filter(|_| wishes).map(|ready| ready + rules.min_lifetime),
    ]
}
