use crate::board::{CoreState, WorkerState};
use crate::settings::{CronSettings, Protocol};

/// Everything that is told, as plain data.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Process id of the master.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its folder.
    pub cwd: String,
    /// Number of the generation that serves, from 1.
    pub generation: u64,
    /// Seconds (of [`super::queue::is_full`]'s looks) in which a queue was full.
    pub listen_queue_errors: u64,
    /// The workers that are counted, one for each number.
    pub workers: Vec<WorkerView>,
    /// Workers beside them that finish what they have.
    pub draining: Vec<WorkerView>,
    /// The sockets.
    pub sockets: Vec<SocketView>,
    /// Commands beside the workers.
    pub daemons: Vec<DaemonView>,
    /// Commands by the clock.
    pub crons: Vec<CronView>,
}

impl View {
    /// What this process knows of itself; the rest is nothing.
    pub fn of_this_process() -> View {
        View {
            pid: nix::unistd::getpid().as_raw(),
            uid: nix::unistd::getuid().as_raw(),
            gid: nix::unistd::getgid().as_raw(),
            cwd: std::env::current_dir().map_or_else(|_| String::new(), |cwd| cwd.display().to_string()),
            ..View::default()
        }
    }
}

/// A worker. Numbers are of all processes with its number, unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// Its number, from 1.
    pub id: u32,
    /// Its process; 0: none.
    pub pid: i32,
    /// What it does.
    pub state: WorkerState,
    /// Requests.
    pub requests: u64,
    /// Requests of this process.
    pub delta_requests: u64,
    /// Requests the app failed in.
    pub exceptions: u64,
    /// Requests that took too long.
    pub harakiri_count: u64,
    /// Signals received.
    pub signals: u64,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Address space in bytes.
    pub vsz: u64,
    /// Time in requests, in microseconds.
    pub running_time: u64,
    /// When this process was forked, in seconds since 1970.
    pub last_spawn: u64,
    /// Processes so far.
    pub respawn_count: u64,
    /// Bytes sent.
    pub tx: u64,
    /// Smoothed time of a request, in microseconds.
    pub avg_rt: u64,
    /// Open connections.
    pub connections: u32,
    /// Its apps.
    pub apps: Vec<AppView>,
    /// Its threads.
    pub cores: Vec<CoreView>,
}

impl WorkerView {
    /// Whether a request is being served.
    pub fn is_busy(&self) -> bool {
        self.cores.iter().any(|core| core.state != CoreState::Idle)
    }

    /// uWSGI's word for it.
    pub fn status(&self) -> &'static str {
        match self.state {
            WorkerState::Empty => "cheap",
            _ if self.is_busy() => "busy",
            WorkerState::Paused => "pause",
            _ => "idle",
        }
    }
}

/// An app in a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppView {
    /// Mount point.
    pub mountpoint: String,
    /// What loading it took, in milliseconds.
    pub startup_ms: u64,
    /// Requests; 0 where there are several apps: they are not counted apart.
    pub requests: u64,
    /// Requests it failed in; as above.
    pub exceptions: u64,
}

/// A thread of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreView {
    /// Its number, from 0.
    pub id: usize,
    /// What it does.
    pub state: CoreState,
    /// Requests, of all processes as the worker's.
    pub requests: u64,
    /// Of these, files.
    pub static_requests: u64,
    /// Answers sent on without the thread.
    pub offloaded_requests: u64,
    /// Answers that could not be sent.
    pub write_errors: u64,
    /// Bodies that could not be read.
    pub read_errors: u64,
    /// Variables of the running request, `NAME=value`.
    pub vars: Vec<String>,
    /// When it began, in seconds since 1970.
    pub request_start: u64,
}

/// A socket that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketView {
    /// Its address.
    pub name: String,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Connections that wait.
    pub queue: u32,
    /// Most that may wait.
    pub max_queue: u32,
}

/// A command that runs beside the workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonView {
    /// The command.
    pub command: String,
    /// Its process; 0: none.
    pub pid: i32,
    /// Starts after the first.
    pub respawns: u64,
}

/// A command that runs by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronView {
    /// When, and what.
    pub settings: CronSettings,
    /// The process of the last run; 0: none runs.
    pub pid: i32,
    /// When that began, in seconds since 1970.
    pub started_at: u64,
}
