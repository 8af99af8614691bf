//! Announces clients to the app by version 2 of the PROXY protocol, of which nginx speaks version 1 alone. It stands
//! between the two: takes in the line, connects to the app, writes the head, and carries the bytes.

mod clients;
mod gate;
mod head;
mod line;

use crate::forward::raise_descriptor_limit;
use crate::network_view;
use crate::poller::{GATES, Poller, Ready, Token};
use bloom_control::Relay;
use clients::Clients;
use gate::{Gate, Trouble};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use std::io;
use std::time::{Duration, Instant};

/// Taken in by one event, so that no gate keeps the others waiting.
const ROUND: usize = 64;
/// Descriptors that are left to everything else the shim does, such as starting the app anew.
const SPARE: u64 = 64;
/// How long taking in rests when there is no room.
const REST: Duration = Duration::from_millis(100);

/// All gates, and who came by them.
#[derive(Default)]
pub struct Relays {
    gates: Vec<Gate>,
    clients: Clients,
    /// So many may be here at a time.
    room: usize,
    rests_until: Option<Instant>,
}

impl Relays {
    /// Takes all places, before the app can.
    pub fn bind(wishes: &[Relay], poller: &Poller) -> io::Result<Relays> {
        let mut relays = Relays::default();
        for wish in wishes {
            relays.gates.push(Gate::bind(wish)?);
        }
        if !wishes.is_empty() {
            raise_descriptor_limit();
            let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
            relays.room = usize::try_from(descriptors.saturating_sub(SPARE) / 2).unwrap_or(usize::MAX);
            relays.watch(poller)?;
        }
        Ok(relays)
    }

    fn watch(&mut self, poller: &Poller) -> nix::Result<()> {
        (GATES..).zip(&mut self.gates).try_for_each(|(token, gate)| gate.watch(token, poller))
    }

    /// Lets clients in while the app is `up`, and takes those who come.
    pub fn show(&mut self, up: bool, poller: &Poller) -> nix::Result<()> {
        for index in 0..self.gates.len() {
            let open = up && !self.clients.are_refused(index);
            if !open && self.gates[index].is_open() {
                // Those who have come already would find their connection closed: they can wait as well.
                self.take_in(index, usize::MAX, poller);
            }
            self.gates[index].show(open, GATES + index as Token, poller)?;
        }
        Ok(())
    }

    /// Somebody has come by a gate.
    pub fn accept(&mut self, event: Ready, poller: &Poller) {
        self.take_in((event.token - GATES) as usize, ROUND, poller);
    }

    fn take_in(&mut self, index: usize, most: usize, poller: &Poller) {
        let Some(gate) = self.gates.get_mut(index) else { return };
        for _ in 0..most {
            let next = if self.clients.are_fewer_than(self.room) { gate.accept() } else { Err(Errno::EMFILE) };
            match next.map_err(Trouble::from) {
                Ok(Some(client)) => self.clients.admit(client, index, gate.port(), poller),
                Ok(None) | Err(Trouble::Passing) => {}
                Err(Trouble::Nobody) => return,
                Err(Trouble::Lasting) => {
                    gate.rest(poller);
                    self.rests_until = Some(Instant::now() + REST);
                    return;
                }
            }
        }
    }

    /// Goes on with one side of one connection.
    pub fn advance(&mut self, event: Ready, poller: &Poller) {
        self.clients.advance(event, poller);
    }

    /// When something is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.rests_until.into_iter().chain(self.clients.next_due()).min()
    }

    /// Does everything that is due.
    pub fn take_timers(&mut self, now: Instant, poller: &Poller) {
        self.clients.take_timers(now, poller);
        if self.rests_until.take_if(|at| now >= *at).is_some() && self.watch(poller).is_err() {
            self.rests_until = Some(now + REST);
        }
    }

    /// Ends a round of events.
    pub fn end_round(&mut self) {
        self.clients.end_round();
    }

    /// Open connections of clients to these ports of the app. Who came by a gate is counted there: what he has not heard
    /// yet may be with us when the app has said it all.
    pub fn connections(&self, ports: &[u16]) -> u32 {
        let gate_of = |port: u16| self.gates.iter().position(|gate| gate.port() == port);
        let places = ports.iter().filter_map(|port| gate_of(*port).map_or(Some(*port), |index| self.gates[index].at()));
        let places: Vec<u16> = places.collect();
        let by_socket = |gate: usize| self.gates[gate].at().is_none() && ports.contains(&self.gates[gate].port());
        network_view::connections(&places) + self.clients.count(by_socket)
    }

    /// Whether this port is not the app's but a gate's.
    pub fn stand_at(&self, port: u16) -> bool {
        self.gates.iter().any(|gate| gate.at() == Some(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poller::RELAYED;
    use bloom_control::RelayAtSocket;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;

    /// Does what is to be done, as the supervisor does, until something is so.
    fn run(relays: &mut Relays, poller: &Poller, mut is_so: impl FnMut(&Relays) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_so(relays) {
            assert!(Instant::now() < end);
            for event in poller.wait(Some(Duration::from_millis(10))) {
                if event.token >= RELAYED { relays.advance(event, poller) } else { relays.accept(event, poller) }
            }
            relays.end_round();
            relays.take_timers(Instant::now(), poller);
            relays.show(true, poller).unwrap();
        }
    }

    #[test]
    fn whoever_comes_while_there_is_no_room_waits_for_it() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let socket = std::env::temp_dir().join(format!("bloom-relay-{}.sock", std::process::id()));
        let poller = Poller::open().unwrap();
        let wish = Relay::Socket(RelayAtSocket { port, socket: socket.clone(), owner: None });
        let mut relays = Relays::bind(&[wish], &poller).unwrap();
        assert!(relays.room > 100);
        relays.room = 2;
        relays.show(true, &poller).unwrap();
        let mut clients: Vec<UnixStream> = (0..3).map(|_| UnixStream::connect(&socket).unwrap()).collect();
        for client in &mut clients {
            client.write_all(b"PROXY UNKNOWN\r\nhello").unwrap();
        }
        server.set_nonblocking(true).unwrap();
        let mut served = Vec::new();
        run(&mut relays, &poller, |_| {
            served.extend(server.accept());
            served.len() == 2
        });
        let a_while = Instant::now() + REST * 3;
        run(&mut relays, &poller, |_| Instant::now() > a_while);
        assert!(server.accept().is_err());
        assert_eq!(relays.connections(&[port]), 2);
        drop((served, clients.remove(0), clients.remove(0)));
        let mut last = None;
        run(&mut relays, &poller, |_| {
            last = server.accept().ok();
            last.is_some()
        });
        let (mut last, _) = last.unwrap();
        let mut said = [0; 16 + 5];
        let mut heard = 0;
        last.set_nonblocking(true).unwrap();
        run(&mut relays, &poller, |_| {
            heard += last.read(&mut said[heard..]).unwrap_or(0);
            heard == said.len()
        });
        assert_eq!(said[16..], *b"hello");
        drop(relays);
        assert!(!socket.exists());
    }
}
