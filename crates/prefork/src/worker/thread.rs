//! One thread of a worker, and what it holds for the requests it serves one after the other.

use super::accept::accept;
use super::connection::{Connection, Peer};
use super::drive::Step;
use super::poller::Token;
use super::shared::Shared;
use super::sweep::forget;
use super::transport::Transport;
use super::{balance, handover, limits};
use crate::board::Core;
use crate::http::date::DateCache;
use crate::http::refusal;
use crate::http::request::Head;
use crate::http::vars::Vars;
use crate::tls::Stream;
use nix::errno::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;

/// A thread with its number, its cell on the board, and the memory it uses again and again.
pub struct Thread<'a> {
    pub shared: &'a Shared,
    pub number: usize,
    pub core: &'a Core,
    /// The core's buffer on the board: the head of the request stands at its begin.
    pub buffer: &'a mut [u8],
    pub head: Head,
    pub vars: Vars,
    /// Memory for the variables of a request as the app sees them.
    pub pairs: Vec<(&'static [u8], &'static [u8])>,
    pub dates: DateCache,
    /// The head of an answer.
    pub scratch: Vec<u8>,
    /// A body that was gathered.
    pub body: Vec<u8>,
}

/// Events a thread attends to before it lets others go first.
///
/// A thread whose clients ask again at once always finds a next event and never sleeps; what else is to run on its
/// processor, above all other workers, would wait until its slice of several milliseconds is used up. By its own choice
/// it waits for its turn after some tens of microseconds. With 2 to 6 events throughput is highest and waits are shortest
/// where 8 workers share two processors; where nobody waits for the processor this costs next to nothing.
const TURN: u32 = 4;

impl Thread<'_> {
    /// Until the process ends.
    pub fn run(mut self) -> ! {
        let mut events = 0u32;
        loop {
            if events.is_multiple_of(TURN) {
                std::thread::yield_now();
            }
            events = events.wrapping_add(1);
            let event = self.shared.poller.wait(self.shared.has_row());
            self.shared.set_at_work(self.number, true);
            match event {
                Some((Token::Connection(number), ended)) => {
                    if let Some(mut connection) = self.shared.slots.get(number).take() {
                        connection.has_ended |= ended;
                        self.drive(connection);
                    }
                }
                Some((Token::Listener(index), _)) => self.accept(index),
                Some((Token::Handover, _)) => self.take_over(),
                Some((Token::Nudge, _)) | None => {}
            }
            // Only what is driven at once is taken out of the row: this thread may not come back from an app.
            if let Some(connection) = self.shared.next_in_row() {
                self.drive(connection);
            }
            self.shared.set_at_work(self.number, false);
        }
    }

    /// All that have arrived: the first is served at once, for the others there may be other threads.
    fn accept(&mut self, index: u32) {
        let shared = self.shared;
        let mut first = None;
        while !shared.is_draining() {
            match accept(shared.listeners[index as usize].fd.as_fd()) {
                Ok((fd, peer)) => {
                    let Some(mut connection) = welcome(shared, index, fd, peer) else { continue };
                    match first {
                        None => first = Some(connection),
                        Some(_) if balance::pass_on(shared, &mut connection) => {}
                        Some(_) => self.park(connection, limits::head(shared)),
                    }
                }
                Err(Errno::EINTR | Errno::ECONNABORTED | Errno::EPERM) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => {
                    shared.logger.line(&format!("worker {}: a connection cannot be accepted: {error}", shared.id));
                    limits::make_room(shared);
                    break;
                }
            }
        }
        if let Some(connection) = first {
            self.drive(connection);
        }
    }

    /// Connections of other workers, until this one has its share; whatever else has come wakes the next in the row.
    fn take_over(&mut self) {
        let shared = self.shared;
        let Some(way) = shared.handover.as_ref().filter(|_| !shared.is_draining()) else { return };
        let mut has_taken = false;
        while let Some(mut connection) = handover::take(&way.receive) {
            has_taken = true;
            if connection.requests == 0 && balance::pass_on(shared, &mut connection) {
                return;
            }
            if connection.listener as usize >= shared.listeners.len() {
                connection.listener = 0;
            }
            if connection.input.is_empty() {
                self.park(Box::new(connection), limits::idle(shared));
            } else {
                shared.wait_in_row(Box::new(connection));
            }
            if !balance::has_fewest(shared) {
                break;
            }
        }
        if has_taken {
            balance::rejoin(shared);
        }
    }

    /// Goes on with a connection until it waits for something or is gone.
    pub fn drive(&mut self, mut connection: Box<Connection>) {
        const IN_A_ROW: u32 = 64;
        let before = connection.requests;
        loop {
            match self.step(&mut connection) {
                // Who sends one request after the other without waiting does not keep the thread for itself.
                Step::Again if connection.requests.wrapping_sub(before) < IN_A_ROW => {}
                Step::Again => return self.shared.wait_in_row(connection),
                Step::Wait(due) => return self.park(connection, due),
                Step::End => return forget(self.shared, &connection),
            }
        }
    }

    /// Leaves a connection to the event loop until something happens or its time is over.
    fn park(&mut self, mut connection: Box<Connection>, due: u64) {
        let shared = self.shared;
        if watch(shared, &mut connection).is_err() {
            let full = refusal::canned(503, "There are too many connections.", &[("Retry-After", "1")]);
            connection.output.push(full);
            let _ = connection.output.flush(&mut connection.transport);
            return forget(shared, &connection);
        }
        let slot = shared.slots.get(connection.number.unwrap_or_default());
        slot.deadline_ms.store(due, Relaxed);
        if slot.put(connection)
            && let Some(connection) = slot.take()
        {
            shared.wait_in_row(connection);
        }
    }
}

/// A client that has just come.
fn welcome(shared: &Shared, index: u32, fd: OwnedFd, peer: Peer) -> Option<Box<Connection>> {
    let listener = &shared.listeners[index as usize];
    let stream = listener.tls.as_ref().map(|config| Stream::new(config.clone()).map(Box::new)).transpose();
    let stream =
        stream.map_err(|error| shared.logger.line(&format!("{}: TLS cannot be begun: {error}", listener.name))).ok()?;
    let mut connection = Connection::new(Transport::new(fd, stream), index, peer);
    connection.awaits_proxy_line = shared.settings.http.proxy_protocol;
    Some(Box::new(connection))
}

/// Takes what has come for a worker that takes no more, for only this one was told of it; it goes to others where there
/// are some.
pub fn take_last(shared: &Shared) {
    for (index, listener) in shared.listeners.iter().enumerate() {
        while let Ok((fd, peer)) = accept(listener.fd.as_fd()) {
            if let Some(connection) = welcome(shared, index as u32, fd, peer) {
                shared.wait_in_row(connection);
            }
        }
    }
    let receive = shared.handover.as_ref().map(|handover| &handover.receive);
    while let Some(connection) = receive.and_then(handover::take) {
        shared.wait_in_row(Box::new(connection));
    }
    give_row_away(shared);
}

/// Of a worker that drains: its threads may all stand still, so what waits for one goes to other workers.
pub fn give_row_away(shared: &Shared) {
    let Some(way) = shared.way_out() else { return };
    while let Some(connection) = shared.next_in_row() {
        if !connection.is_portable() || handover::give(&connection, way).is_err() {
            return shared.wait_in_row(connection);
        }
        forget(shared, &connection);
    }
}

/// Makes the event loop know the connection. Before it is put there: an event in between is kept for it.
fn watch(shared: &Shared, connection: &mut Connection) -> nix::Result<()> {
    let number = match connection.number {
        Some(number) => number,
        None => {
            let number = shared.slots.reserve().ok_or(Errno::EMFILE)?;
            connection.number = Some(number);
            shared.poller.add_connection(connection.transport.fd(), number)?;
            balance::stand_last(shared, connection.listener);
            number
        }
    };
    let wants_writing = !connection.output.is_empty() || connection.transport.wants_write();
    if wants_writing && !connection.watches_writing {
        connection.watches_writing = true;
        shared.poller.watch_writing(connection.transport.fd(), number)?;
    }
    Ok(())
}
