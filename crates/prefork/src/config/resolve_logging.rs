//! What is logged, and where to.

use std::path::PathBuf;

use super::values::{Values, normal, yes_or_no};
use crate::settings::{LogOnly, LogSettings};

pub(super) fn log(values: &Values) -> LogSettings {
    let count = |name: &str| values.number(name, 0..=u64::MAX >> 12).unwrap_or(0);
    LogSettings {
        file: values
            .path("logto2", &values.cwd)
            .or(values.path("logto", &values.cwd))
            .or_else(|| logger(values, "logger")),
        request_file: logger(values, "req-logger"),
        disable_requests: values.flag("disable-logging"),
        only: LogOnly {
            client_errors: values.flag("log-4xx"),
            server_errors: values.flag("log-5xx"),
            slow_ms: count("log-slow"),
            big: count("log-big"),
            zero: values.flag("log-zero"),
            io_errors: values.flag("log-ioerror"),
        },
        format: values.text("log-format"),
        date: date(values),
        micros: values.flag("log-micros"),
        x_forwarded_for: values.flag("log-x-forwarded-for"),
        max_size: count("log-maxsize"),
        backup_name: values.path("log-backupname", &values.cwd),
        truncate: values.flag("log-truncate"),
    }
}

/// Yes is uWSGI's own shape; other text is for `strftime`.
fn date(values: &Values) -> Option<String> {
    let entry = values.last("log-date")?;
    match yes_or_no(&entry.value) {
        Some(true) => Some(String::new()),
        Some(false) => None,
        None => Some(entry.value.clone()),
    }
}

/// The file of `[NAME ]file:PATH`; nothing for `stdio`.
fn logger(values: &Values, option: &str) -> Option<PathBuf> {
    let entry = values.last(option)?;
    let text = entry.value.as_str();
    if matches!(text, "stdio" | "stdio:" | "stderr") {
        return None;
    }
    let path = text.strip_prefix("file:").filter(|path| !path.is_empty());
    if path.is_none() {
        let message = format!("{}: \"{text}\" is no place to log to", entry.key);
        values.problems.error_hint(&entry.at, message, "file:PATH or stdio");
    }
    path.map(|path| normal(&values.cwd.join(path)))
}
