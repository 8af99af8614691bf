//! A world in which workers take a while to start and to drain, to see what the plan makes of it.

use super::*;
use crate::board::{Wish, WorkerState};
use std::collections::BTreeMap;

const TO_LOAD: Millis = 20;
const TO_START: Millis = 10;
const TO_DRAIN: Millis = 15;

struct Process {
    pid: i32,
    sight: Sight,
    accepts_at: Option<Millis>,
    ends_at: Option<(Millis, Ending)>,
}

/// The simulated world.
pub struct World {
    pub fleet: Fleet,
    pub now: Millis,
    /// Everything done so far.
    pub log: Vec<Action>,
    /// Fewer workers than this never accept (checked at every step).
    pub least_accepting: usize,
    /// Whether apps load.
    pub loads: bool,
    /// Workers never drain by themselves.
    pub stubborn: bool,
    /// Workers of this number die while they start.
    pub dies_at_birth: Option<u32>,
    apps: BTreeMap<u64, Millis>,
    living: BTreeMap<(u64, usize), Process>,
    next: u64,
    next_pid: i32,
}

impl World {
    pub fn new(rules: Rules) -> World {
        let mut world = World::quiet(rules);
        world.settle();
        world
    }

    /// Nothing has been planned yet.
    pub fn quiet(rules: Rules) -> World {
        let mut world = World {
            fleet: Fleet::default(),
            now: 1_000,
            log: Vec::new(),
            least_accepting: 0,
            loads: true,
            stubborn: false,
            dies_at_birth: None,
            apps: BTreeMap::new(),
            living: BTreeMap::new(),
            next: 0,
            next_pid: 100,
        };
        world.start(rules, false);
        world
    }

    fn start(&mut self, rules: Rules, brutal: bool) {
        self.fleet.add(self.next, rules, brutal);
        self.apps.insert(self.next, self.now + TO_LOAD);
        self.next += 1;
    }

    pub fn reload(&mut self, rules: Rules, brutal: bool) {
        if self.fleet.candidate().is_none() && self.fleet.stop == Stop::No {
            self.start(rules, brutal);
        }
        self.settle();
    }

    pub fn tell(&mut self, event: Event) {
        self.fleet.take(event, self.now);
        self.settle();
    }

    pub fn accepting(&self) -> usize {
        self.living.values().filter(|process| process.sight.state == WorkerState::Accepting).count()
    }

    pub fn place_of(&self, generation: u64, id: u32) -> usize {
        let generation = self.fleet.generation(generation).expect("it is there");
        generation.fresh(id).expect("somebody has it").0
    }

    pub fn end(&mut self, generation: u64, place: usize, how: Ending) {
        if self.living.remove(&(generation, place)).is_some() {
            self.tell(Event::Exited { generation, place, how });
        }
    }

    pub fn wish(&mut self, generation: u64, place: usize, wish: Wish) {
        let drain = self.now + TO_DRAIN;
        let stubborn = self.stubborn;
        self.change(generation, place, |process| {
            process.sight.wish = wish;
            if matches!(wish, Wish::Harakiri | Wish::Crash) {
                process.sight.state = WorkerState::Draining;
                process.ends_at = process.ends_at.or((!stubborn).then_some((drain, Ending::Code(17))));
            }
        });
    }

    pub fn deadline(&mut self, generation: u64, place: usize, at: Millis) {
        self.change(generation, place, |process| process.sight.deadline = Some(at));
    }

    /// The app process is killed.
    pub fn lose_app(&mut self, generation: u64) {
        if self.apps.remove(&generation).is_some() || self.fleet.generation(generation).is_some() {
            self.tell(Event::AppGone { generation });
        }
    }

    fn change(&mut self, generation: u64, place: usize, change: impl FnOnce(&mut Process)) {
        if let Some(process) = self.living.get_mut(&(generation, place)) {
            change(process);
            let sight = process.sight;
            self.tell(Event::Seen { generation, place, sight });
        }
    }

    /// One of those that live, whichever.
    pub fn nth(&self, nth: usize) -> Option<(u64, usize)> {
        self.living.keys().copied().nth(nth % self.living.len().max(1))
    }

    /// Time passes.
    pub fn pass(&mut self, time: Millis) {
        let until = self.now + time;
        while self.now < until {
            self.now = self.next_moment().min(until).max(self.now + 1);
            self.happen();
            self.settle();
        }
    }

    fn next_moment(&self) -> Millis {
        let processes = self.living.values().flat_map(|process| [process.accepts_at, process.ends_at.map(|end| end.0)]);
        let own = processes.flatten().chain(self.apps.values().copied()).filter(|at| *at > self.now);
        own.chain(next_wake(&self.fleet, self.now)).min().unwrap_or(Millis::MAX)
    }

    fn happen(&mut self) {
        let now = self.now;
        let loaded: Vec<u64> = self.apps.iter().filter(|(_, at)| **at <= now).map(|(number, _)| *number).collect();
        for generation in loaded {
            self.apps.remove(&generation);
            if self.loads {
                self.fleet.take(Event::AppReady { generation }, now);
            } else {
                self.fleet.take(Event::AppFailed { generation, text: "no".into(), code: 22 }, now);
                self.fleet.take(Event::AppGone { generation }, now);
            }
        }
        let mut ended = Vec::new();
        for (&(generation, place), process) in &mut self.living {
            if let Some((_, how)) = process.ends_at.filter(|(at, _)| *at <= now) {
                ended.push((generation, place, how));
            } else if process.accepts_at.is_some_and(|at| at <= now) {
                process.accepts_at = None;
                process.sight.state = WorkerState::Accepting;
                let sight = process.sight;
                self.fleet.take(Event::Seen { generation, place, sight }, now);
            }
        }
        for (generation, place, how) in ended {
            self.living.remove(&(generation, place));
            self.fleet.take(Event::Exited { generation, place, how }, now);
        }
    }

    /// Does what is planned until nothing is.
    pub fn settle(&mut self) {
        for round in 0.. {
            assert!(
                round < 100,
                "the plan does not come to rest: {:?}",
                self.log.iter().rev().take(5).collect::<Vec<_>>()
            );
            let actions = plan(&self.fleet, self.now);
            if actions.is_empty() {
                break;
            }
            for action in actions {
                self.fleet.take(Event::Done(action.clone()), self.now);
                self.log.push(action.clone());
                self.act(action);
            }
        }
        assert!(self.accepting() >= self.least_accepting, "only {} accept", self.accepting());
    }

    fn act(&mut self, action: Action) {
        let (now, stubborn) = (self.now, self.stubborn);
        let process = |world: &mut World, generation, place, change: &dyn Fn(&mut Process)| {
            let process = world.living.get_mut(&(generation, place)).expect("only the living are asked");
            change(process);
            let sight = process.sight;
            world.fleet.take(Event::Seen { generation, place, sight }, now);
        };
        match action {
            Action::Fork { generation, place, id } => self.fork(generation, place, id),
            Action::Drain { generation, place } => process(self, generation, place, &|process| {
                process.sight.state = WorkerState::Draining;
                process.accepts_at = None;
                if !stubborn {
                    process.ends_at.get_or_insert((now + TO_DRAIN, Ending::Code(17)));
                }
            }),
            Action::StopWorker { generation, place } => process(self, generation, place, &|process| {
                if !stubborn {
                    process.ends_at = Some((now + 1, Ending::Code(30)));
                }
            }),
            Action::Kill { generation, place, .. } => {
                process(self, generation, place, &|process| process.ends_at = Some((now + 1, Ending::Signal(9))));
            }
            Action::Toggle { generation, place } => process(self, generation, place, &|process| {
                process.sight.state = match process.sight.state {
                    WorkerState::Paused => WorkerState::Accepting,
                    _ => WorkerState::Paused,
                };
            }),
            Action::StartApp { generation } => drop(self.apps.insert(generation, now + TO_LOAD)),
            Action::EndApp { generation, .. } => {
                self.apps.remove(&generation);
                self.fleet.take(Event::AppGone { generation }, now);
            }
            Action::Drop { generation } => assert!(self.living.keys().all(|(other, _)| *other != generation)),
            Action::Replace { .. } | Action::Promote { .. } | Action::Abandon { .. } => {}
        }
    }

    fn fork(&mut self, generation: u64, place: usize, id: u32) {
        self.next_pid += 1;
        let early = self.dies_at_birth == Some(id) && (generation > 0 || self.fleet.generations.len() == 1);
        let process = Process {
            pid: self.next_pid,
            sight: Sight { state: WorkerState::Starting, wish: Wish::None, busy: 0, deadline: None },
            accepts_at: Some(self.now + TO_START),
            ends_at: early.then_some((self.now + 1, Ending::Code(1))),
        };
        let event = Event::Forked { generation, place, pid: process.pid };
        assert!(self.living.insert((generation, place), process).is_none(), "the place is taken");
        self.fleet.take(event, self.now);
    }
}
