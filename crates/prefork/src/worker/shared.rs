use super::connection::Connection;
use super::context::Handover;
use super::poller::Poller;
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
use std::os::fd::{AsFd, OwnedFd};
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
    gives_away: AtomicBool,
    /// Until when idle clients may ask once more while the worker drains, in milliseconds.
    last_chance_ms: AtomicU64,
    is_aside: AtomicBool,
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
            gives_away: AtomicBool::new(false),
            last_chance_ms: AtomicU64::new(u64::MAX),
            is_aside: AtomicBool::new(false),
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
        self.last_chance_ms.store(super::limits::last_chance(), Release);
        self.gives_away.store(gives_away && self.handover.is_some(), Release);
        self.is_draining.store(true, SeqCst);
        for listener in &self.listeners {
            self.poller.remove(listener.fd.as_fd());
        }
        if let Some(handover) = &self.handover {
            self.poller.remove(handover.receive.as_fd());
        }
    }

    /// See [`super::limits::last_chance`].
    pub fn last_chance(&self) -> u64 {
        self.last_chance_ms.load(Acquire)
    }

    /// Where connections go that have nothing to do here any more; None: nowhere.
    pub fn way_out(&self) -> Option<&OwnedFd> {
        if !self.gives_away.load(Acquire) {
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

    /// Whether any connection will still go on here. In this order a thread is seen that takes one before it knows of
    /// the drain: it is at work before it takes one out of the row.
    pub fn is_done(&self) -> bool {
        let has_row = self.has_row();
        let threads = 0..self.board.threads();
        let mut alive = threads.filter(|core| !self.is_lost(*core)).peekable();
        let row_moves = has_row && alive.peek().is_some();
        !row_moves && !alive.any(|core| self.at_work[core].load(SeqCst)) && self.open() == 0
    }

    /// Whether a thread never comes back.
    fn is_lost(&self, core: usize) -> bool {
        matches!(self.board.core(self.place, core).state(), CoreState::Crashed | CoreState::GivenUp)
    }

    /// See [`Shared::is_done`].
    pub fn set_at_work(&self, core: usize, is_at_work: bool) {
        self.at_work[core].store(is_at_work, SeqCst);
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
