//! Commands that run beside the workers: `attach-daemon`, `attach-control-daemon`, `smart-attach-daemon`.
//!
//! Called from the master's loop; nothing here waits. An attached command is a child that is started again when it
//! ends and is stopped with the host, and by a reload. A smart one is known by its pid file alone: it survives both.

mod leaving;
mod plan;
pub(crate) mod spawn;

pub(crate) use leaving::Leaving;
pub use spawn::Env;

use crate::settings::DaemonSettings;
use crate::stats::DaemonView;
use nix::sys::wait::WaitStatus;
use plan::{Step, plan_again, plan_smart};
use std::path::Path;
use std::time::{Duration, Instant};

/// Something to tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A line for the log.
    pub line: String,
    /// The host ends: a command it depends on has.
    pub ends_host: bool,
}

impl Event {
    pub(crate) fn line(line: String) -> Event {
        Event { line, ends_host: false }
    }
}

/// All of them.
pub struct Daemons {
    entries: Vec<Entry>,
    leaving: Leaving,
    env: Env,
    mercy: Duration,
    is_stopping: bool,
}

struct Entry {
    settings: DaemonSettings,
    /// The process that runs, or that was started and is to leave a pid file.
    pid: Option<i32>,
    /// Next start, or next look at the pid file. None: nothing before it ends.
    due: Option<Instant>,
    started: Option<Instant>,
    starts: u64,
    quick: u32,
    /// Smart: its pid file named a process that lived. And looks at the file since the start.
    is_known: bool,
    looks: u32,
}

impl Entry {
    fn new(settings: &DaemonSettings, now: Instant) -> Entry {
        let settings = settings.clone();
        Entry { settings, pid: None, due: Some(now), started: None, starts: 0, quick: 0, is_known: false, looks: 0 }
    }

    fn is_smart(&self) -> bool {
        self.settings.pidfile.is_some()
    }
}

impl Daemons {
    /// Nothing runs before [`Daemons::start_due`]. `mercy`: `reload-mercy`.
    pub fn new(settings: &[DaemonSettings], env: Env, mercy: Duration, now: Instant) -> Daemons {
        let entries = settings.iter().map(|settings| Entry::new(settings, now)).collect();
        Daemons { entries, leaving: Leaving::default(), env, mercy, is_stopping: false }
    }

    /// Does what is due: starts, looks at pid files, kills who was asked to end and did not.
    pub fn start_due(&mut self, now: Instant) -> Vec<Event> {
        let late = self.leaving.kill_late(now);
        let mut events: Vec<Event> = late
            .into_iter()
            .map(|pid| Event::line(format!("daemon {pid} did not end when it was asked to; killed")))
            .collect();
        if self.is_stopping {
            return events;
        }
        for entry in &mut self.entries {
            // After a reload the new ones wait for the old: they may want the same port.
            if entry.due.is_none_or(|due| due > now) || (!entry.is_smart() && !self.leaving.is_empty()) {
                continue;
            }
            events.extend(match &entry.settings.pidfile {
                Some(path) => look(entry, living(path), &self.env, now),
                None => start(entry, &self.env, now),
            });
        }
        events
    }

    /// A child has ended; None if it is not one of these, or was asked to.
    pub fn child_exited(&mut self, pid: i32, status: WaitStatus, now: Instant) -> Option<Event> {
        if self.leaving.child_exited(pid) {
            return None;
        }
        let entry = self.entries.iter_mut().find(|entry| entry.pid == Some(pid))?;
        entry.pid = None;
        let how = format!("daemon `{}` (process {pid}) {}", entry.settings.command, spawn::how(status));
        if entry.is_smart() {
            // Either the daemon itself, or the command that has put it into the background: the pid file says.
            entry.due = Some(now);
            return entry.is_known.then(|| Event::line(how));
        }
        if entry.settings.control {
            return Some(Event { line: format!("{how}; the host ends with it"), ends_host: true });
        }
        let ran = entry.started.map_or(Duration::ZERO, |started| now.saturating_duration_since(started));
        let (quick, wait) = plan_again(ran, entry.quick);
        entry.quick = quick;
        entry.due = Some(now + wait);
        let when = if wait.is_zero() { "at once".to_owned() } else { format!("in {} s", wait.as_secs()) };
        Some(Event::line(format!("{how}; it is started again {when}")))
    }

    /// When [`Daemons::start_due`] has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let may_start = |entry: &&Entry| !self.is_stopping && (entry.is_smart() || self.leaving.is_empty());
        let starts = self.entries.iter().filter(may_start).filter_map(|entry| entry.due);
        starts.chain(self.leaving.next_due()).min()
    }

    /// Asks all to end but the smart ones. Those that do not are killed after `reload-mercy`.
    pub fn stop(&mut self, now: Instant) {
        self.is_stopping = true;
        for entry in &mut self.entries {
            entry.due = None;
            if !entry.is_smart()
                && let Some(pid) = entry.pid.take()
            {
                self.leaving.ask(pid, now, self.mercy);
            }
        }
    }

    /// Goes on with other settings: attached commands end and are started anew, smart ones that are still wanted stay.
    pub fn reload(&mut self, settings: &[DaemonSettings], env: Env, mercy: Duration, now: Instant) {
        self.stop(now);
        let mut kept = std::mem::take(&mut self.entries);
        kept.retain(Entry::is_smart);
        let take = |settings: &DaemonSettings| match kept.iter().position(|entry| entry.settings == *settings) {
            Some(index) => Entry { due: Some(now), ..kept.swap_remove(index) },
            None => Entry::new(settings, now),
        };
        self.entries = settings.iter().map(take).collect();
        (self.env, self.mercy, self.is_stopping) = (env, mercy, false);
    }

    /// Whether nothing is left that has to end.
    pub fn is_gone(&self) -> bool {
        self.leaving.is_empty() && self.entries.iter().all(|entry| entry.is_smart() || entry.pid.is_none())
    }

    /// For `stats`.
    pub fn views(&self) -> Vec<DaemonView> {
        let view = |entry: &Entry| DaemonView {
            command: entry.settings.command.clone(),
            pid: entry.pid.unwrap_or(0),
            respawns: entry.starts.saturating_sub(1),
        };
        self.entries.iter().map(view).collect()
    }
}

fn start(entry: &mut Entry, env: &Env, now: Instant) -> Option<Event> {
    let command = &entry.settings.command;
    entry.started = Some(now);
    entry.looks = 0;
    entry.is_known = false;
    Some(Event::line(match spawn::spawn(command, env, !entry.is_smart()) {
        Ok(pid) => {
            entry.pid = Some(pid);
            entry.starts += 1;
            entry.due = entry.is_smart().then(|| now + Duration::from_secs(1));
            format!("daemon `{command}` started (process {pid})")
        }
        Err(error) => {
            let (quick, wait) = plan_again(Duration::ZERO, entry.quick);
            (entry.quick, entry.due) = (quick, Some(now + wait));
            format!("daemon `{command}` cannot be started: {error}; tried again in {} s", wait.as_secs())
        }
    }))
}

fn look(entry: &mut Entry, found: Option<i32>, env: &Env, now: Instant) -> Option<Event> {
    match plan_smart(found, entry.is_known, entry.started.is_some(), entry.looks) {
        Step::Runs(pid) => {
            entry.due = Some(now + Duration::from_secs(1));
            let is_new = !entry.is_known || entry.pid != Some(pid);
            (entry.is_known, entry.pid) = (true, Some(pid));
            is_new.then(|| Event::line(format!("daemon `{}` runs as process {pid}", entry.settings.command)))
        }
        Step::Wait => {
            entry.looks += 1;
            entry.due = Some(now + Duration::from_secs(1));
            None
        }
        Step::Start => {
            // One that has just been started and is gone again waits like any other.
            let ran = entry.started.map(|started| now.saturating_duration_since(started));
            let (quick, wait) = ran.map_or((0, Duration::ZERO), |ran| plan_again(ran, entry.quick));
            if entry.is_known && !wait.is_zero() {
                (entry.is_known, entry.started, entry.quick) = (false, None, quick);
                entry.due = Some(now + wait);
                return None;
            }
            start(entry, env, now)
        }
    }
}

/// The process a pid file names, if it lives and may be signalled by us.
fn living(path: &Path) -> Option<i32> {
    let pid = plan::pid_of(&std::fs::read_to_string(path).ok()?)?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).ok().map(|()| pid)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
