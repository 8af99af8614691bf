//! What all processes know of one log file.
#![allow(unsafe_code)]

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// All zero at the start.
#[repr(C)]
pub struct State {
    /// Grows each time the file is to be opened anew.
    pub generation: AtomicU32,
    /// Lines that could not be written and were not told of yet.
    pub lost: AtomicU64,
    /// The last line went out in part: the next one begins with a newline.
    pub torn: AtomicBool,
}

/// The state in memory that children share.
pub struct Shared(NonNull<State>);

const LENGTH: NonZeroUsize = NonZeroUsize::new(size_of::<State>()).unwrap();

// SAFETY: it leads to atomics alone.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn create() -> io::Result<Shared> {
        // SAFETY: a new mapping at a place of the kernel's choice.
        let at = unsafe {
            mmap_anonymous(None, LENGTH, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED)
        }?;
        Ok(Shared(at.cast()))
    }
}

impl Deref for Shared {
    type Target = State;

    fn deref(&self) -> &State {
        // SAFETY: mapped for as long as `self` lives, large enough, aligned to a page, and valid when all zero.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: made by `mmap` with this length, and nobody holds a reference any more.
        let _ = unsafe { munmap(self.0.cast(), LENGTH.get()) };
    }
}
