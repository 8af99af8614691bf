//! How workers end, and how many there are.

use std::time::Duration;

/// How the life of a worker ends. Zero stands for never.
#[derive(Clone, Debug, PartialEq)]
pub struct LifeSettings {
    /// Longest time for one request.
    pub harakiri: Duration,
    /// Requests after which a worker is replaced; `delta` times (id - 1) is added.
    pub max_requests: u64,
    /// See `max_requests`.
    pub max_requests_delta: u64,
    /// A worker is not replaced for its requests or memory before this age.
    pub min_lifetime: Duration,
    /// Age after which a worker is replaced; `delta` times (id - 1) is added.
    pub max_lifetime: Duration,
    /// See `max_lifetime`.
    pub max_lifetime_delta: Duration,
    /// Replaced when its resident memory is above this many bytes after a request. uWSGI: `reload-on-rss`.
    pub reload_on_rss: u64,
    /// The same for its address space. uWSGI: `reload-on-as`.
    pub reload_on_as: u64,
    /// Killed when its resident memory is above this many bytes. uWSGI: `evil-reload-on-rss`.
    pub evil_reload_on_rss: u64,
    /// The same for its address space. uWSGI: `evil-reload-on-as`.
    pub evil_reload_on_as: u64,
    /// Limit of the address space in bytes. uWSGI: `limit-as`.
    pub limit_as: u64,
    /// How long a worker that was asked to end may go on with its requests. uWSGI: `worker-reload-mercy`.
    pub worker_mercy: Duration,
    /// How long other children may. uWSGI: `reload-mercy`.
    pub reload_mercy: Duration,
    /// TERM at the master ends at once instead of in order: what uWSGI's QUIT does.
    pub brutal_term: bool,
    /// A reload ends the host instead. uWSGI: `exit-on-reload`.
    pub exit_on_reload: bool,
}

impl Default for LifeSettings {
    fn default() -> LifeSettings {
        LifeSettings {
            harakiri: Duration::ZERO,
            max_requests: 0,
            max_requests_delta: 0,
            min_lifetime: Duration::from_secs(10),
            max_lifetime: Duration::ZERO,
            max_lifetime_delta: Duration::ZERO,
            reload_on_rss: 0,
            reload_on_as: 0,
            evil_reload_on_rss: 0,
            evil_reload_on_as: 0,
            limit_as: 0,
            worker_mercy: Duration::from_secs(60),
            reload_mercy: Duration::from_secs(3),
            brutal_term: false,
            exit_on_reload: false,
        }
    }
}

/// How the number of workers follows the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheaperSettings {
    /// Fewest workers.
    pub least: u32,
    /// Workers at the start.
    pub initial: u32,
    /// Workers started at a time.
    pub step: u32,
    /// Rounds (seconds) of being busy, or idle, before something is done; connections waiting, for `backlog`.
    pub overload: u32,
    /// What is looked at.
    pub algorithm: CheaperAlgorithm,
}

/// What `cheaper` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheaperAlgorithm {
    /// Whether a worker is idle.
    Spare,
    /// How many connections wait to be accepted.
    Backlog,
    /// Nothing: `+` and `-` of the master's FIFO.
    Manual,
}
