use crate::app::App;
use crate::board::Board;
use crate::listener::Listener;
use crate::log::Logger;
use crate::settings::Settings;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Everything a worker is given. It runs in a process of its own that had one thread up to here.
pub struct WorkerContext {
    /// What to go by.
    pub settings: Arc<Settings>,
    /// The memory shared with the master.
    pub board: Board,
    /// The worker's place on the board.
    pub place: usize,
    /// Its number, from 1.
    pub id: u32,
    /// Where connections come from, none of them blocking.
    pub listeners: Vec<Listener>,
    /// The apps as `settings.apps` names them. None: the worker loads them itself (`lazy-apps`).
    pub apps: Option<Vec<App>>,
    /// An eventfd, written when the worker's cell has changed.
    pub notify: OwnedFd,
    /// Its other end is the master's alone: readable (end of file) means that there is no master any more.
    pub lifeline: OwnedFd,
    /// How connections go from one worker to another.
    pub handover: Option<Handover>,
    /// Where lines go.
    pub logger: Arc<Logger>,
}

/// A `SOCK_SEQPACKET` pair that all workers of all generations share: what is sent is taken by any of them.
pub struct Handover {
    /// Where connections are taken from.
    pub receive: OwnedFd,
    /// Where connections are given away.
    pub send: OwnedFd,
}
