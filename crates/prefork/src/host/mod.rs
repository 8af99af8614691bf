//! Everything put together: a master with the apps, workers, log, statistics and commands of this crate.

mod parts;
mod statistics;

use crate::config::{self, Action, Loaded, System};
use crate::log::Logger;
use crate::master::{self, MasterError};
use crate::settings::Settings;
use parts::HostParts;
use std::ffi::OsString;
use std::io;

/// Does what the arguments (without the program's name) ask for; the result is the code to exit with.
pub fn main(arguments: &[OsString]) -> i32 {
    let loaded = match config::load(arguments, &System) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return 1;
        }
    };
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    match loaded.text() {
        Some(text) => print(&text),
        None => serve(arguments, loaded).unwrap_or_else(|error| {
            eprintln!("bloom-prefork: {error}");
            1
        }),
    }
}

/// Whoever reads the text may stop reading: that is no failure.
fn print(text: &str) -> i32 {
    use io::Write;
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => 1,
        _ => 0,
    }
}

fn serve(arguments: &[OsString], loaded: Loaded) -> Result<i32, Failure> {
    let Loaded { settings, action, .. } = loaded;
    let ready = match (&settings.process.daemonize, action) {
        (Some(log), Action::Serve) => Some(master::daemonize(log)?),
        _ => None,
    };
    let logger = Logger::open(&settings.log).map_err(|error| Failure::log(error, &settings))?;
    if ready.is_none() {
        logger.take_output().map_err(|error| Failure::log(error, &settings))?;
    }
    if action == Action::NoServer {
        return Ok(parts::try_apps(&settings, logger));
    }
    let mut parts = HostParts::new(arguments.to_vec(), logger, &settings);
    Ok(master::run(settings, &mut parts, ready)?)
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Master(#[from] MasterError),
    #[error("the log {path} cannot be written: {error}")]
    Log { path: String, error: io::Error },
}

impl Failure {
    fn log(error: io::Error, settings: &Settings) -> Failure {
        let path = settings.log.file.as_ref().map_or("on stderr".into(), |path| path.display().to_string());
        Failure::Log { path, error }
    }
}
