//! What reading a configuration asks of the machine, so that tests can answer for it.

use std::io;
use std::path::{Path, PathBuf};

/// What there is around the configuration.
pub trait Host {
    /// The bytes of a file; an error of the kind `FileTooLarge` when there are more than `most`.
    fn read_file(&self, path: &Path, most: usize) -> io::Result<Vec<u8>>;
    /// Whether it is a file.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether it is a folder.
    fn is_dir(&self, path: &Path) -> bool;
    /// Whether there is anything.
    fn exists(&self, path: &Path) -> bool {
        self.is_file(path) || self.is_dir(path)
    }
    /// The names in a folder; none when it cannot be read.
    fn list(&self, folder: &Path) -> Vec<String>;
    /// The number of a file in its file system.
    fn inode(&self, path: &Path) -> Option<u64>;
    /// A variable of the environment; None also when it is not UTF-8.
    fn env(&self, name: &str) -> Option<String>;
    /// All variables that are UTF-8.
    fn envs(&self) -> Vec<(String, String)>;
    /// The name of the machine.
    fn hostname(&self) -> String;
    /// The folder of the process.
    fn cwd(&self) -> PathBuf;
    /// This program's file.
    fn binary(&self) -> PathBuf;
    /// The process' id.
    fn pid(&self) -> u32;
    /// The user: number and name.
    fn user(&self) -> (u32, String);
    /// The group: number and name.
    fn group(&self) -> (u32, String);
    /// Most connections that may wait at a socket.
    fn somaxconn(&self) -> u32;
    /// Number of CPUs.
    fn cpus(&self) -> u32;
    /// Microseconds since 1970.
    fn micros(&self) -> u64;
}
