use super::VERSION;
use super::json::proto;
use super::view::{CoreView, View, WorkerView};
use crate::board::CoreState;
use std::fmt::{Display, Write};

/// Of a worker: name, kind, help, value.
type OfWorker = (&'static str, &'static str, &'static str, fn(&WorkerView) -> f64);

const MICROS: f64 = 1_000_000.0;
const OF_WORKERS: &[OfWorker] = &[
    ("requests_total", "counter", "Requests served.", |worker| worker.requests as f64),
    ("exceptions_total", "counter", "Requests the app failed in.", |worker| worker.exceptions as f64),
    ("harakiri_total", "counter", "Requests that took too long.", |worker| worker.harakiri_count as f64),
    ("spawns_total", "counter", "Processes started.", |worker| worker.respawn_count as f64),
    ("respawns_total", "counter", "Processes started after the first.", |worker| {
        worker.respawn_count.saturating_sub(1) as f64
    }),
    ("sent_bytes_total", "counter", "Bytes sent.", |worker| worker.tx as f64),
    ("running_seconds_total", "counter", "Time spent in requests.", |worker| worker.running_time as f64 / MICROS),
    ("static_requests_total", "counter", "Requests answered by a file.", |worker| {
        sum(worker, |core| core.static_requests)
    }),
    ("offloaded_requests_total", "counter", "Answers sent on without a thread.", |worker| {
        sum(worker, |core| core.offloaded_requests)
    }),
    ("write_errors_total", "counter", "Answers that could not be sent.", |worker| {
        sum(worker, |core| core.write_errors)
    }),
    ("read_errors_total", "counter", "Bodies that could not be read.", |worker| sum(worker, |core| core.read_errors)),
    ("average_request_seconds", "gauge", "Smoothed time of a request.", |worker| worker.avg_rt as f64 / MICROS),
    ("resident_memory_bytes", "gauge", "Resident memory.", |worker| worker.rss as f64),
    ("virtual_memory_bytes", "gauge", "Address space.", |worker| worker.vsz as f64),
    ("connections", "gauge", "Open connections.", |worker| f64::from(worker.connections)),
    ("threads_busy", "gauge", "Threads that serve a request.", |worker| {
        sum(worker, |core| u64::from(core.state != CoreState::Idle))
    }),
    ("last_spawn_timestamp_seconds", "gauge", "When the process was started.", |worker| worker.last_spawn as f64),
];

fn sum(worker: &WorkerView, of: fn(&CoreView) -> u64) -> f64 {
    worker.cores.iter().map(of).sum::<u64>() as f64
}

/// The same numbers in Prometheus' text format (0.0.4).
pub fn prometheus(view: &View) -> String {
    let mut text = Text(String::new());
    text.family("info", "gauge", "What serves.", [(label("version", VERSION), 1.0)]);
    text.family(
        "generation",
        "gauge",
        "Number of the generation that serves.",
        [(String::new(), view.generation as f64)],
    );
    let states = ["idle", "busy", "pause", "cheap"].map(|status| {
        let count = view.workers.iter().filter(|worker| worker.status() == status).count();
        (label("state", status), count as f64)
    });
    text.family("workers", "gauge", "Workers by what they do.", states);
    text.family(
        "workers_draining",
        "gauge",
        "Workers that finish what they have.",
        [(String::new(), view.draining.len() as f64)],
    );
    for (name, kind, help, value) in OF_WORKERS {
        text.family(name, kind, help, view.workers.iter().map(|worker| (label("worker", worker.id), value(worker))));
    }
    let sockets = |value: fn(&super::SocketView) -> u32| {
        view.sockets.iter().map(move |socket| {
            let labels = format!("{},{}", label("socket", &socket.name), label("proto", proto(socket.protocol)));
            (labels, f64::from(value(socket)))
        })
    };
    text.family("listen_queue", "gauge", "Connections that wait to be accepted.", sockets(|socket| socket.queue));
    text.family("listen_queue_limit", "gauge", "Most that may wait.", sockets(|socket| socket.max_queue));
    text.family(
        "listen_queue_full_total",
        "counter",
        "Seconds in which a queue was full.",
        [(String::new(), view.listen_queue_errors as f64)],
    );
    let daemons = view.daemons.iter().zip(1..).map(|(daemon, number)| {
        (format!("{},{}", label("daemon", number), label("command", &daemon.command)), daemon.respawns as f64)
    });
    text.family("daemon_respawns_total", "counter", "Starts of a command after the first.", daemons);
    text.0
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = (String, f64)>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP bloom_prefork_{name} {help}\n# TYPE bloom_prefork_{name} {kind}");
        for (labels, value) in samples {
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let _ = writeln!(self.0, "bloom_prefork_{name}{labels} {value}");
        }
    }
}

fn label(name: &str, value: impl Display) -> String {
    let value = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}
