use super::view::View;
use super::{json, prometheus};
use crate::settings::StatsSettings;

/// Everything that is sent to a client of a `stats` socket, which is closed afterwards. `request`: the first line the
/// client sent; only looked at with `stats-http`, where `/metrics` is Prometheus' text and all else is the JSON.
pub fn respond(view: &View, settings: &StatsSettings, request: &[u8]) -> Vec<u8> {
    let document = || format!("{:#}\n", json(view, settings.without_cores));
    if !settings.http {
        return document().into_bytes();
    }
    let mut words = request.split(|byte| byte.is_ascii_whitespace());
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", prometheus(view)),
        (b"GET" | b"HEAD", _) => ("200 OK", "application/json", document()),
        _ => ("405 Method Not Allowed", "text/plain", "These are numbers to be read.\n".to_owned()),
    };
    let length = body.len();
    let body = if method == b"HEAD" { "" } else { &body };
    format!("HTTP/1.0 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
