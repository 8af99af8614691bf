//! Socket options that no crate here knows.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Connections are given out when their first bytes are there, or after so many seconds.
pub(super) fn defer_accept(fd: &OwnedFd, seconds: i32) -> io::Result<()> {
    let size = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the option takes an int, which outlives the call.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, (&raw const seconds).cast(), size)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Connections that wait on a listening TCP socket, and how many may.
pub(super) fn queue(fd: &OwnedFd) -> Option<(u32, u32)> {
    // SAFETY: all zero is a valid value of this struct of numbers.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut size = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes into `info`.
    let done = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut size)
    };
    // For a listening socket the kernel puts the queue here and its limit there.
    (done == 0).then_some((info.tcpi_unacked, info.tcpi_sacked))
}
