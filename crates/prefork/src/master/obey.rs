//! What is asked of the master as a whole: reloads, the end, files, statistics.

use super::commands::Request;
use super::fleet::{Command, Event, Stop};
use super::overview::Overview;
use super::run::Master;
use super::sockets::Sockets;
use super::touch::Touches;
use super::{Parts, describe, pidfile, stats_sockets};
use nix::sys::socket::{SockFlag, accept4};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

impl<P: Parts> Master<'_, P> {
    /// Does what somebody asks for.
    pub fn obey(&mut self, request: Request) {
        match request {
            Request::Fleet(command) => self.command(command),
            Request::Reload { brutal } => self.reload(brutal),
            Request::Statistics => self.statistics(false),
            Request::Status => self.statistics(true),
            Request::ReopenLogs => self.parts.reopen_logs(),
            Request::RotateLogs => self.parts.rotate_logs(),
            Request::WritePid => {
                let files = self.serving().map(|live| live.settings.process.pidfiles.clone()).unwrap_or_default();
                if let Err(error) = pidfile::write(&files) {
                    self.parts.line(&error.to_string());
                }
            }
            Request::Slot(slot) => {
                if let Err(error) = self.fifos.switch(slot) {
                    self.parts.line(&error.to_string());
                }
            }
            Request::Unsupported(letter) => {
                self.parts.line(&format!("the command {letter} of the FIFO is uWSGI's alone: nothing is done"));
            }
        }
    }

    fn command(&mut self, command: Command) {
        let cheaper = self.serving().is_some_and(|live| live.settings.cheaper.is_some());
        let line = match command {
            Command::Stop if self.fleet.stop == Stop::No => "stopping: workers finish what they have",
            Command::Stop | Command::StopNow => "stopping at once",
            Command::TogglePause if self.fleet.paused => "going on",
            Command::TogglePause => "pausing: workers take no connections",
            Command::ReloadChain => "replacing one worker after the other",
            Command::ReloadWorkers => "replacing all workers",
            Command::RestartWorkers => "ending all workers at once and forking others",
            Command::More | Command::Less | Command::Least if !cheaper => {
                self.parts.line("the number of workers is fixed: set cheaper to change it");
                return;
            }
            Command::More => "a worker more",
            Command::Less => "a worker less",
            Command::Least => "as few workers as allowed",
        };
        self.parts.line(line);
        self.take(Event::Command(command));
    }

    /// Begins a new generation by the configuration as it is now. Whatever fails leaves the present one.
    fn reload(&mut self, brutal: bool) {
        if self.fleet.stop != Stop::No {
            return;
        }
        if self.serving().is_some_and(|live| live.settings.life.exit_on_reload) {
            self.command(Command::Stop);
            return;
        }
        if let Some(candidate) = self.fleet.candidate().map(|candidate| candidate.number) {
            // The second one waits for the first; whoever asks a third time does not want to wait for it.
            if self.again.replace(brutal).is_some() {
                let text = "another reload was asked for".into();
                self.take(Event::AppFailed { generation: candidate, text, code: 0 });
            }
            return;
        }
        self.parts.line("reloading");
        self.waiting.reloading();
        let begun = self.parts.reload().and_then(|settings| {
            // Also those of generations that are ending: an address that comes back soon is still theirs.
            let before: Vec<&Sockets> = self.live.values().rev().map(|live| &live.sockets).collect();
            let sockets = Sockets::bind(&settings, &before, &|chain, key| self.parts.tls(chain, key));
            let sockets = sockets.map_err(|error| error.to_string())?;
            self.begin(settings, sockets, brutal).map_err(|error| error.to_string())
        });
        if let Err(text) = begun {
            self.parts.line(&format!("reload failed, the generation before goes on: {text}"));
            self.waiting.ready();
        }
    }

    /// Does the reload that was asked for meanwhile.
    pub fn reload_again(&mut self) {
        self.waiting.ready();
        if let Some(brutal) = self.again.take() {
            self.reload(brutal);
        }
    }

    /// A new generation serves: what the master does itself follows its settings.
    pub fn promoted(&mut self, number: u64) {
        let Some(settings) = self.live.get(&number).map(|live| live.settings.clone()) else { return };
        self.reloads += 1;
        self.touches = Touches::watch(&settings.touches);
        match stats_sockets::bind(&settings, &self.stats) {
            Ok(stats) => self.stats = stats,
            Err(error) => self.parts.line(&format!("statistics stay where they are: {error}")),
        }
        self.parts.changed(&settings);
        self.reload_again();
    }

    /// Tells whoever waits for it that the host serves, or ends.
    pub fn tell(&mut self) {
        if self.fleet.served && !self.told_ready {
            self.told_ready = true;
            self.parts.line("workers accept");
            self.waiting.ready();
            if let Some(settings) = self.serving().map(|live| live.settings.clone()) {
                self.parts.on_start(&settings);
            }
        }
        if self.fleet.stop != Stop::No && !self.told_stop {
            self.told_stop = true;
            self.waiting.stopping();
            // From now on clients are refused instead of waiting for nobody.
            for live in self.live.values_mut() {
                live.close();
            }
            self.parts.on_stop();
        }
    }

    fn statistics(&mut self, each: bool) {
        self.look();
        let boards: Vec<_> = self.live.iter().map(|(number, live)| (*number, live.board.clone())).collect();
        for line in describe::statistics(&self.fleet, &boards, each) {
            self.parts.line(&line);
        }
    }

    /// Answers whoever asks for statistics.
    pub fn answer_stats(&mut self) {
        let mut connections = Vec::new();
        for (bound, settings) in &self.stats {
            while let Some(connection) = accept(bound.fd()) {
                connections.push((connection, settings.clone()));
            }
        }
        if connections.is_empty() {
            return;
        }
        self.look();
        self.sample_memory(true);
        for (connection, settings) in connections {
            let overview = Overview {
                fleet: &self.fleet,
                live: &self.live,
                past: &self.past,
                queue_errors: self.queue_errors,
                since: self.since,
                reloads: self.reloads,
            };
            self.parts.stats(connection, &settings, &overview);
        }
    }
}

#[allow(unsafe_code)]
fn accept(listener: &OwnedFd) -> Option<OwnedFd> {
    let fd = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK).ok()?;
    // SAFETY: just made, and nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}
