//! How long connections may wait for what, and what follows when there are too many.

use super::clock::now_ms;
use super::connection::Then;
use super::shared::Shared;
use super::sweep::forget;
use std::time::Duration;

/// While a worker drains, an idle client has this long to send a request it may have on the way.
const LAST_CHANCE_MS: u64 = 1200;
/// A client that was refused has this long to stop sending.
const LINGER_MS: u64 = 2000;

/// Until a client that has nothing on the way must send something; the time of the clock in milliseconds.
pub fn idle(shared: &Shared) -> u64 {
    let longest = after(shared.settings.http.keepalive);
    if shared.is_draining() { longest.min(shared.last_chance()) } else { longest }
}

/// Until idle clients may ask once more, of a worker that from now on has nobody to give them to.
pub fn last_chance() -> u64 {
    now_ms() + LAST_CHANCE_MS
}

/// Until a request's head must be whole.
pub fn head(shared: &Shared) -> u64 {
    after(shared.settings.http.head_timeout)
}

/// Until something more must be received or sent.
pub fn silence(shared: &Shared) -> u64 {
    after(shared.settings.http.socket_timeout)
}

/// Until a client that was refused must have ended.
pub fn linger() -> u64 {
    now_ms() + LINGER_MS
}

fn after(time: Duration) -> u64 {
    now_ms() + time.as_millis() as u64
}

/// There are no descriptors left: one idle client goes, and the sockets are looked at again.
pub fn make_room(shared: &Shared) {
    for number in shared.slots.numbers() {
        let Some(connection) = shared.slots.get(number).take() else { continue };
        if connection.is_portable() && connection.input.is_empty() && connection.then == Then::Read {
            forget(shared, &connection);
            break;
        }
        shared.wait_in_row(connection);
    }
    // Nothing tells when another process gives descriptors back.
    std::thread::sleep(Duration::from_millis(10));
    super::watch_listeners(shared);
}
