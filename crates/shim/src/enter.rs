//! The verb `enter`: a further command in a running sandbox. The spec is the first line on descriptor 3; the lines
//! after it are messages, and the descriptor's end is the command's.

use crate::error::{SETUP_FAILED, SetupError, at};
use crate::inside::start_inside;
use crate::lines::Lines;
use crate::own_copy::run_from_memory;
use crate::signals::{self, parse_signal};
use crate::sys::{self, Close};
use crate::terminal::{Relay, make_terminal, receive};
use bloom_control::{EnterMessage, EnterSpec, PROTOCOL, Size};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// From TERM to KILL when the caller has let go.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the command and ends as it ends.
pub fn enter() -> ExitCode {
    match try_enter() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("bloom-shim: {}", error.to_string().replace('\n', " "));
            ExitCode::from(SETUP_FAILED)
        }
    }
}

fn try_enter() -> Result<u8, SetupError> {
    run_from_memory()?;
    let control = sys::adopt_descriptor(3).map_err(at("read the spec from descriptor 3"))?;
    fcntl(&control, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(at("keep descriptor 3"))?;
    sys::close_from(4, Close::OnExec);
    let mut control = Lines::new(File::from(control));
    let spec = parse_spec(&control.read_first()?)?;
    let tty = spec.tty;
    let signals = signals::open().map_err(at("watch for signals"))?;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(at("make a pair of sockets"))?;
    let waiter = start_inside(
        &spec,
        None,
        || tty.map_or(Ok(()), |size| make_terminal(size, &theirs)),
        |command| {
            let _ = send(theirs.as_raw_fd(), &command.as_raw().to_ne_bytes(), MsgFlags::empty());
        },
    )?;
    drop(theirs);
    let relay = None;
    let mut session = Session {
        control,
        signals,
        news: Some(ours),
        waiter,
        command: None,
        early: Vec::new(),
        relay,
        size: None,
        kill_at: None,
    };
    session.run(tty.is_some())
}

/// One command, from its start to its end.
struct Session {
    control: Lines,
    signals: SignalFd,
    /// Where the command's pid and its terminal come from.
    news: Option<OwnedFd>,
    /// The process that waits for the command, and ends as it ends.
    waiter: Pid,
    command: Option<Pid>,
    /// What came for the command before it was known.
    early: Vec<Signal>,
    relay: Option<Relay>,
    /// The size the terminal was told before it was there.
    size: Option<Size>,
    /// When what does not listen is killed.
    kill_at: Option<Instant>,
}

impl Session {
    fn run(&mut self, has_terminal: bool) -> Result<u8, SetupError> {
        // Lines that came along with the spec.
        let lines = self.control.take_lines();
        self.obey(&lines);
        if self.control.has_ended() {
            self.let_go();
        }
        loop {
            self.wait(has_terminal).map_err(at("wait"))?;
            if let Some(code) = self.reap() {
                if let Some(relay) = &mut self.relay {
                    relay.copy_output();
                }
                return Ok(code);
            }
        }
    }

    /// Waits until something happens and takes it in.
    fn wait(&mut self, has_terminal: bool) -> io::Result<()> {
        let stdin = io::stdin();
        let none = PollFlags::empty();
        let mut waited = vec![(0, PollFd::new(self.signals.as_fd(), PollFlags::POLLIN))];
        if let Some(file) = self.control.file() {
            waited.push((1, PollFd::new(file.as_fd(), PollFlags::POLLIN)));
        }
        if let Some(news) = &self.news {
            waited.push((2, PollFd::new(news.as_fd(), PollFlags::POLLIN)));
        }
        if let Some(relay) = &self.relay {
            waited.push((3, PollFd::new(relay.front(), relay.interest())));
            if relay.wants_input() {
                waited.push((4, PollFd::new(stdin.as_fd(), PollFlags::POLLIN)));
            }
        }
        let limit = self.kill_at.map_or(PollTimeout::NONE, |at| {
            let left = at.saturating_duration_since(Instant::now()).as_millis() as i32 + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let (names, mut fds): (Vec<i32>, Vec<PollFd>) = waited.into_iter().unzip();
        if let Err(error) = poll(&mut fds, limit)
            && error != nix::errno::Errno::EINTR
        {
            return Err(error.into());
        }
        let flags: Vec<(i32, PollFlags)> =
            names.into_iter().zip(fds.iter().map(|fd| fd.revents().unwrap_or(none))).collect();
        drop(fds);
        for (name, flags) in flags.into_iter().filter(|(_, flags)| !flags.is_empty()) {
            match name {
                0 => self.take_signals(),
                1 => self.take_messages(),
                2 => self.take_news(has_terminal),
                3 => self.take_terminal(flags),
                _ => drop(self.relay.as_mut().map(Relay::read_input)),
            }
        }
        if self.kill_at.take_if(|at| Instant::now() >= *at).is_some() {
            self.signal(Signal::SIGKILL);
        }
        Ok(())
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo as i32 != Signal::SIGCHLD as i32 {
                self.let_go();
            }
        }
    }

    fn take_messages(&mut self) {
        let ended = matches!(self.control.fill(), Ok(0) | Err(_));
        let lines = self.control.take_lines();
        self.obey(&lines);
        if ended {
            self.control.end();
            self.let_go();
        }
    }

    /// A line that is not understood is passed over: the command has nothing to do with it.
    fn obey(&mut self, lines: &[Vec<u8>]) {
        for line in lines {
            match serde_json::from_slice(line) {
                Ok(EnterMessage::Resize(size)) => match &self.relay {
                    Some(relay) => relay.resize(size),
                    None => self.size = Some(size),
                },
                Ok(EnterMessage::Signal(name)) => drop(parse_signal(&name).map(|signal| self.signal(signal))),
                Err(_) => {}
            }
        }
    }

    fn take_news(&mut self, has_terminal: bool) {
        let Some(news) = &self.news else { return };
        match receive(news) {
            Ok((bytes, None)) if bytes.len() == 4 => {
                let pid = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                self.command = Some(Pid::from_raw(pid));
            }
            Ok((_, Some(front))) => {
                self.relay = Relay::new(front).ok();
                if let (Some(relay), Some(size)) = (&self.relay, self.size.take()) {
                    relay.resize(size);
                }
            }
            Ok(_) => self.news = None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.news = None,
        }
        if self.command.is_some() && (!has_terminal || self.relay.is_some()) {
            self.news = None;
        }
        if self.command.is_some() || self.news.is_none() {
            for signal in std::mem::take(&mut self.early) {
                self.signal(signal);
            }
        }
    }

    fn take_terminal(&mut self, flags: PollFlags) {
        let Some(relay) = &mut self.relay else { return };
        if flags.contains(PollFlags::POLLOUT) {
            relay.write_typed();
        }
        if flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) && !relay.copy_output() {
            self.relay = None;
        }
    }

    /// Nobody waits for the command any more.
    fn let_go(&mut self) {
        self.signal(Signal::SIGTERM);
        if self.relay.is_some() {
            // An interactive shell does not listen to the other.
            self.signal(Signal::SIGHUP);
        }
        self.kill_at.get_or_insert(Instant::now() + GRACE);
    }

    /// To the whole group of the command. Until it is known a signal waits: the process that starts the command could
    /// only die of it. KILL does not wait.
    fn signal(&mut self, signal: Signal) {
        if self.command.is_none() && self.news.is_some() && signal != Signal::SIGKILL {
            return self.early.push(signal);
        }
        let target = self.command.unwrap_or(self.waiter);
        if killpg(target, signal).is_err() {
            signals::send(target.as_raw(), signal);
        }
    }

    fn reap(&self) -> Option<u8> {
        let status = sys::wait_for(self.waiter.as_raw(), false)?;
        if libc::WIFEXITED(status) {
            return Some(libc::WEXITSTATUS(status) as u8);
        }
        libc::WIFSIGNALED(status).then(|| 128 + libc::WTERMSIG(status) as u8)
    }
}

fn parse_spec(text: &[u8]) -> Result<EnterSpec, SetupError> {
    let spec: EnterSpec = serde_json::from_slice(text).map_err(at("understand the spec"))?;
    if spec.protocol == PROTOCOL {
        return Ok(spec);
    }
    let text = format!("it speaks protocol {}, this shim speaks {PROTOCOL}", spec.protocol);
    Err(SetupError::refuse("understand the spec", text))
}
