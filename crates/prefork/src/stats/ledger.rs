use crate::board::Board;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

/// What processes that are gone have counted, by the number of their worker: a board forgets it with the process.
#[derive(Clone, Debug, Default)]
pub struct Ledger(BTreeMap<u32, Account>);

/// Counters of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub spawns: u64,
    pub requests: u64,
    pub exceptions: u64,
    pub harakiri_count: u64,
    pub signals: u64,
    pub tx: u64,
    pub running_time: u64,
    /// Each: requests, of these files, offloaded, write errors, read errors.
    pub cores: Vec<[u64; 5]>,
}

impl Account {
    /// Adds what a place of a board has counted.
    pub fn add(&mut self, board: &Board, place: usize) {
        let cell = board.worker(place);
        self.requests += cell.requests.load(Relaxed);
        self.exceptions += cell.exceptions.load(Relaxed);
        self.harakiri_count += cell.harakiri_count.load(Relaxed);
        self.signals += cell.signals.load(Relaxed);
        self.tx += cell.tx.load(Relaxed);
        self.running_time += cell.running_time.load(Relaxed);
        self.cores.resize(self.cores.len().max(board.threads()), [0; 5]);
        for (sums, core) in self.cores.iter_mut().zip(board.cores(place)) {
            let counters = [
                &core.requests,
                &core.static_requests,
                &core.offloaded_requests,
                &core.write_errors,
                &core.read_errors,
            ];
            for (sum, counter) in sums.iter_mut().zip(counters) {
                *sum += counter.load(Relaxed);
            }
        }
    }
}

impl Ledger {
    /// A process was forked for the worker with this number.
    pub fn spawned(&mut self, id: u32) {
        self.0.entry(id).or_default().spawns += 1;
    }

    /// The process of a place has ended; to be called before the place is cleared.
    pub fn ended(&mut self, board: &Board, place: usize) {
        let id = board.worker(place).id.load(Relaxed);
        self.0.entry(id).or_default().add(board, place);
    }

    pub(super) fn account(&self, id: u32) -> Account {
        self.0.get(&id).cloned().unwrap_or_default()
    }
}
