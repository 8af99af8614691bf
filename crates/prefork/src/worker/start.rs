use super::context::WorkerContext;
use super::main_thread;
use super::poller::Token;
use super::shared::{Parts, Shared};
use super::thread::Thread;
use super::{BODY_ROOM, clock};
use crate::app::{App, HostFacts, crash};
use crate::board::WorkerState;
use crate::http::date::DateCache;
use crate::http::request::Head;
use crate::http::vars::Vars;
use crate::log::Logger;
use crate::master::LoadFailure;
use crate::settings::{AppSettings, Settings};
use crate::statics::Files;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Exit code of a worker whose app cannot be loaded.
const APP_FAILED: i32 = 22;
/// Signals a worker understands.
const SIGNALS: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// Bytes that each core's buffer on the board must have.
pub fn buffer_size(settings: &Settings) -> usize {
    settings.http.head_bytes + BODY_ROOM
}

/// Serves until it is told to end; the result is the code to exit with.
pub fn run(context: WorkerContext) -> i32 {
    let logger = context.logger.clone();
    let id = context.id;
    match serve(context) {
        Ok(code) => code,
        Err(error) => {
            logger.line(&format!("worker {id}: cannot serve: {error}"));
            1
        }
    }
}

fn serve(context: WorkerContext) -> io::Result<i32> {
    let (signals, lifeline) = (block_signals()?, context.lifeline);
    allow_descriptors();
    let began = Instant::now();
    let apps = match context.apps {
        Some(apps) => apps,
        None => match load_apps(&context.settings, &context.logger) {
            Ok(apps) => apps,
            Err(error) => {
                context.logger.line(&format!("worker {}: {}", context.id, error.text));
                return Ok(APP_FAILED);
            }
        },
    };
    if let Some(folder) = &context.settings.process.chdir2
        && let Err(error) = nix::unistd::chdir(folder)
    {
        context.logger.line(&format!("worker {}: cannot go to {} (chdir2): {error}", context.id, folder.display()));
        return Ok(APP_FAILED);
    }
    let files = &context.settings.statics;
    let files = if files.is_empty() { None } else { Some(Files::new(files).map_err(io::Error::other)?) };
    let parts = Parts {
        settings: context.settings,
        board: context.board,
        place: context.place,
        id: context.id,
        listeners: context.listeners,
        apps,
        files,
        logger: context.logger,
        notify: context.notify,
        handover: context.handover,
    };
    // For as long as the process lives.
    let shared: &'static Shared = Box::leak(Box::new(Shared::new(parts)?));
    crash::install(shared.wake_main.as_raw_fd())?;
    for app in &shared.apps {
        if let Err(error) = app.post_fork(shared.id) {
            shared.logger.line(&format!("worker {}: {error}", shared.id));
            return Ok(APP_FAILED);
        }
    }
    for core in 0..shared.board.threads() {
        start_thread(shared, core)?;
    }
    prepare_listeners(shared);
    shared.poller.add_nudge(shared.nudge.as_fd())?;
    watch_listeners(shared);
    let cell = shared.cell();
    cell.startup_ms.store(began.elapsed().as_millis() as u64, Relaxed);
    cell.ready_at.store(clock::now_ms(), Relaxed);
    cell.set_state(WorkerState::Accepting);
    shared.tell_master();
    let code = main_thread::watch(shared, &signals, &lifeline);
    if code == main_thread::RELOADED {
        for app in &shared.apps {
            app.exit();
        }
    }
    Ok(code)
}

/// Takes new connections, and those of other workers.
pub fn watch_listeners(shared: &Shared) {
    for (index, listener) in shared.listeners.iter().enumerate() {
        if let Err(error) = shared.stand_in_row(listener.fd.as_fd(), Token::Listener(index as u32)) {
            shared.logger.line(&format!("worker {}: {} cannot be watched: {error}", shared.id, listener.name));
        }
    }
    if let Some(handover) = &shared.handover {
        let _ = shared.stand_in_row(handover.receive.as_fd(), Token::Handover);
    }
}

/// What connections inherit from the sockets they come by.
fn prepare_listeners(shared: &Shared) {
    let http = &shared.settings.http;
    for listener in shared.listeners.iter().filter(|listener| listener.is_tcp) {
        let _ = setsockopt(&listener.fd, sockopt::TcpNoDelay, &http.tcp_nodelay);
        let _ = setsockopt(&listener.fd, sockopt::KeepAlive, &http.so_keepalive);
    }
}

/// Loads all apps and lets them make themselves ready. The error says which one cannot, and why.
pub fn load_apps(settings: &Settings, logger: &Arc<Logger>) -> Result<Vec<App>, LoadFailure> {
    settings.apps.iter().map(|app| load_app(app, settings, logger)).collect()
}

fn load_app(wanted: &AppSettings, settings: &Settings, logger: &Arc<Logger>) -> Result<App, LoadFailure> {
    let app = App::load(wanted, settings.allow_rustc_mismatch)
        .map_err(|error| LoadFailure { code: error.exit_code(), text: error.to_string() })?;
    let log = logger.clone();
    let facts = HostFacts { log: Box::new(move |_, line| log.line(line)) };
    app.init(facts).map_err(|error| LoadFailure { code: APP_FAILED, text: error.to_string() })?;
    Ok(app)
}

fn start_thread(shared: &'static Shared, number: usize) -> io::Result<()> {
    let mut builder = std::thread::Builder::new().name(format!("core {number}"));
    if let Some(bytes) = shared.settings.process.thread_stack {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(move || {
        // For as long as the thread lives, which is as long as the process.
        let armed = crash::arm_thread(&shared.board, shared.place, number);
        if let Err(error) = &armed {
            shared.logger.line(&format!("worker {} core {number}: a crash would end the worker: {error}", shared.id));
        }
        std::mem::forget(armed);
        // SAFETY: this thread alone serves this core, and asks once.
        #[allow(unsafe_code)]
        let buffer = unsafe { shared.board.buffer(shared.place, number) };
        let thread = Thread {
            shared,
            number,
            core: shared.board.core(shared.place, number),
            buffer,
            head: Head::default(),
            vars: Vars::default(),
            pairs: Vec::new(),
            dates: DateCache::default(),
            scratch: Vec::with_capacity(1024),
            body: Vec::new(),
        };
        thread.run()
    })?;
    Ok(())
}

/// From now on signals are read by the main thread and interrupt nobody.
fn block_signals() -> nix::Result<SignalFd> {
    let set: SigSet = SIGNALS.into_iter().collect();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&set), None)?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// As many open files as are allowed at all.
fn allow_descriptors() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
