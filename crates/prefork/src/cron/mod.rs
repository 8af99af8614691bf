//! Commands that run by the clock, in local time: `cron`, `cron2`, `unique-cron`.
//!
//! Called from the master's loop; nothing here waits. Each command starts at most once in a minute. An hour that the
//! change to summer time leaves out is left out here as well, and one that comes twice comes twice.

mod due;

pub use due::{LocalTime, is_due};

use crate::daemons::{Env, Event, Leaving, spawn};
use crate::settings::CronSettings;
use crate::stats::CronView;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// All of them.
pub struct Crons {
    entries: Vec<Entry>,
    leaving: Leaving,
    env: Env,
    is_stopping: bool,
}

struct Entry {
    settings: CronSettings,
    /// The minute, since 1970, of the last start.
    last: Option<u64>,
    running: Vec<Running>,
    /// Runs begun before a reload: they go on, and nobody counts on them.
    is_old: bool,
}

struct Running {
    pid: i32,
    kill_at: Option<Instant>,
    began: SystemTime,
}

impl Crons {
    /// Nothing runs before [`Crons::start_due`].
    pub fn new(settings: &[CronSettings], env: Env) -> Crons {
        let entry = |settings: &CronSettings| Entry::new(settings.clone());
        Crons { entries: settings.iter().map(entry).collect(), leaving: Leaving::default(), env, is_stopping: false }
    }

    /// Starts what is due in this minute, and kills what has run for too long.
    pub fn start_due(&mut self, now: Instant, wall: SystemTime) -> Vec<Event> {
        self.start_due_at(now, wall, &LocalTime::of(&crate::log::local_time(wall)))
    }

    fn start_due_at(&mut self, now: Instant, wall: SystemTime, local: &LocalTime) -> Vec<Event> {
        let killed = self.leaving.kill_late(now);
        let mut events: Vec<Event> = killed
            .iter()
            .map(|pid| Event::line(format!("cron {pid} did not end when it was asked to; killed")))
            .collect();
        let minute = minute_of(wall);
        for entry in &mut self.entries {
            events.extend(entry.kill_late(now));
            let is_free = !entry.settings.unique || entry.running.is_empty();
            let is_new = entry.last != Some(minute);
            if !self.is_stopping && !entry.is_old && is_free && is_new && is_due(&entry.settings, local) {
                entry.last = Some(minute);
                events.push(entry.start(&self.env, now, wall));
            }
        }
        events
    }

    /// A child has ended; None if it is not one of these, or all is well.
    pub fn child_exited(&mut self, pid: i32, status: WaitStatus) -> Option<Event> {
        let mut event = None;
        for entry in &mut self.entries {
            if let Some(index) = entry.running.iter().position(|running| running.pid == pid) {
                entry.running.swap_remove(index);
                let is_bad = !self.is_stopping && !matches!(status, WaitStatus::Exited(_, 0));
                let command = &entry.settings.command;
                event = is_bad.then(|| Event::line(format!("cron `{command}` (process {pid}) {}", spawn::how(status))));
            }
        }
        self.leaving.child_exited(pid);
        self.entries.retain(|entry| !entry.is_old || !entry.running.is_empty());
        event
    }

    /// When [`Crons::start_due`] has something to do: the next minute, or a run that will have taken too long.
    pub fn next_due(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let into = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let rest = Duration::from_secs(60) - Duration::new(into.as_secs() % 60, into.subsec_nanos());
        let is_waiting = !self.is_stopping && self.entries.iter().any(|entry| !entry.is_old);
        let kills = self.entries.iter().flat_map(|entry| &entry.running).filter_map(|running| running.kill_at);
        kills.chain(is_waiting.then(|| now + rest)).chain(self.leaving.next_due()).min()
    }

    /// Starts no more, and asks what runs to end; what does not within `mercy` is killed.
    pub fn stop(&mut self, now: Instant, mercy: Duration) {
        self.is_stopping = true;
        for running in self.entries.iter_mut().flat_map(|entry| &mut entry.running) {
            self.leaving.ask(running.pid, now, mercy);
            running.kill_at = None;
        }
    }

    /// Goes on with other settings. What runs goes on; what has started in this minute does not start again.
    pub fn reload(&mut self, settings: &[CronSettings], env: Env) {
        let mut old = std::mem::take(&mut self.entries);
        let take =
            |settings: &CronSettings| match old.iter().position(|entry| !entry.is_old && entry.settings == *settings) {
                Some(index) => old.swap_remove(index),
                None => Entry::new(settings.clone()),
            };
        self.entries = settings.iter().map(take).collect();
        old.retain(|entry| !entry.running.is_empty());
        self.entries.extend(old.into_iter().map(|entry| Entry { is_old: true, ..entry }));
        self.env = env;
    }

    /// Whether nothing runs.
    pub fn is_gone(&self) -> bool {
        self.leaving.is_empty() && self.entries.iter().all(|entry| entry.running.is_empty())
    }

    /// For `stats`.
    pub fn views(&self) -> Vec<CronView> {
        let view = |entry: &Entry| CronView {
            settings: entry.settings.clone(),
            pid: entry.running.last().map_or(0, |running| running.pid),
            started_at: entry
                .running
                .last()
                .map_or(0, |running| running.began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
        };
        self.entries.iter().filter(|entry| !entry.is_old).map(view).collect()
    }
}

impl Entry {
    fn new(settings: CronSettings) -> Entry {
        Entry { settings, last: None, running: Vec::new(), is_old: false }
    }

    fn start(&mut self, env: &Env, now: Instant, wall: SystemTime) -> Event {
        let command = &self.settings.command;
        Event::line(match spawn::spawn(command, env, false) {
            Ok(pid) => {
                let limit = self.settings.harakiri;
                let kill_at = (!limit.is_zero()).then(|| now + limit);
                self.running.push(Running { pid, kill_at, began: wall });
                format!("cron `{command}` started (process {pid})")
            }
            Err(error) => format!("cron `{command}` cannot be started: {error}"),
        })
    }

    fn kill_late(&mut self, now: Instant) -> Vec<Event> {
        let late = self.running.iter_mut().filter(|running| running.kill_at.is_some_and(|at| at <= now));
        late.map(|running| {
            running.kill_at = None;
            spawn::signal(running.pid, Signal::SIGKILL);
            let limit = self.settings.harakiri.as_secs();
            Event::line(format!(
                "cron `{}` (process {}) took longer than {limit} s; killed",
                self.settings.command, running.pid
            ))
        })
        .collect()
    }
}

fn minute_of(wall: SystemTime) -> u64 {
    wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
