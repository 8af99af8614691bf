//! What happens when the app crashes: real libraries in real processes, made by fork.
#![allow(unsafe_code)]

#[path = "../apps/mod.rs"]
mod apps;

use apps::exchange::Fake;
use bloom_prefork::app::{App, crash};
use bloom_prefork::board::{Board, CoreState, Wish};
use bloom_prefork::settings::AppSettings;
use nix::sys::eventfd::EventFd;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the main thread of the child saw, as its code to end with.
const ALL_RIGHT: i32 = 17;

/// A worker with two threads in a process of its own; the first asks the app while its core is in `state`. Returns how
/// it ended and what the client got.
fn worker(app: &App, path: &'static str, state: CoreState, expected: Option<i32>) -> (WaitStatus, String, Board) {
    let board = Board::create(1, 2, 64).unwrap();
    let (mut client, server) = UnixStream::pair().unwrap();
    // SAFETY: the child does what it needs and ends without anything of the test.
    let ended = match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            // Rather an end by a signal than a test that waits for ever.
            unsafe { libc::alarm(120) };
            let code = serve(app, &board, &server, path, state, expected);
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => waitpid(child, None).unwrap(),
    };
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    (ended, answer, board)
}

fn serve(
    app: &App,
    board: &Board,
    server: &UnixStream,
    path: &'static str,
    state: CoreState,
    expected: Option<i32>,
) -> i32 {
    let notify = EventFd::new().unwrap();
    crash::install(notify.as_fd().as_raw_fd()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _armed = crash::arm_thread(board, 0, 0).unwrap();
            board.core(0, 0).fd.store(server.as_raw_fd(), Relaxed);
            board.core(0, 0).set_state(state);
            app.call(&mut Fake::get(path));
        });
        if notify.read().unwrap() == 0 {
            return 1;
        }
        // The others go on.
        let other = scope.spawn(|| {
            let _armed = crash::arm_thread(board, 0, 1).unwrap();
            board.core(0, 1).set_state(CoreState::Asked);
            let mut exchange = Fake::get("/");
            app.call(&mut exchange);
            exchange.text()
        });
        if other.join().unwrap() != "Hello" {
            unsafe { libc::_exit(2) };
        }
        let reported = crash::reported();
        let seen = reported.iter().map(|crash| (crash.core, Some(crash.signal))).collect::<Vec<_>>();
        // Its thread never ends, so this does not return from the scope.
        let code = if seen == [(0, expected)] { ALL_RIGHT } else { 3 };
        unsafe { libc::_exit(code) }
    })
}

fn ended_well(ended: WaitStatus) -> bool {
    matches!(ended, WaitStatus::Exited(_, ALL_RIGHT))
}

fn load(library: &Path) -> App {
    let function = Some("application".to_owned());
    let settings = AppSettings { mount: String::new(), library: library.to_owned(), function };
    App::load(&settings, false).ok().unwrap()
}

fn classic() -> App {
    load(&apps::classic())
}

/// One test at a time: a child has nobody who could let go of what another thread held when it was forked.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_crash_is_answered_and_costs_one_thread() {
    let _turn = alone();
    let app = classic();
    let cases = [("/panic", libc::SIGABRT), ("/abort", libc::SIGABRT), ("/segv", libc::SIGSEGV)];
    for (path, signal) in cases {
        let (ended, answer, board) = worker(&app, path, CoreState::Asked, Some(signal));
        assert!(ended_well(ended), "{path}: {ended:?}");
        assert!(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{path}: {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
        assert_eq!(board.core(0, 0).state(), CoreState::Crashed);
        assert_eq!(board.worker(0).wish(), Wish::Crash);
    }
}

#[test]
fn an_answer_that_was_begun_is_only_cut() {
    let _turn = alone();
    let (ended, answer, board) = worker(&classic(), "/abort", CoreState::Answering, Some(libc::SIGABRT));
    assert!(ended_well(ended), "{ended:?}");
    assert_eq!(answer, "");
    assert_eq!(board.core(0, 0).state(), CoreState::Crashed);
}

#[test]
fn whoever_was_answered_already_is_not_answered_again() {
    let _turn = alone();
    let (ended, answer, board) = worker(&classic(), "/abort", CoreState::GivenUp, Some(libc::SIGABRT));
    assert!(ended_well(ended), "{ended:?}");
    assert_eq!(answer, "");
    assert_eq!(board.core(0, 0).state(), CoreState::GivenUp);
}

#[test]
fn a_stack_that_is_used_up_is_a_crash_like_others() {
    let _turn = alone();
    let source = "#[unsafe(no_mangle)] #[allow(improper_ctypes_definitions)] pub extern \"C\" fn application(
            environ: std::collections::HashMap<&str, &str>,
        ) -> (String, Vec<(String, String)>, Vec<Vec<u8>>) {
            fn deep(depth: u64) -> u64 {
                let room = std::hint::black_box([depth; 64]);
                if depth == 0 { room[0] } else { deep(std::hint::black_box(depth) + 1) + room[1] }
            }
            if environ[\"PATH_INFO\"] == \"/deep\" { deep(1); }
            (\"200 OK\".into(), vec![], vec![b\"Hello\".to_vec()])
        }";
    let library = apps::compile("deep", source, &["--crate-type", "cdylib"]);
    let app = load(&library);
    let (ended, answer, _) = worker(&app, "/deep", CoreState::Asked, Some(libc::SIGSEGV));
    assert!(ended_well(ended), "{ended:?}");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[test]
fn outside_of_a_request_the_process_ends_as_it_would_without_us() {
    let _turn = alone();
    for (path, signal) in [("/abort", libc::SIGABRT), ("/segv", libc::SIGSEGV)] {
        let (ended, answer, _) = worker(&classic(), path, CoreState::Idle, None);
        assert!(matches!(ended, WaitStatus::Signaled(_, by, _) if by as i32 == signal), "{path}: {ended:?}");
        assert_eq!(answer, "");
    }
}
