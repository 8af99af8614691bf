//! The machine this process runs on, as [`Host`].

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::{Gid, Group, Uid, User, gethostname};

use super::host::Host;

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Host for System {
    fn read_file(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        file.take(most as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn inode(&self, path: &Path) -> Option<u64> {
        path.metadata().ok().map(|data| data.ino())
    }

    fn env(&self, name: &str) -> Option<String> {
        // A name with `=` or NUL would make the standard library panic.
        let valid = !name.is_empty() && !name.contains(['=', '\0']);
        valid.then(|| std::env::var(name).ok()).flatten()
    }

    fn envs(&self) -> Vec<(String, String)> {
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
    }

    fn hostname(&self) -> String {
        gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
    }

    fn cwd(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn binary(&self) -> PathBuf {
        std::env::current_exe().unwrap_or_default()
    }

    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn user(&self) -> (u32, String) {
        let id = Uid::current();
        let name = User::from_uid(id).ok().flatten().map(|user| user.name);
        (id.as_raw(), name.unwrap_or_else(|| id.to_string()))
    }

    fn group(&self) -> (u32, String) {
        let id = Gid::current();
        let name = Group::from_gid(id).ok().flatten().map(|group| group.name);
        (id.as_raw(), name.unwrap_or_else(|| id.to_string()))
    }

    fn somaxconn(&self) -> u32 {
        let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(4096)
    }

    fn cpus(&self) -> u32 {
        std::thread::available_parallelism().map_or(1, |count| count.get() as u32)
    }

    fn micros(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
    }
}
