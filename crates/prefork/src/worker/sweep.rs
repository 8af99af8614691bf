//! Connections whose time is over.

use super::connection::{Connection, Then};
use super::handover;
use super::shared::Shared;
use crate::http::refusal;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

/// Looks at every connection that waits: those whose time is over end; all idle ones leave a worker that drains.
pub fn sweep(shared: &Shared, now: u64) {
    for number in shared.slots.numbers() {
        let slot = shared.slots.get(number);
        let due = slot.deadline_ms.load(Relaxed);
        if due == 0 || (now < due && !shared.is_draining()) {
            continue;
        }
        let Some(connection) = slot.take() else { continue };
        if shared.is_draining() && connection.is_portable() {
            // It was put there when there was more time.
            let due = if connection.input.is_empty() { due.min(shared.last_chance()) } else { due };
            slot.deadline_ms.store(due, Relaxed);
            leave(shared, connection, now, due);
        } else if now < due {
            put_back(shared, number, connection);
        } else {
            end(shared, connection);
        }
    }
    shared.count_connections();
}

/// Out of a worker that drains: to another one, or closed when it had time to say something.
fn leave(shared: &Shared, connection: Box<Connection>, now: u64, due: u64) {
    match shared.way_out() {
        Some(way) => match handover::give(&connection, way) {
            Ok(()) => forget(shared, &connection),
            // The others are busy taking: at the next round.
            Err(_) if now < due => put_back(shared, connection.number.unwrap_or_default(), connection),
            Err(_) => end(shared, connection),
        },
        None if now < due => put_back(shared, connection.number.unwrap_or_default(), connection),
        None => end(shared, connection),
    }
}

fn put_back(shared: &Shared, number: u32, connection: Box<Connection>) {
    let slot = shared.slots.get(number);
    if slot.put(connection)
        && let Some(connection) = slot.take()
    {
        shared.wait_in_row(connection);
    }
}

/// In the middle of a request the client is told why.
fn end(shared: &Shared, mut connection: Box<Connection>) {
    let is_reading = connection.output.is_empty() && connection.then == Then::Read;
    if is_reading && (!connection.input.is_empty() || connection.gather.is_some()) {
        connection.output.push(refusal::canned(408, "The request did not arrive in time.", &[]));
        let _ = connection.output.flush(&mut connection.transport);
    }
    connection.transport.finish();
    forget(shared, &connection);
}

/// The number is free again; the descriptor is closed with the connection.
pub fn forget(shared: &Shared, connection: &Connection) {
    if let Some(number) = connection.number {
        // Another process may have the same socket: without this its events would go on coming here.
        shared.poller.remove(connection.transport.fd().as_fd());
        shared.slots.release(number);
        shared.count_connections();
    }
}
