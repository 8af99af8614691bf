//! Ports whose connections end before the time to drain is over, while those of others go on.

use crate::lifecycle::FAREWELL;
use crate::supervisor::Supervisor;
use bloom_control::PortDrain;
use std::time::{Duration, Instant};

/// What becomes of the connections to one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortEnd {
    port: u16,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// They may last until then.
    Waiting(Instant),
    /// They were told goodbye, and have until then to go.
    Told(Instant),
    /// Whoever is still there, or comes, is cut.
    Over,
}

impl PortEnd {
    /// When the next thing is due.
    pub fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Waiting(at) | Stage::Told(at) => Some(at),
            Stage::Over => None,
        }
    }
}

impl Supervisor {
    /// Draining begins, and ends after `limit` for those ports of which nothing else is said. Told a second time, it ends
    /// for none of the others later than it was told first.
    pub(crate) fn plan_port_ends(&mut self, now: Instant, limit: Duration) {
        let before = std::mem::take(&mut self.timers.port_ends);
        self.timers.port_ends = plan(&self.spec.drains, &before, now, limit);
    }

    /// Does what is due on ports whose time is over.
    pub(crate) fn take_port_ends(&mut self, now: Instant) {
        for index in 0..self.timers.port_ends.len() {
            let PortEnd { port, stage } = self.timers.port_ends[index];
            self.timers.port_ends[index].stage = match stage {
                Stage::Waiting(at) if now >= at && self.say_goodbye(Some(port)) > 0 => Stage::Told(now + FAREWELL),
                Stage::Waiting(at) | Stage::Told(at) if now >= at => {
                    self.cut(port);
                    Stage::Over
                }
                other => other,
            };
        }
    }

    /// Ends those connections as well that the app has accepted only since.
    pub(crate) fn look_after_port_ends(&mut self) {
        for index in 0..self.timers.port_ends.len() {
            let PortEnd { port, stage } = self.timers.port_ends[index];
            if stage == Stage::Over {
                self.cut_latecomers(port);
            }
        }
    }

    /// Connections that may still last.
    pub(crate) fn lasting_connections(&self) -> u32 {
        let ends = &self.timers.port_ends;
        let is_over = |port: u16| ends.contains(&PortEnd { port, stage: Stage::Over });
        if !ends.iter().any(|end| is_over(end.port)) {
            return self.connections();
        }
        let ports: Vec<u16> = self.client_ports().iter().copied().filter(|port| !is_over(*port)).collect();
        self.relays.connections(&ports)
    }
}

fn plan(drains: &[PortDrain], before: &[PortEnd], now: Instant, limit: Duration) -> Vec<PortEnd> {
    let own = drains.iter().filter(|drain| Duration::from_millis(drain.limit_ms) < limit).map(|drain| {
        let stage = Stage::Waiting(now + Duration::from_millis(drain.limit_ms));
        PortEnd { port: drain.port, stage }
    });
    let known = |port: u16| before.iter().any(|end| end.port == port);
    let mut ends = before.to_vec();
    ends.extend(own.filter(|end| !known(end.port)));
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_ends_when_its_own_time_is_over_and_not_later_for_being_told_twice() {
        let drains = [PortDrain { port: 1, limit_ms: 1000 }, PortDrain { port: 2, limit_ms: 5000 }];
        let now = Instant::now();
        let at = |port: u16, seconds: u64| PortEnd { port, stage: Stage::Waiting(now + Duration::from_secs(seconds)) };
        assert_eq!(plan(&drains, &[], now, Duration::from_secs(10)), [at(1, 1), at(2, 5)]);
        // Nobody has longer than all.
        assert_eq!(plan(&drains, &[], now, Duration::from_secs(5)), [at(1, 1)]);
        assert_eq!(plan(&drains, &[], now, Duration::ZERO), []);
        let later = now + Duration::from_secs(3);
        let before = [PortEnd { port: 1, stage: Stage::Over }];
        let second = PortEnd { port: 2, stage: Stage::Waiting(later + Duration::from_secs(5)) };
        assert_eq!(plan(&drains, &before, later, Duration::from_secs(10)), [before[0], second]);
    }
}
