use super::cheaper::Cheap;
use super::{Millis, Worker};
use crate::settings::Settings;

/// What is asked of a generation's workers. Zero stands for never.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the settings they come from")]
pub struct Rules {
    pub workers: u32,
    pub mercy: Millis,
    pub min_lifetime: Millis,
    pub max_lifetime: Millis,
    pub max_lifetime_delta: Millis,
    pub evil_rss: u64,
    pub evil_vsz: u64,
    pub cheaper: Option<crate::settings::CheaperSettings>,
}

impl Rules {
    /// What the settings say.
    pub fn of(settings: &Settings) -> Rules {
        let life = &settings.life;
        Rules {
            workers: settings.workers.max(1),
            mercy: life.worker_mercy.as_millis() as Millis,
            min_lifetime: life.min_lifetime.as_millis() as Millis,
            max_lifetime: life.max_lifetime.as_millis() as Millis,
            max_lifetime_delta: life.max_lifetime_delta.as_millis() as Millis,
            evil_rss: life.evil_reload_on_rss,
            evil_vsz: life.evil_reload_on_as,
            cheaper: settings.cheaper.clone(),
        }
    }

    /// Places for workers: a replacement stands beside the one it replaces.
    pub fn places(&self) -> usize {
        self.workers as usize * 2
    }
}

/// What a generation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Will serve once all of its workers accept.
    Candidate,
    /// Serves.
    Serving,
    /// Finishes what it has.
    Retiring,
}

/// The process that workers are forked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppState {
    /// Loads.
    Starting,
    /// Forks what it is told to.
    Ready,
    /// Was asked to end.
    Ending,
    /// Is not there.
    Gone,
}

/// What is remembered of a worker's number whoever has it.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// Whether it is to be filled (see `cheaper`).
    pub active: bool,
    /// Workers that died young, one after the other.
    pub deaths: u32,
    /// Not filled before.
    pub not_before: Millis,
    /// Processes it had so far.
    pub spawns: u64,
}

/// A generation: an app process and its workers.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Counted from the start of the host.
    pub number: u64,
    /// What is asked of its workers.
    pub rules: Rules,
    /// What it is for.
    pub role: Role,
    /// Its app process.
    pub app: AppState,
    /// By place on the board.
    pub workers: Vec<Option<Worker>>,
    /// By number of the worker, from 0.
    pub slots: Vec<Slot>,
    /// Those before it end at once when this one serves.
    pub brutal: bool,
    /// Why it cannot serve.
    pub(super) broken: Option<String>,
    pub(super) retire_now: bool,
    pub(super) app_slot: Slot,
    /// Workers ordered before this one are replaced, one after the other.
    pub(super) renew_before: u64,
    /// Workers ordered before this one are replaced, all at a time.
    pub(super) renew_all_before: u64,
    pub(super) cheap: Cheap,
}

impl Generation {
    pub(super) fn new(number: u64, rules: Rules, role: Role, brutal: bool) -> Generation {
        let first = rules.cheaper.as_ref().map_or(rules.workers, |cheaper| cheaper.initial.max(cheaper.least));
        let slots = (0..rules.workers).map(|index| Slot { active: index < first, ..Slot::default() }).collect();
        Generation {
            number,
            workers: vec![None; rules.places()],
            slots,
            role,
            app: AppState::Starting,
            brutal,
            broken: None,
            retire_now: false,
            app_slot: Slot::default(),
            renew_before: 0,
            renew_all_before: 0,
            cheap: Cheap::default(),
            rules,
        }
    }

    /// Workers and their places.
    pub fn living(&self) -> impl Iterator<Item = (usize, &Worker)> {
        self.workers.iter().enumerate().filter_map(|(place, worker)| Some((place, worker.as_ref()?)))
    }

    /// Workers that take connections.
    pub fn accepting(&self) -> usize {
        self.living().filter(|(_, worker)| worker.serves()).count()
    }

    /// Numbers of workers that are to be there.
    pub(super) fn active(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().zip(1..).filter(|(slot, _)| slot.active).map(|(_, id)| id)
    }

    /// Who holds a number.
    pub(super) fn fresh(&self, id: u32) -> Option<(usize, &Worker)> {
        self.living().find(|(_, worker)| worker.id == id && worker.is_fresh())
    }

    /// Whether every number has a worker that takes connections.
    pub(super) fn stands(&self) -> bool {
        self.active().all(|id| self.fresh(id).is_some_and(|(_, worker)| worker.serves()))
    }
}
