//! Which descriptor means what to whoever is started.

use std::os::fd::RawFd;

/// Where a command that says itself when it is ready finds the pipe for it.
pub const NOTICE: RawFd = 3;
/// Where a command that keeps records finds the pipe for them.
pub const RECORDS: RawFd = 4;
/// Where a command finds the socket the shim has bound for it.
pub const LISTEN: RawFd = 5;
/// Where whoever waits in a sandbox finds the socket on which it is told what to become.
pub const ORDER: RawFd = 6;
/// Our own program, which has no path in the sandbox.
pub const PROGRAM: RawFd = 7;
