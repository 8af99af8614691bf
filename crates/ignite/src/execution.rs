//! One execution: its names, its limits, and what must go when it ends.

use std::any::Any;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use tokio::sync::Notify;

use crate::env::Env;
use crate::handler::Handler;
use crate::id;
use crate::response::StreamSlot;
use crate::serve::gate::Gate;
use crate::serve::overdue::Overdue;
use crate::serve::records::Records;
use crate::serve::seats::Seats;
use crate::serve::watch::Watch;
use crate::signal::Signal;
use crate::temp_store::Store;

/// What all executions of a process share.
pub(crate) struct App {
    pub(crate) handler: Handler,
    pub(crate) limits: Limits,
    pub(crate) env: Env,
    pub(crate) state: Option<Box<dyn Any + Send + Sync>>,
    pub(crate) gate: Option<Gate>,
    pub(crate) records: Records,
    pub(crate) warm: AtomicBool,
    pub(crate) draining: AtomicBool,
    pub(crate) ended: Signal,
    /// The process is to end and be started anew.
    pub(crate) replaced: Signal,
    pub(crate) watch: Watch,
    pub(crate) seats: Arc<Seats>,
    /// Handlers nobody waits for any more.
    pub(crate) overdue: Overdue,
    running: AtomicUsize,
    idle: Notify,
}

/// What an execution may use, and who it belongs to when no header says so.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) function_id: Arc<str>,
    pub(crate) organization_id: Arc<str>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_body: usize,
    pub(crate) concurrency: usize,
    pub(crate) queue: usize,
    pub(crate) temp_dir: Arc<Path>,
    pub(crate) temp_bytes: u64,
}

impl App {
    pub(crate) fn new(handler: Handler, limits: Limits, env: Env, records: Records) -> Self {
        let gate = (limits.concurrency > 0).then(|| Gate::new(limits.concurrency, limits.queue));
        Self {
            handler,
            limits,
            env,
            state: None,
            gate,
            records,
            warm: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            ended: Signal::default(),
            replaced: Signal::default(),
            watch: Watch::default(),
            seats: Arc::default(),
            overdue: Overdue::default(),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    /// Has the process end in order, to be started anew.
    pub(crate) fn replace(&self, why: &str) {
        if !self.replaced.has_fired() {
            eprintln!("ignite: {why}: this process ends, to be started anew");
            self.replaced.fire();
        }
    }

    /// Waits until no execution runs and no background work is left.
    pub(crate) async fn until_idle(&self) {
        loop {
            let mut notified = std::pin::pin!(self.idle.notified());
            notified.as_mut().enable();
            if self.is_idle() {
                return;
            }
            notified.await;
        }
    }
}

/// One execution.
pub(crate) struct Execution {
    pub(crate) app: Arc<App>,
    pub(crate) id: Arc<str>,
    /// Names from headers, where they are others than those of the process.
    pub(crate) function_id: Option<Box<str>>,
    pub(crate) organization_id: Option<Box<str>>,
    /// When the request came: on the clock that never jumps, and in milliseconds of the other one.
    pub(crate) came: Instant,
    pub(crate) at: u64,
    pub(crate) deadline: Option<Instant>,
    /// Bytes of the body so far.
    pub(crate) received: AtomicU64,
    /// Microseconds it waited for a place, or [`QUEUED`] while it waits.
    pub(crate) queue_us: AtomicU64,
    /// Whether the task of its connection is inside the handler at this moment.
    pub(crate) inside: AtomicBool,
    pub(crate) cancelled: Signal,
    stream: OnceLock<Box<StreamSlot>>,
    temp: OnceLock<Arc<Store>>,
    leases: AtomicUsize,
}

/// Still waiting.
pub(crate) const QUEUED: u64 = u64::MAX;

/// What the platform says in headers about one execution.
#[derive(Default)]
struct Said<'a> {
    execution: Option<&'a str>,
    function: Option<&'a str>,
    organization: Option<&'a str>,
    deadline: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// Looks through all headers once, which is less work than to look each of these up.
    fn new(headers: &'a HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix("x-ignite-") else { continue };
            let field = match name {
                "execution-id" => &mut said.execution,
                "function-id" => &mut said.function,
                "organization-id" => &mut said.organization,
                "deadline" => &mut said.deadline,
                _ => continue,
            };
            if field.is_none() {
                *field = value.to_str().ok().filter(|value| !value.is_empty());
            }
        }
        said
    }
}

impl Execution {
    pub(crate) fn new(app: Arc<App>, headers: &HeaderMap) -> Self {
        let said = Said::new(headers);
        let other = |name: Option<&str>, own: &str| name.filter(|name| *name != own).map(Box::from);
        let id: Arc<str> = said.execution.filter(|id| is_id(id)).map_or_else(id::new, Arc::from);
        let deadline = said.deadline.and_then(|at| at.parse().ok()).filter(|at| *at > 0).map(from_unix_ms);
        let came = Instant::now();
        let timeout = app.limits.timeout.and_then(|limit| came.checked_add(limit));
        Self {
            function_id: other(said.function, &app.limits.function_id),
            organization_id: other(said.organization, &app.limits.organization_id),
            came,
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_millis() as u64),
            deadline: deadline.into_iter().chain(timeout).min(),
            received: AtomicU64::new(0),
            queue_us: AtomicU64::new(0),
            inside: AtomicBool::new(false),
            cancelled: Signal::default(),
            stream: OnceLock::new(),
            temp: OnceLock::new(),
            leases: AtomicUsize::new(0),
            id,
            app,
        }
    }

    /// Where the handler streams its answer to. Made on first use, like what follows: most executions need neither.
    pub(crate) fn stream(&self) -> &StreamSlot {
        self.stream.get_or_init(Box::default)
    }

    pub(crate) fn opened_stream(&self) -> Option<&StreamSlot> {
        self.stream.get().map(|slot| &**slot)
    }

    pub(crate) fn temp(&self) -> &Arc<Store> {
        let Limits { temp_dir, temp_bytes, .. } = &self.app.limits;
        let store = self.temp.get_or_init(|| Arc::new(Store::new(temp_dir.clone(), *temp_bytes)));
        if self.leases.load(Ordering::SeqCst) == 0 {
            // Asked for by what outlives the execution: nobody would remove its files.
            store.end();
        }
        store
    }

    /// How far past its deadline it is.
    pub(crate) fn late_by(&self, now: Instant) -> Option<Duration> {
        now.checked_duration_since(self.deadline?)
    }

    /// The microseconds it waited for a place, and those it has run.
    pub(crate) fn times(&self) -> (u64, u64) {
        let total = self.came.elapsed().as_micros() as u64;
        match self.queue_us.load(Ordering::Relaxed) {
            QUEUED => (total, 0),
            queued => (queued, total.saturating_sub(queued)),
        }
    }

    /// When the deadline is on the clock of the machine.
    pub(crate) fn deadline_at(&self) -> Option<SystemTime> {
        let deadline = self.deadline?;
        Some(SystemTime::now() + deadline.saturating_duration_since(Instant::now()))
    }
}

/// Ids become names of files and lines of logs, so what could be something else is not taken.
fn is_id(id: &str) -> bool {
    id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn from_unix_ms(at: u64) -> Instant {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // A deadline beyond what the clock can hold is none that anybody lives to see.
    let left = Duration::from_millis(at).saturating_sub(now).min(Duration::from_secs(60 * 60 * 24 * 365));
    Instant::now() + left
}

/// Held by everything that works for an execution; the last one to go ends it.
pub(crate) struct Lease(Arc<Execution>);

impl Lease {
    pub(crate) fn new(execution: &Arc<Execution>) -> Self {
        execution.leases.fetch_add(1, Ordering::SeqCst);
        execution.app.running.fetch_add(1, Ordering::SeqCst);
        execution.app.watch.arm();
        Self(execution.clone())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Execution { app, leases, temp, .. } = &*self.0;
        if leases.fetch_sub(1, Ordering::SeqCst) == 1 {
            temp.get().inspect(|store| store.end());
        }
        if app.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            app.idle.notify_waiters();
        }
    }
}
