//! Tests of the whole way from an ini to settings, in a made-up file tree.

mod bad;
mod command_line;
mod language;
mod logic;
mod round_trip;
mod settings;
mod wild;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{ConfigError, Host, Loaded, load};

/// A machine with these files and variables, started in /app.
#[derive(Clone, Debug, Default)]
pub(super) struct Fake {
    files: BTreeMap<PathBuf, Vec<u8>>,
    env: BTreeMap<String, String>,
}

impl Fake {
    /// With one file, /app/app.ini.
    pub fn ini(text: &str) -> Fake {
        Fake::default().file("/app/app.ini", text)
    }

    /// The same with what every configuration needs before it.
    pub fn with(text: &str) -> Fake {
        Fake::ini(&format!("[uwsgi]\nhttp-socket = :8080\ndlopen = ./libapp.so\n{text}"))
    }

    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Fake {
        self.files.insert(path.into(), bytes.into());
        self
    }

    pub fn var(mut self, name: &str, value: &str) -> Fake {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Loads app.ini with more arguments.
    pub fn load_with(&self, more: &[&str]) -> Result<Loaded, ConfigError> {
        let args: Vec<OsString> = ["app.ini"].iter().chain(more).map(OsString::from).collect();
        load(&args, self)
    }

    /// What is read from app.ini, which has to be in order.
    #[track_caller]
    pub fn loaded(&self) -> Loaded {
        self.load_with(&[]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is wrong with app.ini, one line each.
    #[track_caller]
    pub fn wrong(&self) -> Vec<String> {
        match self.load_with(&[]) {
            Ok(loaded) => panic!("nothing is wrong: {loaded:?}"),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    /// What is worth a look.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        self.loaded().warnings
    }
}

impl Host for Fake {
    fn read_file(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        if bytes.len() > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.clone()) }
    }
    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file != path && file.starts_with(path))
    }
    fn list(&self, folder: &Path) -> Vec<String> {
        let below = self.files.keys().filter_map(|file| file.strip_prefix(folder).ok());
        let names =
            below.filter_map(|rest| rest.components().next()).map(|name| name.as_os_str().to_string_lossy().into());
        names.collect::<std::collections::BTreeSet<String>>().into_iter().collect()
    }
    fn inode(&self, _path: &Path) -> Option<u64> {
        Some(7)
    }
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
    fn envs(&self) -> Vec<(String, String)> {
        self.env.clone().into_iter().collect()
    }
    fn hostname(&self) -> String {
        "smithy".into()
    }
    fn cwd(&self) -> PathBuf {
        "/app".into()
    }
    fn binary(&self) -> PathBuf {
        "/usr/bin/bloom-prefork".into()
    }
    fn pid(&self) -> u32 {
        42
    }
    fn user(&self) -> (u32, String) {
        (1000, "smith".into())
    }
    fn group(&self) -> (u32, String) {
        (1001, "smiths".into())
    }
    fn somaxconn(&self) -> u32 {
        4096
    }
    fn cpus(&self) -> u32 {
        6
    }
    fn micros(&self) -> u64 {
        1_700_000_000_123_456
    }
}
