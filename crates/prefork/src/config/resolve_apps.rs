//! Which libraries are served, and where.

use std::path::PathBuf;

use super::entry::{Entry, Rank};
use super::values::{Values, normal};
use crate::settings::AppSettings;

/// Whether `plugin = name` says something this program does.
pub(super) fn has_plugin(name: &str) -> bool {
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name).trim();
    matches!(name, "rust" | "http" | "corerouter" | "uwsgi" | "http_plugin" | "rust_plugin")
}

/// Says which plugins are missing.
pub(super) fn check_plugins(values: &Values) {
    for entry in values.all("plugin") {
        for name in entry.value.split(',').map(str::trim).filter(|name| !name.is_empty() && !has_plugin(name)) {
            let message = format!(
                "{}: there is no plugin {name}: this program serves Rust libraries, and nothing else",
                entry.key
            );
            values.problems.error_hint(&entry.at, message, "take the line out, or keep uWSGI for it");
        }
    }
}

/// The apps with their paths as they were written, in the order they were given.
pub(super) fn apps(values: &Values) -> Vec<(AppSettings, String)> {
    let mut apps: Vec<(AppSettings, String)> = Vec::new();
    apps.extend(main_app(values));
    for entry in values.all("mount") {
        let Some(app) = mounted(values, entry) else { continue };
        if apps.iter().any(|(other, _)| other.mount == app.0.mount) {
            let at = if app.0.mount.is_empty() { "/" } else { &app.0.mount };
            values.problems.error(&entry.at, format!("{}: there is an app at {at} already", entry.key));
            continue;
        }
        apps.push(app);
    }
    let tried = values.all("mount").chain(values.all("dlopen")).next().is_some();
    // Where no file could be read, that is what is wrong.
    let is_unread = !values.problems.is_clean() && values.entries.iter().all(|entry| entry.rank != Rank::File);
    if apps.is_empty() && !tried && !is_unread {
        values.missing(
            "there is no app",
            "say dlopen = ./libapp.so, and rust-fn = FUNCTION where it has one of the classic kind",
        );
    }
    apps
}

/// The app of `dlopen` and `rust-fn`.
fn main_app(values: &Values) -> Option<(AppSettings, String)> {
    let function = values.text("rust-fn");
    let Some(entry) = values.last("dlopen") else {
        if let Some(entry) = values.last("rust-fn") {
            let message = format!("{}: there is no library to look for {} in", entry.key, entry.value);
            values.problems.error_hint(&entry.place, message, "say dlopen = ./libapp.so");
        }
        return None;
    };
    let mut others = values.all("dlopen").filter(|other| other.rank == entry.rank && other.value != entry.value);
    if let Some(other) = others.next() {
        let message = format!("{}: one library is loaded, and {} names another", entry.key, other.place);
        values.problems.error_hint(&entry.at, message, "several apps are given by mount = /PATH=LIBRARY[:FUNCTION]");
    }
    if !values.filled(entry) {
        return None;
    }
    if let (Some(name), Some(function_entry)) = (&function, values.last("rust-fn")) {
        check_function(values, function_entry, name);
    }
    let library = library(values, &entry.value);
    Some((AppSettings { mount: String::new(), library, function }, entry.value.clone()))
}

fn mounted(values: &Values, entry: &Entry) -> Option<(AppSettings, String)> {
    let (mount, target) = values.pair(entry, '=', "/PATH=LIBRARY[:FUNCTION]")?;
    if !mount.starts_with('/') {
        values.problems.error(&entry.at, format!("{}: \"{mount}\" does not begin with /", entry.key));
        return None;
    }
    let parts = target.rsplit_once(':').filter(|(_, function)| !function.contains('/'));
    let (written, function) = parts.map_or((target, None), |(path, function)| (path, Some(function.to_owned())));
    if let Some(name) = &function {
        check_function(values, entry, name);
    }
    let mount = mount.trim_end_matches('/').to_owned();
    Some((AppSettings { mount, library: library(values, written), function }, written.to_owned()))
}

fn check_function(values: &Values, entry: &Entry, name: &str) {
    let valid = name.bytes().all(|b| b.is_ascii_graphic())
        && !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !valid {
        values.problems.error(&entry.at, format!("{}: \"{name}\" cannot be a function's name", entry.key));
    }
}

/// A library stands below the folder the host was started in, as with uWSGI; or else below `chdir`.
fn library(values: &Values, written: &str) -> PathBuf {
    let (started, works) = (normal(&values.cwd.join(written)), normal(&values.base.join(written)));
    if !values.host.exists(&started) && values.host.exists(&works) { works } else { started }
}
