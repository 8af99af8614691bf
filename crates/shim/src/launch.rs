//! The verb `launch`: starts shims for a daemon, which cannot fork without standing still. Each connection to its socket
//! becomes the standard input and output of a new shim; the first line on it is the list of its arguments.

use crate::command::to_c;
use crate::error::{SETUP_FAILED, SetupError, at};
use crate::private_socket::bind_private;
use crate::signals;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, execve, setsid};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;

/// An argument list is a few paths.
const LONGEST_LINE: usize = 64 * 1024;

/// Works until its standard input ends, as it does when the daemon does. The shims live on.
pub fn launch() -> ExitCode {
    sys::close_from(3, sys::Close::Now);
    let Some(path) = std::env::args_os().nth(2) else { return ExitCode::from(2) };
    match serve(Path::new(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bloom-shim: {error}");
            ExitCode::from(SETUP_FAILED)
        }
    }
}

fn serve(path: &Path) -> Result<(), SetupError> {
    let signals = signals::open().map_err(at("watch for signals"))?;
    // Nobody but the daemon's own user may have anything started.
    let listener = bind_private(path).map_err(at(format!("bind {}", path.display())))?;
    writeln!(io::stdout(), "listening").map_err(at("say that it listens"))?;
    loop {
        let stdin = io::stdin();
        let mut waited =
            [signals.as_fd(), listener.as_fd(), stdin.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut waited, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(at("wait")(error)),
        }
        let [_, has_client, has_input] = waited.map(|fd| fd.any() == Some(true));
        while let Ok(Some(_)) = signals.read_signal() {}
        while sys::wait_any().is_some() {}
        if has_client {
            accept(&listener);
        }
        if has_input && is_over(stdin) {
            let _ = fs::remove_file(path);
            return Ok(());
        }
    }
}

fn is_over(mut input: impl Read) -> bool {
    !matches!(input.read(&mut [0; 64]), Ok(count) if count > 0)
}

fn accept(listener: &UnixListener) {
    while let Ok((client, _)) = listener.accept() {
        match sys::fork() {
            // Nobody hears the reason: the daemon sees its connection end, and starts the shim itself.
            Ok(ForkResult::Child) => {
                let Err(_) = become_shim(client);
                sys::end_child(i32::from(SETUP_FAILED))
            }
            Ok(ForkResult::Parent { .. }) | Err(_) => {}
        }
    }
}

fn become_shim(client: UnixStream) -> Result<Infallible, SetupError> {
    client.set_nonblocking(false).map_err(at("set up the connection"))?;
    setsid().map_err(at("make a session"))?;
    signals::reset_in_child().map_err(at("reset signals"))?;
    let words = read_words(&client)?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(at("open /dev/null"))?;
    let all = dup2_stdin(&client).and_then(|()| dup2_stdout(&client)).and_then(|()| dup2_stderr(&null));
    all.map_err(at("set standard streams"))?;
    let argv = to_c(std::iter::once("bloom-shim".to_owned()).chain(words))?;
    let env: Vec<CString> = Vec::new();
    execve(c"/proc/self/exe", &argv, &env).map_err(at("become a shim"))
}

/// Byte by byte: what follows is for the shim to read.
fn read_words(mut client: &UnixStream) -> Result<Vec<String>, SetupError> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST_LINE {
        match client.read(&mut byte).map_err(at("read the arguments"))? {
            1 if byte[0] != b'\n' => line.push(byte[0]),
            1 => return serde_json::from_slice(&line).map_err(at("understand the arguments")),
            _ => return Err(SetupError::refuse("read the arguments", "they never came")),
        }
    }
    Err(SetupError::refuse("read the arguments", "they are too long"))
}
