use crate::apps::exchange::Fake;
use crate::{apps, load};
use bloom_prefork::app::{App, HostFacts};
use bloom_prefork::exchange::Outcome;
use std::sync::{Mutex, MutexGuard, OnceLock};

static LINES: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());

/// One app for all tests: the host's side of it is one in a process, too.
fn safe() -> &'static App {
    static APP: OnceLock<App> = OnceLock::new();
    APP.get_or_init(|| {
        let app = load(&apps::safe(), None).ok().unwrap();
        let log = |level: u32, line: &str| lines().push((level, line.to_owned()));
        app.init(HostFacts { log: Box::new(log) }).unwrap();
        app.post_fork(3).unwrap();
        app
    })
}

fn lines() -> MutexGuard<'static, Vec<(u32, String)>> {
    LINES.lock().unwrap()
}

fn ask(path: &'static str) -> (Outcome, Fake) {
    let mut exchange = Fake::get(path);
    (safe().call(&mut exchange), exchange)
}

#[test]
fn the_classic_signature_gets_variables_and_answers() {
    let app = load(&apps::classic(), Some("application")).ok().unwrap();
    let mut exchange = Fake::get("/");
    assert_eq!(app.call(&mut exchange), Outcome::Done);
    assert_eq!(exchange.answer.status, "200 OK");
    assert_eq!(exchange.answer.headers[1], ("Foo".into(), "Bar".into()));
    assert_eq!(exchange.text(), "Hello");
    assert!(exchange.answer.whole);

    let mut exchange = Fake::get("/env");
    exchange.vars.extend([(&b"HTTP_\xff"[..], &b"a\xfeb"[..]), (b"HTTP_X", b"\xc3\xa4"), (b"HTTP_X", b"last")]);
    app.call(&mut exchange);
    assert_eq!(exchange.text(), "HTTP_X=last\nHTTP_\u{fffd}=a\u{fffd}b\nPATH_INFO=/env\nREQUEST_METHOD=GET\n");
}

#[test]
fn the_classic_signature_cannot_split_an_answer() {
    let app = load(&apps::classic(), Some("application")).ok().unwrap();
    let mut exchange = Fake::get("/crlf");
    assert_eq!(app.call(&mut exchange), Outcome::Done);
    assert!(exchange.answer.refused);
}

#[test]
fn short_answers_come_whole_and_long_ones_piece_by_piece() {
    let (outcome, exchange) = ask("/");
    assert_eq!((outcome, exchange.text().as_str(), exchange.answer.whole), (Outcome::Done, "Hello", true));
    assert!(exchange.answer.headers.contains(&("Foo".into(), "Bar".into())));
    let (_, exchange) = ask("/empty");
    assert!(exchange.answer.whole && exchange.answer.body.is_empty());
    let (_, exchange) = ask("/big/8000000");
    assert_eq!((exchange.answer.whole, exchange.answer.length), (false, Some(8_000_000)));
    assert_eq!(exchange.answer.body.len(), 8_000_000);
    // Known in length, written in two pieces.
    let (_, exchange) = ask("/reader/100000");
    assert_eq!((exchange.answer.whole, exchange.answer.length), (false, Some(100_000)));
    assert_eq!(exchange.answer.body.len(), 100_000);
    let (_, exchange) = ask("/stream/3");
    assert_eq!((exchange.text().as_str(), exchange.answer.length), ("0\n1\n2\n", None));
}

#[test]
fn bodies_are_read_in_whatever_pieces_they_come() {
    for piece in [0, 1, 7] {
        let mut exchange = Fake::get("/echo");
        (exchange.body, exchange.piece) = (b"some bytes that are sent back", piece);
        assert_eq!(safe().call(&mut exchange), Outcome::Done);
        assert_eq!(exchange.text(), "some bytes that are sent back");
    }
}

#[test]
fn a_panic_comes_back_with_its_text_and_place() {
    let (outcome, exchange) = ask("/panic");
    let Outcome::Panicked(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("asked to panic, at ") && why.contains("safe.rs:"), "{why}");
    assert_eq!(exchange.answer.status, "");
    let (outcome, exchange) = ask("/stream/2/panic");
    assert!(matches!(outcome, Outcome::Panicked(why) if why.contains("in the stream")));
    assert_eq!(exchange.text(), "0\n1\n");
    assert_eq!(ask("/").0, Outcome::Done);
}

#[test]
fn panics_of_threads_do_not_mix() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(matches!(ask("/panic").0, Outcome::Panicked(why) if why.contains("safe.rs:")));
                    assert_eq!(ask("/").1.text(), "Hello");
                }
            });
        }
    });
}

#[test]
fn errors_are_answered_500_and_logged() {
    let (outcome, exchange) = ask("/error");
    assert_eq!((outcome, exchange.answer.status.as_str()), (Outcome::Done, "500 Internal Server Error"));
    assert!(lines().contains(&(1, "the request failed: asked to fail".into())));
    let (outcome, _) = ask("/stream/1/error");
    assert!(matches!(outcome, Outcome::Panicked(why) if why.contains("asked to fail in the stream")));
}

#[test]
fn a_header_that_splits_is_refused_by_name() {
    let (outcome, exchange) = ask("/crlf");
    assert!(matches!(outcome, Outcome::Panicked(why) if why.contains("header \"X-Split\" has a line break")));
    assert!(exchange.answer.refused);
}

#[test]
fn a_client_that_is_gone_is_no_failure_of_the_app() {
    let mut exchange = Fake { writes_left: Some(1), ..Fake::get("/stream/100000") };
    assert_eq!(safe().call(&mut exchange), Outcome::Done);
    assert!(exchange.text().starts_with("0\n1\n2\n") && exchange.answer.body.len() < 20_000);
}

#[test]
fn hooks_know_the_worker_and_the_log() {
    assert_eq!(ask("/worker").1.text(), "3 3");
    assert_eq!(ask("/inits").1.text(), "1");
    assert!(lines().contains(&(3, "post_fork of worker 3".into())));
    safe().exit();
    assert!(lines().contains(&(2, "exit of worker 3".into())));
}
