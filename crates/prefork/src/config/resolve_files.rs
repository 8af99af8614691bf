//! Files that are served without asking the app.

use std::path::PathBuf;

use super::values::{Values, normal};
use crate::settings::StaticSettings;

pub(super) fn statics(values: &Values) -> StaticSettings {
    StaticSettings {
        maps: maps(values, "static-map"),
        whole_maps: maps(values, "static-map2"),
        overlays: values.paths("check-static", &values.base),
        indexes: values.texts("static-index"),
        skip: values.texts("static-skip-ext"),
        safe: values.paths("static-safe", &values.base),
        mime_files: values.paths("mime-file", &values.base),
        expires: expires(values),
        precompressed: values.flag("static-gzip-all"),
    }
}

fn maps(values: &Values, option: &str) -> Vec<(String, PathBuf)> {
    let mut maps: Vec<(String, PathBuf)> = Vec::new();
    for entry in values.all(option) {
        let Some((mount, path)) = values.pair(entry, '=', "/PATH=FOLDER") else { continue };
        if !mount.starts_with('/') {
            values.problems.error(&entry.at, format!("{}: \"{mount}\" does not begin with /", entry.key));
            continue;
        }
        maps.push((mount.to_owned(), normal(&values.base.join(path))));
    }
    maps
}

fn expires(values: &Values) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in values.all("static-expires") {
        let Some((pattern, seconds)) = entry.value.rsplit_once([' ', '\t']) else {
            values
                .problems
                .error(&entry.at, format!("{}: \"{}\" is not written REGEX SECONDS", entry.key, entry.value));
            continue;
        };
        let pattern = super::lex::trim(pattern);
        if let Err(error) = super::values::pattern(pattern) {
            values.problems.error(&entry.at, format!("{}: {error}", entry.key));
            continue;
        }
        if let Some(seconds) = values.number_of(entry, seconds, 0..=u64::MAX >> 12) {
            found.push((pattern.to_owned(), seconds));
        }
    }
    found
}
