//! A sandbox that stands before anybody knows for whom: everything in it is ready but the app. Making one takes longer
//! than anything else in the start of a function, so it is done while nobody waits.

use crate::ahead::Ahead;
use crate::begin::send_order;
use crate::child::Child;
use crate::descriptors;
use crate::error::{SetupError, at};
use crate::fill::fill;
use crate::spawn::{Spawned, spawn};
use crate::spec_input::parse_spec;
use crate::sys;
use bloom_control::{Begin, Complete, Ready, Sandbox, Spec};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::stat::Mode;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long one that is still being made may take when it is wanted, and one that is not wanted to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sandbox, and whoever waits in it.
pub struct Standby {
    spawned: Spawned,
    child: Child,
    order: UnixStream,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    Stands,
    Gone,
}

impl Standby {
    /// Starts it: a spec like any other, whose command is bubblewrap's call up to the program, which is our own.
    pub fn make(spec: &str, ahead: &Ahead) -> Result<Standby, SetupError> {
        let mut spec = parse_spec(spec.as_bytes())?;
        if spec.sandbox != Sandbox::Bwrap {
            return Err(SetupError::refuse("make a sandbox ahead", "the spec asks for none"));
        }
        spec.command.extend([format!("/proc/self/fd/{}", descriptors::PROGRAM), "begin".into()]);
        let (order, theirs) = UnixStream::pair().map_err(at("make a pair of sockets"))?;
        let program = open("/proc/self/exe", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
        let program = program.map_err(at("open our own program"))?;
        let given = [(OwnedFd::from(theirs), descriptors::ORDER), (program, descriptors::PROGRAM)];
        let given = given.into_iter().map(|(fd, number)| Ok((sys::move_up(fd)?, number)));
        let given = given.collect::<std::io::Result<_>>().map_err(at("pass a descriptor"))?;
        let mut spawned = spawn(&spec, given, ahead)?;
        let child = Child::new(&mut spawned, spec.sandbox);
        order.set_nonblocking(true).map_err(at("set up a socket"))?;
        Ok(Standby { spawned, child, order, state: State::Coming })
    }

    /// Reads to the end, and sees meanwhile to what the sandbox needs.
    pub fn read_on(&mut self, mut input: impl Read + AsFd, signals: &SignalFd) -> Result<Vec<u8>, SetupError> {
        let mut text = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            if !self.wait(Some(input.as_fd()), signals, PollTimeout::NONE)? {
                continue;
            }
            match input.read(&mut buffer) {
                Ok(0) => return Ok(text),
                Ok(count) => text.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(at("read the spec")(error)),
            }
        }
    }

    /// Makes it the sandbox of this instance. After a failure it is good for nothing but its end.
    pub fn complete(
        &mut self,
        (spec, complete): (&Spec, &Complete),
        socket: Option<&OwnedFd>,
        signals: &SignalFd,
    ) -> Result<(), SetupError> {
        if spec.netns.is_some() || spec.pre_start.is_some() || spec.post_start.is_some() {
            return Err(SetupError::refuse("complete the sandbox", "it was made for no network and no hooks"));
        }
        self.await_word(signals)?;
        self.child.read_report();
        let init = self.child.init().ok_or_else(|| SetupError::refuse("complete the sandbox", "it has no init"))?;
        fill(init, complete, spec.user)?;
        self.order.set_nonblocking(false).map_err(at("set up a socket"))?;
        let begin = Begin {
            command: complete.command.clone(),
            env: spec.env.clone(),
            cwd: complete.cwd.clone(),
            rlimits: spec.rlimits,
            notice: matches!(spec.ready, Ready::Message { .. }),
            records: spec.records.is_some(),
        };
        send_order(&self.order, &begin, socket).map_err(at("tell who waits in the sandbox"))?;
        // What the command does not have says nothing of it.
        if !begin.notice {
            self.child.forget_notice();
        }
        if !begin.records {
            self.spawned.records = None;
        }
        self.child.start_the_clock();
        Ok(())
    }

    /// What a start gives.
    pub fn into_parts(self) -> (Spawned, Child) {
        (self.spawned, self.child)
    }

    /// Ends it: whoever waits in it leaves when nobody can tell it anything any more.
    pub fn end(self, signals: &SignalFd) {
        let Standby { mut child, order, .. } = self;
        drop(order);
        let mut limit = Instant::now() + PATIENCE;
        loop {
            reap(&mut child);
            // Bubblewrap may end before the init of its sandbox, which is then left to us.
            if child.exit.is_some() && !child.has_descendants() {
                return;
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                child.kill();
                limit = Instant::now() + PATIENCE;
            }
            let mut waited = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut waited, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO));
            while let Ok(Some(_)) = signals.read_signal() {}
        }
    }

    fn await_word(&mut self, signals: &SignalFd) -> Result<(), SetupError> {
        let limit = Instant::now() + PATIENCE;
        while self.state == State::Coming && Instant::now() < limit {
            self.wait(None, signals, PollTimeout::from(50_u8))?;
        }
        match self.state {
            State::Stands if self.child.exit.is_none() => Ok(()),
            _ => Err(SetupError::refuse("complete the sandbox", "it does not stand")),
        }
    }

    /// Waits for anything, takes it in, and says whether there is input.
    fn wait(&mut self, input: Option<BorrowedFd>, signals: &SignalFd, limit: PollTimeout) -> Result<bool, SetupError> {
        let mut waited = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        waited.extend(input.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        if self.state == State::Coming {
            waited.push(PollFd::new(self.order.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut waited, limit) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(false),
            Err(error) => return Err(at("wait")(error)),
        }
        let has_input = input.is_some() && waited[1].any() == Some(true);
        while let Ok(Some(info)) = signals.read_signal() {
            if matches!(Signal::try_from(info.ssi_signo as i32), Ok(Signal::SIGTERM | Signal::SIGINT)) {
                return Err(SetupError::refuse("wait", "it was asked to end"));
            }
        }
        reap(&mut self.child);
        self.hear();
        Ok(has_input)
    }

    fn hear(&mut self) {
        if self.state != State::Coming {
            return;
        }
        let mut word = [0];
        match self.order.read(&mut word) {
            Ok(1) => self.state = State::Stands,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            _ => self.state = State::Gone,
        }
    }
}

/// What is traced stops at its forks and at its end, and goes on only when it has been looked at.
fn reap(child: &mut Child) {
    while let Some((pid, status)) = sys::wait_any() {
        if child.pid == pid && child.exit.is_none() {
            child.observe(status, false);
        } else if libc::WIFSTOPPED(status) {
            child.observe_init(pid, status);
        }
    }
}
