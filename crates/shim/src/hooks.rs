//! The commands around the start of an instance: `pre_start`, for which the command waits behind a gate, and
//! `post_start` beside it, which readiness waits for. Both run in the sandbox of that very start and end with it.

use crate::child::Child;
use crate::error::SetupError;
use crate::inside::{order_beside, start_inside};
use crate::machine::Phase;
use crate::poller::{HOOK_ERR, HOOK_OUT};
use crate::supervisor::Supervisor;
use bloom_control::Spec;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Between looks at a sandbox that is not complete yet: nothing tells of that.
const LOOK: Duration = Duration::from_millis(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hook {
    Pre,
    Post,
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Hook::Pre => "pre_start",
            Hook::Post => "post_start",
        }
    }

    fn stream(self) -> &'static str {
        match self {
            Hook::Pre => "pre",
            Hook::Post => "post",
        }
    }

    fn command(self, spec: &Spec) -> Option<&[String]> {
        match self {
            Hook::Pre => spec.pre_start.as_deref(),
            Hook::Post => spec.post_start.as_deref(),
        }
    }
}

/// What is to be run around one start.
#[derive(Default)]
pub struct Hooks {
    /// A line into it lets the command begin.
    gate: Option<File>,
    pending: VecDeque<Hook>,
    running: Option<(Hook, i32)>,
    ended: Option<(Hook, i32)>,
    /// A probe has succeeded already.
    pub answered: bool,
    /// Why this start has failed.
    pub failure: Option<String>,
}

impl Hooks {
    /// For a start that has just been made.
    pub fn begin(spec: &Spec, gate: Option<OwnedFd>) -> Hooks {
        let pending = [Hook::Pre, Hook::Post].into_iter().filter(|hook| hook.command(spec).is_some()).collect();
        Hooks { gate: gate.map(File::from), pending, ..Hooks::default() }
    }

    /// Whether readiness has to wait.
    pub fn are_pending(&self) -> bool {
        !self.pending.is_empty() || self.running.is_some() || self.ended.is_some() || self.failure.is_some()
    }

    /// What readiness waits for when it is not a probe.
    pub fn awaited(&self) -> Option<String> {
        let (hook, _) = self.running.filter(|(hook, _)| self.answered || *hook == Hook::Pre)?;
        Some(format!("{} has not ended", hook.name()))
    }

    /// Whether the command itself has not begun.
    pub fn keeps_gate(&self) -> bool {
        self.gate.is_some()
    }

    /// Takes in what `waitpid` said, when it is about one of them.
    pub fn take_end(&mut self, pid: i32, status: i32) -> bool {
        let Some((hook, _)) = self.running.filter(|(_, running)| *running == pid) else { return false };
        if libc::WIFEXITED(status) {
            self.ended = Some((hook, libc::WEXITSTATUS(status)));
        } else if libc::WIFSIGNALED(status) {
            self.ended = Some((hook, 128 + libc::WTERMSIG(status)));
        } else {
            return true;
        }
        self.running = None;
        true
    }
}

impl Supervisor {
    /// Goes on with what is to be run around the start, as far as it can.
    pub(crate) fn advance_hooks(&mut self) {
        if let Some((hook, code)) = self.hooks.ended.take() {
            self.hook_ended(hook, code);
        }
        if self.hooks.running.is_some() || self.hooks.failure.is_some() || self.machine.phase != Phase::Starting {
            return;
        }
        let Some(hook) = self.hooks.pending.front().copied() else { return };
        let Some(child) = self.child.as_mut().filter(|child| child.exit.is_none()) else { return };
        child.read_report();
        let Some(pid) = child.first_inside() else {
            self.timers.hooks = Some(Instant::now() + LOOK);
            return;
        };
        self.hooks.pending.pop_front();
        self.log.remark(&format!("{} begins", hook.name()));
        match self.start_hook(hook, pid) {
            Ok(pid) => self.hooks.running = Some((hook, pid)),
            Err(error) => self.fail_start(format!("{} could not be run: {error}", hook.name())),
        }
    }

    fn start_hook(&mut self, hook: Hook, pid: i32) -> Result<i32, SetupError> {
        let order = order_beside(&self.spec, pid, hook.command(&self.spec).unwrap_or_default());
        let (out, their_out) = pipe()?;
        let (err, their_err) = pipe()?;
        let started = start_inside(&order, Some([their_out, their_err]), || Ok(()), |_| {})?;
        self.add_outputs([(HOOK_OUT, hook.stream(), File::from(out)), (HOOK_ERR, hook.stream(), File::from(err))]);
        Ok(started.as_raw())
    }

    fn hook_ended(&mut self, hook: Hook, code: i32) {
        self.close_hook_outputs();
        // Killed with the sandbox's last process: that the sandbox ends is told a moment later, and why.
        let is_swept = |child: &Child| code == 128 + libc::SIGKILL && child.living().is_empty();
        if self.machine.phase != Phase::Starting
            || self.child.as_ref().is_none_or(|child| child.is_leaving() || is_swept(child))
        {
            // It ended with the sandbox, for whose end there is another reason.
            return;
        }
        if code != 0 {
            let how = if code > 128 { format!("signal {}", code - 128) } else { format!("code {code}") };
            return self.fail_start(format!("{} ended with {how}", hook.name()));
        }
        self.log.remark(&format!("{} has ended well", hook.name()));
        if hook == Hook::Pre
            && let Some(mut gate) = self.hooks.gate.take()
        {
            let _ = gate.write_all(b"\n");
        }
        if self.hooks.answered && !self.hooks.are_pending() {
            self.take_verdict(Ok(()));
        }
    }

    /// The start counts as a failed one.
    fn fail_start(&mut self, why: String) {
        self.log.remark(&why);
        self.hooks.failure = Some(why);
        if let Some(child) = &mut self.child {
            child.kill();
        }
        self.look_after_child();
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), SetupError> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC).map_err(crate::error::at("make a pipe"))?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(crate::error::at("set up a pipe"))?;
    Ok((ours, theirs))
}
