//! What the supervisor does when the machine says so, and when it is time.

use crate::ahead::Ahead;
use crate::child::Child;
use crate::clock;
use crate::error::SetupError;
use crate::given_socket::GivenSocket;
use crate::hooks::Hooks;
use crate::machine::{Action, Event, Phase};
use crate::poller::{ERR, INFO, NOTICE, OUT, READ, RECORDS};
use crate::port_ends::PortEnd;
use crate::probe::Probe;
use crate::spawn::{Spawned, spawn};
use crate::supervisor::Supervisor;
use bloom_control::{LastExit, Spec};
use std::fs::{self, File};
use std::os::fd::{OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// From a goodbye to the end of the connections it was said on.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// Starts the command in a sandbox of its own.
pub(crate) fn start(
    spec: &Spec,
    given: Option<(OwnedFd, RawFd)>,
    ahead: &Ahead,
) -> Result<(Spawned, Child), SetupError> {
    let mut spawned = spawn(spec, given.into_iter().collect(), ahead)?;
    let child = Child::new(&mut spawned, spec.sandbox);
    Ok((spawned, child))
}

impl Supervisor {
    /// Tells the machine what happened, does what it says and publishes what has changed by that.
    pub(crate) fn tell(&mut self, event: Event) {
        let before = self.machine.clone();
        let action = self.machine.handle(event);
        match action {
            Action::None | Action::Finish => {}
            Action::Start => self.start_or_fail(),
            Action::End => self.begin_end(),
            Action::Pause(ms) => {
                self.log.remark(&format!("restart in {ms} ms"));
                self.timers.pause = Some(Instant::now() + Duration::from_millis(ms));
            }
            Action::WatchConnections => {
                self.timers.quiet_looks = 0;
                self.timers.drain_look = Some(Instant::now());
            }
        }
        if before != self.machine && self.machine.phase != Phase::Done {
            self.publish();
        }
    }

    fn start_or_fail(&mut self) {
        let oom_before = self.groups.oom_kills();
        let given = self.given.as_ref().map(GivenSocket::for_command).transpose();
        match given.and_then(|given| start(&self.spec, given, &self.ahead)) {
            Ok(started) => self.adopt(started, oom_before),
            Err(error) => self.start_failed(&error),
        }
    }

    fn start_failed(&mut self, error: &SetupError) {
        self.log.remark(&format!("could not be started: {error}"));
        self.facts.last_exit = Some(LastExit {
            code: None,
            signal: None,
            at: clock::now(),
            oom: false,
            ran_ms: 0,
            note: Some(error.to_string()),
        });
        self.tell(Event::Ended { ran_ms: 0, well: false });
    }

    /// Takes a freshly spawned process over.
    pub(crate) fn adopt(&mut self, (mut spawned, child): (Spawned, Child), oom_before: u64) {
        self.hooks = Hooks::begin(&self.spec, spawned.gate.take());
        self.log.remark(&format!("started pid {}", child.pid));
        if let Some(report) = child.report() {
            let _ = self.poller.add(report, INFO, READ);
        }
        if let Some(notice) = child.notice() {
            let _ = self.poller.add(notice, NOTICE, READ);
        }
        self.add_outputs([(OUT, "out", File::from(spawned.out)), (ERR, "err", File::from(spawned.err))]);
        if let Some(records) = spawned.records.take() {
            self.add_outputs([(RECORDS, "record", File::from(records))]);
        }
        self.facts.warn(spawned.warnings);
        self.facts.started_at = Some(child.started_at.clone());
        self.facts.ready_at = None;
        self.facts.ready_ms = None;
        self.oom_before = oom_before;
        self.child = Some(child);
        self.watch_readiness();
    }

    /// Stops the instance; a second wish may be more impatient than the first, never more patient.
    pub(crate) fn stop(&mut self, grace_ms: Option<u64>) {
        self.grace_ms = grace_ms.unwrap_or(self.spec.stop.grace_ms);
        let wished = Instant::now() + Duration::from_millis(self.grace_ms);
        self.timers.grace = self.timers.grace.map(|at| at.min(wished));
        self.tell(Event::Stop);
    }

    /// Waits for the last connection, then stops.
    pub(crate) fn drain(&mut self, limit_ms: u64) {
        let (now, limit) = (Instant::now(), Duration::from_millis(limit_ms));
        self.timers.drain_limit = Some(now + limit);
        self.plan_port_ends(now, limit);
        self.tell(Event::Drain);
    }

    /// The earliest time at which something is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let timers = &self.timers;
        let probe_end = self.probe.as_ref().map(Probe::until);
        let rest = self.forward.as_ref().and_then(|forward| forward.rests_until());
        let probe = timers.probe.filter(|_| self.probe.is_none());
        [timers.pause, probe, probe_end, timers.ready, timers.grace, timers.drain_limit, timers.drain_look]
            .into_iter()
            .chain([timers.farewell, timers.sweep, timers.hooks, rest, self.relays.next_due(), self.save_due()])
            .chain(timers.port_ends.iter().map(PortEnd::due))
            .flatten()
            .min()
    }

    /// Does everything that is due.
    pub(crate) fn take_timers(&mut self, now: Instant) {
        let due = |timer: &mut Option<Instant>| timer.take_if(|at| now >= *at).is_some();
        if due(&mut self.timers.pause) {
            self.tell(Event::PauseOver);
        }
        if self.probe.as_ref().is_some_and(|probe| now >= probe.until()) {
            let verdict = self.probe.as_mut().and_then(Probe::expire);
            self.after_probe(verdict);
        }
        if self.probe.is_none() && due(&mut self.timers.probe) {
            self.begin_probe();
        }
        if due(&mut self.timers.ready) {
            self.log.remark("not ready in its time");
            self.tell(Event::ReadyTimeout);
        }
        self.take_port_ends(now);
        if due(&mut self.timers.drain_look) {
            self.look_at_connections(now);
        }
        if due(&mut self.timers.drain_limit) {
            match self.say_goodbye(None) {
                0 => self.tell(Event::Drained),
                _ => self.timers.farewell = Some(now + FAREWELL),
            }
        }
        if due(&mut self.timers.farewell) {
            self.tell(Event::Drained);
        }
        if due(&mut self.timers.grace) {
            self.log.remark("still there after its grace period: killed");
            if let Some(child) = &mut self.child {
                child.kill();
            }
            self.look_after_child();
        }
        if due(&mut self.timers.sweep) {
            self.sweep();
        }
        if due(&mut self.timers.hooks) {
            self.advance_hooks();
        }
        if self.save_due().is_some_and(|at| now >= at) {
            self.save_now();
        }
        let up = self.is_up();
        if let Some(forward) = self.forward.as_mut().filter(|forward| forward.rests_until().is_some_and(|at| now >= at))
        {
            forward.wake(up, &self.poller);
        }
        self.relays.take_timers(now, &self.poller);
    }

    fn look_at_connections(&mut self, now: Instant) {
        self.look_after_port_ends();
        // One quiet look may fall between the end of one connection and the beginning of the next.
        self.timers.quiet_looks = if self.lasting_connections() == 0 { self.timers.quiet_looks + 1 } else { 0 };
        if self.timers.quiet_looks >= 2 {
            self.tell(Event::Drained);
        } else {
            self.timers.drain_look = Some(now + DRAIN_LOOK);
        }
    }

    /// Leaves nothing behind but the log and the last state.
    pub(crate) fn finish(mut self) {
        self.groups.remove();
        let _ = fs::remove_file(self.dir.join("control.sock"));
        if let Some(forward) = &self.forward {
            forward.unlink();
        }
        if let Some(given) = &self.given {
            given.unlink();
        }
        self.log.remark("stopped");
        self.publish();
        self.save_now();
    }
}
