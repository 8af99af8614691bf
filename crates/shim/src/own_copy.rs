//! A copy of our own program in memory.

use crate::error::{SetupError, at};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{fexecve, geteuid};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;

/// What goes into a sandbox can be led to execute its own program there, and its file would then be within reach of
/// the app. Root's file nobody else can write; without root the app has the owner's rights, so a sealed copy goes in.
pub fn run_from_memory() -> Result<(), SetupError> {
    if geteuid().is_root() {
        return Ok(());
    }
    let own = fs::read_link("/proc/self/exe").map_err(at("find our own program"))?;
    if own.to_string_lossy().starts_with("/memfd:") {
        return Ok(());
    }
    let copy = copy_into_memory().map_err(at("copy our own program"))?;
    let argv = [c"bloom-shim".to_owned(), c"enter".to_owned()];
    let Err(error) = fexecve(&copy, &argv, &[] as &[CString]);
    Err(at("run our own program from memory")(error))
}

fn copy_into_memory() -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut copy = File::from(memfd_create(c"bloom-shim", flags)?);
    copy.write_all(&fs::read("/proc/self/exe")?)?;
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&copy, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(OwnedFd::from(copy))
}
