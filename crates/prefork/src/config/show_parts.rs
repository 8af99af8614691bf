//! The second half of an ini that gives settings again.

use super::show::Lines;
use crate::settings::{Settings, StaticSettings, TouchAction};

pub(super) fn process(out: &mut Lines, settings: &Settings) {
    let process = &settings.process;
    out.some("uid", process.uid.as_ref());
    out.some("gid", process.gid.as_ref());
    out.some("chdir", process.chdir.as_ref().map(|path| path.display()));
    out.some("chdir2", process.chdir2.as_ref().map(|path| path.display()));
    out.some("umask", process.umask.map(|mask| format!("{mask:03o}")));
    out.paths("pidfile", &process.pidfiles);
    out.flag("vacuum", process.vacuum);
    out.paths("daemonize", &process.daemonize);
    out.paths("master-fifo", &process.fifos);
    out.flag("auto-procname", process.auto_procname);
    match process.procname_prefix.strip_suffix(' ') {
        Some(prefix) => out.line("procname-prefix-spaced", prefix),
        None if process.procname_prefix.is_empty() => {}
        None => out.line("procname-prefix", &process.procname_prefix),
    }
    out.some("max-fd", process.max_fd);
    out.some("threads-stacksize", process.thread_stack.map(|bytes| bytes >> 10));
    out.count("cpu-affinity", process.cpu_affinity.into());
    for (name, value) in &settings.env {
        match value {
            Some(value) => out.line("env", format!("{name}={value}")),
            None => out.line("unenv", name),
        }
    }
    for touch in &settings.touches {
        let key = match touch.action {
            TouchAction::Reload => "touch-reload",
            TouchAction::ReloadWorkers => "touch-workers-reload",
            TouchAction::ReloadChain => "touch-chain-reload",
            TouchAction::RotateLogs => "touch-logrotate",
            TouchAction::ReopenLogs => "touch-logreopen",
        };
        out.line(key, touch.path.display());
    }
}

pub(super) fn logging(out: &mut Lines, settings: &Settings) {
    let log = &settings.log;
    out.paths("logto", &log.file);
    out.some("req-logger", log.request_file.as_ref().map(|path| format!("file:{}", path.display())));
    out.flag("disable-logging", log.disable_requests);
    out.flag("log-4xx", log.only.client_errors);
    out.flag("log-5xx", log.only.server_errors);
    out.count("log-slow", log.only.slow_ms);
    out.count("log-big", log.only.big);
    out.flag("log-zero", log.only.zero);
    out.flag("log-ioerror", log.only.io_errors);
    out.some("log-format", log.format.as_ref());
    out.some("log-date", log.date.as_deref().map(|date| if date.is_empty() { "true" } else { date }));
    out.flag("log-micros", log.micros);
    out.flag("log-x-forwarded-for", log.x_forwarded_for);
    out.count("log-maxsize", log.max_size);
    out.paths("log-backupname", &log.backup_name);
    out.flag("log-truncate", log.truncate);
}

pub(super) fn statics(out: &mut Lines, statics: &StaticSettings) {
    for (mount, path) in &statics.maps {
        out.line("static-map", format!("{mount}={}", path.display()));
    }
    for (mount, path) in &statics.whole_maps {
        out.line("static-map2", format!("{mount}={}", path.display()));
    }
    out.paths("check-static", &statics.overlays);
    for index in &statics.indexes {
        out.line("static-index", index);
    }
    for ending in &statics.skip {
        out.line("static-skip-ext", ending);
    }
    out.paths("static-safe", &statics.safe);
    out.paths("mime-file", &statics.mime_files);
    for (pattern, seconds) in &statics.expires {
        out.line("static-expires", format!("{pattern} {seconds}"));
    }
    out.flag("static-gzip-all", statics.precompressed);
}

pub(super) fn commands(out: &mut Lines, settings: &Settings) {
    for daemon in &settings.daemons {
        let command = &daemon.command;
        match (&daemon.pidfile, daemon.control) {
            (None, false) => out.line("attach-daemon", command),
            (None, true) => out.line("attach-control-daemon", command),
            (Some(pidfile), false) => out.line("smart-attach-daemon", format!("{} {command}", pidfile.display())),
            (Some(pidfile), true) => {
                out.line("attach-daemon2", format!("pidfile={},control=1,cmd={command}", pidfile.display()));
            }
        }
    }
    for cron in &settings.crons {
        let when = format!(
            "minute={},hour={},day={},month={},week={}",
            cron.minute, cron.hour, cron.day, cron.month, cron.weekday
        );
        let (unique, harakiri) = (u8::from(cron.unique), cron.harakiri.as_secs());
        out.line("cron2", format!("{when},unique={unique},harakiri={harakiri} {}", cron.command));
    }
}
