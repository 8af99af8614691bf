use super::statistics;
use crate::app::App;
use crate::config::{self, System};
use crate::cron::Crons;
use crate::daemons::{Daemons, Env, Event};
use crate::log::Logger;
use crate::master::{LoadFailure, Overview, Parts};
use crate::settings::{Settings, StatsSettings};
use crate::tls;
use crate::worker::{self, WorkerContext};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What the master asks others for, answered by the real ones.
pub struct HostParts {
    arguments: Vec<OsString>,
    /// Where relative paths of the configuration begin, also after `chdir`.
    folder: PathBuf,
    logger: Arc<Logger>,
    /// Of the generation that is begun, where its settings of the log are others.
    next_logger: Option<Arc<Logger>>,
    takes_output: bool,
    daemons: Daemons,
    crons: Crons,
    mercy: Duration,
    is_stopping: bool,
}

impl HostParts {
    pub fn new(arguments: Vec<OsString>, logger: Logger, settings: &Settings) -> HostParts {
        let mercy = settings.life.reload_mercy;
        HostParts {
            arguments,
            folder: std::env::current_dir().unwrap_or_default(),
            logger: Arc::new(logger),
            next_logger: None,
            takes_output: settings.process.daemonize.is_none(),
            daemons: Daemons::new(&[], env(settings), mercy, Instant::now()),
            crons: Crons::new(&[], env(settings)),
            mercy,
            is_stopping: false,
        }
    }

    pub fn views(&self) -> (Vec<crate::stats::DaemonView>, Vec<crate::stats::CronView>) {
        (self.daemons.views(), self.crons.views())
    }

    /// Logs what happened. `Some`: the host is to end.
    fn tell(&self, events: impl IntoIterator<Item = Event>) -> Option<i32> {
        let mut code = None;
        for event in events {
            self.logger.line(&event.line);
            if event.ends_host {
                code = Some(1);
            }
        }
        code
    }

    fn start_due(&mut self) -> Option<i32> {
        let now = Instant::now();
        let mut events = self.daemons.start_due(now);
        events.extend(self.crons.start_due(now, SystemTime::now()));
        self.tell(events)
    }
}

fn env(settings: &Settings) -> Env {
    settings.env.clone()
}

/// Loads the apps and says how that went: `no-server`.
pub fn try_apps(settings: &Settings, logger: Logger) -> i32 {
    let logger = Arc::new(logger);
    match worker::load_apps(settings, &logger) {
        Ok(apps) => {
            logger.line(&format!("{} can be served", if apps.len() == 1 { "the app" } else { "the apps" }));
            0
        }
        Err(failure) => {
            logger.line(&failure.text);
            failure.code
        }
    }
}

impl Parts for HostParts {
    fn load(&mut self, settings: &Settings) -> Result<Vec<App>, LoadFailure> {
        worker::load_apps(settings, &self.logger(settings))
    }

    fn work(&mut self, context: WorkerContext) -> i32 {
        worker::run(context)
    }

    fn reload(&mut self) -> Result<Settings, String> {
        let _ = std::env::set_current_dir(&self.folder);
        let loaded = config::load_again(&self.arguments, &System).map_err(|error| error.to_string())?;
        for warning in &loaded.warnings {
            self.logger.line(&format!("warning: {warning}"));
        }
        // Before anybody is forked: later the master's files would not be those of the workers.
        self.next_logger = None;
        if !self.logger.is_of(&loaded.settings.log) {
            match Logger::open_again(&loaded.settings.log) {
                Ok(logger) => self.next_logger = Some(Arc::new(logger)),
                Err(error) => self.logger.line(&format!("the log stays where it is: {error}")),
            }
        }
        Ok(loaded.settings)
    }

    fn tls(&self, chain: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, String> {
        tls::server_config(chain, key).map_err(|error| error.to_string())
    }

    fn logger(&self, settings: &Settings) -> Arc<Logger> {
        self.next_logger.as_ref().filter(|next| next.is_of(&settings.log)).unwrap_or(&self.logger).clone()
    }

    fn line(&self, text: &str) {
        self.logger.line(text);
    }

    fn reopen_logs(&mut self) {
        self.logger.reopen();
    }

    fn rotate_logs(&mut self) {
        self.logger.rotate();
    }

    fn changed(&mut self, settings: &Settings) {
        match self.next_logger.take() {
            Some(next) => {
                if self.takes_output {
                    let _ = next.take_output();
                }
                self.logger = next;
            }
            None => self.logger.reopen(),
        }
        self.mercy = settings.life.reload_mercy;
        self.daemons.reload(&settings.daemons, env(settings), self.mercy, Instant::now());
        self.crons.reload(&settings.crons, env(settings));
    }

    fn stats(&mut self, connection: OwnedFd, settings: &StatsSettings, overview: &Overview<'_>) {
        statistics::answer(connection, settings, &statistics::view(self, overview));
    }

    fn on_start(&mut self, settings: &Settings) {
        self.daemons.reload(&settings.daemons, env(settings), self.mercy, Instant::now());
        self.crons.reload(&settings.crons, env(settings));
        let _ = self.start_due();
    }

    fn wants_ticks(&self) -> bool {
        self.is_stopping
            || self.daemons.next_due().is_some()
            || !self.daemons.is_gone()
            || self.crons.next_due(Instant::now(), SystemTime::now()).is_some()
    }

    fn on_tick(&mut self) -> Option<i32> {
        self.logger.rotate_if_large();
        self.start_due()
    }

    fn on_child_exit(&mut self, pid: i32, status: i32) -> bool {
        let Ok(status) = WaitStatus::from_raw(Pid::from_raw(pid), status) else { return false };
        let events = [self.daemons.child_exited(pid, status, Instant::now()), self.crons.child_exited(pid, status)];
        let is_known = events.iter().any(Option::is_some);
        self.tell(events.into_iter().flatten());
        is_known
    }

    fn on_stop(&mut self) {
        self.is_stopping = true;
        self.daemons.stop(Instant::now());
        self.crons.stop(Instant::now(), self.mercy);
    }

    fn is_stopped(&self) -> bool {
        self.daemons.is_gone() && self.crons.is_gone()
    }
}
