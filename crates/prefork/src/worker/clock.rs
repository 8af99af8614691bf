use nix::time::{ClockId, clock_gettime};

/// Milliseconds of the monotonic clock, coarse: good for time limits, cheap on every event. Never 0.
pub fn now_ms() -> u64 {
    let at = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).unwrap_or_default_time();
    (at.0 * 1000 + at.1 / 1_000_000).max(1)
}

/// Microseconds of the monotonic clock.
pub fn now_us() -> u64 {
    let at = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap_or_default_time();
    at.0 * 1_000_000 + at.1 / 1000
}

trait Seconds {
    fn unwrap_or_default_time(self) -> (u64, u64);
}

impl Seconds for nix::Result<nix::sys::time::TimeSpec> {
    fn unwrap_or_default_time(self) -> (u64, u64) {
        self.map_or((0, 0), |at| (at.tv_sec() as u64, at.tv_nsec() as u64))
    }
}
