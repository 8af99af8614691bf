use super::fleet::Fleet;
use super::generation::Live;
use crate::stats::Ledger;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Everything the master knows, for statistics.
pub struct Overview<'a> {
    /// Generations and workers.
    pub fleet: &'a Fleet,
    /// Boards, settings and sockets by generation.
    pub live: &'a BTreeMap<u64, Live>,
    /// What was counted by workers that are gone.
    pub past: &'a Ledger,
    /// Seconds in which a queue of connections was full.
    pub queue_errors: u64,
    /// When the host began.
    pub since: SystemTime,
    /// Generations that began to serve after the first.
    pub reloads: u64,
}

impl Overview<'_> {
    /// The generation that serves: its board, settings and sockets.
    pub fn serving(&self) -> Option<&Live> {
        self.live.get(&self.fleet.serving()?.number)
    }
}
