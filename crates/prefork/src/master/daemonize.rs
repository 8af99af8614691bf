//! Going to the background.
#![allow(unsafe_code)]

use super::MasterError;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Goes on in the background with `log` as its output. The process that was started waits for the host to be ready
/// (or to end) and then ends itself; the result is what the host says so by.
pub fn daemonize(log: &Path) -> Result<OwnedFd, MasterError> {
    let failed = |error| MasterError::system("go to the background", error);
    let output = OpenOptions::new().append(true).create(true).open(log);
    let output = output.map_err(|error| MasterError::File { what: "open the log", path: log.into(), error })?;
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(failed)?;
    // SAFETY: nothing has made a thread yet.
    if let ForkResult::Parent { .. } = unsafe { fork() }.map_err(failed)? {
        drop(write);
        let mut said = String::new();
        let _ = File::from(read).read_to_string(&mut said);
        if !said.starts_with("ready") {
            eprintln!("the host did not begin to serve: see {}", log.display());
        }
        std::process::exit(i32::from(!said.starts_with("ready")));
    }
    setsid().map_err(failed)?;
    // SAFETY: as above. Not the leader of its session any more, it can never get a terminal.
    if let ForkResult::Parent { .. } = unsafe { fork() }.map_err(failed)? {
        // SAFETY: never returns; what is open is the child's as well.
        unsafe { libc::_exit(0) }
    }
    let nothing = File::open("/dev/null").map_err(|error| MasterError::system("open /dev/null", error))?;
    dup2_stdin(&nothing).map_err(failed)?;
    dup2_stdout(&output).map_err(failed)?;
    dup2_stderr(&output).map_err(failed)?;
    Ok(write)
}
