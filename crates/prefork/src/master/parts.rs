use super::Overview;
use crate::app::App;
use crate::log::Logger;
use crate::settings::{Settings, StatsSettings};
use crate::worker::WorkerContext;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

/// What the master asks others for.
pub trait Parts {
    /// Loads the apps, in the app process: none of the master's threads, signals or files are there. Signals are
    /// blocked, and stay so in workers until they unblock or read them.
    fn load(&mut self, settings: &Settings) -> Result<Vec<App>, LoadFailure>;

    /// Is a worker; the result is its exit code.
    fn work(&mut self, context: WorkerContext) -> i32;

    /// Reads the configuration again. The working folder may be another one than at the start.
    fn reload(&mut self) -> Result<Settings, String>;

    /// Sets TLS up for a certificate chain and a key.
    fn tls(&self, chain: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, String>;

    /// Where workers of a generation with these settings write lines. The same for all of its workers, so that what
    /// the master does with the files reaches them.
    fn logger(&self, settings: &Settings) -> Arc<Logger>;

    /// A line of the host itself.
    fn line(&self, text: &str);

    /// Opens log files again.
    fn reopen_logs(&mut self) {}

    /// Renames log files and begins new ones.
    fn rotate_logs(&mut self) {}

    /// Other settings hold from now on: a new generation serves.
    fn changed(&mut self, settings: &Settings) {
        let _ = settings;
    }

    /// Answers at a stats socket. The connection does not block; what cannot be sent at once is given up.
    fn stats(&mut self, connection: OwnedFd, settings: &StatsSettings, overview: &Overview<'_>) {
        let _ = (connection, settings, overview);
    }

    /// The first worker accepts: daemons may start.
    fn on_start(&mut self, settings: &Settings) {
        let _ = settings;
    }

    /// Whether [`Parts::on_tick`] is to be called each second.
    fn wants_ticks(&self) -> bool {
        false
    }

    /// A second has passed. `Some`: the host is to end (a control daemon has ended).
    fn on_tick(&mut self) -> Option<i32> {
        None
    }

    /// A process that is none of the master's own has ended, with a status as `waitpid` gives it. Whether it was known.
    fn on_child_exit(&mut self, pid: i32, status: i32) -> bool {
        let _ = (pid, status);
        false
    }

    /// The host begins to end. Called once.
    fn on_stop(&mut self) {}

    /// Whether everything is gone that [`Parts::on_stop`] asked to end.
    fn is_stopped(&self) -> bool {
        true
    }

    /// Descriptors of the master alone: the app process closes them.
    fn private_fds(&self) -> Vec<RawFd> {
        Vec::new()
    }
}

/// Why apps could not be loaded.
#[derive(Clone, Debug)]
pub struct LoadFailure {
    /// What happened, where, and what to do.
    pub text: String,
    /// What the host exits with when this is its first generation: 1, or 22 where nothing but the app is wrong.
    pub code: i32,
}
