//! What happens beside serving: watched files, commands, commands by the clock.

use std::path::PathBuf;
use std::time::Duration;

/// A file to watch and what follows when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The file.
    pub path: PathBuf,
    /// What to do.
    pub action: TouchAction,
}

/// What follows when a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchAction {
    /// `touch-reload`: everything anew.
    Reload,
    /// `touch-workers-reload`: all workers at the same time.
    ReloadWorkers,
    /// `touch-chain-reload`: one worker after the other.
    ReloadChain,
    /// `touch-logrotate`.
    RotateLogs,
    /// `touch-logreopen`.
    ReopenLogs,
}

/// A command that runs beside the workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// For `/bin/sh -c`.
    pub command: String,
    /// The host ends when it ends. uWSGI: `attach-control-daemon`.
    pub control: bool,
    /// A pid file by which it is recognised after a reload. uWSGI: `smart-attach-daemon`.
    pub pidfile: Option<PathBuf>,
}

/// A command that runs by the clock, in local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronSettings {
    /// 0 to 59; -1 any; -N every N.
    pub minute: i32,
    /// 0 to 23; -1 any; -N every N.
    pub hour: i32,
    /// 1 to 31; -1 any; -N every N.
    pub day: i32,
    /// 1 to 12; -1 any; -N every N.
    pub month: i32,
    /// 0 (or 7, Sunday) to 6; -1 any; -N every N.
    pub weekday: i32,
    /// For `/bin/sh -c`.
    pub command: String,
    /// Not started while it still runs. uWSGI: `unique-cron`, `cron2 = unique=1`.
    pub unique: bool,
    /// Killed after this time; zero: never. uWSGI: `cron-harakiri`.
    pub harakiri: Duration,
}
