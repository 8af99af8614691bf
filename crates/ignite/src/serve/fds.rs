//! The descriptors the platform hands over by number: the one place where a number becomes a file.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Takes an open descriptor. The file closes with this process and is not passed on to programs it starts.
pub(crate) fn take(fd: i32) -> io::Result<File> {
    if fd <= 2 {
        return Err(io::Error::other("0, 1 and 2 are the standard streams"));
    }
    if Path::new("/proc/self/fd").exists() && !Path::new(&format!("/proc/self/fd/{fd}")).exists() {
        return Err(io::Error::other("nothing is open under this number"));
    }
    // SAFETY: the platform opened it for us, says so in a variable, and nothing else in this process uses it.
    let given = unsafe { OwnedFd::from_raw_fd(fd) };
    // A copy closes on exec, which the original does not.
    let own = given.try_clone()?;
    Ok(own.into())
}

/// Says something on a connection that somebody else serves, and ends it. Whoever calls sees to it that the number
/// stays that connection's meanwhile.
pub(crate) fn say_and_end(socket: i32, text: &[u8]) {
    // SAFETY: the number is an open socket's, and `ManuallyDrop` leaves its closing to its owner.
    let mut stream = ManuallyDrop::new(unsafe { UnixStream::from_raw_fd(socket) });
    // Nothing else was said on it for this request, so the little that this is finds room.
    let _ = stream.write(text);
    let _ = stream.shutdown(Shutdown::Both);
}

type AtExit = extern "C" fn();

unsafe extern "C" {
    fn atexit(call: AtExit) -> i32;
}

/// Has `call` called when the process ends by itself, by `std::process::exit` in a handler too.
pub(crate) fn call_at_exit(call: AtExit) {
    // SAFETY: `atexit` of the C library keeps a pointer to a function that lives as long as the program.
    let _ = unsafe { atexit(call) };
}
