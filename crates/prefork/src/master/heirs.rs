//! Who takes over what a worker that drains has open.

use super::Parts;
use super::fleet::Stop;
use super::generation::Live;
use super::run::Master;
use nix::sys::signal::Signal;
use std::sync::atomic::Ordering::Relaxed;

impl<P: Parts> Master<'_, P> {
    /// What the worker has open goes to workers that listen on the same: who comes by which socket is told by its index.
    pub(super) fn drain(&self, generation: u64, place: usize) {
        let Some(live) = self.live.get(&generation) else { return };
        let is_alike = |other: &Live| other.settings.sockets == live.settings.sockets;
        let has_heirs = self.fleet.heirs(generation, place).any(|heir| self.live.get(&heir).is_some_and(is_alike));
        live.board.worker(place).hands_over.store(has_heirs, Relaxed);
        self.signal(generation, place, Signal::SIGHUP);
    }

    /// Where all of them end, nobody takes over from anybody any more.
    pub(super) fn end_handing_over(&self) {
        if self.fleet.stop == Stop::No {
            return;
        }
        for live in self.live.values() {
            (0..live.board.places()).for_each(|place| live.board.worker(place).hands_over.store(false, Relaxed));
        }
    }
}
