//! Settings from the entries of a configuration.

use super::Action;
use super::check;
use super::entry::Entry;
use super::host::Host;
use super::problem::Problems;
use super::values::{Values, is_no, normal};
use super::{resolve_apps, resolve_commands, resolve_files, resolve_http, resolve_life};
use super::{resolve_logging, resolve_process, resolve_sockets};
use crate::settings::{AppSettings, Settings};

/// What the entries come to. Apps are beside the settings, each with its path as it was written.
pub(super) struct Resolved {
    pub settings: Settings,
    pub apps: Vec<(AppSettings, String)>,
    pub action: Action,
}

/// Makes settings; what is wrong goes to `problems`, and the settings are then of no use.
pub(super) fn resolve(entries: Vec<Entry>, host: &dyn Host, problems: &Problems) -> Resolved {
    let permissive = is_permissive(&entries);
    let platform = entries.iter().any(|entry| entry.key == "platform-socket");
    let entries = check::choose(entries, permissive, platform, problems);
    let cwd = host.cwd();
    let mut values = Values { entries, host, problems, permissive, base: cwd.clone(), cwd };
    values.base = values.path("chdir", &values.cwd).unwrap_or_else(|| normal(&values.cwd));
    let action = action(&values);
    resolve_apps::check_plugins(&values);
    let apps = resolve_apps::apps(&values);
    let settings = settings(&values);
    if settings.sockets.is_empty() && matches!(action, Action::Serve | Action::Check) && problems.is_clean() {
        values.missing("there is no socket to serve on", "say http-socket = :8080");
    }
    Resolved { settings, apps, action }
}

fn settings(values: &Values) -> Settings {
    let (workers, threads) = resolve_life::crew(values);
    Settings {
        sockets: resolve_sockets::sockets(values),
        apps: Vec::new(),
        workers,
        threads,
        lazy_apps: values.flag("lazy-apps"),
        allow_rustc_mismatch: values.flag("allow-rustc-mismatch"),
        http: resolve_http::http(values),
        life: resolve_life::life(values),
        cheaper: resolve_life::cheaper(values, workers),
        process: resolve_process::process(values),
        log: resolve_logging::log(values),
        stats: resolve_sockets::stats(values),
        statics: resolve_files::statics(values),
        touches: resolve_process::touches(values),
        daemons: resolve_commands::daemons(values),
        crons: resolve_commands::crons(values),
        env: resolve_process::env(values),
    }
}

/// Whether unknown keys are no more than warnings: the last word of `strict` or `permissive`.
fn is_permissive(entries: &[Entry]) -> bool {
    let said = entries.iter().filter(|entry| !entry.placeholder).filter_map(|entry| match entry.key.as_str() {
        "strict" => Some((entry.rank, is_no(&entry.value))),
        "permissive" => Some((entry.rank, !is_no(&entry.value))),
        _ => None,
    });
    said.max_by_key(|(rank, _)| *rank).is_some_and(|(_, permissive)| permissive)
}

fn action(values: &Values) -> Action {
    if let Some(entry) = values.last("show-config").filter(|entry| !is_no(&entry.value)) {
        return Action::ShowConfig { json: entry.value == "json" };
    }
    if values.flag("check") {
        return Action::Check;
    }
    if values.flag("no-server") { Action::NoServer } else { Action::Serve }
}
