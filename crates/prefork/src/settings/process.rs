//! How the process presents itself to the system.

use std::path::PathBuf;

/// How the process presents itself to the system.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProcessSettings {
    /// User to become, name or number.
    pub uid: Option<String>,
    /// Group to become, name or number.
    pub gid: Option<String>,
    /// Folder to work in; already applied to relative paths of other settings.
    pub chdir: Option<PathBuf>,
    /// Folder workers go to after the apps were loaded. uWSGI: `chdir2`.
    pub chdir2: Option<PathBuf>,
    /// Mask of created files.
    pub umask: Option<u32>,
    /// File for the master's pid.
    pub pidfiles: Vec<PathBuf>,
    /// Remove pid files and unix sockets at the end.
    pub vacuum: bool,
    /// Go to the background and log to this file. uWSGI: `daemonize`.
    pub daemonize: Option<PathBuf>,
    /// Named pipes for commands. uWSGI: `master-fifo`.
    pub fifos: Vec<PathBuf>,
    /// Name processes by their task. uWSGI: `auto-procname`.
    pub auto_procname: bool,
    /// Put before (`procname-prefix`) the names of processes.
    pub procname_prefix: String,
    /// Workers end when the master is gone; always on, kept for `show-config`.
    pub no_orphans: bool,
    /// Most open files. uWSGI: `max-fd`.
    pub max_fd: Option<u64>,
    /// Stack of a thread in bytes. uWSGI: `threads-stacksize` (KiB).
    pub thread_stack: Option<usize>,
    /// CPUs given to each worker in turn. uWSGI: `cpu-affinity`.
    pub cpu_affinity: u32,
}
