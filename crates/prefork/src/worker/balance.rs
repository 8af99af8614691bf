//! Connections that stay are spread over the workers.
//!
//! The kernel wakes the first worker in the row of those that wait at a socket, and that worker stays first: left alone,
//! it would take nearly all connections. For those that end with their answer that is best, since its memory is warm.

use super::connection::Connection;
use super::context::Handover;
use super::handover;
use super::poller::Token;
use super::shared::Shared;
use crate::board::WorkerState;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

/// A worker may have this many connections more than the one with the fewest.
const SLACK: u32 = 1;
/// Bytes of a client's address, about.
const ADDRESS: u32 = 10;
/// Nobody is passed on more often.
const MOST_HOPS: u8 = 2;

/// Puts this worker last in the row at a socket, since it has taken a connection that stays.
pub fn stand_last(shared: &Shared, listener: u32) {
    if shared.settings.workers < 2 || shared.is_draining() {
        return;
    }
    shared.count_connections();
    if shared.cell().state() == WorkerState::Paused {
        return;
    }
    let Some(socket) = shared.listeners.get(listener as usize) else { return };
    let _ = shared.stand_in_row(socket.fd.as_fd(), Token::Listener(listener));
}

/// Gives a new connection to another worker where those have fewer. False: it stays here.
///
/// This worker takes over none itself for a moment ([`rejoin`]), so that it does not get it back at once.
pub fn pass_on(shared: &Shared, connection: &mut Connection) -> bool {
    let Some(way) = &shared.handover else { return false };
    let is_fair = shared.slots.open() <= fewest_elsewhere(shared).saturating_add(SLACK + under_way(shared, way));
    if is_fair || connection.hops == MOST_HOPS || connection.transport.is_encrypted() {
        return false;
    }
    connection.hops += 1;
    shared.poller.remove(way.receive.as_fd());
    shared.set_aside(true);
    handover::give(connection, &way.send).is_ok()
}

/// Takes over connections again, as the last in the row.
pub fn rejoin(shared: &Shared) {
    if let Some(way) = &shared.handover {
        shared.set_aside(false);
        let _ = shared.stand_in_row(way.receive.as_fd(), Token::Handover);
    }
}

/// How many connections each of the others will have got once those that were given are taken.
fn under_way(shared: &Shared, way: &Handover) -> u32 {
    let each = handover::LEAST_BYTES + ADDRESS;
    handover::bytes_under_way(&way.receive) / each / shared.settings.workers.saturating_sub(1).max(1)
}

/// Whether no other worker has fewer connections.
pub fn has_fewest(shared: &Shared) -> bool {
    shared.slots.open() <= fewest_elsewhere(shared)
}

/// The least number of connections that another worker has.
fn fewest_elsewhere(shared: &Shared) -> u32 {
    (0..shared.board.places())
        .filter(|place| *place != shared.place)
        .map(|place| shared.board.worker(place))
        .filter(|worker| worker.state() == WorkerState::Accepting)
        .map(|worker| worker.connections.load(Relaxed))
        .min()
        .unwrap_or(u32::MAX)
}
