//! How the number of workers follows the load.

use super::Generation;
use crate::settings::{CheaperAlgorithm, CheaperSettings};

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Cheap {
    busy_rounds: u32,
    idle_rounds: u32,
}

/// A change of the number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// So many more.
    More(u32),
    /// One less.
    Less,
}

/// What one second means for the number of workers: `idle` of `serving` ones do nothing.
fn decide(seen: &mut Cheap, by: &CheaperSettings, serving: u32, idle: u32, backlog: u32) -> Option<Change> {
    match by.algorithm {
        CheaperAlgorithm::Manual => None,
        CheaperAlgorithm::Backlog if backlog > by.overload => Some(Change::More(by.step)),
        CheaperAlgorithm::Backlog => (idle > 0 && backlog < by.overload.max(1)).then_some(Change::Less),
        CheaperAlgorithm::Spare => {
            // One that is idle is what is wanted.
            (seen.busy_rounds, seen.idle_rounds) = match idle {
                0 if serving > 0 => (seen.busy_rounds + 1, 0),
                0 | 1 => (0, 0),
                _ => (0, seen.idle_rounds + 1),
            };
            if seen.busy_rounds > by.overload {
                seen.busy_rounds = 0;
                return Some(Change::More(by.step));
            }
            if seen.idle_rounds >= by.overload.max(1) {
                seen.idle_rounds = 0;
                return Some(Change::Less);
            }
            None
        }
    }
}

impl Generation {
    /// A second has passed.
    pub(super) fn follow_load(&mut self, backlog: u32) {
        let Some(by) = self.rules.cheaper.clone() else { return };
        let serving = self.living().filter(|(_, worker)| worker.is_fresh() && worker.serves());
        let (serving, idle) =
            serving.fold((0, 0), |(all, idle), (_, worker)| (all + 1, idle + u32::from(worker.busy == 0)));
        if let Some(change) = decide(&mut self.cheap, &by, serving, idle, backlog) {
            self.change_number(change);
        }
    }

    /// More workers, or one less: the one that has been there for longest and is idle, if any is.
    pub(super) fn change_number(&mut self, change: Change) {
        let Some(least) = self.rules.cheaper.as_ref().map(|cheaper| cheaper.least.max(1)) else { return };
        match change {
            Change::More(more) => {
                let asleep = self.slots.iter_mut().filter(|slot| !slot.active);
                asleep.take(more as usize).for_each(|slot| slot.active = true);
            }
            Change::Less if self.active().count() as u32 > least => {
                let oldest = self
                    .living()
                    .filter(|(_, worker)| worker.is_fresh())
                    .min_by_key(|(_, worker)| (worker.busy > 0, worker.serial))
                    .map(|(_, worker)| worker.id);
                if let Some(id) = oldest.or_else(|| self.active().last()) {
                    self.slots[id as usize - 1].active = false;
                }
            }
            Change::Less => {}
        }
    }

    /// As few workers as allowed.
    pub(super) fn shrink(&mut self) {
        for _ in 0..self.slots.len() {
            self.change_number(Change::Less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(algorithm: CheaperAlgorithm) -> CheaperSettings {
        CheaperSettings { least: 1, initial: 1, step: 2, overload: 3, algorithm }
    }

    #[test]
    fn spare_waits_until_it_is_sure() {
        let (mut seen, by) = (Cheap::default(), by(CheaperAlgorithm::Spare));
        let rounds: Vec<_> = (0..4).map(|_| decide(&mut seen, &by, 2, 0, 0)).collect();
        assert_eq!(rounds, [None, None, None, Some(Change::More(2))]);
        assert_eq!(decide(&mut seen, &by, 4, 1, 0), None);
        let rounds: Vec<_> = (0..3).map(|_| decide(&mut seen, &by, 4, 3, 0)).collect();
        assert_eq!(rounds, [None, None, Some(Change::Less)]);
    }

    #[test]
    fn backlog_looks_at_who_waits() {
        let (mut seen, by) = (Cheap::default(), by(CheaperAlgorithm::Backlog));
        assert_eq!(decide(&mut seen, &by, 1, 0, 4), Some(Change::More(2)));
        assert_eq!(decide(&mut seen, &by, 1, 0, 3), None);
        assert_eq!(decide(&mut seen, &by, 3, 2, 0), Some(Change::Less));
    }

    #[test]
    fn manual_does_nothing_by_itself() {
        let by = by(CheaperAlgorithm::Manual);
        assert_eq!(decide(&mut Cheap::default(), &by, 1, 0, 99), None);
    }
}
