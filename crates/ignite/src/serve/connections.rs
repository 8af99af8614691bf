//! Accepts connections and serves HTTP/1.1 on them, until told to stop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::sync::Notify;

use super::execute::execute;
use super::seats::{Seat, Seats};
use super::socket::{Listener, Stream};
use crate::execution::App;
use crate::signal::Signal;

/// The connections of a process.
#[derive(Default)]
pub(crate) struct Connections {
    open: AtomicUsize,
    changed: Notify,
    /// No connection is taken any more.
    stop: Signal,
}

impl Connections {
    /// Takes connections until [`stop`](Connections::stop), and then those that had connected by that moment.
    pub(crate) async fn accept(self: Arc<Self>, listener: Listener, app: Arc<App>) {
        let mut stop = pin!(self.stop.wait());
        loop {
            let next = poll_fn(|cx| match listener.poll_accept(cx) {
                Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
                Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
            });
            match next.await {
                None => return,
                Some(Ok(stream)) => {
                    self.open.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(self.clone().serve(stream, app.clone()));
                }
                // Out of descriptors, most likely: others must end first. One connection's own failure is not ours.
                Some(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.fire();
    }

    /// Waits until all connections have ended.
    pub(crate) async fn until_none(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            changed.await;
        }
    }

    async fn serve(self: Arc<Self>, stream: Stream, app: Arc<App>) {
        let seats = app.seats.clone();
        let seat = seats.open(stream.number());
        let _counted = Counted { connections: &self, seats: &seats, seat: &seat };
        let (served, busy) = (app, seat.clone());
        let service = service_fn(move |request| {
            let (app, seat) = (served.clone(), busy.clone());
            async move { Ok::<_, Infallible>(execute(app, seat, request).await) }
        });
        let mut http = http1::Builder::new();
        // The edge in front of a unix socket says the date itself, and would only take ours away.
        http.auto_date_header(!stream.is_unix());
        let mut connection = pin!(http.serve_connection(stream, service));
        let _open = Open(&seat);
        let (mut known, mut closing) = (false, false);
        let ended = poll_fn(|cx| {
            if !known {
                known = true;
                // The same for as long as there is this task.
                seat.set_waker(cx.waker());
            }
            if !closing && seats.is_closing() {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        });
        // A caller that breaks off is in the record of its execution.
        let _ = ended.await;
    }
}

/// Declared after the connection, and so gone before its socket closes.
struct Open<'a>(&'a Seat);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.forget_socket();
    }
}

struct Counted<'a> {
    connections: &'a Connections,
    seats: &'a Seats,
    seat: &'a Seat,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.seats.remove(self.seat);
        if self.connections.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.connections.changed.notify_waiters();
        }
    }
}
