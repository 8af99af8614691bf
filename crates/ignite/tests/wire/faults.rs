//! What a handler can do wrong, and what a caller can: one execution fails, and the process serves on.

use std::time::{Duration, Instant};

use ignite::json;

use crate::process::start;

#[test]
fn a_panic_of_any_kind_is_one_execution() {
    let cases = [
        ("/panics-with-a-number", "the handler panicked: without a message"),
        ("/panics-twice", "the handler panicked: without a message"),
        ("/panics-in-a-drop", "the handler panicked: a local fell"),
        ("/panics-later", "the handler panicked: out of tea later"),
    ];
    let mut function = start(&[]);
    let mut caller = function.connect();
    for (path, error) in cases {
        let answer = caller.post(path, "");
        assert_eq!((answer.status(), answer.json()), (500, json!({ "error": error })), "{path}");
        assert_eq!(function.record()["error"], error, "{path}");
    }
    assert_eq!(caller.post("/raw", "next").body, "next");
}

#[test]
fn a_plain_handler_that_panics_is_one_execution() {
    let mut function = start(&[("WIRE_SERVES", "plain")]);
    let mut caller = function.connect();
    assert_eq!(caller.post("/panics", "").json()["error"], "the handler panicked: out of tea");
    assert_eq!(caller.post("/raw", "next").body, "next");
    assert_eq!((function.record()["status"].clone(), function.record()["status"].clone()), (json!(500), json!(200)));
}

#[test]
fn a_plain_handler_that_exits_leaves_a_record() {
    let mut function = start(&[("WIRE_SERVES", "plain")]);
    let mut caller = function.connect();
    caller.send("GET /exits HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(caller.is_closed());
    assert_eq!(function.ended().code(), Some(7));
    let record = function.record();
    assert_eq!((&record["status"], &record["cold"]), (&json!(0), &json!(false)), "{record}");
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let mut function = start(&[("WIRE_SERVES", "plain"), ("IGNITE_MAX_BODY_BYTES", "65536")]);
    let mut caller = function.connect();
    let answer = caller.send("POST /raw HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\nthe first").answer();
    assert_eq!(answer.status(), 413);
    let record = function.record();
    assert_eq!((&record["status"], &record["request_bytes"]), (&json!(413), &json!(0)), "{record}");

    // One that does not tell its length is read up to the limit, and no further.
    let mut caller = function.connect();
    caller.send("POST /raw HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for _ in 0..3 {
        caller.send(&chunk);
    }
    assert_eq!(caller.answer().status(), 413);
    let read = function.record()["request_bytes"].as_u64().unwrap();
    assert!((65536..200_000).contains(&read), "{read}");
    assert_eq!(function.post("/raw", &"x".repeat(65536)).body.len(), 65536);
}

#[test]
fn a_chunked_body_that_is_cut_off_never_reaches_the_handler() {
    let mut function = start(&[("WIRE_SERVES", "plain")]);
    for sent in ["5\r\nab", "2\r\nab\r\n", "zz\r\nab\r\n"] {
        let mut caller = function.connect();
        caller.send("POST /raw HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").send(sent);
        drop(caller);
        let record = function.record();
        assert!([400, 499].contains(&record["status"].as_u64().unwrap()), "{sent:?}: {record}");
        assert!(record["error"].is_string(), "{sent:?}: {record}");
    }
    assert_eq!(function.post("/raw", "next").body, "next");
}

#[test]
fn a_thread_that_outlives_its_call_does_not_keep_the_process() {
    let mut function = start(&[]);
    assert_eq!(function.post("/leaves-a-thread", "").status(), 202);
    let began = Instant::now();
    function.term();
    assert_eq!(function.ended().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn a_plain_handler_that_never_returns_keeps_the_process_for_its_drain_and_no_longer() {
    let mut function = start(&[("WIRE_SERVES", "plain"), ("IGNITE_DRAIN_MS", "200")]);
    let mut caller = function.connect();
    caller.send("GET /blocks-for-ever HTTP/1.1\r\nhost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    function.term();
    assert_eq!(function.ended().code(), Some(0));
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(3));
    assert_eq!(function.record()["error"], "the process was stopped before the answer was complete");
}
