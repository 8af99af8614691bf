//! The process that runs now, with everything below it.

use crate::clock;
use crate::exit::Exit;
use crate::probe::Verdict;
use crate::process_tree::{behind_shell, children, is_waiting_shell, living_descendants};
use crate::signals::send;
use crate::spawn::Spawned;
use bloom_control::Sandbox;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::time::Instant;

/// One start of the command, until nothing of it is left.
pub struct Child {
    /// Bubblewrap, or the command itself.
    pub pid: i32,
    sandbox: Sandbox,
    /// Init of the sandbox's pid namespace, once bubblewrap has said so.
    init: Option<i32>,
    info: Option<(File, Vec<u8>)>,
    notice: Option<(File, Vec<u8>)>,
    traced: bool,
    /// Stopped on its way out, so that others may end before it.
    held: bool,
    /// On its way out, and the sandbox with it.
    leaving: bool,
    /// Set when the first process has ended.
    pub exit: Option<Exit>,
    /// Processes that outlived it without being asked.
    pub left_behind: usize,
    /// All of the tree was asked to end, so all of it has its grace.
    asked_all: bool,
    /// Those that were asked already.
    asked: Vec<i32>,
    /// When it was started.
    pub started: Instant,
    /// The same for people.
    pub started_at: String,
}

impl Child {
    /// Takes over what was spawned.
    pub fn new(spawned: &mut Spawned, sandbox: Sandbox) -> Child {
        Child {
            pid: spawned.pid,
            sandbox,
            init: None,
            info: spawned.info.take().map(|fd| (File::from(fd), Vec::new())),
            notice: spawned.notice.take().map(|fd| (File::from(fd), Vec::new())),
            traced: spawned.traced,
            held: false,
            leaving: false,
            exit: None,
            left_behind: 0,
            asked_all: false,
            asked: Vec::new(),
            started: Instant::now(),
            started_at: clock::now(),
        }
    }

    /// The command begins only now.
    pub fn start_the_clock(&mut self) {
        self.started = Instant::now();
        self.started_at = clock::now();
    }

    /// Init of the sandbox's pid namespace.
    pub fn init(&self) -> Option<i32> {
        self.init.filter(|_| self.exit.is_none())
    }

    /// No longer listens to what the command says of its readiness.
    pub fn forget_notice(&mut self) {
        self.notice = None;
    }

    /// The pipe with bubblewrap's report, while it is open.
    pub fn report(&self) -> Option<&File> {
        self.info.as_ref().map(|(file, _)| file)
    }

    /// Reads what there is of bubblewrap's report: `{ "child-pid": 4711, … }`.
    pub fn read_report(&mut self) {
        let Some((file, text)) = &mut self.info else { return };
        let ended = match file.read_to_end(text) {
            Ok(_) => true,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        if let Ok(report) = serde_json::from_slice::<serde_json::Value>(text) {
            self.init = report.get("child-pid").and_then(|pid| pid.as_i64()).map(|pid| pid as i32);
        }
        if ended || self.init.is_some() {
            self.info = None;
        }
    }

    /// The pipe on which the command says that it is ready, while that is awaited.
    pub fn notice(&self) -> Option<&File> {
        self.notice.as_ref().map(|(file, _)| file)
    }

    /// Reads what the command says of its readiness; tells the verdict once, and the pipe may then be forgotten.
    pub fn read_notice(&mut self) -> Option<Verdict> {
        const LONGEST: usize = 64;
        let (file, text) = self.notice.as_mut()?;
        let mut piece = [0; LONGEST];
        let ended = match file.read(&mut piece) {
            Ok(count) => {
                text.extend_from_slice(&piece[..count]);
                count == 0
            }
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind()) => return None,
            Err(_) => true,
        };
        match text.split(|byte| *byte == b'\n').next() {
            Some(b"ready") if text.contains(&b'\n') => Some(Ok(())),
            _ if ended => Some(Err("descriptor 3 was closed before `ready` was written into it".into())),
            Some(line) if text.contains(&b'\n') || text.len() > LONGEST => {
                Some(Err(format!("descriptor 3 said {:?} and not `ready`", String::from_utf8_lossy(line))))
            }
            _ => None,
        }
    }

    /// Whether bubblewrap got so far as to make its namespaces.
    pub fn has_begun(&self) -> bool {
        self.sandbox == Sandbox::None || self.init.is_some()
    }

    /// The process its user would call the app.
    pub fn user_process(&self) -> Option<i32> {
        if self.exit.is_some() {
            return None;
        }
        match self.sandbox {
            Sandbox::None => Some(behind_shell(self.pid)),
            Sandbox::Bwrap => children(self.init?).first().map(|first| behind_shell(*first)),
        }
    }

    /// The first process inside the sandbox, which is there as soon as the sandbox is complete.
    pub fn first_inside(&self) -> Option<i32> {
        if self.exit.is_some() {
            return None;
        }
        children(self.init?).first().copied()
    }

    /// The user's processes that live, without those of the sandbox itself.
    pub fn living(&self) -> Vec<i32> {
        match self.sandbox {
            Sandbox::Bwrap => self.init.map(living_descendants).unwrap_or_default(),
            Sandbox::None => living_descendants(std::process::id() as i32),
        }
    }

    /// Takes in what `waitpid` said of it. `ending`: it has been asked to end.
    pub fn observe(&mut self, status: i32, ending: bool) {
        if libc::WIFEXITED(status) {
            self.exit = Some(Exit::by_code(libc::WEXITSTATUS(status), self.sandbox));
        } else if libc::WIFSIGNALED(status) {
            self.exit = Some(Exit::by_signal(libc::WTERMSIG(status)));
        } else if status >> 16 == ptrace::Event::PTRACE_EVENT_EXIT as i32 {
            self.before_exit(ending);
        } else if status >> 16 != 0 {
            self.go_on(None);
        } else {
            self.go_on(Signal::try_from(libc::WSTOPSIG(status)).ok());
        }
    }

    /// Takes in a stop of another process that is traced: the namespace's init, from its birth. It stays traced,
    /// so that it cannot outlive the shim, but what it forks, the user's processes, must not be.
    pub fn observe_init(&self, pid: i32, status: i32) {
        let pid = Pid::from_raw(pid);
        if status >> 16 == ptrace::Event::PTRACE_EVENT_STOP as i32 {
            let _ = ptrace::setoptions(pid, ptrace::Options::PTRACE_O_EXITKILL);
        }
        let signal = if status >> 16 == 0 { Signal::try_from(libc::WSTOPSIG(status)).ok() } else { None };
        let _ = ptrace::cont(pid, signal);
    }

    fn before_exit(&mut self, ending: bool) {
        self.leaving = true;
        let left = self.living().len();
        if ending && left > 0 {
            self.held = true;
            return;
        }
        self.left_behind = left;
        self.kill_init();
        self.go_on(None);
    }

    fn go_on(&mut self, signal: Option<Signal>) {
        if self.traced {
            let _ = ptrace::cont(Pid::from_raw(self.pid), signal);
        }
    }

    /// Whether it has ended, or is about to, for reasons of its own.
    pub fn is_leaving(&self) -> bool {
        self.leaving || self.exit.is_some()
    }

    /// Whether its end waits for others in the sandbox.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Lets it end, and the sandbox with it.
    pub fn release(&mut self) {
        if self.held {
            self.held = false;
            self.kill_init();
            self.go_on(None);
        }
    }

    /// Whether what is left after the first process still has its grace.
    pub fn leaves_politely(&self) -> bool {
        self.asked_all && !self.living().is_empty()
    }

    /// Asks everything the user started to end; not bubblewrap and its init, which only pass the end on.
    /// Without a sandbox the first process is asked alone and sees to its children, as nginx does, unless it
    /// is a shell, which does not; so is a command of which its spec says that it stands `alone` for its processes.
    /// Returns whether there was anybody to ask.
    pub fn ask(&mut self, signal: Signal, alone: bool) -> bool {
        let alone = alone || (self.sandbox == Sandbox::None && !is_waiting_shell(self.pid));
        let targets = match self.sandbox {
            _ if !alone => self.living(),
            Sandbox::None => vec![self.pid],
            Sandbox::Bwrap => self.user_process().into_iter().collect(),
        };
        self.asked_all = !alone;
        for pid in &targets {
            send(*pid, signal);
        }
        self.asked = targets;
        !self.asked.is_empty()
    }

    /// Asks those that were born while the others were asked: their parent is gone and tells them nothing.
    pub fn ask_newcomers(&mut self, signal: Signal) {
        for pid in self.living() {
            if !self.asked.contains(&pid) {
                send(pid, signal);
                self.asked.push(pid);
            }
        }
    }

    /// Whether anything is left below the shim, the dead that wait to be reaped included.
    pub fn has_descendants(&self) -> bool {
        !children(std::process::id() as i32).is_empty()
    }

    /// Kills all of it, once; what forks meanwhile is met by the next call.
    pub fn kill(&mut self) {
        self.kill_init();
        if self.exit.is_none() {
            send(self.pid, Signal::SIGKILL);
        }
        for pid in living_descendants(std::process::id() as i32) {
            send(pid, Signal::SIGKILL);
        }
        self.release();
    }

    /// The end of a namespace's init is the end of everything in it.
    fn kill_init(&self) {
        if let Some(init) = self.init.filter(|_| self.exit.is_none()) {
            send(init, Signal::SIGKILL);
        }
    }
}
