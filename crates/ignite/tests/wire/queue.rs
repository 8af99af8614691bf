//! More requests than places, and more than may wait for one.

use std::time::Duration;

use ignite::json;

use crate::process::{Caller, Function, PATIENCE, start};

/// Sends a request that keeps its place for 200 ms, and comes back when it has one or waits for one.
fn occupy(function: &Function) -> Caller {
    let mut caller = function.connect();
    caller.send("GET /sleeps HTTP/1.1\r\nhost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(30));
    caller
}

#[test]
fn who_finds_the_queue_full_is_turned_away_at_once() {
    let mut function = start(&[("IGNITE_CONCURRENCY", "1"), ("IGNITE_QUEUE_LIMIT", "1")]);
    let (mut runs, mut waits) = (occupy(&function), occupy(&function));
    let mut third = function.connect();
    let answer = third.post("/raw", "third");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
    let text = "all 1 places are taken, and 1 requests wait for one";
    assert_eq!(answer.json(), json!({ "error": text, "code": "ERR_QUEUE_FULL" }));
    assert_eq!((runs.answer().body, waits.answer().body), ("slept".into(), "slept".into()));
    // Its connection stays, and there is room again.
    assert_eq!(third.post("/raw", "again").body, "again");

    let full = function.record();
    assert_eq!((&full["status"], &full["error"], &full["run_us"]), (&json!(503), &json!(text), &full["run_us"]));
    let (first, second) = (function.record(), function.record());
    assert_eq!((&first["status"], &first["queue_us"]), (&json!(200), &json!(0)));
    let micros = |name: &str| second[name].as_u64().unwrap();
    assert!(micros("queue_us") > 100_000, "{second}");
    assert!((200_000..micros("queue_us") + 200_000).contains(&micros("run_us")), "{second}");
}

#[test]
fn the_time_in_the_queue_counts_towards_the_deadline() {
    let mut function = start(&[("IGNITE_CONCURRENCY", "1"), ("IGNITE_TIMEOUT_MS", "120")]);
    let mut runs = function.connect();
    runs.send("GET /never HTTP/1.1\r\nhost: x\r\nx-ignite-deadline: 0\r\n\r\n");
    std::thread::sleep(Duration::from_millis(30));
    let waits = occupy(&function);
    assert_eq!(runs.answer().status(), 504);
    drop(waits);
    assert_eq!(function.record()["status"], 504);
    let record = function.record();
    assert!(record["queue_us"].as_u64().unwrap() > 50_000, "{record}");
}

#[test]
fn a_caller_that_leaves_the_queue_has_not_run() {
    let mut function = start(&[("IGNITE_CONCURRENCY", "1")]);
    let mut runs = occupy(&function);
    drop(occupy(&function));
    let left = function.record();
    assert_eq!((&left["status"], &left["run_us"]), (&json!(499), &json!(0)), "{left}");
    assert!(left["queue_us"].as_u64().unwrap() > 20_000, "{left}");
    assert_eq!(runs.answer().body, "slept");
}

#[test]
fn tells_how_many_wait_while_they_do_and_once_when_none_do() {
    let mut function = start(&[("IGNITE_CONCURRENCY", "1")]);
    function.post("/raw", "nobody waits");
    let mut callers = [occupy(&function), occupy(&function), occupy(&function)];
    callers.iter_mut().for_each(|caller| assert_eq!(caller.answer().body, "slept"));
    let until = std::time::Instant::now() + PATIENCE;
    while function.pressures.last().is_none_or(|last| last["pressure"]["waiting"] != 0) {
        assert!(std::time::Instant::now() < until);
        let line = function.line();
        if line.get("pressure").is_some() {
            function.pressures.push(line);
        }
    }
    let told = &function.pressures;
    assert!((3..=6).contains(&told.len()), "{told:?}");
    assert_eq!(told[0]["pressure"]["running"], 1);
    assert!(told.iter().any(|line| line["pressure"]["waiting"] == 2), "{told:?}");
    let zeros = told.iter().filter(|line| line["pressure"]["waiting"] == 0).count();
    assert_eq!(zeros, 1, "{told:?}");
    let times: Vec<_> = told.iter().map(|line| line["at"].as_u64().unwrap()).collect();
    // The last one may come sooner: it tells that it is over.
    assert!(times[..times.len() - 1].windows(2).all(|pair| pair[1] - pair[0] >= 95), "{times:?}");
}
