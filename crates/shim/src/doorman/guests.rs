//! Everybody who came by a door: those who wait, and those whose connection is carried.

use crate::doorman::doors::Number;
use crate::forward_pair::Pair;
use crate::poller::{PAIRS, Poller, Ready, Token};
use bloom_control::CarriedConnection;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{SockaddrStorage, getpeername, getsockname, getsockopt, sockopt::PeerCredentials};
use nix::sys::stat::fstat;
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::{Instant, SystemTime};

/// Moved at a time; what one side does not take of it is all that is ever kept of a connection, once in each direction.
const CHUNK: usize = 16 * 1024;
/// The side of a pair that came by the door.
const CLIENT: u64 = 0;

/// Somebody who came by a door.
struct Guest {
    door: Number,
    name: Rc<str>,
    /// Its place among those who wait.
    arrival: u64,
    since: SystemTime,
    /// Until it is connected to its target.
    deadline: Instant,
    state: State,
}

enum State {
    Waiting(OwnedFd),
    Led(Pair),
}

/// What an event meant for a guest's door.
pub enum Fate {
    /// Nothing.
    Same,
    /// It waited there and does so no longer.
    Left(Number, u64),
    /// Its target could not be reached, and it waits again, in its old place.
    Turned(Number, u64),
    /// Its target was reached.
    Connected(Number),
}

/// All guests, by a number that is used again when it is free.
#[derive(Default)]
pub struct Guests {
    slots: Vec<Option<Guest>>,
    free: Vec<usize>,
    /// Freed in this round of events; used again only in the next, so that no event meets a stranger.
    freed: Vec<usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    arrivals: u64,
    count: usize,
    scratch: Vec<u8>,
}

/// Of a guest who is listed.
pub struct Listed {
    /// The id of the door it came by.
    pub door: Rc<str>,
    /// `None` while it waits or is on its way to its target.
    pub connection: Option<CarriedConnection>,
}

impl Guests {
    /// Those who are here.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Those who are connected to a target.
    pub fn carried(&self) -> u32 {
        // Only for these no deadline holds any more.
        (self.count - self.deadlines.len()) as u32
    }

    /// Somebody begins to wait. Nothing is read: only that it leaves is of interest.
    pub fn admit(
        &mut self,
        client: OwnedFd,
        (door, name): (Number, Rc<str>),
        deadline: Instant,
        poller: &Poller,
    ) -> Option<(u64, usize)> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if poller.add(&client, token_of(index), EpollFlags::empty()).is_err() {
            self.free.push(index);
            return None;
        }
        self.arrivals += 1;
        let (arrival, since, state) = (self.arrivals, SystemTime::now(), State::Waiting(client));
        self.slots[index] = Some(Guest { door, name, arrival, since, deadline, state });
        self.deadlines.insert((deadline, index));
        self.count += 1;
        Some((arrival, index))
    }

    /// Leads one who waits to a target that is being connected.
    pub fn lead(&mut self, index: usize, target: OwnedFd, poller: &Poller) {
        let Some(mut guest) = self.slots[index].take() else { return };
        guest.state = match guest.state {
            State::Waiting(client) => {
                poller.remove(&client);
                let mut pair = Pair::new(client, target);
                // Whoever cannot be waited for goes at the deadline.
                let _ = pair.register(poller, token_of(index));
                State::Led(pair)
            }
            led => led,
        };
        self.slots[index] = Some(guest);
    }

    /// Goes on with one guest.
    pub fn advance(&mut self, event: Ready, poller: &Poller) -> Fate {
        let index = ((event.token - PAIRS) / 2) as usize;
        let Some(guest) = self.slots.get_mut(index).and_then(Option::as_mut) else { return Fate::Same };
        let pair = match &mut guest.state {
            State::Waiting(_) => {
                let left = Fate::Left(guest.door, guest.arrival);
                self.drop_one(index, poller);
                return left;
            }
            State::Led(pair) => pair,
        };
        let (side, was_connecting) = (event.token % 2, pair.is_connecting());
        if was_connecting && side == CLIENT {
            // From before it was led.
            return Fate::Same;
        }
        self.scratch.resize(CHUNK, 0);
        let going = pair.advance(side as usize, event.flags, &mut self.scratch).is_ok();
        if was_connecting && pair.is_connecting() {
            return self.turn(index, poller);
        }
        let going = going && !pair.is_done() && pair.register(poller, token_of(index)).is_ok();
        let door = guest.door;
        if was_connecting {
            self.deadlines.remove(&(guest.deadline, index));
        }
        if !going {
            self.drop_one(index, poller);
        }
        if was_connecting { Fate::Connected(door) } else { Fate::Same }
    }

    /// Nobody was there: it waits again.
    fn turn(&mut self, index: usize, poller: &Poller) -> Fate {
        let Some(Guest { door, name, arrival, since, deadline, state: State::Led(pair) }) = self.slots[index].take()
        else {
            return Fate::Same;
        };
        pair.forget(poller);
        let client = pair.into_client();
        let is_told = poller.add(&client, token_of(index), EpollFlags::empty()).is_ok();
        self.slots[index] = Some(Guest { door, name, arrival, since, deadline, state: State::Waiting(client) });
        if is_told {
            return Fate::Turned(door, arrival);
        }
        self.drop_one(index, poller);
        Fate::Same
    }

    /// Sees one off, wherever it is.
    pub fn drop_one(&mut self, index: usize, poller: &Poller) {
        let Some(guest) = self.slots[index].take() else { return };
        match &guest.state {
            State::Waiting(client) => poller.remove(client),
            State::Led(pair) => pair.forget(poller),
        }
        self.deadlines.remove(&(guest.deadline, index));
        self.freed.push(index);
        self.count -= 1;
    }

    /// When the first wait is over.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Sees off those whose time is over. Returns the door and the place of each.
    pub fn expire(&mut self, now: Instant, poller: &Poller) -> Vec<(Number, u64)> {
        let mut expired = Vec::new();
        while let Some((_, index)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            expired.extend(self.slots[index].as_ref().map(|guest| (guest.door, guest.arrival)));
            self.drop_one(index, poller);
        }
        expired
    }

    /// The number of one who waits again.
    pub fn index_of(event: Ready) -> usize {
        ((event.token - PAIRS) / 2) as usize
    }

    /// Ends a round of events.
    pub fn end_round(&mut self) {
        self.free.append(&mut self.freed);
        if self.count == 0 && !self.slots.is_empty() {
            // Idle, it keeps nothing for times that may not come back.
            *self = Guests { arrivals: self.arrivals, ..Guests::default() };
        }
    }

    /// Everybody.
    pub fn list(&self) -> impl Iterator<Item = Listed> {
        self.slots.iter().flatten().map(|guest| {
            let connection = match &guest.state {
                State::Led(pair) if !pair.is_connecting() => Some(describe(pair, guest.since)),
                _ => None,
            };
            Listed { door: guest.name.clone(), connection }
        })
    }
}

fn describe(pair: &Pair, since: SystemTime) -> CarriedConnection {
    let [client, app] = pair.sockets();
    let [from_client, from_app] = pair.received();
    CarriedConnection {
        since: humantime::format_rfc3339_micros(since).to_string(),
        from_client,
        from_app,
        worker: getsockopt(client, PeerCredentials).ok().map(|peer| peer.pid()),
        inode: fstat(client).map_or(0, |found| found.st_ino),
        local: getsockname(app.as_raw_fd()).ok().and_then(show_address),
        remote: getpeername(app.as_raw_fd()).ok().and_then(show_address),
    }
}

fn show_address(address: SockaddrStorage) -> Option<String> {
    match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => Some(v4.to_string()),
        (_, Some(v6)) => Some(v6.to_string()),
        _ => None,
    }
}

fn token_of(index: usize) -> Token {
    PAIRS + 2 * index as Token
}
