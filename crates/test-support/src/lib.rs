//! What tests with real processes need: free ports, patience, and a look at who lives.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest time anything here is waited for: only reached when something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A port nobody listens on, another one each time. Below what the kernel gives to connections and to servers that take
/// any port, so that nobody gets it in between.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (first, count) = (15_000, 17_000);
    loop {
        let tries = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = (first + (std::process::id().wrapping_mul(101).wrapping_add(tries)) % count) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until something is so; the machine may be slow.
pub fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = is() {
            return value;
        }
        assert!(Instant::now() < end, "waited too long for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Children of a process.
pub fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).filter(|pid| is_alive(*pid)).collect()
}

/// Whether a process runs; one that only waits to be reaped does not.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// Ends a process that is there, without asking it.
pub fn kill_hard(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}
