//! The verb `begin`: what waits in a sandbox that was made ahead, until it is told what to become.

use crate::command::to_c;
use crate::descriptors;
use crate::error::{SETUP_FAILED, SetupError, at};
use crate::setup::limit;
use crate::signals;
use crate::sys;
use bloom_control::Begin;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::unistd::{chdir, execve};
use std::convert::Infallible;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Says that the sandbox stands, and waits. It ends when nobody has a use for it.
pub fn begin() -> ExitCode {
    match try_begin() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(never)) => match never {},
        Err(error) => {
            eprintln!("bloom-shim: {}", error.to_string().replace('\n', " "));
            ExitCode::from(SETUP_FAILED)
        }
    }
}

fn try_begin() -> Result<Option<Infallible>, SetupError> {
    let order = UnixStream::from(adopt(descriptors::ORDER)?);
    let _program = adopt(descriptors::PROGRAM)?;
    (&order).write_all(b"r").map_err(at("say that the sandbox stands"))?;
    let (text, socket) = receive(&order).map_err(at("wait for the order"))?;
    if text.is_empty() {
        return Ok(None);
    }
    let begin: Begin = serde_json::from_slice(&text).map_err(at("understand the order"))?;
    for (number, is_meant) in [(descriptors::NOTICE, begin.notice), (descriptors::RECORDS, begin.records)] {
        if !is_meant {
            drop(adopt(number)?);
        }
    }
    if let Some(socket) = socket {
        // It may have come under the very number it is to have, and would then be closed with the others.
        let socket = sys::move_up(socket).map_err(at("pass the socket on"))?;
        sys::give(&socket, descriptors::LISTEN).map_err(at("pass the socket on"))?;
    }
    limit(&begin.rlimits)?;
    chdir(&begin.cwd).map_err(at(format!("go to {}", begin.cwd.display())))?;
    signals::reset_in_child().map_err(at("reset signals"))?;
    become_command(&begin).map(Some)
}

/// Nothing that serves the waiting goes on to the command.
fn adopt(number: RawFd) -> Result<OwnedFd, SetupError> {
    let fd = sys::adopt_descriptor(number).map_err(at(format!("take over descriptor {number}")))?;
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(at("keep a descriptor"))?;
    Ok(fd)
}

fn become_command(begin: &Begin) -> Result<Infallible, SetupError> {
    let argv = to_c(begin.command.iter().cloned())?;
    let env = to_c(begin.env.iter().map(|(name, value)| format!("{name}={value}")))?;
    let program = argv.first().ok_or_else(|| SetupError::refuse("command", "it is empty"))?;
    execve(program, &argv, &env).map_err(at(format!("run {}", program.to_string_lossy())))
}

/// The order to its end, with the socket that came along.
fn receive(order: &UnixStream) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut first = [0; 4096];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let (count, socket) = {
        let mut slices = [IoSliceMut::new(&mut first)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(order.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
        let mut socket = None;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                socket = fds.into_iter().map(sys::own).next();
            }
        }
        (message.bytes, socket)
    };
    let mut text = first[..count].to_vec();
    if count > 0 {
        let mut rest = order;
        rest.read_to_end(&mut text)?;
    }
    Ok((text, socket))
}

/// The other side: tells whoever waits what to become.
pub fn send_order(order: &UnixStream, begin: &Begin, socket: Option<&OwnedFd>) -> io::Result<()> {
    let text = serde_json::to_vec(begin)?;
    let rights: Vec<RawFd> = socket.iter().map(|fd| fd.as_raw_fd()).collect();
    let control = [ControlMessage::ScmRights(&rights)];
    let controls = if rights.is_empty() { &control[..0] } else { &control[..] };
    let sent = sendmsg::<()>(order.as_raw_fd(), &[IoSlice::new(&text)], controls, MsgFlags::MSG_NOSIGNAL, None)?;
    let mut rest = order;
    rest.write_all(&text[sent..])?;
    order.shutdown(Shutdown::Write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    #[test]
    fn an_order_of_any_length_comes_whole_and_with_its_socket() {
        for length in [0, 5_000, 500_000] {
            let begin = Begin {
                command: vec!["/app/x".into()],
                env: BTreeMap::from([("K".into(), "v".repeat(length))]),
                cwd: PathBuf::from("/app"),
                rlimits: Default::default(),
                notice: true,
                records: false,
            };
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (given, _kept) = UnixStream::pair().unwrap();
            let text = std::thread::scope(|scope| {
                let reader = scope.spawn(|| receive(&theirs).unwrap());
                send_order(&ours, &begin, Some(&OwnedFd::from(given))).unwrap();
                reader.join().unwrap()
            });
            assert!(text.1.is_some());
            assert_eq!(serde_json::from_slice::<Begin>(&text.0).unwrap(), begin);
        }
    }

    #[test]
    fn nobody_came_is_no_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        assert!(matches!(receive(&theirs).unwrap(), (text, None) if text.is_empty()));
    }
}
