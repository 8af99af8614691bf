//! Watches a process that has been started until it is ready.

use crate::machine::{Event, Phase};
use crate::poller::PROBE;
use crate::probe::{Probe, Verdict};
use crate::supervisor::{Supervisor, Timers};
use bloom_control::Ready;
use std::time::{Duration, Instant};

const FIRST_PROBE_MS: u64 = 5;
const LONGEST_PAUSE_MS: u64 = 250;
/// One that has taken so many times a pause is not made to wait much longer by another one.
const PATIENCE: u32 = 8;

impl Supervisor {
    /// Begins to watch the present process.
    pub(crate) fn watch_readiness(&mut self) {
        let now = Instant::now();
        self.facts.listens.clear();
        self.timers = Timers { hooks: self.hooks.are_pending().then_some(now), ..Timers::default() };
        match self.spec.ready.timeout_ms() {
            Some(limit) => {
                self.timers.ready = Some(now + Duration::from_millis(limit));
                self.timers.probe = self.asks().then(|| now + Duration::from_millis(FIRST_PROBE_MS));
                self.timers.probe_pause = FIRST_PROBE_MS;
            }
            // Ready by running; one that keeps failing is believed only when it has run for a while.
            None if self.machine.is_crash_looping() => {
                self.timers.probe = Some(now + Duration::from_millis(self.spec.restart.reset_after_ms));
            }
            None => self.timers.probe = Some(now),
        }
    }

    /// Whether the app is asked or watched; otherwise it says by itself that it is ready, or nobody does.
    fn asks(&self) -> bool {
        self.spec.ready.timeout_ms().is_some() && !matches!(self.spec.ready, Ready::Message { .. })
    }

    /// Takes in what the app says of its own readiness.
    pub(crate) fn take_notice(&mut self) {
        let Some(child) = &mut self.child else { return };
        let Some(verdict) = child.read_notice() else { return };
        if let Some(notice) = child.notice() {
            self.poller.remove(notice);
        }
        child.forget_notice();
        self.take_verdict(verdict);
    }

    /// Begins the next probe.
    pub(crate) fn begin_probe(&mut self) {
        let waited = self.child.as_ref().map(|child| child.started.elapsed());
        self.timers.probe_pause = plan_pause(waited.unwrap_or_default());
        self.timers.probe = None;
        if let Ready::Listens { ports, .. } = &self.spec.ready {
            let ports = ports.clone();
            let verdict = self.look_for_listeners(&ports);
            return self.take_verdict(verdict);
        }
        match Probe::start(&self.spec.ready) {
            None => self.take_verdict(Ok(())),
            Some(Err(text)) => self.take_verdict(Err(text)),
            Some(Ok(probe)) => {
                let _ = self.poller.add(probe.stream(), PROBE, probe.interest());
                self.probe = Some(probe);
                // On loopback most connections are decided by now.
                self.advance_probe();
            }
        }
    }

    pub(crate) fn advance_probe(&mut self) {
        let Some(probe) = &mut self.probe else { return };
        let verdict = probe.advance();
        self.after_probe(verdict);
    }

    pub(crate) fn after_probe(&mut self, verdict: Option<Verdict>) {
        if let Some(probe) = &self.probe {
            if probe.is_closed() {
                self.poller.remove(probe.stream());
                self.probe = None;
            } else {
                let _ = self.poller.change(probe.stream(), PROBE, probe.interest());
            }
        }
        if let Some(verdict) = verdict {
            self.take_verdict(verdict);
        }
    }

    /// Takes in what a probe has found out. Readiness is also a matter of `post_start`.
    pub(crate) fn take_verdict(&mut self, verdict: Verdict) {
        let Some(child) = self.child.as_ref().filter(|_| self.machine.phase == Phase::Starting) else {
            return;
        };
        // Whoever answered a probe before the command has begun was somebody else.
        let too_early = self.hooks.keeps_gate() && self.spec.ready.timeout_ms().is_some();
        let verdict = if too_early { Err("pre_start has not ended".into()) } else { verdict };
        match verdict {
            // A ready instance can be entered, so who runs in there must be known. Under load the app can be first.
            Ok(()) if self.hooks.are_pending() || child.report().is_some() => self.hooks.answered = true,
            Ok(()) => {
                let took = child.started.elapsed().as_millis() as u64;
                self.note_ready(took);
                self.log.remark(&format!("ready after {took} ms"));
                self.timers.ready = None;
                self.tell(Event::Ready);
                self.ahead.leave();
            }
            Err(text) => {
                self.facts.last_probe = Some(text);
                let next = Instant::now() + Duration::from_millis(self.timers.probe_pause);
                self.timers.probe = self.asks().then_some(next);
            }
        }
    }
}

/// Until the next probe, of an app that was started so long ago.
fn plan_pause(waited: Duration) -> u64 {
    ((waited / PATIENCE).as_millis() as u64).clamp(FIRST_PROBE_MS, LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_taken_long_is_asked_less_often() {
        for (waited, pause) in [(0, 5), (40, 5), (80, 10), (1_000, 125), (60_000, 250)] {
            assert_eq!(plan_pause(Duration::from_millis(waited)), pause);
        }
    }
}
