//! Judges by what listens whether an app is ready. Nobody connects for it: a simple server takes every connection for a
//! client.

use crate::held_sockets::held_sockets;
use crate::machine::Phase;
use crate::network_view::{self, Listener};
use crate::probe::Verdict;
use crate::supervisor::Supervisor;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How long an app of which nobody knows the ports must have opened no further one.
const SETTLED: Duration = Duration::from_millis(200);

impl Supervisor {
    /// Looks at what the app listens on.
    pub(crate) fn look_for_listeners(&mut self, wanted: &[u16]) -> Verdict {
        let (reached, apart) = self.sort_listeners();
        let verdict = judge(wanted, &reached, &apart);
        let now = Instant::now();
        if verdict.is_err() || reached != self.facts.listens {
            self.timers.settled = Some(now + SETTLED);
        }
        self.facts.listens = reached;
        verdict?;
        let rest = self.timers.settled.map_or(SETTLED, |at| at.saturating_duration_since(now));
        if wanted.is_empty() && !rest.is_zero() {
            self.timers.probe_pause = rest.as_millis() as u64 + 1;
            return Err("it has only just begun to listen".into());
        }
        Ok(())
    }

    /// The ports on which clients reach the app, and what listens where they do not come.
    fn sort_listeners(&self) -> (Vec<u16>, Vec<Apart>) {
        let mut listeners = network_view::listeners();
        if self.spec.netns.is_none() {
            // Everybody's are there: only the app's own count, and clients come as they like.
            let held = held_sockets(&self.child.as_ref().map(|child| child.living()).unwrap_or_default());
            listeners.retain(|listener| held.contains_key(&listener.inode));
            return (sorted(listeners.iter().map(|listener| listener.place.port())), Vec::new());
        }
        let (near, far): (Vec<Listener>, Vec<Listener>) = listeners.into_iter().partition(|one| is_reached(*one));
        let reached = sorted(near.iter().map(|listener| listener.place.port()));
        let apart = far.into_iter().filter(|listener| !reached.contains(&listener.place.port()));
        (reached.clone(), apart.map(Apart).collect())
    }

    /// The ports whose connections are clients.
    pub(crate) fn client_ports(&self) -> &[u16] {
        match self.spec.ready.ports() {
            [] => &self.facts.listens,
            ports => ports,
        }
    }

    /// Whether the instance waits for its last connections.
    pub(crate) fn is_draining(&self) -> bool {
        self.machine.phase == Phase::Draining
    }
}

/// A listener that no client gets to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Apart(Listener);

/// Clients come to 127.0.0.1, wherever they come from.
fn is_reached(listener: Listener) -> bool {
    match listener.place.ip().to_canonical() {
        IpAddr::V4(address) => [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED].contains(&address),
        IpAddr::V6(address) => address.is_unspecified() && listener.only_v6 != Some(true),
    }
}

fn judge(wanted: &[u16], reached: &[u16], apart: &[Apart]) -> Verdict {
    let missing: Vec<u16> = wanted.iter().copied().filter(|port| !reached.contains(port)).collect();
    if missing.is_empty() && !reached.is_empty() {
        return Ok(());
    }
    let astray = apart.iter().find(|Apart(listener)| wanted.is_empty() || missing.contains(&listener.place.port()));
    if let Some(Apart(listener)) = astray {
        let family = if listener.place.ip().is_unspecified() { " for IPv6" } else { "" };
        let place = listener.place;
        return Err(format!("it listens on {place}{family} alone: it must listen on 127.0.0.1 or 0.0.0.0"));
    }
    let mut others: Vec<u16> = reached.iter().copied().filter(|port| !wanted.contains(port)).collect();
    others.extend(apart.iter().map(|Apart(listener)| listener.place.port()));
    Err(match (wanted.is_empty(), others.is_empty()) {
        (true, _) => "it listens on no port".into(),
        (false, true) => format!("nothing listens on {}", list(&missing)),
        (false, false) => format!("it listens on {} and not on {}", list(&sorted(others.into_iter())), list(&missing)),
    })
}

fn sorted(ports: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut ports: Vec<u16> = ports.collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// `7878`, or `7878 and 7879`.
fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: &str) -> Listener {
        Listener { place: place.parse().unwrap(), inode: 1, only_v6: None }
    }

    #[test]
    fn clients_come_to_the_loopback_of_ipv4() {
        for (place, v6_alone, reached) in [
            ("127.0.0.1:1", false, true),
            ("0.0.0.0:1", false, true),
            ("[::]:1", false, true),
            ("[::ffff:127.0.0.1]:1", false, true),
            ("[::]:1", true, false),
            ("[::1]:1", false, false),
            ("127.0.0.2:1", false, false),
            ("198.18.0.2:1", false, false),
        ] {
            assert_eq!(is_reached(Listener { only_v6: Some(v6_alone), ..at(place) }), reached, "{place}");
        }
    }

    #[test]
    fn says_what_is_missing_and_what_is_there_instead() {
        let own = [Apart(at("198.18.0.2:7878"))];
        let six = [Apart(at("[::]:7878"))];
        type Case<'a> = (&'a [u16], &'a [u16], &'a [Apart], Result<(), &'a str>);
        let cases: &[Case<'_>] = &[
            (&[], &[9000], &[], Ok(())),
            (&[7878], &[7878, 9000], &[], Ok(())),
            (&[], &[], &[], Err("it listens on no port")),
            (&[7878], &[], &[], Err("nothing listens on 7878")),
            (&[7878, 7879], &[7878], &[], Err("nothing listens on 7879")),
            (&[7878], &[9000], &[], Err("it listens on 9000 and not on 7878")),
            (&[7878, 7879], &[9000, 9001], &[], Err("it listens on 9000 and 9001 and not on 7878 and 7879")),
            (&[80], &[], &own, Err("it listens on 7878 and not on 80")),
            (&[7878], &[], &own, Err("it listens on 198.18.0.2:7878 alone: it must listen on 127.0.0.1 or 0.0.0.0")),
            (&[], &[], &six, Err("it listens on [::]:7878 for IPv6 alone: it must listen on 127.0.0.1 or 0.0.0.0")),
        ];
        for (wanted, reached, apart, said) in cases {
            assert_eq!(judge(wanted, reached, apart), said.map_err(str::to_owned), "{wanted:?} {reached:?}");
        }
    }
}
