//! How the process presents itself, which files are watched, and the variables of its children.

use super::values::Values;
use crate::settings::{ProcessSettings, Touch, TouchAction};

pub(super) fn process(values: &Values) -> ProcessSettings {
    let (cwd, base) = (values.cwd.as_path(), values.base.as_path());
    let mut pidfiles = values.paths("pidfile", cwd);
    pidfiles.extend(values.paths("pidfile2", base));
    let spaced = values.text("procname-prefix-spaced").map(|prefix| prefix + " ");
    ProcessSettings {
        uid: values.text("uid"),
        gid: values.text("gid"),
        chdir: values.last("chdir").filter(|entry| !entry.value.is_empty()).map(|_| base.to_owned()),
        chdir2: values.path("chdir2", base),
        umask: values.last("umask").and_then(|entry| values.octal(entry)),
        pidfiles,
        vacuum: values.flag("vacuum"),
        daemonize: values.path("daemonize", cwd),
        fifos: values.paths("master-fifo", base),
        auto_procname: values.flag("auto-procname"),
        procname_prefix: spaced.or(values.text("procname-prefix")).unwrap_or_default(),
        no_orphans: true,
        max_fd: values.number("max-fd", 16..=1 << 30),
        thread_stack: values.number("threads-stacksize", 64..=1 << 22).map(|kib| (kib << 10) as usize),
        cpu_affinity: values.count("cpu-affinity", 0..=1024).unwrap_or(0),
    }
}

/// Files to watch, in the order they were given.
pub(super) fn touches(values: &Values) -> Vec<Touch> {
    let mut touches = Vec::new();
    for entry in &values.entries {
        let action = match entry.option.map(|spec| spec.name) {
            Some("touch-reload") => TouchAction::Reload,
            Some("touch-workers-reload") => TouchAction::ReloadWorkers,
            Some("touch-chain-reload") => TouchAction::ReloadChain,
            Some("touch-logrotate") => TouchAction::RotateLogs,
            Some("touch-logreopen") => TouchAction::ReopenLogs,
            _ => continue,
        };
        if values.filled(entry) {
            touches.push(Touch { path: super::values::normal(&values.base.join(&entry.value)), action });
        }
    }
    touches
}

/// What is set and removed, in the order it was given.
pub(super) fn env(values: &Values) -> Vec<(String, Option<String>)> {
    let mut env = Vec::new();
    for entry in &values.entries {
        match entry.option.map(|spec| spec.name) {
            Some("env") => match entry.value.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    env.push((name.trim().to_owned(), Some(value.to_owned())))
                }
                _ => values
                    .problems
                    .error(&entry.at, format!("{}: NAME=VALUE is needed, not \"{}\"", entry.key, entry.value)),
            },
            Some("unenv") if entry.value.contains('=') => {
                values
                    .problems
                    .error(&entry.at, format!("{}: a name alone is needed, not \"{}\"", entry.key, entry.value));
            }
            Some("unenv") if values.filled(entry) => env.push((entry.value.clone(), None)),
            _ => {}
        }
    }
    env
}
