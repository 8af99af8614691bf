//! Handlers that keep their thread past their deadline, for a while and for ever.

use std::time::{Duration, Instant};

use ignite::{Value, json};

use crate::process::{Caller, Function, start};

/// More than there are threads, at most 16.
const ALL: usize = 20;

fn call(function: &Function, path: &str, times: usize) -> Vec<Caller> {
    let send = |_| {
        let mut caller = function.connect();
        caller.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        caller
    };
    (0..times).map(send).collect()
}

fn statuses(function: &mut Function, count: usize) -> Vec<Value> {
    (0..count).map(|_| function.record()["status"].clone()).collect()
}

#[test]
fn handlers_that_block_all_threads_are_late_all_the_same() {
    let mut function = start(&[("IGNITE_TIMEOUT_MS", "100")]);
    // Two threads at least; when there are more, these block two of them.
    let began = Instant::now();
    for mut caller in call(&function, "/blocks", 2) {
        let answer = caller.answer();
        assert_eq!((answer.status(), answer.header("connection")), (504, Some("close")));
        assert_eq!(answer.json()["error"], "the deadline passed before the handler had answered");
        assert!(caller.is_closed());
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(statuses(&mut function, 2), [504, 504]);
    // They come back in the end, and nothing was lost but their connections.
    std::thread::sleep(Duration::from_millis(700).saturating_sub(began.elapsed()));
    assert_eq!(function.post("/raw", "next").body, "next");
    assert_eq!(function.record()["status"], 200);
}

#[test]
fn a_process_without_a_thread_left_ends_to_be_started_anew() {
    for path in ["/blocks-for-ever", "/blocks-later-for-ever"] {
        let mut function = start(&[("IGNITE_TIMEOUT_MS", "100")]);
        let callers = call(&function, path, ALL);
        let began = Instant::now();
        assert_eq!(function.ended().code(), Some(70));
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        // Those whose request nobody came to are cut off.
        let late = callers.into_iter().map(Caller::rest).filter(|rest| rest.starts_with("HTTP/1.1 504 ")).count();
        assert!(late >= 2, "{late} of {ALL}");
        assert!(function.stderr().contains("async handlers block all threads"), "{}", function.stderr());
        let record = function.record();
        assert_eq!((&record["status"], &record["run_us"]), (&json!(504), &record["run_us"]), "{record}");
    }
}

#[test]
fn a_process_that_lost_one_thread_answers_the_others_before_it_ends() {
    let mut function = start(&[("IGNITE_TIMEOUT_MS", "100")]);
    assert_eq!(function.post("/blocks-for-ever", "").status(), 504);
    assert_eq!(function.post("/raw", "next").body, "next");
    let began = Instant::now();
    assert_eq!(function.ended().code(), Some(70));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(function.stderr().contains("an async handler blocks its thread"), "{}", function.stderr());
    assert_eq!(statuses(&mut function, 2), [504, 200]);
}

#[test]
fn an_async_handler_that_keeps_the_only_place_for_ever_ends_the_process() {
    // One that keeps a thread and no place that others need would have ten seconds.
    let mut function = start(&[("IGNITE_TIMEOUT_MS", "1500"), ("IGNITE_CONCURRENCY", "1")]);
    assert_eq!(function.post("/blocks-for-ever", "").status(), 504);
    let began = Instant::now();
    assert_eq!(function.ended().code(), Some(70));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(function.stderr().contains("keep all places"), "{}", function.stderr());
    assert_eq!(statuses(&mut function, 1), [504]);
}

#[test]
fn a_plain_handler_past_its_time_is_answered_and_holds_up_nobody() {
    let mut function = start(&[("WIRE_SERVES", "plain"), ("IGNITE_TIMEOUT_MS", "100"), ("IGNITE_CONCURRENCY", "3")]);
    for _ in 0..2 {
        assert_eq!(function.post("/blocks-for-ever", "").status(), 504);
    }
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(function.post("/raw", "next").body, "next");
    assert_eq!(statuses(&mut function, 3), [504, 504, 200]);
}

#[test]
fn plain_handlers_that_keep_all_places_for_ever_end_the_process() {
    let mut function = start(&[("WIRE_SERVES", "plain"), ("IGNITE_TIMEOUT_MS", "400"), ("IGNITE_CONCURRENCY", "2")]);
    for mut caller in call(&function, "/blocks-for-ever", 2) {
        assert_eq!(caller.answer().status(), 504);
    }
    std::thread::sleep(Duration::from_millis(800));
    // Still waits for a place when the process gives up on those who have one.
    let mut waits = call(&function, "/raw", 1).remove(0);
    let answer = waits.answer();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(answer.json()["code"], "ERR_REPLACED");
    assert_eq!(function.ended().code(), Some(70));
    let stderr = function.stderr();
    assert!(stderr.contains("2 plain handlers have not returned after their deadlines"), "{stderr}");
    assert_eq!(statuses(&mut function, 3), [504, 504, 503]);
}
