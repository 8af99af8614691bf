//! The server around a handler: from the start of the process to its end.

mod connections;
mod deadline;
pub(crate) mod execute;
mod fds;
pub(crate) mod gate;
pub(crate) mod overdue;
mod record_line;
pub(crate) mod records;
mod report;
mod running;
pub(crate) mod seats;
mod sent_body;
mod settings;
mod socket;
pub(crate) mod watch;

use std::future::poll_fn;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout, timeout_at};

use crate::Env;
use crate::execution::App;
use crate::handler::{Handler, WarmUp};
use crate::log::install_panic_hook;
use connections::Connections;
use records::Records;
use settings::{Settings, parse_settings};
use socket::Listener;

/// How long an idle connection may still bring the request that was on its way when the process was told to stop.
const LINGER: Duration = Duration::from_millis(100);

/// Serves the handler until the process is told to stop, and ends the process.
pub fn start(crate_name: &str, handler: Handler, warm_up: Option<WarmUp>) -> ! {
    let settings = parse_settings(crate_name, |name| std::env::var(name).ok())
        .unwrap_or_else(|problems| fail(&format!("the variables are wrong:\n  {}", problems.join("\n  "))));
    if cfg!(panic = "abort") {
        eprintln!("ignite: panic = \"abort\" in Cargo.toml: a panic will end the process instead of one execution");
    }
    install_panic_hook();
    // Two at least: while one handler keeps a thread, deadlines and other requests need another.
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 16));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| fail(&format!("no threads to run on: {error}")));
    let ended = runtime.block_on(serve(settings, handler, warm_up));
    let app = ended.unwrap_or_else(|message| fail(&message));
    // Plain functions that still run cannot be stopped; they end with the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    app.records.close(Duration::from_secs(1));
    std::process::exit(if app.replaced.has_fired() { watch::REPLACED } else { 0 })
}

fn fail(message: &str) -> ! {
    eprintln!("ignite: {message}");
    std::process::exit(1)
}

async fn serve(settings: Settings, handler: Handler, warm_up: Option<WarmUp>) -> Result<Arc<App>, String> {
    let mut signals = Signals::listen()?;
    let records = open_records(&settings)?;
    let is_told = matches!(records, Records::Pipe(_));
    let mut app = App::new(handler, settings.limits.clone(), Env::process(), records);
    if let Some(warm_up) = warm_up {
        let state = warm_up.run().await;
        app.state = Some(state.map_err(|error| format!("the warm-up failed: {}", error.for_record()))?);
    }
    let app = Arc::new(app);
    if is_told {
        report::write_at_exit(&app.records, &app.seats);
    }
    let listener = listen(&settings).await?;
    let connections = Arc::new(Connections::default());
    // A task of its own: the threads of the runtime then pass connections on without waking this one.
    let accepting = tokio::spawn(connections.clone().accept(listener, app.clone()));
    if let Some(fd) = settings.ready_fd {
        say_ready(fd)?;
    }
    // Whoever waits for the process need not wait for these.
    app.records.start().map_err(|error| format!("no thread to write records with: {error}"))?;
    watch::start(&app).map_err(|error| format!("no thread to watch with: {error}"))?;

    {
        let mut replaced = std::pin::pin!(app.replaced.wait());
        let mut told = std::pin::pin!(signals.next());
        poll_fn(|cx| if replaced.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { told.as_mut().poll(cx) })
            .await;
    }
    app.draining.store(true, Ordering::Relaxed);
    connections.stop();
    let _ = accepting.await;
    drain(&app, &connections, settings.drain, &mut signals).await;
    Ok(app)
}

fn open_records(settings: &Settings) -> Result<Records, String> {
    let Some(fd) = settings.record_fd else {
        let is_local = settings.socket.is_none() && settings.listen_fd.is_none();
        return Ok(if is_local { Records::Terminal } else { Records::None });
    };
    let opened = fds::take(fd).map(Records::to_file);
    opened.map_err(|error| format!("records cannot be written to IGNITE_RECORD_FD={fd}: {error}"))
}

async fn listen(settings: &Settings) -> Result<Listener, String> {
    if let Some(fd) = settings.listen_fd {
        return Listener::given(fd).map_err(|error| format!("no socket behind IGNITE_LISTEN_FD={fd}: {error}"));
    }
    if let Some(path) = &settings.socket {
        return Listener::at_path(path).map_err(|error| format!("no socket at {}: {error}", path.display()));
    }
    let Settings { host, port, .. } = settings;
    let (listener, address) = Listener::at_port(host, *port).await.map_err(|error| {
        let hint = if *port == 0 { "" } else { "; leave PORT out for one that is free" };
        format!("cannot listen on {host}:{port}: {error}{hint}")
    })?;
    eprintln!("ignite: serving {} on http://{address} (stop with Ctrl-C)", settings.limits.function_id);
    Ok(listener)
}

fn say_ready(fd: i32) -> Result<(), String> {
    let said = fds::take(fd).and_then(|mut file| file.write_all(b"ready\n"));
    said.map_err(|error| format!("cannot say ready on IGNITE_READY_FD={fd}: {error}"))
}

/// Lets everything end by itself for as long as `limit` allows, or until a second Ctrl-C.
async fn drain(app: &Arc<App>, connections: &Connections, limit: Duration, signals: &mut Signals) {
    let quietly = async {
        app.until_idle().await;
        // Requests may be on their way on connections that look idle; those that come now are still answered.
        let _ = timeout(LINGER, connections.until_none()).await;
        app.until_idle().await;
        app.seats.close();
        connections.until_none().await;
    };
    let mut answered = std::pin::pin!(until_answered(app));
    let until = Instant::now().checked_add(limit);
    let mut limited = std::pin::pin!(async {
        match until {
            Some(until) => drop(timeout_at(until, quietly).await),
            None => quietly.await,
        }
    });
    poll_fn(|cx| {
        if limited.as_mut().poll(cx).is_ready() || answered.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        signals.poll_insists(cx)
    })
    .await;
    // What has not ended learns that it must, and has a moment to tidy up.
    app.ended.fire();
    let _ = timeout(LINGER, app.until_idle()).await;
}

/// In a process that is replaced: until nobody waits for an answer. The handlers that never return are left behind.
async fn until_answered(app: &App) {
    app.replaced.wait().await;
    if let Some(gate) = &app.gate {
        gate.close();
    }
    tokio::time::sleep(LINGER).await;
    app.seats.close();
    while app.seats.busy() > 0 {
        tokio::time::sleep(LINGER / 5).await;
    }
}

/// TERM from the platform, INT from a keyboard.
struct Signals(Signal, Signal);

impl Signals {
    fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self(listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?))
    }

    async fn next(&mut self) {
        poll_fn(|cx| if self.0.poll_recv(cx).is_ready() { Poll::Ready(()) } else { self.1.poll_recv(cx).map(drop) })
            .await;
    }

    /// A person at the keyboard who insists. A second TERM changes nothing: the first one is being obeyed.
    fn poll_insists(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.1.poll_recv(cx).map(drop)
    }
}
