//! What HTTP may cost.

use std::time::Duration;

use super::values::{Values, yes_or_no};
use crate::settings::HttpSettings;

/// Heads up to this size are always taken.
const LEAST_HEAD: u64 = 16 << 10;
/// Memory stands ready for one head in each thread of each worker.
const MOST_HEAD: u64 = 1 << 20;

pub(super) fn http(values: &Values) -> HttpSettings {
    let default = HttpSettings::default();
    let head = values.number("buffer-size", 0..=MOST_HEAD).map(|bytes| bytes.max(LEAST_HEAD) as usize);
    let headers = values.number("max-vars", 0..=4096).map(|count| count.max(default.headers as u64) as usize);
    let router_timeout = values.seconds("http-timeout");
    HttpSettings {
        head_bytes: head.unwrap_or(default.head_bytes),
        headers: headers.unwrap_or(default.headers),
        body_bytes: values.number("limit-post", 0..=u64::MAX).unwrap_or(default.body_bytes),
        post_buffering: values
            .number("post-buffering", 0..=1 << 30)
            .map_or(default.post_buffering, |bytes| bytes as usize),
        socket_timeout: at_least_one(values.seconds("socket-timeout").or(router_timeout), default.socket_timeout),
        head_timeout: at_least_one(values.seconds("http-headers-timeout"), default.head_timeout),
        keepalive: keepalive(values).unwrap_or(default.keepalive),
        concurrency: values.count("max-concurrent-requests", 0..=u32::MAX.into()).unwrap_or(default.concurrency),
        add_headers: add_headers(values),
        proxy_protocol: values.flag("enable-proxy-protocol"),
        trusts_proxy: values.last("platform-socket").is_some(),
        manage_script_name: values.flag("manage-script-name"),
        backlog: backlog(values, default.backlog),
        reuse_port: values.flag("reuse-port"),
        tcp_nodelay: values.flag_or("tcp-nodelay", default.tcp_nodelay),
        so_keepalive: values.flag("so-keepalive"),
        socket_mode: socket_mode(values),
        socket_owner: values.text("chown-socket"),
    }
}

/// Nothing could be served in no time: 0 stands for the default.
fn at_least_one(given: Option<Duration>, default: Duration) -> Duration {
    given.filter(|time| !time.is_zero()).unwrap_or(default)
}

/// A number is in seconds, also 0 and 1; yes is the default.
fn keepalive(values: &Values) -> Option<Duration> {
    let entry = values.last("http-keepalive")?;
    match yes_or_no(&entry.value) {
        Some(true) if entry.value != "1" => None,
        Some(false) => Some(Duration::ZERO),
        _ => values.seconds("http-keepalive"),
    }
}

fn backlog(values: &Values, default: u32) -> u32 {
    let most = values.host.somaxconn();
    let Some(wanted) = values.count("listen", 1..=i32::MAX as u64) else { return default.min(most) };
    if wanted > most
        && let Some(entry) = values.last("listen")
    {
        let message =
            format!("{}: the system lets {most} connections wait, not {wanted} (net.core.somaxconn)", entry.key);
        values.problems.warn(&entry.at, message);
    }
    wanted.min(most)
}

fn socket_mode(values: &Values) -> Option<u32> {
    let entry = values.last("chmod-socket")?;
    if entry.value.is_empty() || entry.value.eq_ignore_ascii_case("true") { Some(0o666) } else { values.octal(entry) }
}

fn add_headers(values: &Values) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for entry in values.all("add-header") {
        let parts = entry.value.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        match parts {
            Some((name, value)) if is_token(name) => headers.push((name.to_owned(), value.to_owned())),
            _ => {
                let message =
                    format!("{}: \"{}\" is not written NAME: VALUE", entry.key, super::expand::shorten(&entry.value));
                values.problems.error(&entry.at, message);
            }
        }
    }
    headers
}

/// Whether it may name a header.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
