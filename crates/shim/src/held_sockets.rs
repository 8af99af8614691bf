//! Which processes hold which sockets.

use std::collections::HashMap;
use std::fs;

/// A descriptor of some process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Whose it is.
    pub pid: i32,
    /// Its number there.
    pub fd: i32,
}

/// The sockets of these processes by inode, each with one who holds it. Processes end meanwhile, and others' descriptors
/// may not be for us to see: those are left out.
pub fn held_sockets(pids: &[i32]) -> HashMap<u64, Holder> {
    pids.iter().flat_map(|pid| sockets_of(*pid)).collect()
}

fn sockets_of(pid: i32) -> Vec<(u64, Holder)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let fd = entry.file_name().to_str()?.parse().ok()?;
        let link = fs::read_link(entry.path()).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()?;
        Some((inode, Holder { pid, fd }))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_view::listeners;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    #[test]
    fn finds_a_listener_of_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let inode = listeners().iter().find(|found| found.place == place).unwrap().inode;
        let me = std::process::id() as i32;
        assert_eq!(held_sockets(&[me])[&inode], Holder { pid: me, fd: listener.as_raw_fd() });
    }
}
