use bloom_prefork::board::{CoreState, Wish, WorkerState};
use bloom_prefork::worker::WorkerContext;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{SockFlag, accept4};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A worker with one thread: each connection is one request. Words in the request's path make it do things:
/// `/die` ends it, `/wish` asks to be replaced, `/hang` lasts until the worker is killed, `/slow` half a second.
pub fn work(context: WorkerContext) -> i32 {
    let cell = context.board.worker(context.place);
    let mut set = SigSet::empty();
    [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGINT, Signal::SIGTSTP].into_iter().for_each(|signal| set.add(signal));
    let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK).unwrap();
    let say = |state| {
        cell.set_state(state);
        let _ = nix::unistd::write(&context.notify, &1u64.to_ne_bytes());
    };
    let (mut paused, listeners) = (false, &context.listeners);
    say(WorkerState::Accepting);
    loop {
        let mut fds = vec![
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(context.lifeline.as_fd(), PollFlags::POLLIN),
        ];
        if !paused {
            fds.extend(listeners.iter().map(|listener| PollFd::new(listener.fd.as_fd(), PollFlags::POLLIN)));
        }
        let _ = poll(&mut fds, PollTimeout::NONE);
        let gone = fds[1].revents().is_some_and(|events| !events.is_empty());
        while let Ok(Some(info)) = signals.read_signal() {
            match Signal::try_from(info.ssi_signo as i32) {
                Ok(Signal::SIGTSTP) => {
                    paused = !paused;
                    say(if paused { WorkerState::Paused } else { WorkerState::Accepting });
                }
                Ok(Signal::SIGHUP) => {
                    say(WorkerState::Draining);
                    // Whoever is connected already is served.
                    while listeners.iter().any(|listener| serve(&context, listener.fd.as_raw_fd(), &say)) {}
                    return 17;
                }
                _ => return 30,
            }
        }
        if gone {
            return 17;
        }
        if !paused {
            for listener in listeners {
                serve(&context, listener.fd.as_raw_fd(), &say);
            }
        }
    }
}

fn serve(context: &WorkerContext, listener: i32, say: &dyn Fn(WorkerState)) -> bool {
    let Ok(fd) = accept4(listener, SockFlag::SOCK_CLOEXEC) else { return false };
    // SAFETY: just made.
    let mut client = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let mut buffer = [0; 1024];
    let read = client.read(&mut buffer).unwrap_or(0);
    let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or("/").to_string();
    let (cell, core) = (context.board.worker(context.place), context.board.core(context.place, 0));
    cell.requests.fetch_add(1, Relaxed);
    match path.as_str() {
        "/die" => std::process::abort(),
        "/hang" | "/stuck" => {
            cell.busy.store(1, Relaxed);
            core.set_state(CoreState::Asked);
            if path == "/stuck" {
                let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
                core.deadline_ms.store(now.tv_sec() as u64 * 1000, Relaxed);
            }
            // SAFETY: one thread, once: it never returns from here.
            let head = unsafe { context.board.buffer(context.place, 0) };
            head[..read].copy_from_slice(&buffer[..read]);
            core.head_len.store(read as u32, Relaxed);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\n");
            loop {
                std::thread::park();
            }
        }
        "/slow" => {
            let until = Instant::now() + Duration::from_millis(500);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\n");
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                std::thread::sleep(left);
            }
            let _ = client.write_all(b"\r\nslow");
            return true;
        }
        "/wish" => {
            cell.set_wish(Wish::MaxRequests);
            say(WorkerState::Accepting);
        }
        _ => {}
    }
    let words = std::env::var("WORDS").unwrap_or_default();
    let body = format!("{} {} {} {}", std::process::id(), context.id, nix::unistd::getuid(), words);
    let _ = client.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes());
    true
}
