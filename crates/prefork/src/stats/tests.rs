#![allow(unsafe_code)] // the buffer of a core

use super::*;
use crate::board::{Board, CoreState, WorkerState};
use crate::settings::{Address, CronSettings, Protocol, StatsSettings};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

fn occupy(board: &Board, place: usize, id: u32, state: WorkerState, requests: u64) {
    let cell = board.worker(place);
    cell.id.store(id, Relaxed);
    cell.pid.store(100 + place as i32, Relaxed);
    cell.requests.store(requests, Relaxed);
    cell.tx.store(requests * 10, Relaxed);
    cell.set_state(state);
    board.core(place, 0).requests.store(requests, Relaxed);
}

fn view() -> View {
    let board = Board::create(4, 2, 256).unwrap();
    occupy(&board, 0, 1, WorkerState::Accepting, 7);
    let head = b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n";
    // SAFETY: this thread alone.
    let buffer = unsafe { board.buffer(0, 1) };
    buffer[..head.len()].copy_from_slice(head);
    board.core(0, 1).head_len.store(head.len() as u32, Relaxed);
    board.core(0, 1).set_state(CoreState::Asked);
    let mut ledger = Ledger::default();
    ledger.spawned(1);
    let (workers, draining) = workers_of(&[&board], &ledger, 2, &[String::new()], true);
    View {
        pid: 42,
        uid: 1,
        gid: 2,
        cwd: "/srv".into(),
        generation: 3,
        listen_queue_errors: 4,
        workers,
        draining,
        sockets: vec![
            SocketView { name: ":8080".into(), protocol: Protocol::Http, queue: 5, max_queue: 100 },
            SocketView { name: "/run/a\"b".into(), protocol: Protocol::Uwsgi, queue: 1, max_queue: 100 },
        ],
        daemons: vec![DaemonView { command: "redis".into(), pid: 9, respawns: 2 }],
        crons: vec![CronView {
            settings: CronSettings {
                minute: -5,
                hour: -1,
                day: -1,
                month: -1,
                weekday: 6,
                command: "tidy".into(),
                unique: true,
                harakiri: Duration::ZERO,
            },
            pid: 0,
            started_at: 0,
        }],
    }
}

#[test]
fn counters_outlive_processes_and_count_all_with_one_number() {
    let (old, new) = (Board::create(4, 1, 64).unwrap(), Board::create(4, 1, 64).unwrap());
    let mut ledger = Ledger::default();
    ledger.spawned(1);
    occupy(&old, 0, 1, WorkerState::Draining, 5);
    ledger.ended(&old, 0);
    old.clear(0);
    ledger.spawned(1);
    occupy(&old, 1, 1, WorkerState::Draining, 20);
    ledger.spawned(1);
    occupy(&new, 0, 1, WorkerState::Accepting, 300);
    occupy(&old, 2, 3, WorkerState::Draining, 1);
    let (workers, draining) = workers_of(&[&old, &new], &ledger, 2, &[String::new()], true);
    assert_eq!(workers.iter().map(|worker| worker.id).collect::<Vec<_>>(), [1, 2]);
    let first = &workers[0];
    assert_eq!((first.requests, first.delta_requests, first.tx, first.respawn_count), (325, 300, 3250, 3));
    assert_eq!((first.pid, first.state, first.cores[0].requests), (100, WorkerState::Accepting, 325));
    assert_eq!(first.apps[0].requests, 325);
    assert_eq!((workers[1].pid, workers[1].status()), (0, "cheap"));
    let beside: Vec<_> = draining.iter().map(|worker| (worker.id, worker.requests)).collect();
    assert_eq!(beside, [(1, 20), (3, 1)]);
}

#[test]
fn a_process_knows_itself() {
    let view = View::of_this_process();
    assert_eq!(view.pid as u32, std::process::id());
    assert_eq!(std::path::Path::new(&view.cwd), std::env::current_dir().unwrap());
}

#[test]
fn running_requests_are_named() {
    let view = view();
    let core = &view.workers[0].cores[1];
    assert!(core.vars.contains(&"REQUEST_URI=/slow".to_owned()), "{:?}", core.vars);
    assert_eq!(view.workers[0].status(), "busy");
    let (quiet, _) = workers_of(&[], &Ledger::default(), 1, &[], false);
    assert_eq!(quiet[0].status(), "cheap");
}

/// What uWSGI 2.0.21 says, and what `uwsgitop` and exporters therefore ask for.
#[test]
fn the_document_has_uwsgis_names() {
    let document = json(&view(), false);
    let has = |value: &serde_json::Value, keys: &str| {
        for key in keys.split(' ') {
            assert!(value.get(key).is_some(), "{key} is missing in {value}");
        }
    };
    has(&document, "version listen_queue listen_queue_errors signal_queue load pid uid gid cwd locks sockets workers");
    has(&document["sockets"][0], "name proto queue max_queue shared can_offload");
    has(&document["daemons"][0], "cmd pid respawns");
    has(&document["crons"][0], "minute hour day month week command unique");
    let worker = &document["workers"][0];
    has(
        worker,
        "id pid accepting requests delta_requests exceptions harakiri_count signals signal_queue status rss vsz",
    );
    has(worker, "running_time last_spawn respawn_count tx avg_rt apps cores");
    has(&worker["apps"][0], "id modifier1 mountpoint startup_time requests exceptions chdir");
    let core = &worker["cores"][1];
    has(
        core,
        "id requests static_requests routed_requests offloaded_requests write_errors read_errors in_request vars",
    );
    assert_eq!(document["listen_queue"], 5);
    assert_eq!((&core["in_request"], &worker["status"]), (&1.into(), &"busy".into()));
    assert!(core["req_info"]["request_start"].as_u64().is_some());
    assert_eq!(worker["cores"][0]["req_info"], serde_json::json!({}));
    assert_eq!(document["workers"][1]["status"], "cheap");
    assert!(json(&view(), true)["workers"][0].get("cores").is_none());
}

#[test]
fn the_text_is_prometheus() {
    let text = prometheus(&view());
    for line in [
        "# TYPE bloom_prefork_requests_total counter",
        "bloom_prefork_requests_total{worker=\"1\"} 7",
        "bloom_prefork_workers{state=\"busy\"} 1",
        "bloom_prefork_workers{state=\"cheap\"} 1",
        "bloom_prefork_respawns_total{worker=\"1\"} 0",
        "bloom_prefork_threads_busy{worker=\"1\"} 1",
        "bloom_prefork_listen_queue{socket=\":8080\",proto=\"http\"} 5",
        "bloom_prefork_listen_queue{socket=\"/run/a\\\"b\",proto=\"uwsgi\"} 1",
        "bloom_prefork_listen_queue_full_total 4",
        "bloom_prefork_generation 3",
        "bloom_prefork_daemon_respawns_total{daemon=\"1\",command=\"redis\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    let mut seen = std::collections::HashSet::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(comment) => {
                assert!(seen.insert(comment.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")), "{line}")
            }
            None => assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}"),
        }
    }
}

#[test]
fn answers_with_and_without_http() {
    let settings =
        |http| StatsSettings { name: ":1".into(), address: Address::Abstract("x".into()), http, without_cores: false };
    let text = |http, request: &str| String::from_utf8(respond(&view(), &settings(http), request.as_bytes())).unwrap();
    let plain = text(false, "");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&plain).unwrap()["pid"], 42);
    let answer = text(true, "GET / HTTP/1.1\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"), "{head}");
    assert_eq!(body, plain);
    assert!(head.ends_with(&format!("Content-Length: {}", plain.len())));
    let metrics = text(true, "GET /metrics?x HTTP/1.1");
    assert!(metrics.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(metrics.contains("\nbloom_prefork_requests_total{"));
    assert!(text(true, "HEAD /metrics HTTP/1.1").ends_with("\r\n\r\n"));
    assert!(text(true, "POST / HTTP/1.1").starts_with("HTTP/1.0 405 "));
    assert!(text(true, "").starts_with("HTTP/1.0 405 "));
}
