//! The clock that does not go back, as the board has it.

use super::fleet::Millis;
use nix::time::{ClockId, clock_gettime};

/// Milliseconds.
pub(super) fn now() -> Millis {
    micros() / 1_000
}

/// Microseconds.
pub(super) fn micros() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC);
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1_000)
}
