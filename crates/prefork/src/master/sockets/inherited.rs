//! Sockets that were open when the host began.
#![allow(unsafe_code)]

use super::super::MasterError;
use super::{Bound, tcp};
use crate::settings::Address;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{getsockopt, sockopt};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Takes a descriptor, which must be a listening socket.
pub(super) fn take(name: &str, address: &Address, fd: i32) -> Result<Bound, MasterError> {
    let wrong = |why: String| MasterError::Inherited { address: name.to_string(), fd, why };
    if fd < 0 {
        return Err(wrong("is not a number of one".into()));
    }
    // SAFETY: only looked at; where it is not open, the calls below say so.
    let given = unsafe { BorrowedFd::borrow_raw(fd) };
    match getsockopt(&given, sockopt::AcceptConn) {
        Ok(true) => {}
        Ok(false) => return Err(wrong("is a socket that is not listened on".into())),
        Err(nix::errno::Errno::ENOTSOCK) => return Err(wrong("is not a socket".into())),
        Err(_) => return Err(wrong("is not open".into())),
    }
    let failed = |error: nix::errno::Errno| wrong(format!("cannot be used: {}", error.desc()));
    // A copy of our own: the number given stays open, so that a reload can take it again.
    let own: OwnedFd = given.try_clone_to_owned().map_err(|error| wrong(format!("cannot be used: {error}")))?;
    let flags = OFlag::from_bits_retain(fcntl(&own, FcntlArg::F_GETFL).map_err(failed)?);
    fcntl(&own, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map_err(failed)?;
    fcntl(given, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(failed)?;
    let local = tcp::local(&own);
    Ok(Bound {
        address: address.clone(),
        fds: vec![Arc::new(own)],
        name: name.to_string(),
        server_port: local.map_or_else(|| "80".to_string(), |local| local.port().to_string()),
        file: None,
        is_tcp: local.is_some(),
    })
}
