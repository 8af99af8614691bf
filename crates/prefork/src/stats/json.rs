use super::VERSION;
use super::view::{CoreView, CronView, View, WorkerView};
use crate::board::{CoreState, WorkerState};
use crate::settings::Protocol;
use serde_json::{Value, json as object};

/// The document `uwsgitop` and others read. What uWSGI does not have stands under `bloom`, and as `state` and
/// `connections` of workers and cores.
pub fn json(view: &View, without_cores: bool) -> Value {
    let queue = view.sockets.iter().map(|socket| socket.queue).max().unwrap_or(0);
    let workers =
        |workers: &[WorkerView]| -> Vec<Value> { workers.iter().map(|one| worker(one, without_cores)).collect() };
    let mut document = object!({
        "version": VERSION,
        "listen_queue": queue,
        "listen_queue_errors": view.listen_queue_errors,
        "signal_queue": 0,
        "load": queue,
        "pid": view.pid,
        "uid": view.uid,
        "gid": view.gid,
        "cwd": view.cwd,
        "locks": [],
        "sockets": view.sockets.iter().map(|socket| object!({
            "name": socket.name,
            "proto": proto(socket.protocol),
            "queue": socket.queue,
            "max_queue": socket.max_queue,
            "shared": 0,
            "can_offload": 0,
        })).collect::<Vec<_>>(),
        "workers": workers(&view.workers),
        "bloom": { "generation": view.generation, "draining": workers(&view.draining) },
    });
    if !view.daemons.is_empty() {
        let daemons = view.daemons.iter();
        document["daemons"] =
            daemons.map(|one| object!({ "cmd": one.command, "pid": one.pid, "respawns": one.respawns })).collect();
    }
    if !view.crons.is_empty() {
        document["crons"] = view.crons.iter().map(cron).collect();
    }
    document
}

fn worker(worker: &WorkerView, without_cores: bool) -> Value {
    let app = |(id, app): (usize, &super::AppView)| {
        object!({
            "id": id,
            "modifier1": 0,
            "mountpoint": app.mountpoint,
            "startup_time": app.startup_ms / 1000,
            "requests": app.requests,
            "exceptions": app.exceptions,
            "chdir": "",
        })
    };
    let mut value = object!({
        "id": worker.id,
        "pid": worker.pid,
        "accepting": u8::from(worker.state == WorkerState::Accepting),
        "requests": worker.requests,
        "delta_requests": worker.delta_requests,
        "exceptions": worker.exceptions,
        "harakiri_count": worker.harakiri_count,
        "signals": worker.signals,
        "signal_queue": 0,
        "status": worker.status(),
        "rss": worker.rss,
        "vsz": worker.vsz,
        "running_time": worker.running_time,
        "last_spawn": worker.last_spawn,
        "respawn_count": worker.respawn_count,
        "tx": worker.tx,
        "avg_rt": worker.avg_rt,
        "apps": worker.apps.iter().enumerate().map(app).collect::<Vec<_>>(),
        "state": match worker.state {
            WorkerState::Empty => "empty",
            WorkerState::Starting => "starting",
            WorkerState::Accepting => "accepting",
            WorkerState::Paused => "paused",
            WorkerState::Draining => "draining",
        },
        "connections": worker.connections,
    });
    if !without_cores {
        value["cores"] = worker.cores.iter().map(core).collect();
    }
    value
}

fn core(core: &CoreView) -> Value {
    let is_running = core.state != CoreState::Idle;
    object!({
        "id": core.id,
        "requests": core.requests,
        "static_requests": core.static_requests,
        "routed_requests": 0,
        "offloaded_requests": core.offloaded_requests,
        "write_errors": core.write_errors,
        "read_errors": core.read_errors,
        "in_request": u8::from(is_running),
        "vars": core.vars,
        "req_info": if is_running { object!({ "request_start": core.request_start }) } else { object!({}) },
        "state": match core.state {
            CoreState::Idle => "idle",
            CoreState::Asked => "asked",
            CoreState::Answering => "answering",
            CoreState::GivenUp => "given-up",
            CoreState::Crashed => "crashed",
        },
    })
}

fn cron(cron: &CronView) -> Value {
    let settings = &cron.settings;
    object!({
        "minute": settings.minute,
        "hour": settings.hour,
        "day": settings.day,
        "month": settings.month,
        "week": settings.weekday,
        "command": settings.command,
        "unique": u8::from(settings.unique),
        "pid": cron.pid,
        "started_at": cron.started_at,
    })
}

/// uWSGI's name of a protocol.
pub fn proto(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http",
        Protocol::Https => "https",
        Protocol::Uwsgi => "uwsgi",
    }
}
