//! A worker in a forked process, with everything a master would give it.
#![allow(unsafe_code)]

use crate::client::Client;
use bloom_prefork::app::App;
use bloom_prefork::board::{Board, WorkerState};
use bloom_prefork::listener::Listener;
use bloom_prefork::log::Logger;
use bloom_prefork::settings::{AppSettings, Protocol, Settings};
use bloom_prefork::worker::{self, Handover, WorkerContext};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time anything here is waited for: only reached when something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A fork copies one thread: locks that others hold at that moment would stay held in the worker. So one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Host {
    pub address: SocketAddr,
    pub board: Board,
    settings: Arc<Settings>,
    listener: Arc<OwnedFd>,
    protocol: Protocol,
    lifeline: Option<OwnedFd>,
    lifeline_end: OwnedFd,
    notify: OwnedFd,
    handover: (OwnedFd, OwnedFd),
    log: PathBuf,
    _folder: tempfile::TempDir,
    workers: Vec<Pid>,
    _alone: MutexGuard<'static, ()>,
}

/// One worker with the app of the classic signature.
pub fn classic(change: impl FnOnce(&mut Settings)) -> Host {
    Host::start(crate::apps::classic(), Some("application"), Protocol::Http, change)
}

/// One worker with the app of the safe macro.
pub fn safe(change: impl FnOnce(&mut Settings)) -> Host {
    Host::start(crate::apps::safe(), None, Protocol::Http, change)
}

impl Host {
    pub fn start(
        library: PathBuf,
        function: Option<&str>,
        protocol: Protocol,
        change: impl FnOnce(&mut Settings),
    ) -> Host {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut settings = Settings { threads: 2, ..Settings::default() };
        settings.apps.push(AppSettings { mount: String::new(), library, function: function.map(str::to_owned) });
        settings.log.file = Some(log.clone());
        change(&mut settings);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (lifeline_end, lifeline) = pipe().unwrap();
        let workers = settings.workers;
        let board =
            Board::create(2 * workers as usize, settings.threads as usize, worker::buffer_size(&settings)).unwrap();
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let mut host = Host {
            address,
            board,
            settings: Arc::new(settings),
            listener: Arc::new(listener.into()),
            protocol,
            lifeline: Some(lifeline),
            lifeline_end,
            notify: EventFd::from_flags(flags).unwrap().into(),
            handover: socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap(),
            log,
            _folder: folder,
            workers: Vec::new(),
            _alone: alone,
        };
        for _ in 0..workers {
            host.fork_worker();
        }
        host
    }

    /// Starts the next worker and waits until it accepts.
    pub fn fork_worker(&mut self) -> usize {
        let place = self.workers.len();
        // SAFETY: the child runs the worker and ends; what it inherits of other tests it does not touch.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                drop(self.lifeline.take());
                let code = worker::run(self.context(place));
                // SAFETY: ends without running anything of the test.
                unsafe { libc::_exit(code) }
            }
            ForkResult::Parent { child } => self.workers.push(child),
        }
        self.wait_until("the worker accepts", |host| host.board.worker(place).state() == WorkerState::Accepting);
        place
    }

    fn context(&self, place: usize) -> WorkerContext {
        let port = self.address.port();
        let load = |app| App::load(app, false).unwrap();
        WorkerContext {
            settings: self.settings.clone(),
            board: self.board.clone(),
            place,
            id: place as u32 + 1,
            listeners: vec![Listener {
                fd: self.listener.clone(),
                protocol: self.protocol,
                name: format!("127.0.0.1:{port}"),
                server_port: port.to_string(),
                path: None,
                is_tcp: true,
                tls: None,
            }],
            apps: Some(self.settings.apps.iter().map(load).collect()),
            notify: self.notify.try_clone().unwrap(),
            lifeline: self.lifeline_end.try_clone().unwrap(),
            handover: Some(Handover {
                receive: self.handover.0.try_clone().unwrap(),
                send: self.handover.1.try_clone().unwrap(),
            }),
            logger: Arc::new(Logger::open(&self.settings.log).unwrap()),
        }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub fn pid(&self, place: usize) -> i32 {
        self.workers[place].as_raw()
    }

    pub fn signal(&self, place: usize, signal: Signal) {
        kill(self.workers[place], signal).unwrap();
    }

    /// Asks a worker to end in order, its connections going to others or not.
    pub fn drain(&self, place: usize, hands_over: bool) {
        self.board.worker(place).hands_over.store(hands_over, Relaxed);
        self.signal(place, Signal::SIGHUP);
    }

    /// The master is gone.
    pub fn cut_lifeline(&mut self) {
        self.lifeline = None;
    }

    /// The exit code of a worker.
    pub fn wait_for_exit(&mut self, place: usize) -> i32 {
        let pid = self.workers[place];
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::StillAlive if Instant::now() > until => panic!("it does not end: {}", self.describe(place)),
                WaitStatus::StillAlive => std::thread::sleep(Duration::from_millis(2)),
                status => break status,
            }
        };
        self.workers[place] = Pid::from_raw(0);
        match status {
            WaitStatus::Exited(_, code) => code,
            other => panic!("the worker ended with {other:?}; its log:\n{}", self.log()),
        }
    }

    fn describe(&self, place: usize) -> String {
        let cell = self.board.worker(place);
        let cores: Vec<_> = self.board.cores(place).map(|core| core.state()).collect();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.workers[place])).into_iter().flatten().flatten();
        let waits: Vec<_> = tasks.map(|task| std::fs::read_to_string(task.path().join("syscall"))).collect();
        format!("{:?} {cores:?} {} open, {waits:?}\n{}", cell.state(), cell.connections.load(Relaxed), self.log())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Host) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "{what}: not in time; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for pid in self.workers.iter().filter(|pid| pid.as_raw() > 0) {
            let _ = kill(*pid, Signal::SIGKILL);
            let _ = waitpid(*pid, None);
        }
    }
}
