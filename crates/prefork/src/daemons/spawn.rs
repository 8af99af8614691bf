//! Commands as children of the master.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Variables for commands: set, or removed.
pub type Env = Vec<(String, Option<String>)>;

/// Starts `/bin/sh -c COMMAND` in a session of its own, so that all of it can be ended, with nothing to read.
/// `bound`: it is killed when the master is.
pub fn spawn(command: &str, env: &Env, bound: bool) -> io::Result<i32> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null());
    for (name, value) in env {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let prepare = move || {
        nix::unistd::setsid()?;
        // The master takes signals by descriptor and blocks them; a command expects none of that.
        nix::sys::signal::SigSet::empty().thread_set_mask()?;
        if bound {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        }
        Ok(())
    };
    // SAFETY: system calls alone between fork and exec.
    unsafe { shell.pre_exec(prepare) };
    // Nobody waits here: the master learns of every end by SIGCHLD.
    Ok(shell.spawn()?.id().cast_signed())
}

/// Sends a signal to a command and to what it started.
pub fn signal(pid: i32, signal: Signal) {
    // One that is gone already is no fault.
    let _ = killpg(Pid::from_raw(pid), signal);
}

/// Whether anything of a command is left.
pub fn is_left(pid: i32) -> bool {
    killpg(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

/// How a process ended, in words.
pub fn how(status: nix::sys::wait::WaitStatus) -> String {
    use nix::sys::wait::WaitStatus::{Exited, Signaled};
    match status {
        Exited(_, code) => format!("ended with code {code}"),
        Signaled(_, signal, _) => format!("was ended by {signal}"),
        _ => "ended".to_owned(),
    }
}
