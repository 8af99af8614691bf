//! Ids of executions that came without one.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A UUID of version 7: it sorts by time, and the rest is random.
pub(crate) fn new() -> Arc<str> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_millis() as u64);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // The standard library keys its hashers from the system's random source: no package needed for that.
    let (a, b) = (random(count), random(!count));
    let variant = 0x8000 | (b >> 50);
    let id =
        format!("{:08x}-{:04x}-7{:03x}-{variant:04x}-{:012x}", at >> 16, at & 0xffff, a & 0xfff, b & 0xffff_ffff_ffff);
    Arc::from(id)
}

fn random(count: u64) -> u64 {
    RandomState::new().hash_one(count)
}

#[cfg(test)]
mod tests {
    #[test]
    fn makes_different_ids_in_the_form_of_a_uuid() {
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| super::new()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let lengths: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(id.as_bytes()[14] == b'7' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
    }
}
