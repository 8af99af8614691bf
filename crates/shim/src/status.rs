//! What the shim knows, as it is told and as it is kept in `state.json`.

use crate::clock;
use crate::network_view;
use crate::process_tree::{resident_bytes, start_ticks};
use crate::supervisor::Supervisor;
use bloom_control::{LastExit, Line, Ready, State, Status};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

const SAVE_PAUSE: Duration = Duration::from_millis(100);

/// What is remembered for the status and decides nothing.
#[derive(Default)]
pub struct Facts {
    /// When the present process was started.
    pub started_at: Option<String>,
    /// When it became ready.
    pub ready_at: Option<String>,
    /// Milliseconds between the two.
    pub ready_ms: Option<u64>,
    /// How the process ended last.
    pub last_exit: Option<LastExit>,
    /// What the last probe saw, when it was not readiness.
    pub last_probe: Option<String>,
    /// Ports on which clients reached the app at the last look.
    pub listens: Vec<u16>,
    /// What could not be set up but was optional.
    pub warnings: Vec<String>,
    /// Clients when they were counted last.
    pub connections: u32,
    /// The state in the file is older than what is known.
    pub unsaved_since: Option<Instant>,
}

impl Facts {
    /// Adds what is not known yet: every start has the same to complain about.
    pub fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}

impl Supervisor {
    /// The status with fresh figures, for somebody who asked for them.
    pub fn fresh_status(&mut self) -> Status {
        self.facts.connections = self.connections();
        self.status()
    }

    /// The status. To count clients of whom we have no part, the kernel goes through those of all others as well, so that
    /// is not done for everybody who only watches.
    pub fn status(&self) -> Status {
        let shim_pid = std::process::id() as i32;
        let state = self.machine.state();
        let running = self.child.as_ref().filter(|child| child.exit.is_none());
        Status {
            id: self.spec.id.clone(),
            state,
            pid: running.and_then(|child| child.user_process()),
            sandbox_pid: running.and_then(|child| child.first_inside()),
            shim_pid,
            shim_start: start_ticks(shim_pid).unwrap_or(0),
            started_at: self.facts.started_at.clone(),
            ready_at: self.facts.ready_at.clone(),
            ready_ms: self.facts.ready_ms,
            restarts: self.machine.restarts,
            consecutive_failures: self.failures(),
            ready_timeout: self.machine.ready_timeout,
            last_exit: self.facts.last_exit.clone(),
            last_probe: self.hooks.awaited().or_else(|| self.facts.last_probe.clone()),
            listening: self.listening(state),
            listens: self.facts.listens.clone(),
            connections: if self.counts_at_once() { self.connections() } else { self.facts.connections },
            accepted: self.accepted(),
            memory_bytes: self.groups.memory_bytes().or_else(|| Some(resident_bytes(running?.pid))),
            warnings: self.facts.warnings.clone(),
            oom_kills: self.groups.oom_kills(),
            pids_limit_hits: self.groups.pids_limit_hits(),
        }
    }

    /// Whether nobody waits for the number of clients longer than for the rest.
    fn counts_at_once(&self) -> bool {
        self.forward.is_some() || (self.given.is_none() && self.is_draining())
    }

    /// Open connections of clients.
    pub fn connections(&self) -> u32 {
        match (&self.forward, &self.given) {
            (Some(forward), _) => forward.connections(),
            (None, Some(given)) => given.connections(),
            (None, None) => network_view::connections(self.client_ports()),
        }
    }

    /// Connections of clients since the shim began. In a namespace of its own all that anybody in it takes are counted.
    fn accepted(&self) -> Option<u64> {
        match (&self.forward, &self.spec.netns) {
            (Some(forward), _) => Some(forward.accepted()),
            (None, Some(_)) if self.given.is_none() => network_view::accepted(),
            _ => None,
        }
    }

    /// A process that has run long enough has made up for earlier ones.
    fn failures(&self) -> u32 {
        let reset = u128::from(self.spec.restart.reset_after_ms);
        match &self.child {
            Some(child) if child.exit.is_none() && child.started.elapsed().as_millis() >= reset => 0,
            _ => self.machine.failures,
        }
    }

    /// Helps to find an app that listens on another port. Outside a namespace these would be everybody's ports, and
    /// where readiness is a matter of listening the last probe tells of them.
    fn listening(&self, state: State) -> Vec<u16> {
        let is_told = matches!(self.spec.ready, Ready::Listens { .. });
        if self.spec.netns.is_none() || state == State::Ready || is_told {
            return Vec::new();
        }
        network_view::listening()
    }

    /// Tells the status, and sees to it that it is kept.
    pub fn publish(&mut self) {
        self.facts.unsaved_since.get_or_insert_with(Instant::now);
        if !self.control.is_watched() {
            return;
        }
        let status = self.status();
        let line = Line::Event { event: "state".into(), status: Box::new(status) };
        self.control.broadcast(&line, &self.poller);
    }

    /// When the file is due: what follows from one another in a moment is written once.
    pub fn save_due(&self) -> Option<Instant> {
        self.facts.unsaved_since.map(|since| since + SAVE_PAUSE)
    }

    /// Writes the file.
    pub fn save_now(&mut self) {
        self.facts.unsaved_since = None;
        self.save(&self.status());
    }

    /// By rename, so that a reader never meets half of it. On a full disk the old one stays.
    fn save(&self, status: &Status) {
        let fresh = self.dir.join("state.json.new");
        let write = || -> std::io::Result<()> {
            let bytes = serde_json::to_vec(status)?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?.write_all(&bytes)?;
            fs::rename(&fresh, self.dir.join("state.json"))
        };
        if write().is_err() {
            let _ = fs::remove_file(&fresh);
        }
    }

    /// Remembers that the process has become ready.
    pub fn note_ready(&mut self, after_ms: u64) {
        self.facts.ready_at = Some(clock::now());
        // Before anybody is told that it can be reached.
        self.show_forwarder();
        self.facts.ready_ms = Some(after_ms);
        self.facts.last_probe = None;
    }
}
