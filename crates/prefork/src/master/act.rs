//! Does what is planned, and notes what comes of it.

use super::control::{Heard, Order, Report, hear, say};
use super::fleet::{Action, Ending, Event, Sight, plan};
use super::generation::Live;
use super::run::Master;
use super::{MasterError, Parts, clock, describe, signals};
use crate::board::{Board, CoreState};
use crate::memory;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering::Relaxed;

impl<P: Parts> Master<'_, P> {
    /// Does what is planned until nothing is.
    pub fn settle(&mut self) {
        // Each round does something; the limit only keeps a mistake in the plan from standing still here.
        for _ in 0..100 {
            let actions = plan(&self.fleet, clock::now());
            if actions.is_empty() {
                return;
            }
            self.end_handing_over();
            for action in actions {
                if let Some(line) = describe::action(&self.fleet, &action) {
                    self.parts.line(&line);
                }
                self.act(&action);
            }
        }
    }

    fn act(&mut self, action: &Action) {
        self.take(Event::Done(action.clone()));
        match action {
            Action::Fork { generation, place, id } => self.order(*generation, *place, *id),
            Action::Drain { generation, place } => self.drain(*generation, *place),
            Action::StopWorker { generation, place } => self.signal(*generation, *place, Signal::SIGTERM),
            Action::Kill { generation, place, .. } => self.signal(*generation, *place, Signal::SIGKILL),
            Action::Toggle { generation, place } => self.signal(*generation, *place, Signal::SIGTSTP),
            Action::StartApp { generation } => {
                if let Err(error) = self.start_app(*generation) {
                    self.parts.line(&error.to_string());
                    self.take(Event::AppGone { generation: *generation });
                }
            }
            Action::EndApp { generation, kill } => self.end_app(*generation, *kill),
            Action::Promote { generation } => self.promoted(*generation),
            Action::Abandon { .. } => self.reload_again(),
            Action::Drop { generation } => self.drop_generation(*generation),
            Action::Replace { .. } => {}
        }
    }

    /// Forks the app process of a generation.
    pub fn start_app(&mut self, number: u64) -> Result<(), MasterError> {
        let kept: Vec<RawFd> = self.live.get(&number).map(|live| live.sockets.fds().collect()).unwrap_or_default();
        let mut private: Vec<RawFd> = self
            .live
            .iter()
            .filter(|(other, _)| **other != number)
            .flat_map(|(_, live)| live.private_fds(&kept))
            .collect();
        private.extend(self.stats.iter().map(|(bound, _)| std::os::fd::AsRawFd::as_raw_fd(bound.fd())));
        private.extend(self.fifos.raw_fd());
        private.extend(self.waiting.private_fds());
        private.extend(self.parts.private_fds());
        private.push(std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&self.signals)));
        private.push(std::os::fd::AsRawFd::as_raw_fd(&self.shared.lifeline.1));
        private.sort_unstable();
        private.dedup();
        let Some(live) = self.live.get_mut(&number) else { return Ok(()) };
        live.start(self.parts, &self.shared, &private)
    }

    fn order(&mut self, generation: u64, place: usize, id: u32) {
        let Some(live) = self.live.get(&generation) else { return };
        live.board.clear(place);
        let order = Order::Fork { place, id }.encode();
        if live.control.as_ref().is_none_or(|control| say(control, &order).is_err()) {
            self.take(Event::NotForked { generation, place });
        }
    }

    pub(super) fn signal(&self, generation: u64, place: usize, signal: Signal) {
        let worker = self.fleet.generation(generation).and_then(|generation| generation.workers.get(place)?.as_ref());
        if let Some(pid) = worker.and_then(|worker| worker.pid) {
            // It may be gone by now: then its end is noted soon.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    fn end_app(&mut self, number: u64, at_once: bool) {
        let Some(live) = self.live.get_mut(&number) else { return };
        live.control = None;
        match live.app_pid {
            Some(pid) if at_once => {
                live.is_killed = true;
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            Some(_) => {}
            None => self.take(Event::AppGone { generation: number }),
        }
    }

    fn drop_generation(&mut self, number: u64) {
        if self.fleet.generations.is_empty() {
            // The last one stands until the end: it says what is to be removed.
            return;
        }
        let Some(gone) = self.live.remove(&number) else { return };
        let others: Vec<_> = self.live.values().map(|live| &live.sockets).collect();
        gone.sockets.unlink_except(&others);
    }

    /// Takes in what app processes say.
    pub fn hear_app_processes(&mut self) {
        for number in self.live.keys().copied().collect::<Vec<_>>() {
            self.hear_app_process(number);
        }
    }

    fn hear_app_process(&mut self, generation: u64) {
        while let Some(control) = self.live.get(&generation).and_then(|live| live.control.as_ref()) {
            match hear(control) {
                Heard::Words(text) => match Report::decode(&text) {
                    Some(report) => self.take_report(generation, report),
                    None => self.parts.line(&format!("the app process said something unknown: {text}")),
                },
                Heard::Nothing => return,
                Heard::End => {
                    if let Some(live) = self.live.get_mut(&generation) {
                        live.control = None;
                    }
                }
            }
        }
    }

    fn take_report(&mut self, generation: u64, report: Report) {
        match report {
            Report::Loaded => self.take(Event::AppReady { generation }),
            Report::Failed { code, text } => {
                self.parts.line(&text);
                self.take(Event::AppFailed { generation, text: first_line(&text), code });
            }
            Report::Forked { place, pid } => {
                if let Some(worker) =
                    self.fleet.generation(generation).and_then(|known| known.workers.get(place)?.as_ref())
                {
                    self.past.spawned(worker.id);
                }
                self.take(Event::Forked { generation, place, pid });
            }
            Report::NotForked { place, errno } => {
                let error = std::io::Error::from_raw_os_error(errno);
                self.parts.line(&format!("a worker cannot be forked: {error}"));
                self.take(Event::NotForked { generation, place });
            }
            Report::Exited { place, pid, status } => self.worker_ended(generation, place, pid, status),
        }
    }

    /// Takes in which children have ended.
    pub fn reap(&mut self) {
        for (pid, status) in signals::ended_children() {
            if let Some(generation) = self.app_with(pid) {
                self.app_ended(generation, status);
            } else if let Some((generation, place)) = self.worker_with(pid) {
                self.worker_ended(generation, place, pid, status);
            } else {
                self.parts.on_child_exit(pid, status);
            }
        }
    }

    fn app_with(&self, pid: i32) -> Option<u64> {
        self.live.iter().find(|(_, live)| live.app_pid == Some(pid)).map(|(number, _)| *number)
    }

    fn worker_with(&self, pid: i32) -> Option<(u64, usize)> {
        self.fleet.generations.iter().find_map(|generation| {
            let place = generation.living().find(|(_, worker)| worker.pid == Some(pid))?.0;
            Some((generation.number, place))
        })
    }

    fn app_ended(&mut self, generation: u64, status: i32) {
        self.hear_app_process(generation);
        let Some(live) = self.live.get_mut(&generation) else { return };
        live.control = None;
        live.app_pid = None;
        let is_asked = std::mem::take(&mut live.is_killed);
        if let Ending::Signal(number) = ending(status)
            && !is_asked
        {
            let name = Signal::try_from(number).map_or("a signal", Signal::as_str);
            self.parts.line(&format!("the app process was ended by {name}"));
        }
        self.adopt(generation);
        self.take(Event::AppGone { generation });
    }

    /// The app process is gone: what it did not say is seen on the board.
    fn adopt(&mut self, generation: u64) {
        let Some(live) = self.live.get(&generation) else { return };
        let Some(known) = self.fleet.generation(generation) else { return };
        let alive = |pid: i32| pid > 0 && kill(Pid::from_raw(pid), None).is_ok();
        let unsaid = |(place, worker): (usize, &super::fleet::Worker)| match worker.pid {
            Some(pid) if !alive(pid) => Some(Event::Exited { generation, place, how: Ending::Code(1) }),
            Some(_) => None,
            None => {
                let pid = live.board.worker(place).pid.load(Relaxed);
                alive(pid).then_some(Event::Forked { generation, place, pid })
            }
        };
        let events: Vec<Event> = known.living().filter_map(unsaid).collect();
        events.into_iter().for_each(|event| self.take(event));
    }

    fn worker_ended(&mut self, generation: u64, place: usize, pid: i32, status: i32) {
        let Some(live) = self.live.get(&generation) else { return };
        let known = self.fleet.generation(generation).and_then(|known| known.workers.get(place)?.as_ref());
        let Some(worker) = known.filter(|worker| worker.pid == Some(pid)) else { return };
        let how = ending(status);
        if let Some(line) = describe::ending(worker, how, &live.board, place) {
            self.parts.line(&line);
        }
        self.past.ended(&live.board, place);
        live.board.clear(place);
        self.take(Event::Exited { generation, place, how });
    }

    /// Takes in what the boards say.
    pub fn look(&mut self) {
        let mut events = Vec::new();
        for (number, live) in &self.live {
            let mut count = [0; 8];
            while nix::unistd::read(&live.notify, &mut count).is_ok() {}
            let Some(generation) = self.fleet.generation(*number) else { continue };
            events.extend(
                generation.living().filter(|(_, worker)| worker.pid.is_some()).map(|(place, _)| Event::Seen {
                    generation: *number,
                    place,
                    sight: sight(&live.board, place),
                }),
            );
        }
        events.into_iter().for_each(|event| self.take(event));
    }

    /// Measures workers where somebody wants to know.
    pub fn sample_memory(&mut self, always: bool) {
        let mut events = Vec::new();
        for generation in &self.fleet.generations {
            let wanted = always || generation.rules.evil_rss > 0 || generation.rules.evil_vsz > 0;
            let Some(live) = self.live.get(&generation.number).filter(|_| wanted) else { continue };
            for (place, worker) in generation.living() {
                let Some(memory) = worker.pid.and_then(memory::of_process) else { continue };
                store_memory(live, place, memory);
                events.push(Event::Memory { generation: generation.number, place, memory });
            }
        }
        events.into_iter().for_each(|event| self.take(event));
    }
}

fn store_memory(live: &Live, place: usize, (rss, vsz): (u64, u64)) {
    live.board.worker(place).rss.store(rss, Relaxed);
    live.board.worker(place).vsz.store(vsz, Relaxed);
}

fn sight(board: &Board, place: usize) -> Sight {
    let cell = board.worker(place);
    let asked = board.cores(place).filter(|core| matches!(core.state(), CoreState::Asked | CoreState::Answering));
    let deadline = asked.map(|core| core.deadline_ms.load(Relaxed)).filter(|deadline| *deadline > 0).min();
    Sight { state: cell.state(), wish: cell.wish(), busy: cell.busy.load(Relaxed), deadline }
}

/// How a process ended, by a status as `waitpid` gives it.
fn ending(status: i32) -> Ending {
    if libc::WIFSIGNALED(status) {
        Ending::Signal(libc::WTERMSIG(status))
    } else {
        Ending::Code(libc::WEXITSTATUS(status))
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}
