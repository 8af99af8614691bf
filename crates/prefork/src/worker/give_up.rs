//! Requests that take too long (`harakiri`): the client is answered without the app, the worker is replaced.

use super::main_thread::{begin_drain, describe_request};
use super::shared::Shared;
use crate::board::{Core, CoreState, Wish};
use crate::http::refusal;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use std::sync::atomic::Ordering::Relaxed;

/// Gives up what is due.
pub fn look(shared: &Shared, now: u64) {
    for (number, core) in shared.board.cores(shared.place).enumerate() {
        let due = core.deadline_ms.load(Relaxed);
        if due == 0 || now < due || !give_up(core) {
            continue;
        }
        shared.cell().harakiri_count.fetch_add(1, Relaxed);
        let request = describe_request(shared, number);
        shared.logger.line(&format!(
            "worker {} (pid {}) core {number}: HARAKIRI after {} s: {request}; the worker finishes its other requests and is replaced",
            shared.id,
            shared.pid,
            shared.settings.life.harakiri.as_secs_f32(),
        ));
        shared.wish(Wish::Harakiri);
        begin_drain(shared, true);
    }
}

/// Who wins the change of state is the one that writes. False: the app has just finished.
fn give_up(core: &Core) -> bool {
    let fd = core.fd.load(Relaxed);
    if core.change_state(CoreState::Asked, CoreState::GivenUp) {
        // Its thread is in the app, so the descriptor stays what it is until that returns and sees what happened.
        if !core.opaque.load(Relaxed) {
            let _ = send(fd, refusal::GATEWAY_TIMEOUT, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
        }
    } else if !core.change_state(CoreState::Answering, CoreState::GivenUp) {
        return false;
    }
    let _ = shutdown(fd, Shutdown::Both);
    core.fd.store(-1, Relaxed);
    true
}
