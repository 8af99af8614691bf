//! System calls that have no safe form in our libraries. Every use says why it is sound.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::unistd::ForkResult;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What happens to descriptors that [`close_from`] meets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// At once.
    Now,
    /// When another program is executed.
    OnExec,
}

/// Closes every descriptor from `first` on. Only for a time when this process owns none of them.
pub fn close_from(first: RawFd, when: Close) {
    let flags = if when == Close::OnExec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: numbers only. `Now` is used before anything is opened, so no owner is left behind.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    if done == 0 {
        return;
    }
    // Kernels before 5.11.
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let open: Vec<RawFd> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd >= first) {
        // SAFETY: as above; a descriptor that is already gone answers EBADF.
        unsafe {
            match when {
                Close::Now => libc::close(fd),
                Close::OnExec => libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC),
            };
        }
    }
}

/// Takes over a descriptor that the parent has passed by number.
pub fn adopt_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD only asks.
    Errno::result(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    // SAFETY: it is open, and nothing else in this process knows the number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The same descriptor under a number that no command expects anything behind.
pub fn move_up(fd: OwnedFd) -> io::Result<OwnedFd> {
    const FIRST_FREE: RawFd = 10;
    // SAFETY: numbers only; the kernel makes a new descriptor, which nobody else knows.
    let moved = Errno::result(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST_FREE) })?;
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(moved) })
}

/// Lets the program that is executed next find a descriptor under this number.
pub fn give(fd: &OwnedFd, number: RawFd) -> io::Result<()> {
    // SAFETY: numbers only. A forked child owns nothing there that it still needs: what it does was moved up.
    Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), number) })?;
    Ok(())
}

/// Forks. The child may do anything a single thread may.
pub fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the shim has one thread, so no lock can be left held in the child.
    unsafe { nix::unistd::fork() }
}

/// Ends a forked child at once, without running what was registered by the parent.
pub fn end_child(code: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(code) }
}

/// Gives up capabilities for this process and everything it executes.
pub fn drop_bounding_set() {
    for capability in 0..64 {
        // SAFETY: numbers only; a capability that the kernel does not know answers EINVAL.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: numbers only; kernels without ambient capabilities answer EINVAL.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
}

/// Gives up every capability this process has.
pub fn drop_capabilities() -> io::Result<()> {
    // struct __user_cap_header_struct: version 3, and 0 for this process; two sets of three words.
    let header: [u32; 2] = [0x2008_0522, 0];
    let data = [0_u32; 6];
    // SAFETY: both pointers are to locals of the sizes that version 3 asks for.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) })?;
    Ok(())
}

/// A descriptor that stands for a process, whatever becomes of its number.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: numbers only.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A copy of another process's descriptor.
pub fn pidfd_getfd(process: &OwnedFd, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: numbers only.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// The user namespace that another namespace belongs to.
pub fn owning_user_namespace(namespace: &impl AsRawFd) -> io::Result<OwnedFd> {
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    // SAFETY: the request takes no argument and makes a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_USERNS as _) })?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes over a descriptor that came in a message.
pub fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: the kernel has made it for this message, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Makes a terminal the controlling one of this process's session.
pub fn control_terminal(terminal: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: the argument is a number.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY as _, 0) })?;
    Ok(())
}

/// Tells a terminal its size in characters.
pub fn resize_terminal(terminal: &impl AsRawFd, rows: u16, cols: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointer is to a local that outlives the call.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ as _, &size) })?;
    Ok(())
}

/// Opens the other end of a terminal by its first one, without a path.
pub fn open_peer(terminal: &impl AsRawFd) -> io::Result<OwnedFd> {
    let locked: libc::c_int = 0;
    // SAFETY: the pointer is to a local that outlives the call.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSPTLCK as _, &locked) })?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the argument is a number, and the kernel makes a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGPTPEER as _, flags) })?;
    // SAFETY: made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A copy of what is mounted at this path, mounted nowhere yet.
pub fn open_tree(path: &Path) -> io::Result<OwnedFd> {
    const OPEN_TREE_CLONE: libc::c_uint = 1;
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the pointer is to a local that outlives the call, which makes a descriptor.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    // SAFETY: made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Nothing in such a copy gives rights or is a device, and nobody writes to it but where that is meant.
pub fn protect_tree(tree: &OwnedFd, writable: bool) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    const NO_SUID: u64 = 2;
    const NO_DEVICES: u64 = 4;
    // struct mount_attr: what to set, what to clear, propagation, user namespace.
    let first = if writable { 0 } else { READ_ONLY };
    let attributes: [u64; 4] = [first | NO_SUID | NO_DEVICES, 0, 0, 0];
    let (attributes, size) = (attributes.as_ptr(), size_of_val(&attributes));
    // SAFETY: both pointers are to data that outlives the call, the second of the size that is told.
    let done = unsafe {
        libc::syscall(libc::SYS_mount_setattr, tree.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, attributes, size)
    };
    Errno::result(done)?;
    Ok(())
}

/// Mounts such a copy.
pub fn move_mount(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    const FROM_DESCRIPTOR: libc::c_uint = 4;
    let target = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: both pointers are to data that outlives the call.
    let done = unsafe {
        let (tree, none) = (tree.as_raw_fd(), c"".as_ptr());
        libc::syscall(libc::SYS_move_mount, tree, none, libc::AT_FDCWD, target.as_ptr(), FROM_DESCRIPTOR)
    };
    Errno::result(done)?;
    Ok(())
}

/// Sets the niceness of this process.
pub fn set_nice(value: i32) -> io::Result<()> {
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value) })?;
    Ok(())
}

/// Waits for any child, traced ones included, without blocking: a pid and its raw status.
pub fn wait_any() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: the pointer is to a local that outlives the call.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::__WALL) };
    (pid > 0).then_some((pid, status))
}

/// Waits for one child, traced or not: its raw status; `None` when it has not changed or does not exist.
pub fn wait_for(pid: i32, block: bool) -> Option<i32> {
    let mut status = 0;
    let flags = libc::__WALL | if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: the pointer is to a local that outlives the call.
        match Errno::result(unsafe { libc::waitpid(pid, &mut status, flags) }) {
            Ok(0) => return None,
            Ok(_) => return Some(status),
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}
