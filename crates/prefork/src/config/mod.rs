//! From an ini, a command line and the environment to [`crate::settings::Settings`].
//!
//! ```text
//! arguments, UWSGI_…, files → entries → expanded → looked up → values → settings
//!  command_line   include     expand     check     values    resolve_*
//! ```
//!
//! Everything that is wrong is said at once, each with its file, line and column.

mod address;
mod arithmetic;
mod check;
mod command_line;
mod entry;
mod expand;
mod file;
mod glob;
mod help;
mod host;
mod include;
mod lex;
mod logic;
mod magic;
pub mod options;
mod problem;
mod reader;
mod resolve;
mod resolve_apps;
mod resolve_commands;
mod resolve_files;
mod resolve_http;
mod resolve_life;
mod resolve_logging;
mod resolve_process;
mod resolve_sockets;
mod show;
mod show_parts;
mod system;
mod values;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use entry::Entry;
use expand::Expander;
use problem::Problems;
use reader::Reader;

pub use host::Host;
pub use problem::{ConfigError, Place, Problem};
pub use show::{document, ini};
pub use system::System;

use crate::settings::Settings;

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What the host is told.
    pub settings: Settings,
    /// What is worth a look, one line each.
    pub warnings: Vec<String>,
    /// The files that were read, in order.
    pub sources: Vec<PathBuf>,
    /// The path of each of the settings' apps as it was written.
    pub libraries_as_written: Vec<String>,
    /// What the host is asked to do.
    pub action: Action,
}

/// What the host is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Serve.
    Serve,
    /// Everything but serve.
    NoServer,
    /// Say what is wrong, and end.
    Check,
    /// Print what was understood, and end.
    ShowConfig {
        /// As a document for programs instead of an ini.
        json: bool,
    },
    /// Print the options, and end.
    Help,
    /// Print the version, and end.
    Version,
    /// Print all options with what becomes of them, and end.
    DumpOptions,
}

impl Loaded {
    /// What is printed on standard output instead of serving. None: the host serves, or does all but.
    pub fn text(&self) -> Option<String> {
        match self.action {
            Action::Serve | Action::NoServer => None,
            Action::Check => Some("the configuration is in order\n".into()),
            Action::ShowConfig { json: false } => Some(ini(&self.settings)),
            Action::ShowConfig { json: true } => Some(format!("{:#}\n", document(self))),
            Action::Help => Some(help::help()),
            Action::Version => Some(help::version()),
            Action::DumpOptions => Some(help::dump()),
        }
    }
}

/// Reads the arguments (without the program's name), the variables and the files they name.
pub fn load(args: &[OsString], host: &dyn Host) -> Result<Loaded, ConfigError> {
    read(args, host, false)
}

/// The same for a reload, which `if-reload` sees, from the folder the host was started in.
pub fn load_again(args: &[OsString], host: &dyn Host) -> Result<Loaded, ConfigError> {
    read(args, host, true)
}

fn read(args: &[OsString], host: &dyn Host, reload: bool) -> Result<Loaded, ConfigError> {
    let problems = Problems::default();
    let arguments = command_line::arguments(args, &problems);
    if let Some(action) = information(&arguments) {
        return Ok(only(action));
    }
    let mut reader = Reader::new(host, &problems);
    reader.reload = reload;
    for entry in command_line::environment(host, &problems).into_iter().chain(arguments) {
        reader.take(entry);
    }
    reader.finish();
    let entries = expanded(&mut reader);
    let sources = std::mem::take(&mut reader.sources);
    drop(reader);
    let made = resolve::resolve(entries, host, &problems);
    if !problems.is_clean() {
        return Err(problems.into_error());
    }
    let (apps, libraries_as_written) = made.apps.into_iter().unzip();
    let settings = Settings { apps, ..made.settings };
    Ok(Loaded { settings, warnings: problems.warnings(), sources, libraries_as_written, action: made.action })
}

/// All entries with their values expanded, those of inherited files last.
fn expanded(reader: &mut Reader) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut inherited = true;
    while inherited {
        let before = std::mem::take(&mut reader.entries);
        let expander = Expander::new(reader.host, reader.problems, &before, &reader.spent);
        let values: Vec<String> = (0..before.len()).map(|index| expander.entry(index)).collect();
        drop(expander);
        let done = before.into_iter().zip(values).map(|(entry, value)| Entry { value, ..entry });
        let done: Vec<Entry> = done.collect();
        let targets: Vec<Entry> = done.iter().filter(|entry| entry.key == "inherit").cloned().collect();
        all.extend(done);
        inherited = !targets.is_empty();
        for target in &targets {
            reader.inherit(target);
        }
    }
    all
}

/// What needs no configuration.
fn information(arguments: &[Entry]) -> Option<Action> {
    arguments.iter().find_map(|entry| match entry.key.as_str() {
        "help" => Some(Action::Help),
        "version" => Some(Action::Version),
        "dump-options" => Some(Action::DumpOptions),
        _ => None,
    })
}

fn only(action: Action) -> Loaded {
    let settings = Settings::default();
    Loaded { settings, warnings: Vec::new(), sources: Vec::new(), libraries_as_written: Vec::new(), action }
}
