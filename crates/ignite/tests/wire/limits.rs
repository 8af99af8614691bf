//! Time, places and callers run out.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ignite::json;

use crate::process::{appears, start};

#[test]
fn a_handler_past_its_time_is_dropped_and_answered_with_504() {
    let mut function = start(&[("IGNITE_TIMEOUT_MS", "100")]);
    let notes = function.folder.join("dropped");
    let answer = function.post(&format!("/never?notes={}", notes.display()), "");
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.json()["error"], "the deadline passed before the handler had answered");
    appears(&notes);
    assert_eq!(function.record()["status"], 504);
    assert_eq!(function.post("/raw", "next").body, "next");
}

#[test]
fn the_deadline_of_the_header_counts_when_it_is_earlier() {
    let function = start(&[("IGNITE_TIMEOUT_MS", "60000")]);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(150);
    let request = format!("GET /never HTTP/1.1\r\nhost: x\r\nx-ignite-deadline: {}\r\n\r\n", at.as_millis());
    assert_eq!(function.connect().send(&request).answer().status(), 504);
}

#[test]
fn a_handler_that_blocks_its_thread_is_late_all_the_same() {
    let function = start(&[("IGNITE_TIMEOUT_MS", "100")]);
    let began = Instant::now();
    assert_eq!(function.post("/blocks", "").status(), 504);
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(function.post("/raw", "next").body, "next");
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_hold_up_others() {
    let function = start(&[]);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(function.post("/blocks", "").body, "blocked"));
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        assert_eq!(function.post("/raw", "next").body, "next");
        assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    });
}

#[test]
fn an_answer_that_streams_past_the_deadline_breaks_off() {
    let mut function = start(&[("IGNITE_TIMEOUT_MS", "300")]);
    let answer = function.post("/stream?hang", "");
    assert_eq!((answer.status(), answer.body.as_str(), answer.complete), (201, "one two", false));
    let record = function.record();
    assert_eq!(record["error"], "the deadline passed while the answer was being sent");
}

#[test]
fn more_than_may_run_at_once_wait() {
    let function = start(&[("IGNITE_CONCURRENCY", "2")]);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(function.post("/sleeps", "").body, "slept"));
        }
    });
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
}

#[test]
fn many_run_at_once_when_nothing_limits_them() {
    let function = start(&[]);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(function.post("/sleeps", "").body, "slept"));
        }
    });
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_caller_that_leaves_ends_the_handler_and_tells_spawned_work() {
    let mut function = start(&[]);
    let (notes, watched) = (function.folder.join("dropped"), function.folder.join("told"));
    let mut caller = function.connect();
    let path = format!("/never?notes={}&watch={}", notes.display(), watched.display());
    caller.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    std::thread::sleep(Duration::from_millis(100));
    drop(caller);
    appears(&notes);
    appears(&watched);
    let record = function.record();
    assert_eq!(record["status"], json!(499));
    assert_eq!(record["error"], "the caller left before the answer was complete");
}

#[test]
fn a_caller_that_leaves_gives_its_place_back() {
    let function = start(&[("IGNITE_CONCURRENCY", "1")]);
    let mut caller = function.connect();
    caller.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    drop(caller);
    assert_eq!(function.post("/raw", "next").body, "next");
}
