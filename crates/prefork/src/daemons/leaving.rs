use super::spawn::{is_left, signal};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// How often a group of processes whose first one has ended is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Commands that were asked to end, each a group of processes.
#[derive(Default)]
pub struct Leaving(Vec<Group>);

struct Group {
    pid: i32,
    /// Its first process was waited for; when to see whether the others are gone as well.
    look_at: Option<Instant>,
    kill_at: Option<Instant>,
}

impl Leaving {
    /// Asks a command to end, and kills it when that takes longer than `mercy`.
    pub fn ask(&mut self, pid: i32, now: Instant, mercy: Duration) {
        signal(pid, Signal::SIGTERM);
        self.0.push(Group { pid, look_at: None, kill_at: Some(now + mercy) });
    }

    /// A child has ended. Whether it was one of these.
    pub fn child_exited(&mut self, pid: i32) -> bool {
        let found = self.0.iter_mut().find(|group| group.pid == pid);
        let is_one = found.is_some();
        if let Some(group) = found {
            group.look_at = Some(Instant::now());
        }
        self.0.retain(|group| group.look_at.is_none() || is_left(group.pid));
        is_one
    }

    /// Kills who is late; says whom.
    pub fn kill_late(&mut self, now: Instant) -> Vec<i32> {
        self.0.retain(|group| group.look_at.is_none() || is_left(group.pid));
        for at in self.0.iter_mut().filter_map(|group| group.look_at.as_mut()) {
            *at = now + LOOK;
        }
        let late = self.0.iter_mut().filter(|group| group.kill_at.is_some_and(|at| at <= now));
        let late: Vec<i32> = late.map(|group| (group.kill_at.take(), group.pid).1).collect();
        for pid in &late {
            signal(*pid, Signal::SIGKILL);
        }
        late
    }

    /// When there is something to do again.
    pub fn next_due(&self) -> Option<Instant> {
        self.0.iter().flat_map(|group| [group.look_at, group.kill_at]).flatten().min()
    }

    #[cfg(test)]
    pub fn pids(&self) -> Vec<i32> {
        self.0.iter().map(|group| group.pid).collect()
    }

    /// Whether all are gone.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
