//! How executions fail, and how the process begins and ends.

use std::io::Read;
use std::time::{Duration, Instant};

use ignite::json;

use crate::process::{appears, launch, start};

#[test]
fn a_panic_is_one_execution_and_not_the_process() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    let answer = caller.post("/panics", "");
    assert_eq!((answer.status(), answer.json()), (500, json!({ "error": "the handler panicked: out of tea" })));
    assert_eq!(caller.post("/raw", "next").body, "next");
    let record = function.record();
    assert_eq!((&record["status"], &record["error"]), (&json!(500), &json!("the handler panicked: out of tea")));
    let log = function.stderr();
    let line = log.lines().find(|line| line.contains("out of tea")).unwrap();
    assert!(line.contains(record["execution"].as_str().unwrap()) && line.contains("handlers.rs"), "{line}");
}

#[test]
fn an_error_tells_the_caller_what_and_the_record_why() {
    let mut function = start(&[]);
    let answer = function.post("/fails", "");
    assert_eq!((answer.status(), answer.json()), (500, json!({ "error": "no stock" })));
    assert_eq!(function.record()["error"], "no stock: shelf 3 is empty");
}

#[test]
fn a_handler_that_exits_leaves_a_record_of_itself_and_of_others() {
    let mut function = start(&[]);
    function.post("/raw", "before");
    let mut caller = function.connect();
    caller.send("GET /exits HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(caller.is_closed());
    assert_eq!(function.ended().code(), Some(7));
    assert_eq!(function.record()["status"], 200);
    let record = function.record();
    assert_eq!(
        (&record["status"], &record["error"]),
        (&json!(0), &json!("the process exited before the answer was complete"))
    );
}

#[test]
fn a_handler_that_exits_on_a_thread_that_has_written_records_leaves_its_own() {
    let mut function = start(&[]);
    // So that each of its threads has written one.
    let mut callers: Vec<_> = (0..100).map(|_| function.connect()).collect();
    for caller in &mut callers {
        caller.send("GET /raw HTTP/1.1\r\nhost: x\r\n\r\n");
    }
    for caller in &mut callers {
        assert_eq!(caller.answer().status(), 200);
    }
    let mut caller = function.connect();
    caller.send("GET /exits HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(caller.is_closed());
    assert_eq!(function.ended().code(), Some(7));
    let last = (0..=callers.len()).map(|_| function.record()).last().unwrap();
    assert_eq!(last["error"], "the process exited before the answer was complete");
}

#[test]
fn a_thread_that_exits_later_loses_no_record() {
    let mut function = start(&[]);
    assert_eq!(function.post("/exits-soon", "").status(), 202);
    assert_eq!(function.ended().code(), Some(7));
    assert_eq!(function.record()["status"], 202);
}

#[test]
fn a_stream_arrives_while_it_is_made_and_breaks_off_when_it_fails() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    let answer = caller.post("/stream", "");
    assert_eq!((answer.status(), answer.body.as_str(), answer.complete), (201, "one two", true));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let answer = caller.post("/stream?break", "");
    assert_eq!((answer.status(), answer.complete), (201, false));
    assert_eq!(function.record()["error"], json!(null));
    let record = function.record();
    assert_eq!((&record["status"], &record["error"]), (&json!(201), &json!("three is missing")));
}

#[test]
fn log_lines_are_json_on_stderr_and_stdout_is_left_alone() {
    let mut function = start(&[]);
    function.post("/log", "");
    let execution = function.record()["execution"].clone();
    let line: ignite::Value =
        function.stderr().lines().find_map(|line| ignite::serde_json::from_str(line).ok()).unwrap();
    let fields = json!({ "order": 17 });
    assert_eq!(line, json!({ "execution": execution, "level": "warn", "message": "stored", "fields": fields }));
    let stdout = std::fs::read_to_string(function.folder.join("stdout")).unwrap();
    assert!(stdout.contains("a line on stdout"), "{stdout}");
}

#[test]
fn term_lets_what_runs_end_and_closes_after_it() {
    let mut function = start(&[]);
    let notes = function.folder.join("later");
    let mut caller = function.connect();
    assert_eq!(caller.post(&format!("/later?notes={}", notes.display()), "").status(), 202);
    caller.send("GET /sleeps HTTP/1.1\r\nhost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    function.term();
    let answer = caller.answer();
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("slept", Some("close")));
    assert!(caller.is_closed());
    assert_eq!(function.ended().code(), Some(0));
    assert!(notes.exists(), "work after the answer was cut short");
    assert!(std::os::unix::net::UnixStream::connect(&function.socket).is_err());
    assert_eq!((function.record()["status"].clone(), function.record()["status"].clone()), (json!(202), json!(200)));
}

#[test]
fn term_waits_no_longer_than_it_may() {
    let mut function = start(&[("IGNITE_DRAIN_MS", "200")]);
    let notes = function.folder.join("dropped");
    let mut caller = function.connect();
    caller.send(&format!("GET /never?watch={} HTTP/1.1\r\nhost: x\r\n\r\n", notes.display()));
    std::thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    function.term();
    function.term();
    assert_eq!(function.ended().code(), Some(0));
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(3));
    appears(&notes);
    let record = function.record();
    assert_eq!(record["error"], "the process was stopped before the answer was complete");
}

#[test]
fn an_idle_process_ends_at_once_and_idle_connections_close() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    caller.post("/raw", "");
    let began = Instant::now();
    function.term();
    assert!(caller.is_closed());
    assert_eq!(function.ended().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn a_new_process_takes_the_name_and_the_old_one_keeps_its_connections() {
    let old = start(&[]);
    let mut caller = old.connect();
    assert_eq!(caller.post("/raw", "one").body, "one");
    let socket = old.socket.to_str().unwrap().to_owned();
    let new = start(&[("IGNITE_SOCKET", &socket), ("IGNITE_FUNCTION_ID", "acme/new")]);
    assert_eq!(caller.post("/hello", "").json()["function"], "acme/shop");
    assert_eq!(old.post("/hello", "").json()["function"], "acme/new");
    drop(new);
}

#[test]
fn serves_a_socket_that_is_bound_already() {
    let (mut function, mut ready) = launch(&[("IGNITE_LISTEN_FD", "5")]);
    // Before anybody serves: who comes so early waits.
    let mut caller = function.connect_to(&function.folder.join("given.sock"));
    assert_eq!(caller.post("/raw", "early").body, "early");
    let mut said = String::new();
    ready.read_to_string(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    assert!(!function.socket.exists());
    assert_eq!(function.record()["cold"], true);
    function.term();
    assert_eq!(function.ended().code(), Some(0));
    assert!(function.folder.join("given.sock").exists());
}

#[test]
fn says_all_that_is_wrong_with_its_variables() {
    let (mut function, mut ready) = launch(&[("IGNITE_TIMEOUT_MS", "soon"), ("IGNITE_DRAIN_MS", "-1")]);
    assert_eq!(function.ended().code(), Some(1));
    let stderr = function.stderr();
    assert!(stderr.contains("IGNITE_TIMEOUT_MS is `soon`") && stderr.contains("IGNITE_DRAIN_MS is `-1`"), "{stderr}");
    assert_eq!(ready.read(&mut [0]).unwrap(), 0);
}

#[test]
fn does_not_start_without_a_socket_or_its_warm_up() {
    let cases: [(&str, &str, &str); 5] = [
        ("IGNITE_LISTEN_FD", "4", "no socket behind IGNITE_LISTEN_FD=4"),
        ("IGNITE_LISTEN_FD", "97", "no socket behind IGNITE_LISTEN_FD=97: nothing is open under this number"),
        ("IGNITE_SOCKET", "/nowhere/at/all.sock", "no socket at /nowhere/at/all.sock"),
        ("WIRE_WARM_UP", "fails", "the warm-up failed: the price list is missing"),
        ("IGNITE_RECORD_FD", "97", "records cannot be written to IGNITE_RECORD_FD=97"),
    ];
    for (name, value, message) in cases {
        let (mut function, mut ready) = launch(&[(name, value)]);
        assert_eq!(function.ended().code(), Some(1), "{name}");
        assert!(function.stderr().contains(message), "{}", function.stderr());
        assert_eq!(ready.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn without_a_socket_it_serves_a_port_and_tells_which() {
    let (mut function, ready) = launch(&[("IGNITE_SOCKET", ""), ("IGNITE_RECORD_FD", ""), ("IGNITE_FUNCTION_ID", "")]);
    drop(std::io::BufReader::new(ready).read_to_end(&mut Vec::new()));
    let told = function.stderr();
    let address = told.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"function\":\"local/ignite\""), "{answer}");
}
