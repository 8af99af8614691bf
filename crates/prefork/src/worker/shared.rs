use super::connection::Connection;
use super::context::Handover;
use super::poller::{Poller, Token};
use super::slots::Slots;
use crate::app::App;
use crate::board::{Board, Core, CoreState, Wish, WorkerCell};
use crate::http::mount::Mounts;
use crate::http::request::Limits;
use crate::listener::Listener;
use crate::log::Logger;
use crate::settings::Settings;
use crate::statics::Files;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

/// What all threads of a worker use together: its [`Parts`], and what is made for the time it serves.
pub struct Shared {
    parts: Parts,
    pub limits: Limits,
    pub mounts: Mounts,
    pub server_name: String,
    pub pid: i32,
    pub slots: Slots,
    pub poller: Poller,
    /// Wakes the worker's main thread.
    pub wake_main: EventFd,
    /// Wakes a thread of the event loop.
    pub nudge: EventFd,
    waiting: Mutex<VecDeque<Box<Connection>>>,
    waiting_len: AtomicUsize,
    is_draining: AtomicBool,
    /// Until when idle clients may ask once more of a worker that drains, in milliseconds; 0: not said yet.
    last_chance_ms: AtomicU64,
    is_aside: AtomicBool,
    /// Held while it changes what this worker takes from.
    row: Mutex<()>,
    /// How often a thread began with something while the worker drained.
    begun_in_drain: AtomicU64,
    /// By core: it has a connection in its hands, or is about to take one.
    at_work: Vec<AtomicBool>,
    /// By core: it serves a connection that has a number.
    holds_number: Vec<AtomicBool>,
}

/// What a worker was given, and what it has loaded.
pub struct Parts {
    pub settings: Arc<Settings>,
    pub board: Board,
    pub place: usize,
    pub id: u32,
    pub listeners: Vec<Listener>,
    pub apps: Vec<App>,
    pub files: Option<Files>,
    pub logger: Arc<Logger>,
    pub notify: OwnedFd,
    pub handover: Option<Handover>,
}

impl Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Shared {
    pub fn new(parts: Parts) -> nix::Result<Shared> {
        let http = &parts.settings.http;
        let limits = Limits {
            head_bytes: http.head_bytes.min(parts.board.buffer_size() - super::BODY_ROOM),
            headers: http.headers,
            body_bytes: http.body_bytes,
        };
        let name = nix::unistd::gethostname()?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Shared {
            limits,
            mounts: Mounts::new(parts.settings.apps.iter().map(|app| app.mount.as_str())),
            server_name: name.to_string_lossy().into_owned(),
            pid: nix::unistd::getpid().as_raw(),
            slots: Slots::new(),
            poller: Poller::new()?,
            wake_main: EventFd::from_flags(flags)?,
            nudge: EventFd::from_flags(flags)?,
            waiting: Mutex::default(),
            waiting_len: AtomicUsize::new(0),
            is_draining: AtomicBool::new(false),
            last_chance_ms: AtomicU64::new(0),
            is_aside: AtomicBool::new(false),
            row: Mutex::default(),
            begun_in_drain: AtomicU64::new(0),
            at_work: (0..parts.board.threads()).map(|_| AtomicBool::new(false)).collect(),
            holds_number: (0..parts.board.threads()).map(|_| AtomicBool::new(false)).collect(),
            parts,
        })
    }

    /// The worker's cell on the board.
    pub fn cell(&self) -> &WorkerCell {
        self.board.worker(self.place)
    }

    /// Says how many connections there are. Of several threads that do so the last one to store need not be the last one
    /// to have looked, so each looks again.
    pub fn count_connections(&self) {
        loop {
            let open = self.slots.open();
            self.cell().connections.store(open, SeqCst);
            if self.slots.open() == open {
                return;
            }
        }
    }

    /// Tells the master that the cell has changed.
    pub fn tell_master(&self) {
        let _ = nix::unistd::write(self.notify.as_fd(), &1u64.to_ne_bytes());
    }

    /// Asks the master for something, once.
    pub fn wish(&self, wish: Wish) {
        if self.cell().wish() == Wish::None {
            self.cell().set_wish(wish);
            self.tell_master();
        }
    }

    pub fn is_draining(&self) -> bool {
        self.is_draining.load(SeqCst)
    }

    /// Takes no new connections from now on. `gives_away`: other workers take over what is open.
    pub fn drain(&self, gives_away: bool) {
        self.cell().hands_over.store(gives_away, Release);
        self.is_draining.store(true, SeqCst);
        let _row = self.row.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for listener in &self.listeners {
            self.poller.remove(listener.fd.as_fd());
        }
        if let Some(handover) = &self.handover {
            self.poller.remove(handover.receive.as_fd());
        }
    }

    /// Takes from a socket that several workers take from, as the last in their row. A worker that drains does not: it
    /// would be told of clients in the place of those who serve them.
    pub fn stand_in_row(&self, fd: BorrowedFd<'_>, token: Token) -> nix::Result<()> {
        let _row = self.row.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.is_draining() {
            return Ok(());
        }
        self.poller.remove(fd);
        self.poller.add_shared(fd, token)
    }

    /// Until when idle clients may ask once more of this worker, which drains; in milliseconds. Where others take them
    /// over, that has no end.
    pub fn last_chance(&self) -> u64 {
        if self.way_out().is_some() {
            return u64::MAX;
        }
        let new = super::limits::last_chance();
        match self.last_chance_ms.compare_exchange(0, new, AcqRel, Acquire) {
            Ok(_) => new,
            Err(said) => said,
        }
    }

    /// Where connections go that have nothing to do here any more; None: nowhere. The master may close it at any time.
    pub fn way_out(&self) -> Option<&OwnedFd> {
        if !self.is_draining() || !self.cell().hands_over.load(Acquire) {
            return None;
        }
        self.handover.as_ref().map(|handover| &handover.send)
    }

    /// Puts a connection last in the row of those that have something to do.
    pub fn wait_in_row(&self, connection: Box<Connection>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.push_back(connection);
        self.waiting_len.store(waiting.len(), SeqCst);
        drop(waiting);
        let _ = self.nudge.write(1);
    }

    /// The first in that row.
    pub fn next_in_row(&self) -> Option<Box<Connection>> {
        if self.waiting_len.load(Acquire) == 0 {
            return None;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = waiting.pop_front();
        self.waiting_len.store(waiting.len(), SeqCst);
        next
    }

    /// Whether this worker takes over no connections at the moment.
    pub fn is_aside(&self) -> bool {
        self.is_aside.load(Acquire)
    }

    /// See [`Shared::is_aside`]; the main thread puts an end to it soon.
    pub fn set_aside(&self, is_aside: bool) {
        if self.is_aside.swap(is_aside, AcqRel) != is_aside && is_aside {
            let _ = self.wake_main.write(1);
        }
    }

    /// Says whether what a core serves is counted in `slots`.
    pub fn hold_number(&self, core: usize, holds: bool) {
        self.holds_number[core].store(holds, Release);
    }

    /// Connections that will still go on. Those of threads that never come back do not.
    fn open(&self) -> usize {
        let held = |core: &usize| self.is_lost(*core) && self.holds_number[*core].load(Acquire);
        let lost = (0..self.board.threads()).filter(held).count();
        (self.slots.open() as usize).saturating_sub(lost)
    }

    /// Whether no connection will go on here, of a worker that drains.
    ///
    /// A thread is at work before it takes anything, and what it leaves is counted or stands in the row before it is at
    /// work no longer; so whoever is seen at rest has left nothing that is not seen afterwards, unless one begins
    /// meanwhile, which is counted.
    pub fn is_done(&self) -> bool {
        let begun = self.begun_in_drain.load(SeqCst);
        let mut alive = (0..self.board.threads()).filter(|core| !self.is_lost(*core)).peekable();
        let is_row_served = alive.peek().is_some();
        let is_at_rest = !alive.any(|core| self.at_work[core].load(SeqCst));
        let is_empty = self.open() == 0 && !(is_row_served && self.has_row());
        is_at_rest && is_empty && self.begun_in_drain.load(SeqCst) == begun
    }

    /// Whether a thread never comes back.
    fn is_lost(&self, core: usize) -> bool {
        matches!(self.board.core(self.place, core).state(), CoreState::Crashed | CoreState::GivenUp)
    }

    /// See [`Shared::is_done`].
    pub fn set_at_work(&self, core: usize, is_at_work: bool) {
        self.at_work[core].store(is_at_work, SeqCst);
        if is_at_work && self.is_draining() {
            self.begun_in_drain.fetch_add(1, SeqCst);
        }
    }

    /// Whether a connection waits in the row.
    pub fn has_row(&self) -> bool {
        self.waiting_len.load(SeqCst) > 0
    }

    /// Threads that are answering at this moment.
    pub fn busy(&self) -> usize {
        let is_busy = |core: &&Core| matches!(core.state(), CoreState::Asked | CoreState::Answering);
        self.board.cores(self.place).filter(is_busy).count()
    }
}
