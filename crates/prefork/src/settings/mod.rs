//! What a host is told to do: the result of reading the ini, the command line and the environment.

use std::path::PathBuf;

mod beside;
mod http;
mod life;
mod logging;
mod process;
mod sockets;
mod statics;

pub use beside::{CronSettings, DaemonSettings, Touch, TouchAction};
pub use http::HttpSettings;
pub use life::{CheaperAlgorithm, CheaperSettings, LifeSettings};
pub use logging::{LogOnly, LogSettings, StatsSettings};
pub use process::ProcessSettings;
pub use sockets::{Address, Protocol, SocketSettings};
pub use statics::StaticSettings;

/// Everything the host goes by. Made by [`crate::config`], never changed afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The sockets to serve on, in the order they were given.
    pub sockets: Vec<SocketSettings>,
    /// The apps with their mount points; the one at "" is asked for everything no other is asked for.
    pub apps: Vec<AppSettings>,
    /// Number of workers. uWSGI: `processes`, `workers`.
    pub workers: u32,
    /// Threads of each worker.
    pub threads: u32,
    /// Each worker loads the library by itself. uWSGI: `lazy-apps`.
    pub lazy_apps: bool,
    /// Load a library although its compiler is not the host's, or not known.
    pub allow_rustc_mismatch: bool,
    /// What HTTP may cost.
    pub http: HttpSettings,
    /// How the life of a worker ends.
    pub life: LifeSettings,
    /// How many workers there are at a time. None: always `workers`.
    pub cheaper: Option<CheaperSettings>,
    /// How the process presents itself to the system.
    pub process: ProcessSettings,
    /// What is logged, and where to.
    pub log: LogSettings,
    /// Where statistics are served.
    pub stats: Vec<StatsSettings>,
    /// Files served without asking the app.
    pub statics: StaticSettings,
    /// Files whose change makes the host do something.
    pub touches: Vec<Touch>,
    /// Commands that run beside the workers.
    pub daemons: Vec<DaemonSettings>,
    /// Commands that run by the clock.
    pub crons: Vec<CronSettings>,
    /// Variables for workers and commands: set (`env`) or removed (`unenv`).
    pub env: Vec<(String, Option<String>)>,
}

/// uWSGI's defaults where they are good ones.
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sockets: Vec::new(),
            apps: Vec::new(),
            workers: 1,
            threads: 1,
            lazy_apps: false,
            allow_rustc_mismatch: false,
            http: HttpSettings::default(),
            life: LifeSettings::default(),
            cheaper: None,
            process: ProcessSettings::default(),
            log: LogSettings::default(),
            stats: Vec::new(),
            statics: StaticSettings::default(),
            touches: Vec::new(),
            daemons: Vec::new(),
            crons: Vec::new(),
            env: Vec::new(),
        }
    }
}

/// An app and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    /// Mount point: "" or a path such as `/api`.
    pub mount: String,
    /// The library.
    pub library: PathBuf,
    /// The function of the classic kind. uWSGI: `rust-fn`. None: take the table a library of the safe macro exports.
    pub function: Option<String>,
}
