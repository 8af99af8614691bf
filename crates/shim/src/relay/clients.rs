//! Those who came by a gate: whose line is awaited, for whom nobody listens, and whose connection is carried.

use crate::forward_pair::Pair;
use crate::loopback;
use crate::poller::{Poller, READ, RELAYED, Ready, Token};
use crate::relay::head::write_head;
use crate::relay::line::{LONGEST, Line, read_line};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{setsockopt, sockopt::TcpNoDelay};
use nix::unistd::read;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Moved at a time; what one side does not take of it is all that is ever kept of a connection, once in each direction.
const CHUNK: usize = 32 * 1024;
/// The side of a pair that came by a gate.
const CLIENT: Token = 0;
/// From being let in to being connected to the app. Whoever comes by nginx has its line with it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries to reach an app that does not listen. Whoever has come by then stands between its end and our
/// knowledge of it: nginx will not go elsewhere with him any more.
const PAUSE: Duration = Duration::from_millis(20);

struct Client {
    gate: usize,
    /// The port of the app.
    port: u16,
    /// Until it is connected to the app.
    deadline: Instant,
    state: State,
}

enum State {
    /// Its line, as far as it has come.
    Announcing(OwnedFd, Vec<u8>),
    /// He was announced, and the app did not take him. These bytes come first when it does.
    Refused(OwnedFd, Vec<u8>),
    Carried(Pair),
}

/// All of them, by a number that is used again when it is free.
#[derive(Default)]
pub struct Clients {
    slots: Vec<Option<Client>>,
    free: Vec<usize>,
    /// Freed in this round of events; used again only in the next, so that no event meets a stranger.
    freed: Vec<usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    /// When those are tried again who were refused.
    tries: BTreeSet<(Instant, usize)>,
    count: usize,
    scratch: Vec<u8>,
}

impl Clients {
    /// Whether there is room for another one.
    pub fn are_fewer_than(&self, most: usize) -> bool {
        self.count < most
    }

    /// Somebody has come by a gate of this port. His line is there already as a rule.
    pub fn admit(&mut self, client: OwnedFd, gate: usize, port: u16, poller: &Poller) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if poller.add(&client, token_of(index), READ).is_err() {
            self.free.push(index);
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let state = State::Announcing(client, Vec::new());
        self.slots[index] = Some(Client { gate, port, deadline, state });
        self.deadlines.insert((deadline, index));
        self.count += 1;
        self.listen(index, poller);
    }

    /// Goes on with one side of one connection.
    pub fn advance(&mut self, event: Ready, poller: &Poller) {
        let index = ((event.token - RELAYED) / 2) as usize;
        let Some(client) = self.slots.get_mut(index).and_then(Option::as_mut) else { return };
        let pair = match &mut client.state {
            State::Announcing(..) => return self.listen(index, poller),
            // Nothing is asked of his socket but whether he has left.
            State::Refused(..) => return self.drop_one(index, poller),
            State::Carried(pair) => pair,
        };
        let was_connecting = pair.is_connecting();
        if was_connecting && event.token % 2 == CLIENT {
            // From before he was led on.
            return;
        }
        self.scratch.resize(CHUNK, 0);
        let going = pair.advance((event.token % 2) as usize, event.flags, &mut self.scratch).is_ok();
        if was_connecting && pair.is_connecting() {
            return self.refuse(index, poller);
        }
        if was_connecting {
            self.deadlines.remove(&(client.deadline, index));
        }
        if !going || pair.is_done() || pair.register(poller, token_of(index)).is_err() {
            self.drop_one(index, poller);
        }
    }

    /// Takes in what has come of a line; whoever has said it is connected to the app.
    fn listen(&mut self, index: usize, poller: &Poller) {
        let Some(Client { gate, port, deadline, state: State::Announcing(client, mut line) }) =
            self.slots[index].take()
        else {
            return;
        };
        let next = match hear(&client, &mut line) {
            Ok(Line::Partial) => Ok(State::Announcing(client, line)),
            Ok(Line::Whole(announced, length)) => {
                poller.remove(&client);
                Ok(State::Refused(client, [write_head(&announced).as_slice(), &line[length..]].concat()))
            }
            Ok(Line::Wrong) | Err(_) => Err(client),
        };
        match next {
            Ok(state) => {
                let is_announced = matches!(state, State::Refused(..));
                self.slots[index] = Some(Client { gate, port, deadline, state });
                if is_announced {
                    self.lead(index, poller);
                }
            }
            // Whoever is not announced sees his connection closed.
            Err(client) => {
                poller.remove(&client);
                self.forget(index, deadline);
            }
        }
    }

    /// Connects one who was announced to the app; refused, he waits.
    fn lead(&mut self, index: usize, poller: &Poller) {
        let Some(Client { gate, port, deadline, state: State::Refused(client, first) }) = self.slots[index].take()
        else {
            return;
        };
        let app = loopback::connect_to(port);
        let is_led = app.is_ok();
        let state = match app {
            Ok(app) => {
                let _ = setsockopt(&app, TcpNoDelay, &true);
                let mut pair = Pair::begun(client, app, first);
                // Whoever cannot be waited for goes at the deadline.
                let _ = pair.register(poller, token_of(index));
                State::Carried(pair)
            }
            Err(_) => State::Refused(client, first),
        };
        self.slots[index] = Some(Client { gate, port, deadline, state });
        if !is_led {
            self.wait(index, poller);
        }
    }

    /// The app did not take him.
    fn refuse(&mut self, index: usize, poller: &Poller) {
        let Some(Client { gate, port, deadline, state: State::Carried(pair) }) = self.slots[index].take() else {
            return;
        };
        pair.forget(poller);
        let (client, first) = pair.into_beginning();
        self.slots[index] = Some(Client { gate, port, deadline, state: State::Refused(client, first) });
        self.wait(index, poller);
    }

    fn wait(&mut self, index: usize, poller: &Poller) {
        let Some(Client { state: State::Refused(client, _), .. }) = &self.slots[index] else { return };
        if poller.add(client, token_of(index), EpollFlags::empty()).is_err() {
            return self.drop_one(index, poller);
        }
        self.tries.insert((Instant::now() + PAUSE, index));
    }

    /// Whether somebody of this gate waits for an app that does not take him.
    pub fn are_refused(&self, gate: usize) -> bool {
        self.tries.iter().any(|(_, index)| self.slots[*index].as_ref().is_some_and(|client| client.gate == gate))
    }

    fn drop_one(&mut self, index: usize, poller: &Poller) {
        let Some(client) = self.slots[index].take() else { return };
        match &client.state {
            State::Announcing(socket, _) | State::Refused(socket, _) => poller.remove(socket),
            State::Carried(pair) => pair.forget(poller),
        }
        self.forget(index, client.deadline);
    }

    fn forget(&mut self, index: usize, deadline: Instant) {
        self.deadlines.remove(&(deadline, index));
        self.tries.retain(|(_, waiting)| *waiting != index);
        self.freed.push(index);
        self.count -= 1;
    }

    /// Those who came by such a gate and to whom the app may still have something to say.
    pub fn count(&self, is_meant: impl Fn(usize) -> bool) -> u32 {
        let still = |client: &&Client| match &client.state {
            State::Announcing(..) | State::Refused(..) => true,
            State::Carried(pair) => !pair.is_heard(),
        };
        self.slots.iter().flatten().filter(|client| is_meant(client.gate)).filter(still).count() as u32
    }

    /// When something is due.
    pub fn next_due(&self) -> Option<Instant> {
        [&self.deadlines, &self.tries].into_iter().filter_map(|times| times.first()).map(|(at, _)| *at).min()
    }

    /// Sees off those whose time is over, and tries others again.
    pub fn take_timers(&mut self, now: Instant, poller: &Poller) {
        while let Some((_, index)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.drop_one(index, poller);
        }
        while let Some((_, index)) = self.tries.first().copied().filter(|(at, _)| *at <= now) {
            self.tries.pop_first();
            if let Some(Client { state: State::Refused(client, _), .. }) = &self.slots[index] {
                poller.remove(client);
                self.lead(index, poller);
            }
        }
    }

    /// Ends a round of events.
    pub fn end_round(&mut self) {
        self.free.append(&mut self.freed);
        if self.count == 0 && !self.slots.is_empty() {
            // Idle, it keeps nothing for times that may not come back.
            *self = Clients::default();
        }
    }
}

/// Reads no further than a line can reach: the rest is for the app, and stays in the kernel until it is there.
fn hear(client: &OwnedFd, line: &mut Vec<u8>) -> io::Result<Line> {
    let mut buffer = [0; LONGEST];
    loop {
        match read(client, &mut buffer[..LONGEST - line.len()]) {
            Ok(0) => return Ok(Line::Wrong),
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(Errno::EINTR) => continue,
            Err(Errno::EAGAIN) => return Ok(Line::Partial),
            Err(error) => return Err(error.into()),
        }
        let heard = read_line(line);
        if heard != Line::Partial {
            return Ok(heard);
        }
    }
}

fn token_of(index: usize) -> Token {
    RELAYED + 2 * index as Token
}
