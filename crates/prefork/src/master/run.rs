use super::commands::{Request, of_byte, of_signal};
use super::fifo::Fifos;
use super::fleet::{Command, Event, Fleet, Millis, Rules, Stop, next_wake};
use super::generation::{Live, Shared};
use super::ready::Waiting;
use super::signals::Signals;
use super::sockets::{Bound, Sockets};
use super::touch::Touches;
use super::{MasterError, Parts, clock, identity, pidfile};
use crate::settings::{Settings, StatsSettings, TouchAction};
use crate::stats::Ledger;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::SystemTime;

const SECOND: Millis = 1_000;

/// The master at work.
pub(super) struct Master<'a, P> {
    pub parts: &'a mut P,
    pub fleet: Fleet,
    pub live: BTreeMap<u64, Live>,
    pub shared: Shared,
    pub signals: Signals,
    pub fifos: Fifos,
    pub touches: Touches,
    pub stats: Vec<(Bound, StatsSettings)>,
    pub waiting: Waiting,
    pub past: Ledger,
    pub since: SystemTime,
    pub reloads: u64,
    /// The generation that was last begun.
    pub newest: u64,
    /// A reload that was asked for while another one was under way.
    pub again: Option<bool>,
    pub told_ready: bool,
    pub told_stop: bool,
    pub queue_full: bool,
    /// Seconds in which a queue of connections was full.
    pub queue_errors: u64,
    pub next_tick: Millis,
    /// The code to exit with where a control daemon ended the host.
    pub code: Option<i32>,
}

/// Serves until the host is told to end; the result is the code to exit with. `ready` is written to once it serves.
/// To be called while the process has one thread.
pub fn run<P: Parts>(settings: Settings, parts: &mut P, ready: Option<OwnedFd>) -> Result<i32, MasterError> {
    identity::prepare(&settings.process)?;
    let signals = Signals::of_master().map_err(|error| MasterError::system("read signals", error))?;
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| MasterError::system("adopt processes", error))?;
    super::tune::rename(&settings, "master");
    let sockets = Sockets::bind(&settings, &[], &|chain, key| parts.tls(chain, key))?;
    let stats = super::stats_sockets::bind(&settings, &[])?;
    pidfile::write(&settings.process.pidfiles)?;
    identity::assume(&settings.process)?;
    for listener in sockets.listeners() {
        parts.line(&format!("listening on {}", listener.name));
    }
    let mut master = Master {
        fifos: Fifos::open(&settings.process.fifos)?,
        touches: Touches::watch(&settings.touches),
        shared: Shared::new()?,
        waiting: Waiting::of_environment(ready).map_err(|error| MasterError::system("tell systemd", error))?,
        fleet: Fleet::default(),
        live: BTreeMap::new(),
        past: Ledger::default(),
        since: SystemTime::now(),
        reloads: 0,
        newest: 0,
        again: None,
        told_ready: false,
        told_stop: false,
        queue_full: false,
        queue_errors: 0,
        next_tick: clock::now() + SECOND,
        code: None,
        parts,
        signals,
        stats,
    };
    master.begin(settings, sockets, false)?;
    Ok(master.serve())
}

impl<P: Parts> Master<'_, P> {
    fn serve(mut self) -> i32 {
        loop {
            self.look();
            self.settle();
            self.tell();
            if self.fleet.ended() && self.parts.is_stopped() {
                break;
            }
            self.wait();
            self.hear_signals();
            self.hear_app_processes();
            self.hear_fifo();
            self.answer_stats();
            self.tick();
        }
        self.clean();
        self.fleet.failed.or(self.code).unwrap_or(0)
    }

    /// Adds a generation and starts its app process.
    pub fn begin(&mut self, settings: Settings, sockets: Sockets, brutal: bool) -> Result<(), MasterError> {
        let rules = Rules::of(&settings);
        let live = Live::new(settings, sockets)?;
        self.newest += 1;
        let number = self.newest;
        self.live.insert(number, live);
        if let Err(error) = self.start_app(number) {
            self.live.remove(&number);
            return Err(error);
        }
        self.fleet.add(number, rules, brutal);
        Ok(())
    }

    /// Waits for anything to happen, or for the time something is due.
    fn wait(&mut self) {
        let now = clock::now();
        let tick = (self.needs_ticks() || self.told_stop && self.parts.wants_ticks()).then_some(self.next_tick);
        // Whatever is stopped beside the workers tells nobody: it is asked.
        let stopping = (self.fleet.ended() && !self.parts.is_stopped()).then_some(now + 50);
        let wake = [next_wake(&self.fleet, now), tick, stopping].into_iter().flatten().min();
        let timeout = wake.map_or(PollTimeout::NONE, |at| {
            PollTimeout::try_from(at.saturating_sub(now).min(3_600_000) as i32).unwrap_or(PollTimeout::NONE)
        });
        let notes = self.live.values().map(|live| live.notify.as_fd());
        let controls = self.live.values().filter_map(|live| live.control.as_ref()).map(AsFd::as_fd);
        let stats = self.stats.iter().map(|(bound, _)| bound.fd().as_fd());
        let all = [self.signals.as_fd()].into_iter().chain(self.fifos.fd()).chain(notes).chain(controls).chain(stats);
        let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, timeout);
    }

    fn needs_ticks(&self) -> bool {
        let needs = |settings: &Settings| {
            let life = &settings.life;
            settings.cheaper.is_some()
                || life.evil_reload_on_rss > 0
                || life.evil_reload_on_as > 0
                || !life.harakiri.is_zero()
        };
        let live = || self.live.values();
        !self.touches.is_empty()
            || self.parts.wants_ticks()
            || live().any(|live| needs(&live.settings) || live.sockets.listeners().any(|listener| listener.is_tcp))
    }

    fn tick(&mut self) {
        let now = clock::now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + SECOND;
        for touch in self.touches.changed() {
            self.parts.line(&format!("{} has changed", touch.path.display()));
            self.obey(match touch.action {
                TouchAction::Reload => Request::Reload { brutal: false },
                TouchAction::ReloadWorkers => Request::Fleet(Command::ReloadWorkers),
                TouchAction::ReloadChain => Request::Fleet(Command::ReloadChain),
                TouchAction::RotateLogs => Request::RotateLogs,
                TouchAction::ReopenLogs => Request::ReopenLogs,
            });
        }
        self.sample_memory(false);
        let (waiting, most) = self.serving().map(|live| live.sockets.backlog()).unwrap_or_default();
        let full = most > 0 && waiting >= most;
        if full && !self.queue_full {
            self.parts.line(&format!("the queue of connections is full ({waiting} of {most}; see listen)"));
        }
        self.queue_full = full;
        self.queue_errors += u64::from(full);
        self.take(Event::Second { backlog: waiting });
        if let Some(code) = self.parts.on_tick()
            && self.fleet.stop == Stop::No
        {
            self.code = Some(code);
            self.obey(Request::Fleet(Command::Stop));
        }
    }

    fn hear_signals(&mut self) {
        for signal in self.signals.read() {
            let brutal = self.serving().is_some_and(|live| live.settings.life.brutal_term);
            if let Some(request) = of_signal(signal, brutal) {
                self.obey(request);
            }
        }
        self.reap();
    }

    fn hear_fifo(&mut self) {
        for request in self.fifos.read().into_iter().filter_map(of_byte) {
            self.obey(request);
        }
    }

    /// The generation that serves.
    pub fn serving(&self) -> Option<&Live> {
        self.live.get(&self.fleet.serving()?.number)
    }

    pub fn take(&mut self, event: Event) {
        self.fleet.take(event, clock::now());
    }

    /// Removes what was made in the file system.
    fn clean(&mut self) {
        self.fifos.remove();
        for live in self.live.values().filter(|live| live.settings.process.vacuum) {
            live.sockets.unlink_except(&[]);
            self.stats.iter().for_each(|(bound, _)| bound.unlink());
            pidfile::remove(&live.settings.process.pidfiles);
        }
    }
}
