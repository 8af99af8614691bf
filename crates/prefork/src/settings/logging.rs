//! What is logged, and where statistics are served.

use std::path::PathBuf;

use super::Address;

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// File to append to instead of stderr. uWSGI: `logto`.
    pub file: Option<PathBuf>,
    /// File for requests alone. uWSGI: `req-logger = file:PATH`.
    pub request_file: Option<PathBuf>,
    /// No line for each request. uWSGI: `disable-logging`.
    pub disable_requests: bool,
    /// With `disable_requests`: requests that are logged all the same.
    pub only: LogOnly,
    /// uWSGI: `log-format`. None: the default line.
    pub format: Option<String>,
    /// `strftime` text before lines of the host itself. uWSGI: `log-date`; Some("") is its own default.
    pub date: Option<String>,
    /// Durations in microseconds. uWSGI: `log-micros`.
    pub micros: bool,
    /// The client is who X-Forwarded-For says. uWSGI: `log-x-forwarded-for`.
    pub x_forwarded_for: bool,
    /// Bytes after which the file is renamed and begun anew. 0: never. uWSGI: `log-maxsize`.
    pub max_size: u64,
    /// What the file is renamed to; None: its name with the time. uWSGI: `log-backupname`.
    pub backup_name: Option<PathBuf>,
    /// Empty the file at the start. uWSGI: `log-truncate`.
    pub truncate: bool,
}

/// Requests that are logged although `disable-logging` is set. 0 and false: not.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogOnly {
    /// Answered 4xx. uWSGI: `log-4xx`.
    pub client_errors: bool,
    /// Answered 5xx. uWSGI: `log-5xx`.
    pub server_errors: bool,
    /// Longer than this many milliseconds. uWSGI: `log-slow`.
    pub slow_ms: u64,
    /// Answers larger than this many bytes. uWSGI: `log-big`.
    pub big: u64,
    /// Answers without a body. uWSGI: `log-zero`.
    pub zero: bool,
    /// The connection failed. uWSGI: `log-ioerror`.
    pub io_errors: bool,
}

/// Where statistics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsSettings {
    /// The address as it was written.
    pub name: String,
    /// Where.
    pub address: Address,
    /// As an answer in HTTP, with Prometheus' text at `/metrics`. uWSGI: `stats-http`.
    pub http: bool,
    /// Without cores. uWSGI: `stats-no-cores`, `stats-min`.
    pub without_cores: bool,
}
