use super::connection::Connection;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};

const CHUNK: usize = 256;
const CHUNKS: usize = 512;

/// Connections that wait for something, by number. A number is what the event loop is told for a connection.
///
/// An event belongs to nobody: whichever thread sees it tries to take the connection. Where another thread has it, that
/// one looks again before it lets go (`again`). An event for a connection that is gone meets an empty place or the next
/// connection there; driving one that has nothing to say does no harm.
pub struct Slots {
    chunks: Vec<OnceLock<Box<[Slot]>>>,
    free: Mutex<Free>,
    open: AtomicU32,
}

struct Free {
    known: Vec<u32>,
    next: u32,
}

/// One place for a connection.
#[derive(Default)]
pub struct Slot {
    again: AtomicBool,
    /// When the event loop looks at the connection though nothing happened, in milliseconds; 0: never.
    pub deadline_ms: AtomicU64,
    connection: Mutex<Option<Box<Connection>>>,
}

impl Slots {
    pub fn new() -> Slots {
        Slots {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            free: Mutex::new(Free { known: Vec::new(), next: 0 }),
            open: AtomicU32::new(0),
        }
    }

    /// A number for a new connection; None when there are too many.
    pub fn reserve(&self) -> Option<u32> {
        let mut free = lock(&self.free);
        let number = match free.known.pop() {
            Some(number) => number,
            None if (free.next as usize) < CHUNK * CHUNKS => {
                // Before the number is one of `numbers`: others go through those at any time.
                self.chunks[free.next as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
                free.next += 1;
                free.next - 1
            }
            None => return None,
        };
        drop(free);
        self.open.fetch_add(1, AcqRel);
        Some(number)
    }

    /// The number may be used again. Its place must be empty.
    pub fn release(&self, number: u32) {
        self.get(number).deadline_ms.store(0, Relaxed);
        lock(&self.free).known.push(number);
        self.open.fetch_sub(1, AcqRel);
    }

    /// Numbers in use.
    pub fn open(&self) -> u32 {
        self.open.load(Acquire)
    }

    /// The place with this number, which was reserved at some time.
    pub fn get(&self, number: u32) -> &Slot {
        let chunk = self.chunks[number as usize / CHUNK].get().expect("a number comes from `reserve`");
        &chunk[number as usize % CHUNK]
    }

    /// All numbers that were ever in use.
    pub fn numbers(&self) -> std::ops::Range<u32> {
        0..lock(&self.free).next
    }
}

impl Slot {
    /// Takes the connection out, to be driven by the caller alone. None: it is gone, or another thread has it and will
    /// look again.
    pub fn take(&self) -> Option<Box<Connection>> {
        self.again.store(true, Release);
        let mut place = match self.connection.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(place)) => place.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let taken = place.take();
        if taken.is_some() {
            self.again.store(false, Release);
        }
        taken
    }

    /// Puts a connection (back) that waits for something. True: something happened meanwhile, so take it again.
    pub fn put(&self, connection: Box<Connection>) -> bool {
        *lock(&self.connection) = Some(connection);
        self.again.swap(false, AcqRel)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_place_before_others_see_it() {
        for _ in 0..200 {
            let slots = Slots::new();
            std::thread::scope(|scope| {
                scope.spawn(|| while slots.reserve().is_some_and(|number| number < 2 * CHUNK as u32) {});
                loop {
                    let seen = slots.numbers();
                    assert!(seen.clone().all(|number| slots.get(number).take().is_none()));
                    if seen.end > 2 * CHUNK as u32 {
                        break;
                    }
                }
            });
        }
    }
}
