use super::cheaper::Change;
use super::{Action, AppState, Asked, Command, Ending, Event, Fleet, Generation, Millis, Role, Sight, Stop, Worker};
use crate::board::{Wish, WorkerState};

/// A worker that could not load the app (`lazy-apps`).
const NO_APP: i32 = 22;
/// Workers ended as they were asked to, or by a signal a person sent them.
const ORDERLY: [i32; 2] = [17, 30];
/// A candidate whose workers die this often will not serve.
const CANDIDATE_DEATHS: u32 = 3;

impl Fleet {
    /// Notes what happened.
    pub fn take(&mut self, event: Event, now: Millis) {
        match event {
            Event::Done(action) => self.note(action, now),
            Event::Command(command) => self.obey(command),
            Event::Second { backlog } => {
                if self.stop == Stop::No && !self.paused {
                    self.serving_mut().for_each(|generation| generation.follow_load(backlog));
                }
            }
            Event::AppReady { generation } => {
                let serial = self.serial + 1;
                let Some(generation) = self.generation_mut(generation) else { return };
                generation.app = AppState::Ready;
                // Those of an app process before this one: its successor cannot fork for them.
                generation.renew_before = serial.max(generation.renew_before);
            }
            Event::AppFailed { generation, text, code } => self.app_failed(generation, text, code),
            Event::AppGone { generation } => self.app_gone(generation, now),
            Event::Forked { generation, place, pid } => {
                if let Some(worker) = self.worker_mut(generation, place) {
                    worker.pid = Some(pid);
                }
            }
            Event::NotForked { generation, place } => {
                let Some(generation) = self.generation_mut(generation) else { return };
                if let Some(worker) = generation.workers.get_mut(place).and_then(Option::take) {
                    generation.slots[worker.id as usize - 1].note_death(None, now);
                }
            }
            Event::Exited { generation, place, how } => self.exited(generation, place, how, now),
            Event::Seen { generation, place, sight } => self.seen(generation, place, sight, now),
            Event::Memory { generation, place, memory } => {
                if let Some(worker) = self.worker_mut(generation, place) {
                    worker.memory = memory;
                }
            }
        }
    }

    fn serving_mut(&mut self) -> impl Iterator<Item = &mut Generation> {
        self.generations.iter_mut().filter(|generation| generation.role == Role::Serving)
    }

    fn worker_mut(&mut self, generation: u64, place: usize) -> Option<&mut Worker> {
        self.generation_mut(generation)?.workers.get_mut(place)?.as_mut()
    }

    fn obey(&mut self, command: Command) {
        let serial = self.serial + 1;
        match command {
            Command::Stop => self.stop = if self.stop == Stop::No { Stop::Graceful } else { Stop::Now },
            Command::StopNow => self.stop = Stop::Now,
            Command::TogglePause => self.paused = !self.paused,
            Command::ReloadChain => self.serving_mut().for_each(|generation| generation.renew_before = serial),
            Command::ReloadWorkers => self.serving_mut().for_each(|generation| generation.renew_all_before = serial),
            Command::RestartWorkers => {
                let workers = self.serving_mut().flat_map(|generation| generation.workers.iter_mut().flatten());
                workers.for_each(|worker| worker.restart = true);
            }
            Command::More => self.serving_mut().for_each(|generation| generation.change_number(Change::More(1))),
            Command::Less => self.serving_mut().for_each(|generation| generation.change_number(Change::Less)),
            Command::Least => self.serving_mut().for_each(Generation::shrink),
        }
    }

    fn app_failed(&mut self, number: u64, text: String, code: i32) {
        let served = self.served;
        let Some(generation) = self.generation_mut(number) else { return };
        match generation.role {
            Role::Candidate => generation.broken = Some(text),
            Role::Serving if !served => self.cannot_serve(code),
            _ => {}
        }
    }

    fn cannot_serve(&mut self, code: i32) {
        // Who is told to end while it starts has not failed.
        if self.stop == Stop::No {
            self.failed = Some(code);
            self.stop = Stop::Now;
        }
    }

    fn app_gone(&mut self, number: u64, now: Millis) {
        let served = self.served;
        let Some(generation) = self.generation_mut(number) else { return };
        let loaded = generation.app == AppState::Ready;
        generation.app = AppState::Gone;
        generation.app_slot.note_death(loaded.then_some(0), now);
        if generation.role == Role::Candidate {
            generation.broken.get_or_insert_with(|| "its app process ended".to_string());
        }
        for at in &mut generation.workers {
            if at.as_ref().is_some_and(|worker| worker.pid.is_none()) {
                *at = None;
            }
        }
        if !loaded && !served && generation.role == Role::Serving {
            self.cannot_serve(NO_APP);
        }
    }

    fn exited(&mut self, number: u64, place: usize, how: Ending, now: Millis) {
        let served = self.served;
        let Some(generation) = self.generation_mut(number) else { return };
        let Some(worker) = generation.workers.get_mut(place).and_then(Option::take) else { return };
        let orderly = matches!(how, Ending::Code(code) if ORDERLY.contains(&code));
        let expected = worker.asked > Asked::Nothing || (worker.ready_at.is_some() && (orderly || worker.drains()));
        if expected {
            return;
        }
        let slot = &mut generation.slots[worker.id as usize - 1];
        slot.note_death(worker.ready_at, now);
        let deaths = slot.deaths;
        if how == Ending::Code(NO_APP) && worker.ready_at.is_none() {
            match generation.role {
                Role::Candidate => generation.broken = Some("a worker could not load the app".into()),
                Role::Serving if !served => self.cannot_serve(NO_APP),
                _ => {}
            }
        } else if generation.role == Role::Candidate && deaths >= CANDIDATE_DEATHS {
            generation.broken = Some(format!("worker {} ended {deaths} times before it served", worker.id));
        }
    }

    fn seen(&mut self, number: u64, place: usize, sight: Sight, now: Millis) {
        let Some(worker) = self.worker_mut(number, place) else { return };
        // Before the fork was reported, the cell may still tell of the one before.
        if worker.pid.is_none() {
            return;
        }
        if worker.state != sight.state {
            worker.toggled = false;
        }
        worker.state = sight.state;
        worker.wish = sight.wish;
        worker.busy = sight.busy;
        worker.deadline = sight.deadline.filter(|_| !matches!(sight.wish, Wish::Harakiri | Wish::Crash));
        let accepts = sight.state == WorkerState::Accepting;
        if accepts {
            worker.ready_at.get_or_insert(now);
        }
        if worker.drains_itself() {
            worker.drains_since.get_or_insert(now);
        }
        self.served |= accepts;
    }

    fn note(&mut self, action: Action, now: Millis) {
        match action {
            Action::Fork { generation, place, id } => {
                self.serial += 1;
                let serial = self.serial;
                let Some(generation) = self.generation_mut(generation) else { return };
                generation.slots[id as usize - 1].spawns += 1;
                generation.workers[place] = Some(Worker::ordered(id, serial, now));
            }
            Action::Replace { generation, place, .. } => self.with(generation, place, |worker| worker.leaving = true),
            Action::Drain { generation, place } => self.asked(generation, place, Asked::Drain, now),
            Action::StopWorker { generation, place } => self.asked(generation, place, Asked::Stop, now),
            Action::Kill { generation, place, .. } => self.asked(generation, place, Asked::Kill, now),
            Action::Toggle { generation, place } => self.with(generation, place, |worker| worker.toggled = true),
            Action::StartApp { generation } => self.set_app(generation, AppState::Starting),
            Action::EndApp { generation, .. } => self.set_app(generation, AppState::Ending),
            Action::Promote { generation } => self.promote(generation),
            Action::Abandon { generation, .. } => {
                if let Some(generation) = self.generation_mut(generation) {
                    generation.role = Role::Retiring;
                }
            }
            Action::Drop { generation } => self.generations.retain(|other| other.number != generation),
        }
    }

    fn with(&mut self, generation: u64, place: usize, change: impl FnOnce(&mut Worker)) {
        if let Some(worker) = self.worker_mut(generation, place) {
            change(worker);
        }
    }

    fn asked(&mut self, generation: u64, place: usize, what: Asked, now: Millis) {
        self.with(generation, place, |worker| {
            worker.asked = worker.asked.max(what);
            worker.asked_at = now;
        });
    }

    fn set_app(&mut self, generation: u64, state: AppState) {
        if let Some(generation) = self.generation_mut(generation) {
            generation.app = state;
        }
    }

    fn promote(&mut self, number: u64) {
        let brutal = self.generation(number).is_some_and(|generation| generation.brutal);
        for generation in &mut self.generations {
            if generation.number == number {
                generation.role = Role::Serving;
            } else if generation.role == Role::Serving {
                generation.role = Role::Retiring;
                generation.retire_now |= brutal;
            }
        }
    }
}
