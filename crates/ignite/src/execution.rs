//! One execution: its names, its limits, and what must go when it ends.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use tokio::sync::{Notify, Semaphore};

use crate::env::Env;
use crate::handler::Handler;
use crate::id;
use crate::response::StreamSlot;
use crate::serve::records::Records;
use crate::serve::watch::Watch;
use crate::signal::Signal;
use crate::temp_store::Store;

/// What all executions of a process share.
pub(crate) struct App {
    pub(crate) handler: Handler,
    pub(crate) limits: Limits,
    pub(crate) env: Env,
    pub(crate) state: Option<Box<dyn Any + Send + Sync>>,
    pub(crate) permits: Option<Arc<Semaphore>>,
    pub(crate) records: Records,
    pub(crate) warm: AtomicBool,
    pub(crate) draining: AtomicBool,
    pub(crate) ended: Signal,
    pub(crate) watch: Watch,
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
    pub(crate) temp_dir: Arc<Path>,
    pub(crate) temp_bytes: u64,
}

impl App {
    pub(crate) fn new(handler: Handler, limits: Limits, env: Env, records: Records) -> Self {
        let permits = (limits.concurrency > 0).then(|| Arc::new(Semaphore::new(limits.concurrency)));
        Self {
            handler,
            limits,
            env,
            state: None,
            permits,
            records,
            warm: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            ended: Signal::default(),
            watch: Watch::default(),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
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
    pub(crate) function_id: Option<Box<str>>,
    pub(crate) organization_id: Option<Box<str>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) received: Arc<AtomicU64>,
    pub(crate) cancelled: Signal,
    pub(crate) stream: StreamSlot,
    pub(crate) temp: Arc<Store>,
    leases: AtomicUsize,
}

impl Execution {
    pub(crate) fn new(app: Arc<App>, headers: &HeaderMap) -> Self {
        let name = |header: &str| headers.get(header).and_then(|value| value.to_str().ok()).filter(|v| !v.is_empty());
        let id: Arc<str> = name("x-ignite-execution-id").filter(|id| is_id(id)).map_or_else(id::new, Arc::from);
        let deadline = name("x-ignite-deadline").and_then(|at| at.parse().ok()).filter(|at| *at > 0).map(from_unix_ms);
        let timeout = app.limits.timeout.and_then(|limit| Instant::now().checked_add(limit));
        Self {
            function_id: name("x-ignite-function-id").map(Box::from),
            organization_id: name("x-ignite-organization-id").map(Box::from),
            deadline: deadline.into_iter().chain(timeout).min(),
            received: Arc::default(),
            cancelled: Signal::default(),
            stream: StreamSlot::default(),
            temp: Arc::new(Store::new(app.limits.temp_dir.clone(), app.limits.temp_bytes)),
            leases: AtomicUsize::new(0),
            id,
            app,
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
    id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
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
            temp.end();
        }
        if app.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            app.idle.notify_waiters();
        }
    }
}
