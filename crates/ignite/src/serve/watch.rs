//! Sees to what the runtime cannot see to by itself: handlers that keep a thread, and how many requests wait.
//!
//! The thread of the runtime that waits for sockets and timers is also the one that runs what they wake. When that is
//! a handler that blocks, the other threads sleep on, and nobody looks at sockets and timers until it returns. A task
//! given to the runtime from outside wakes one of the others, which then takes over the looking. When none of them
//! comes, or the connection itself is stuck in the handler, the answer to a late request is given from here.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;

use super::fds;
use super::gate::Pressure;
use super::report::{TOO_LATE, Told};
use crate::execution::App;

/// How long sockets and timers may go unattended.
const ROUND: Duration = Duration::from_millis(20);
/// How often the platform is told that requests wait.
const PRESSURE_PAUSE: Duration = Duration::from_millis(100);
/// The runtime's own timers come first wherever they can.
const PATIENCE: Duration = Duration::from_millis(250);
/// How far past its deadline a handler counts as one that will not return.
const STUCK: Duration = Duration::from_secs(1);
/// How far past its deadline one may keep a thread that all executions share, at most; see [`inside_limit`].
const STUCK_INSIDE: Duration = Duration::from_secs(10);
/// Rounds without a task having run: the runtime has no thread left.
const DEAD_ROUNDS: u64 = (STUCK.as_millis() / ROUND.as_millis()) as u64;
/// How many plain handlers may be stuck when nothing limits how many run.
const MOST_STUCK: usize = 64;

/// The status of a process that ends in order to be started anew.
pub(crate) const REPLACED: i32 = 70;

#[derive(Default)]
pub(crate) struct Watch {
    armed: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Watch {
    /// Called whenever work begins; costs something only when the watch was asleep.
    pub(crate) fn arm(&self) {
        if !self.armed.load(Ordering::SeqCst) && !self.armed.swap(true, Ordering::SeqCst) {
            self.thread.get().inspect(|thread| thread.unpark());
        }
    }
}

/// Starts the thread that watches. It sleeps whenever nothing runs.
pub(crate) fn start(app: &Arc<App>) -> std::io::Result<()> {
    let (runtime, watched) = (Handle::current(), app.clone());
    let watching = std::thread::Builder::new().name("ignite-watch".into()).stack_size(64 * 1024);
    let thread = watching.spawn(move || {
        let mut rounds = Rounds { app: &watched, beats: Arc::default(), given: 0, told: None };
        loop {
            while !watched.watch.armed.load(Ordering::SeqCst) {
                std::thread::park();
            }
            std::thread::sleep(ROUND);
            rounds.tell_pressure();
            if watched.is_idle() {
                watched.watch.armed.store(false, Ordering::SeqCst);
                // Work that began in between found the watch armed and did not wake it.
                if watched.is_idle() {
                    continue;
                }
                watched.watch.armed.store(true, Ordering::SeqCst);
            }
            rounds.look(&runtime);
        }
    })?;
    let _ = app.watch.thread.set(thread.thread().clone());
    // Work may have begun before there was a thread to wake.
    thread.thread().unpark();
    Ok(())
}

struct Rounds<'a> {
    app: &'a App,
    /// Tasks that the runtime has run for the watch…
    beats: Arc<AtomicU64>,
    /// …of those it was given.
    given: u64,
    /// When the platform was last told that requests wait; `None` when it knows that none do.
    told: Option<Instant>,
}

/// Handlers that keep a connection which was answered in their place.
#[derive(Default)]
struct Inside {
    /// How far past its deadline the worst of them is.
    worst: Duration,
    /// How many of them will not return.
    stuck: usize,
}

impl Rounds<'_> {
    fn look(&mut self, runtime: &Handle) {
        let behind = self.given - self.beats.load(Ordering::Relaxed);
        // One that has no thread left is given no more of them than tell that.
        if behind <= DEAD_ROUNDS {
            let beats = self.beats.clone();
            self.given += 1;
            runtime.spawn(async move { beats.fetch_add(1, Ordering::Relaxed) });
        }
        let now = Instant::now();
        let Inside { worst: inside, stuck } = self.answer_late(now);
        let overdue = self.app.overdue.count(now, STUCK);
        if behind >= DEAD_ROUNDS && (inside > STUCK || overdue.futures > 0) {
            self.give_up();
        }
        let places = self.app.gate.as_ref().map(|gate| gate.places());
        let plain = overdue.plain;
        if plain >= places.unwrap_or(MOST_STUCK) {
            self.app.replace(&format!(
                "{plain} plain handlers have not returned after their deadlines, and keep all places"
            ));
        } else if places.is_some_and(|places| plain + overdue.futures + stuck >= places) {
            self.app.replace("async handlers block their threads after their deadlines, and keep all places");
        }
        let limit = inside_limit(self.app.limits.timeout);
        if inside > limit || self.app.overdue.count(now, limit).futures > 0 {
            self.app.replace("an async handler blocks its thread long after its deadline");
        }
    }

    /// Answers for connections that cannot, and tells of the handlers that keep them.
    fn answer_late(&self, now: Instant) -> Inside {
        let mut inside = Inside::default();
        for seat in self.app.seats.list() {
            seat.take_over(
                |execution| {
                    let patience = if execution.inside.load(Ordering::SeqCst) { Duration::ZERO } else { PATIENCE };
                    execution.late_by(now).is_some_and(|late| late >= patience)
                },
                |execution, socket, headless| {
                    Told { status: 504, error: Some(TOO_LATE), ..Told::default() }.of(execution);
                    fds::say_and_end(socket, late_answer(headless).as_bytes());
                },
            );
            if let Some(execution) = seat.stuck() {
                execution.cancelled.fire();
                let late = execution.late_by(now).unwrap_or_default();
                inside.worst = inside.worst.max(late);
                inside.stuck += usize::from(late >= STUCK);
            }
        }
        inside
    }

    /// No thread is left that could end anything in order.
    fn give_up(&self) -> ! {
        eprintln!(
            "ignite: async handlers block all threads after their deadlines: this process ends, to be started anew; \
             use a plain `fn` or ctx.spawn_blocking for work that blocks"
        );
        std::process::exit(REPLACED)
    }

    fn tell_pressure(&mut self) {
        let Some(gate) = &self.app.gate else { return };
        let pressure @ Pressure { waiting, .. } = gate.pressure();
        let due = match self.told {
            Some(told) => waiting == 0 || told.elapsed() >= PRESSURE_PAUSE,
            None => waiting > 0,
        };
        if due {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_millis() as u64);
            self.app.records.push_pressure(pressure, at);
            self.told = (waiting > 0).then(Instant::now);
        }
    }
}

/// Ten times what was allowed is no mere delay, and the thread is missed by all others.
fn inside_limit(timeout: Option<Duration>) -> Duration {
    timeout.map_or(STUCK_INSIDE, |timeout| timeout.saturating_mul(9).clamp(STUCK, STUCK_INSIDE))
}

fn late_body() -> String {
    format!("{{\"error\":\"{TOO_LATE}\"}}")
}

fn late_answer(headless: bool) -> String {
    let body = late_body();
    let head = "HTTP/1.1 504 Gateway Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n";
    format!("{head}content-length: {}\r\n\r\n{}", body.len(), if headless { "" } else { &body })
}
