//! The doorman's loop: what happens, and what follows from it.

use crate::doorman::doors::{Doors, Number};
use crate::doorman::guests::{Fate, Guests};
use crate::doorman::link::Link;
use crate::doorman::target;
use crate::error::{SetupError, at};
use crate::poller::{CLIENTS, CONTROL, DOORS, PAIRS, Poller, READ, Ready, SIGNALS};
use crate::signals;
use bloom_control::{DOORMAN_PROTOCOL, DoorSpec, FailedDoor, ListedDoor, News, Order, Target};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Everything the doorman has.
pub struct Keeper {
    poller: Poller,
    signals: SignalFd,
    link: Link,
    doors: Doors,
    guests: Guests,
    /// Ends with the last guest.
    finishing: bool,
    ending: bool,
}

impl Keeper {
    /// Has no doors yet.
    pub fn open(link: Link) -> Result<Keeper, SetupError> {
        let poller = Poller::open().map_err(at("open the event loop"))?;
        let signals = signals::open().map_err(at("watch for signals"))?;
        poller.add(&signals, SIGNALS, READ).map_err(at("watch for signals"))?;
        link.register(&poller).map_err(at("listen for the daemon"))?;
        let (doors, guests) = (Doors::default(), Guests::default());
        Ok(Keeper { poller, signals, link, doors, guests, finishing: false, ending: false })
    }

    /// Works until it is to end.
    pub fn run(mut self) {
        while !self.ending {
            for event in self.poller.wait(self.time_left()) {
                self.take_in(event);
            }
            self.keep_time(Instant::now());
            self.guests.end_round();
            self.ending |= self.finishing && self.guests.count() == 0;
        }
        self.change_doors(Vec::new());
        self.link.unlink();
    }

    fn time_left(&self) -> Option<Duration> {
        let times = [self.guests.next_deadline(), self.doors.next_alarm()];
        times.into_iter().flatten().min().map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn take_in(&mut self, event: Ready) {
        match event.token {
            SIGNALS => self.hear_signals(),
            CONTROL => self.greet(),
            CLIENTS..DOORS => {
                for order in self.link.advance(event, &self.poller) {
                    match order {
                        Ok(order) => self.obey(order),
                        Err(message) => self.tell(&News::Error { message }),
                    }
                }
            }
            DOORS..PAIRS => self.admit(event.token - DOORS),
            _ => self.go_on(event),
        }
    }

    fn hear_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            let ends = [Signal::SIGTERM, Signal::SIGINT].iter().any(|signal| *signal as u32 == info.ssi_signo);
            self.ending |= ends;
        }
    }

    /// A daemon that has just come knows nothing: it is told who waits.
    fn greet(&mut self) {
        if !self.link.accept(&self.poller) {
            return;
        }
        self.tell(&News::Hello {
            protocol: DOORMAN_PROTOCOL,
            pid: std::process::id() as i32,
            doors: self.doors.ids(),
            carried: self.guests.carried(),
        });
        for number in self.doors.numbers() {
            self.knock(number);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Keep { doors } => {
                self.finishing = false;
                let failed = self.change_doors(doors);
                self.tell(&News::Kept { failed });
            }
            Order::Lead { door, to } => self.lead(&door, &to),
            Order::Refuse { door } => self.refuse(&door),
            Order::List {} => self.list(),
            Order::Finish {} => {
                self.finishing = true;
                self.change_doors(Vec::new());
                self.tell(&News::Finishing { carried: self.guests.carried() });
            }
        }
    }

    /// Returns what could not be opened.
    fn change_doors(&mut self, wanted: Vec<DoorSpec>) -> Vec<FailedDoor> {
        let (left, failed) = self.doors.keep(wanted, &self.poller);
        for index in left {
            self.guests.drop_one(index, &self.poller);
        }
        failed
    }

    fn admit(&mut self, number: Number) {
        let clients = self.doors.accept(number, &self.poller);
        let Some(door) = self.doors.get_mut(number) else { return };
        let deadline = Instant::now() + Duration::from_millis(door.spec.wait_ms.into());
        for client in clients {
            let name = (number, door.name.clone());
            if client.set_nonblocking(true).is_ok() {
                door.waiting.extend(self.guests.admit(client.into(), name, deadline, &self.poller));
            }
        }
        self.knock(number);
    }

    /// Tells the daemon that somebody waits, unless it knows.
    fn knock(&mut self, number: Number) {
        let daemon = self.link.present();
        let Some(door) = self.doors.get_mut(number).filter(|door| door.must_tell(daemon)) else { return };
        door.told = daemon;
        let news = News::Knock { door: door.name.to_string() };
        self.tell(&news);
    }

    fn lead(&mut self, id: &str, to: &Target) {
        let Some(number) = self.doors.find(id) else { return };
        let Some(door) = self.doors.get_mut(number) else { return };
        door.told = None;
        while let Some((arrival, index)) = door.waiting.pop_first() {
            match target::connect_to(to) {
                Ok(stream) => self.guests.lead(index, stream, &self.poller),
                Err(_) => {
                    // The others would not fare better.
                    door.waiting.insert(arrival, index);
                    return self.doors.pause(number);
                }
            }
        }
    }

    fn refuse(&mut self, id: &str) {
        let Some(number) = self.doors.find(id) else { return };
        let Some(door) = self.doors.get_mut(number) else { return };
        door.told = None;
        while let Some((_, index)) = door.waiting.pop_first() {
            self.guests.drop_one(index, &self.poller);
        }
    }

    fn go_on(&mut self, event: Ready) {
        match self.guests.advance(event, &self.poller) {
            Fate::Same => {}
            Fate::Left(number, arrival) => self.miss(number, arrival),
            Fate::Connected(number) => {
                if let Some(door) = self.doors.get_mut(number) {
                    door.reached();
                }
            }
            Fate::Turned(number, arrival) => match self.doors.get_mut(number) {
                Some(door) => {
                    door.waiting.insert(arrival, Guests::index_of(event));
                    self.doors.pause(number);
                }
                None => self.guests.drop_one(Guests::index_of(event), &self.poller),
            },
        }
    }

    /// Somebody waits no longer; the daemon is told when it was the last one.
    fn miss(&mut self, number: Number, arrival: u64) {
        let daemon = self.link.present();
        let Some(door) = self.doors.get_mut(number) else { return };
        let was_waiting = door.waiting.remove(&arrival).is_some();
        if !was_waiting || !door.waiting.is_empty() || door.told.take() != daemon || daemon.is_none() {
            return;
        }
        let news = News::Gone { door: door.name.to_string() };
        self.tell(&news);
    }

    fn keep_time(&mut self, now: Instant) {
        for (number, arrival) in self.guests.expire(now, &self.poller) {
            self.miss(number, arrival);
        }
        for number in self.doors.wake(now, &self.poller) {
            self.knock(number);
        }
    }

    fn list(&mut self) {
        let listed = |door: String, open| ListedDoor { door, open, waiting: 0, connections: Vec::new() };
        let ids = self.doors.ids().into_iter();
        let mut doors: BTreeMap<String, ListedDoor> = ids.map(|id| (id.clone(), listed(id, true))).collect();
        for guest in self.guests.list() {
            let id = guest.door.to_string();
            let door = doors.entry(id.clone()).or_insert_with(|| listed(id, false));
            door.waiting += u32::from(guest.connection.is_none());
            door.connections.extend(guest.connection);
        }
        self.tell(&News::Listed { doors: doors.into_values().collect() });
    }

    fn tell(&mut self, news: &News) {
        self.link.tell(news, &self.poller);
    }
}
