use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

/// A stack for signal handlers of this thread: a thread that has used up its own can still say so.
pub(super) struct AlternateStack {
    at: NonNull<c_void>,
    stays: PhantomData<*const ()>,
}

/// More than the largest set of registers takes, with room for the handler.
const SIZE: usize = 64 * 1024;

impl AlternateStack {
    pub(super) fn install() -> nix::Result<AlternateStack> {
        let size = NonZeroUsize::new(SIZE).ok_or(nix::errno::Errno::EINVAL)?;
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: new memory at a place of the kernel's choice.
        let at = unsafe { mmap_anonymous(None, size, rights, MapFlags::MAP_PRIVATE | MapFlags::MAP_STACK) }?;
        set(libc::stack_t { ss_sp: at.as_ptr(), ss_flags: 0, ss_size: SIZE })?;
        Ok(AlternateStack { at, stays: PhantomData })
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        if set(none).is_ok() {
            // SAFETY: ours, and no handler runs on it any more.
            let _ = unsafe { munmap(self.at, SIZE) };
        }
    }
}

fn set(stack: libc::stack_t) -> nix::Result<()> {
    // SAFETY: the memory is ours until it is taken back.
    nix::errno::Errno::result(unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) }).map(drop)
}
