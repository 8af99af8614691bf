//! Memory that the master and all workers of one generation share: who does what, and what was counted.
//!
//! Every field is an atomic, written by one side and read by others without a lock; a reader may see a request that
//! has just ended. The bytes of a request that is being read or served stand here too, so that the master can still
//! name it when its worker is gone.
#![allow(unsafe_code)]

mod cells;
mod layout;

pub use cells::{Core, CoreState, Wish, WorkerCell, WorkerState};

use layout::Layout;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;

/// The shared memory; copies lead to the same.
#[derive(Clone)]
pub struct Board {
    mapping: Arc<Mapping>,
}

struct Mapping {
    at: NonNull<u8>,
    layout: Layout,
}

// SAFETY: what is reached through the pointer is atomics, and buffers whose owners keep to themselves (`Board::buffer`).
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Board {
    /// Room for `workers` places of `threads` cores each, every core with a buffer of `buffer` bytes. All zero.
    pub fn create(workers: usize, threads: usize, buffer: usize) -> nix::Result<Board> {
        let layout = Layout::plan(workers, threads, buffer);
        let length = NonZeroUsize::new(layout.total).ok_or(nix::errno::Errno::EINVAL)?;
        // SAFETY: a new mapping at a place of the kernel's choice.
        let at = unsafe {
            mmap_anonymous(
                None,
                length,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED | MapFlags::MAP_NORESERVE,
            )
        }?;
        Ok(Board { mapping: Arc::new(Mapping { at: at.cast(), layout }) })
    }

    /// Number of places for workers.
    pub fn places(&self) -> usize {
        self.mapping.layout.workers
    }

    /// Number of cores of each worker.
    pub fn threads(&self) -> usize {
        self.mapping.layout.threads
    }

    /// Bytes of a core's buffer.
    pub fn buffer_size(&self) -> usize {
        self.mapping.layout.buffer
    }

    /// The cell of a worker.
    pub fn worker(&self, place: usize) -> &WorkerCell {
        assert!(place < self.places());
        // SAFETY: inside the mapping by the layout, aligned, and valid when all bytes are zero.
        unsafe { self.at(self.mapping.layout.worker(place)).cast::<WorkerCell>().as_ref() }
    }

    /// The cell of a worker's thread.
    pub fn core(&self, place: usize, core: usize) -> &Core {
        assert!(place < self.places() && core < self.threads());
        // SAFETY: as in `worker`.
        unsafe { self.at(self.mapping.layout.core(place, core)).cast::<Core>().as_ref() }
    }

    /// The cores of a worker.
    pub fn cores(&self, place: usize) -> impl Iterator<Item = &Core> {
        (0..self.threads()).map(move |core| self.core(place, core))
    }

    /// The buffer of a core, for its own thread alone: nobody else may hold a reference to it.
    ///
    /// # Safety
    /// The caller is the one thread that serves this core and calls this once.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn buffer(&self, place: usize, core: usize) -> &'static mut [u8] {
        assert!(place < self.places() && core < self.threads());
        let at = self.at(self.mapping.layout.buffer_of(place, core));
        // SAFETY: inside the mapping; unaliased by the caller's promise; a worker never drops its board before its end.
        unsafe { std::slice::from_raw_parts_mut(at.as_ptr(), self.buffer_size()) }
    }

    /// A copy of the first `len` bytes of a core's buffer, as they are at this moment.
    pub fn copy_buffer(&self, place: usize, core: usize, len: usize) -> Vec<u8> {
        assert!(place < self.places() && core < self.threads());
        let at = self.at(self.mapping.layout.buffer_of(place, core));
        let len = len.min(self.buffer_size());
        // SAFETY: inside the mapping. The owner may write meanwhile: every byte is read once, as a volatile.
        (0..len).map(|index| unsafe { at.add(index).read_volatile() }).collect()
    }

    /// Makes the places of a worker and its cores as new.
    pub fn clear(&self, place: usize) {
        self.worker(place).clear();
        for core in self.cores(place) {
            core.clear();
        }
    }

    fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: offsets come from the layout the mapping was made by.
        unsafe { self.mapping.at.add(offset) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made by `mmap` with this length; the last reference is gone.
        let _ = unsafe { munmap(self.at.cast(), self.layout.total) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn cells_do_not_overlap_and_begin_empty() {
        let board = Board::create(3, 2, 100).unwrap();
        for place in 0..3 {
            board.worker(place).requests.store(place as u64 + 1, Relaxed);
            for core in 0..2 {
                assert_eq!(board.core(place, core).requests.load(Relaxed), 0);
                board.core(place, core).requests.store(7, Relaxed);
                // SAFETY: one thread, once for each.
                unsafe { board.buffer(place, core) }.fill(b'x');
            }
        }
        for place in 0..3 {
            assert_eq!(board.worker(place).requests.load(Relaxed), place as u64 + 1);
            assert!(board.cores(place).all(|core| core.requests.load(Relaxed) == 7));
            assert_eq!(board.copy_buffer(place, 1, 1000), vec![b'x'; 100]);
        }
        board.clear(1);
        assert_eq!(board.worker(1).requests.load(Relaxed), 0);
        assert_eq!(board.worker(2).requests.load(Relaxed), 3);
    }

    #[test]
    fn is_shared_with_children() {
        let board = Board::create(1, 1, 64).unwrap();
        // SAFETY: the child only stores and ends.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                board.worker(0).requests.store(42, Relaxed);
                // SAFETY: ends without running anything of the parent.
                unsafe { libc::_exit(0) }
            }
            nix::unistd::ForkResult::Parent { child } => {
                nix::sys::wait::waitpid(child, None).unwrap();
                assert_eq!(board.worker(0).requests.load(Relaxed), 42);
            }
        }
    }
}
