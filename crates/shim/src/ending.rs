//! Ends the present process: asks it, waits, kills, and sees that nothing of it is left.

use crate::child::Child;
use crate::clock;
use crate::exit::Exit;
use crate::hooks::Hooks;
use crate::machine::{Event, Phase};
use crate::poller::{HOOK_ERR, HOOK_OUT};
use crate::signals::parse_signal;
use crate::supervisor::{Supervisor, Timers};
use bloom_control::LastExit;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Between looks at processes that are about to vanish: nothing tells of those that are not our children.
const SWEEP: Duration = Duration::from_millis(5);
/// A sandbox younger than this may not have begun its command, or the command its first child.
const YOUTH: Duration = Duration::from_millis(250);
/// The status of a function that ends so that it is started anew: the SDK's word for calls that do not return.
const REPLACED: i32 = 70;
/// How long killing may take until the rest is given up and said.
const SWEEP_LIMIT: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Asks the process to end and begins its grace period.
    pub(crate) fn begin_end(&mut self) {
        let signal = parse_signal(&self.spec.stop.signal).unwrap_or(Signal::SIGTERM);
        self.log.remark(&format!("asked to end with {signal}"));
        self.ahead.leave();
        let now = Instant::now();
        let grace_ms = std::mem::replace(&mut self.grace_ms, self.spec.stop.grace_ms);
        self.timers = Timers { grace: Some(now + Duration::from_millis(grace_ms)), ..Timers::default() };
        if let Some(child) = &mut self.child {
            if !child.ask(signal, self.spec.stop.alone) {
                // So early that there is nobody to ask yet: asked again until there is.
                self.timers.sweep = Some(now + SWEEP);
            } else if child.started.elapsed() < YOUTH {
                // Whoever was asked may have been about to become somebody else: asked once more.
                self.timers.sweep = Some(now + YOUTH);
            }
        }
        self.look_after_child();
    }

    /// Sees to a child that is on its way out, until nothing of it is left.
    pub(crate) fn look_after_child(&mut self) {
        let now = Instant::now();
        let graceful = self.timers.grace.is_some_and(|at| now < at);
        let signal = parse_signal(&self.spec.stop.signal).unwrap_or(Signal::SIGTERM);
        let Some(child) = &mut self.child else { return };
        if child.is_held() {
            if !graceful || child.living().is_empty() {
                child.release();
            } else {
                child.ask_newcomers(signal);
            }
        }
        if child.exit.is_none() {
            self.timers.sweep = child.is_held().then(|| now + SWEEP).or(self.timers.sweep);
            return;
        }
        if graceful && child.leaves_politely() {
            child.ask_newcomers(signal);
            self.timers.sweep = Some(now + SWEEP);
            return;
        }
        let before = child.living().len();
        if self.timers.sweep_limit.is_none() {
            child.left_behind = child.left_behind.max(before);
        }
        child.kill();
        self.groups.kill();
        let limit = *self.timers.sweep_limit.get_or_insert(now + SWEEP_LIMIT);
        let gone = before == 0 && !child.has_descendants() && self.groups.is_empty();
        if gone || now >= limit {
            self.child_is_gone(gone);
        } else {
            self.timers.sweep = Some(now + SWEEP);
        }
    }

    fn child_is_gone(&mut self, clean: bool) {
        let Some(child) = self.child.take() else { return };
        self.ahead.leave();
        self.close_outputs();
        if let Some(notice) = child.notice() {
            self.poller.remove(notice);
        }
        if let Some(probe) = self.probe.take() {
            self.poller.remove(probe.stream());
        }
        let exit = child.exit.clone().unwrap_or(Exit { code: None, signal: None });
        let ran_ms = child.started.elapsed().as_millis() as u64;
        let failure = self.hooks.failure.take();
        self.hooks = Hooks::default();
        let well = exit.code == Some(0) && failure.is_none();
        let oom = self.groups.oom_kills() > self.oom_before;
        let note = failure.or_else(|| self.note_on(&child, &exit, clean));
        let last = LastExit { code: exit.code, signal: exit.signal, at: clock::now(), oom, ran_ms, note };
        self.log.remark(&describe(&last));
        self.facts.last_exit = Some(last);
        self.facts.ready_at = None;
        self.facts.ready_ms = None;
        self.timers = Timers::default();
        self.tell(Event::Ended { ran_ms, well });
    }

    fn note_on(&self, child: &Child, exit: &Exit, clean: bool) -> Option<String> {
        const FOREGROUND: &str = "the start command must stay in the foreground";
        if !clean {
            return Some("some of its processes could not be killed".into());
        }
        if matches!(self.machine.phase, Phase::Ending { .. }) {
            return None;
        }
        if !child.has_begun() {
            return Some("bubblewrap could not set the sandbox up; the log holds its words".into());
        }
        if self.spec.records.is_some() && exit.code == Some(REPLACED) {
            return Some("it ended itself to be started anew, because calls kept its threads past their time".into());
        }
        match child.left_behind {
            0 if exit.code == Some(0) && self.facts.ready_at.is_none() => Some(FOREGROUND.into()),
            0 => None,
            1 => Some(format!("left 1 process behind; {FOREGROUND}")),
            count => Some(format!("left {count} processes behind; {FOREGROUND}")),
        }
    }

    /// The last lines are in the log before the end is told.
    fn close_outputs(&mut self) {
        for index in (0..self.outputs.len()).rev() {
            self.close_output(index);
        }
    }

    /// The same for the commands around the start; what they left running has nobody to talk to any more.
    pub(crate) fn close_hook_outputs(&mut self) {
        for index in (0..self.outputs.len()).rev() {
            if matches!(self.outputs[index].token, HOOK_OUT | HOOK_ERR) {
                self.close_output(index);
            }
        }
    }

    fn close_output(&mut self, index: usize) {
        self.read_output(index, usize::MAX);
        let mut output = self.outputs.remove(index);
        self.end_output(&mut output);
    }

    /// Looks again at what was on its way out.
    pub(crate) fn sweep(&mut self) {
        let signal = parse_signal(&self.spec.stop.signal).unwrap_or(Signal::SIGTERM);
        if let Some(child) = self.child.as_mut().filter(|child| child.exit.is_none() && !child.is_held())
            && !child.ask(signal, self.spec.stop.alone)
        {
            self.timers.sweep = Some(Instant::now() + SWEEP);
        }
        self.look_after_child();
    }
}

fn describe(exit: &LastExit) -> String {
    let how = match (&exit.signal, exit.code) {
        (Some(signal), _) => format!("ended by {signal}"),
        (None, Some(code)) => format!("exited with code {code}"),
        (None, None) => "ended".to_owned(),
    };
    let oom = if exit.oom { ", out of memory" } else { "" };
    let note = exit.note.as_ref().map_or(String::new(), |note| format!("; {note}"));
    format!("{how}{oom} after {} ms{note}", exit.ran_ms)
}
