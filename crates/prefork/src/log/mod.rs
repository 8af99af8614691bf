//! What is logged: lines of the host itself and one for each request.
//!
//! One logger is opened by the master before it forks; the copies in all processes write to the same open file, one
//! `write` for each line, without locks. Only the master moves files ([`Logger::rotate`], [`Logger::reopen`]); the
//! others see a number in shared memory change and open the file anew before their next line.

mod clock;
mod entry;
mod escape;
pub mod format;
mod line;
mod scratch;
mod selection;
mod shared;
mod sink;

pub(crate) use clock::local_time;
pub use entry::RequestEntry;
pub use escape::escaped;

use crate::settings::LogSettings;
use format::Format;
use sink::Sink;
use std::io;
use std::time::SystemTime;

/// Writes the log. Shared by all threads and, across `fork`, by all processes.
pub struct Logger {
    settings: LogSettings,
    format: Option<Format>,
    main: Sink,
    requests: Option<Sink>,
}

impl Logger {
    /// Opens what the settings name; warns in the log about names in `log-format` that nobody knows.
    pub fn open(settings: &LogSettings) -> io::Result<Logger> {
        let main = match &settings.file {
            Some(path) => Sink::file(path, settings.truncate)?,
            None => Sink::stderr()?,
        };
        let requests = settings.request_file.as_deref().map(|path| Sink::file(path, settings.truncate)).transpose()?;
        let (format, warnings) = match &settings.format {
            Some(text) => {
                let (format, warnings) = Format::compile(text);
                (Some(format), warnings)
            }
            None => (None, Vec::new()),
        };
        let logger = Logger { settings: settings.clone(), format, main, requests };
        for warning in warnings {
            logger.line(&warning);
        }
        Ok(logger)
    }

    /// The same for a reload, which empties no file.
    pub fn open_again(settings: &LogSettings) -> io::Result<Logger> {
        Logger::open(&LogSettings { truncate: false, ..settings.clone() })
    }

    /// Whether it is what [`Logger::open_again`] would make of these settings.
    pub fn is_of(&self, settings: &LogSettings) -> bool {
        LogSettings { truncate: self.settings.truncate, ..settings.clone() } == self.settings
    }

    /// Makes standard output and standard error lead to the log file as well, as `logto` promises. Without a file: nothing.
    pub fn take_output(&self) -> io::Result<()> {
        self.main.take_output()
    }

    /// One line (or several that belong together) of the host itself; without a newline at its end.
    pub fn line(&self, text: &str) {
        scratch::with(|scratch| {
            if let Some(format) = &self.settings.date {
                clock::push_date(scratch, SystemTime::now(), format);
                scratch.line.extend_from_slice(b" - ");
            }
            escape::push_text(&mut scratch.line, text.trim_end_matches('\n').as_bytes());
            scratch.line.push(b'\n');
            self.main.write(&scratch.line);
        });
    }

    /// The line of a request, if the settings want it.
    pub fn request(&self, entry: &RequestEntry<'_>) {
        if !selection::is_wanted(&self.settings, entry) {
            return;
        }
        scratch::with(|scratch| {
            match &self.format {
                Some(format) => format.push(scratch, entry, &self.settings),
                None => line::push(scratch, entry, &self.settings),
            }
            scratch.line.push(b'\n');
            self.requests.as_ref().unwrap_or(&self.main).write(&scratch.line);
        });
    }

    /// Opens the files anew, here and in every other process before its next line: somebody has moved them.
    pub fn reopen(&self) {
        self.sinks().for_each(Sink::reopen);
    }

    /// Opens a file anew where the master said so; also done before each line. For workers that write nothing.
    pub fn refresh(&self) {
        self.sinks().for_each(Sink::refresh);
    }

    /// Moves the files away and begins new ones. For the master alone.
    pub fn rotate(&self) {
        for sink in self.sinks() {
            self.rotate_one(sink);
        }
    }

    /// The same for files that have become larger than `log-maxsize`; to be called every second.
    pub fn rotate_if_large(&self) {
        let limit = self.settings.max_size;
        for sink in self.sinks() {
            if limit > 0 && sink.size().is_some_and(|size| size > limit) {
                self.rotate_one(sink);
            }
        }
    }

    fn rotate_one(&self, sink: &Sink) {
        let backup = self.settings.backup_name.as_deref().filter(|_| std::ptr::eq(sink, &self.main));
        if let Err(error) = sink.rotate(backup) {
            self.line(&format!("log: {error}; the file is written to as before"));
        }
    }

    fn sinks(&self) -> impl Iterator<Item = &Sink> {
        std::iter::once(&self.main).chain(&self.requests)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
