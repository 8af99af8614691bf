//! Statistics for whoever connects to a `stats` socket.

use super::parts::HostParts;
use crate::board::Board;
use crate::listener::Listener;
use crate::master::Overview;
use crate::settings::StatsSettings;
use crate::stats::{View, queue, respond, workers_of};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// How long the master waits for a client of `stats-http` to say what it wants, in milliseconds.
const PATIENCE_MS: u8 = 100;

/// Everything that is known at this moment.
pub fn view(parts: &HostParts, overview: &Overview<'_>) -> View {
    let boards: Vec<&Board> = overview.live.values().map(|live| &live.board).collect();
    let mut view = View::of_this_process();
    view.generation = overview.reloads + 1;
    view.listen_queue_errors = overview.queue_errors;
    (view.daemons, view.crons) = parts.views();
    if let Some(serving) = overview.serving() {
        let settings = &serving.settings;
        let mounts: Vec<String> = settings.apps.iter().map(|app| app.mount.clone()).collect();
        (view.workers, view.draining) = workers_of(&boards, overview.past, settings.workers, &mounts, true);
        let listeners: Vec<Listener> = serving.sockets.listeners().cloned().collect();
        view.sockets = queue::sockets(&listeners);
    }
    view
}

/// Sends it and closes the connection. What the client does not take at once it does not get.
pub fn answer(connection: OwnedFd, settings: &StatsSettings, view: &View) {
    let mut request = [0; 4096];
    let mut length = 0;
    if settings.http {
        let _ = poll(&mut [PollFd::new(connection.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE_MS));
        length = recv(connection.as_raw_fd(), &mut request, MsgFlags::MSG_DONTWAIT).unwrap_or(0);
    }
    let answer = respond(view, settings, &request[..length]);
    let mut rest: &[u8] = &answer;
    while !rest.is_empty() {
        match send(connection.as_raw_fd(), rest, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => rest = &rest[sent..],
            Err(nix::errno::Errno::EAGAIN) => {
                let mut wait = [PollFd::new(connection.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut wait, PollTimeout::from(PATIENCE_MS)).unwrap_or(0) == 0 {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    let _ = shutdown(connection.as_raw_fd(), Shutdown::Write);
}
