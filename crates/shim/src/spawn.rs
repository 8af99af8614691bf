//! Starts one child: fork, set-up, exec, and the pipes between it and the shim.

use crate::ahead::Ahead;
use crate::command::Command;
use crate::descriptors;
use crate::error::{SetupError, at};
use crate::setup::{Bond, bond_of, set_up};
use crate::{signals, sys};
use bloom_control::{Ready, Sandbox, Spec};
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::ptrace::{self, Options};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, pipe2, setsid};
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// A child that has executed its program, and our ends of its pipes.
pub struct Spawned {
    /// Bubblewrap, or the command itself.
    pub pid: i32,
    /// Its standard output, not blocking.
    pub out: OwnedFd,
    /// Its standard error, not blocking.
    pub err: OwnedFd,
    /// What bubblewrap says of its own child, not blocking.
    pub info: Option<OwnedFd>,
    /// What the command says of its readiness, not blocking.
    pub notice: Option<OwnedFd>,
    /// Its records, not blocking.
    pub records: Option<OwnedFd>,
    /// A line into it lets the command begin, when it waits for `pre_start`.
    pub gate: Option<OwnedFd>,
    /// It stops before it exits, so that what it leaves behind can be seen.
    pub traced: bool,
    /// What could not be set up but was optional.
    pub warnings: Vec<String>,
}

/// Starts the command. A step that fails in the child is told as if it had failed here.
/// What is `given` it finds under these numbers, which no descriptor of ours may have.
pub fn spawn(spec: &Spec, given: Vec<(OwnedFd, RawFd)>, ahead: &Ahead) -> Result<Spawned, SetupError> {
    let (out, child_out) = pipe()?;
    let (err, child_err) = pipe()?;
    let (report, child_report) = pipe()?;
    let (info, child_info) = pipe_if(spec.sandbox == Sandbox::Bwrap)?;
    let (notice, child_notice) = pipe_if(matches!(spec.ready, Ready::Message { .. }))?;
    let (records, child_records) = pipe_if(spec.records.is_some())?;
    let (child_gate, gate) = match spec.pre_start {
        Some(_) => pipe().map(|(theirs, ours)| (Some(theirs), Some(ours)))?,
        None => (None, None),
    };
    let own = [child_notice.map(|fd| (fd, descriptors::NOTICE)), child_records.map(|fd| (fd, descriptors::RECORDS))];
    let command = Command::build(spec, child_info, own.into_iter().flatten().chain(given).collect())?;
    let origin = Origin { bond: bond_of(spec), inherited: ahead.inherited() };
    let pid = match sys::fork().map_err(at("fork"))? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // A copy of its own would keep the gate from ever ending.
            drop(gate);
            become_child(
                spec,
                &origin,
                &command,
                Streams { gate: child_gate, out: child_out, err: child_err },
                child_report,
            )
        }
    };
    let traced = spec.sandbox == Sandbox::Bwrap && trace(pid);
    drop((command, child_gate, child_out, child_err, child_report));
    let warnings = read_report(report, pid)?;
    for fd in [Some(&out), Some(&err), info.as_ref(), notice.as_ref(), records.as_ref()].into_iter().flatten() {
        fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(at("set up a pipe"))?;
    }
    Ok(Spawned { pid: pid.as_raw(), out, err, info, notice, records, gate, traced, warnings })
}

/// Bubblewrap's outer process is held at its exit, because its end takes everything else in the sandbox with
/// it at once: too soon for processes in their grace period, and before leftovers could be counted. And what
/// the shim traces dies with it, from the first moment on; bubblewrap sees to that only a little later, and
/// [`Child`](crate::child::Child) extends it to the namespace's init. Where tracing is not allowed all this is
/// lost and the rest works.
fn trace(pid: Pid) -> bool {
    let forks = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
    ptrace::seize(pid, forks | Options::PTRACE_O_TRACEEXIT | Options::PTRACE_O_EXITKILL).is_ok()
}

/// Our end and the child's, whose number is out of the way of those the command expects.
fn pipe() -> Result<(OwnedFd, OwnedFd), SetupError> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(at("make a pipe"))?;
    Ok((read, sys::move_up(write).map_err(at("make a pipe"))?))
}

/// A socket of ours, to be passed on.
pub fn own_copy(listener: &UnixListener) -> Result<OwnedFd, SetupError> {
    listener.as_fd().try_clone_to_owned().and_then(sys::move_up).map_err(at("pass the socket on"))
}

fn pipe_if(wanted: bool) -> Result<(Option<OwnedFd>, Option<OwnedFd>), SetupError> {
    if !wanted {
        return Ok((None, None));
    }
    pipe().map(|(ours, theirs)| (Some(ours), Some(theirs)))
}

/// Warnings and, at its end, an error come as lines; a successful exec closes the pipe.
fn read_report(report: OwnedFd, pid: Pid) -> Result<Vec<String>, SetupError> {
    let text = collect_report(report, pid).map_err(at("watch the set-up"))?;
    let mut warnings = Vec::new();
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("warning", text)) => warnings.push(text.to_owned()),
            Some((_, text)) => {
                let_exit(pid);
                return Err(SetupError::refuse("set-up", text));
            }
            None => {}
        }
    }
    Ok(warnings)
}

/// Reads to the end of the pipe. A child that is killed on its way is held at its exit with the pipe open, and
/// would be waited for in vain: it is let go.
fn collect_report(report: OwnedFd, pid: Pid) -> io::Result<String> {
    let mut report = File::from(report);
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    loop {
        let mut waited = [PollFd::new(report.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waited, 20_u8)? == 0 {
            match sys::wait_for(pid.as_raw(), false) {
                Some(status) if libc::WIFSTOPPED(status) => drop(ptrace::cont(pid, None)),
                Some(_) => return Ok("error it was killed before it could begin".into()),
                None => {}
            }
            continue;
        }
        match report.read(&mut buffer)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Waits for the end of a child that has nothing more to do.
fn let_exit(pid: Pid) {
    while let Some(status) = sys::wait_for(pid.as_raw(), true) {
        if !libc::WIFSTOPPED(status) {
            return;
        }
        let _ = ptrace::cont(pid, None);
    }
}

/// The child's ends.
struct Streams {
    gate: Option<OwnedFd>,
    out: OwnedFd,
    err: OwnedFd,
}

/// What a child has from its parent.
struct Origin {
    bond: Bond,
    inherited: Vec<PathBuf>,
}

fn become_child(spec: &Spec, origin: &Origin, command: &Command, streams: Streams, report: OwnedFd) -> ! {
    let mut report = File::from(report);
    let Err(error) = try_become_child(spec, origin, command, &streams, &mut report);
    let text = error.to_string().replace('\n', " ");
    let _ = writeln!(report, "error {text}");
    // A traced process is held before its descriptors are closed.
    drop(report);
    sys::end_child(125)
}

fn try_become_child(
    spec: &Spec,
    origin: &Origin,
    command: &Command,
    streams: &Streams,
    report: &mut File,
) -> Result<Infallible, SetupError> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(at("open /dev/null"))?;
    dup2_stdin(streams.gate.as_ref().unwrap_or(&null)).map_err(at("set standard input"))?;
    dup2_stdout(&streams.out).map_err(at("set standard output"))?;
    dup2_stderr(&streams.err).map_err(at("set standard error"))?;
    setsid().map_err(at("make a session"))?;
    chdir("/").map_err(at("go to /"))?;
    for warning in set_up(spec, origin.bond, &origin.inherited)? {
        let _ = writeln!(report, "warning {}", warning.replace('\n', " "));
    }
    signals::reset_in_child().map_err(at("reset signals"))?;
    command.exec()
}
