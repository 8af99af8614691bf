//! Which sockets are served, and what statistics are at.

use super::address;
use super::entry::Entry;
use super::values::{Values, normal};
use crate::settings::{Address, Protocol, SocketSettings, StatsSettings};

/// The first descriptor systemd hands over.
const FIRST_OF_SYSTEMD: i32 = 3;

/// The sockets of a configuration, in the order they were given; then those of systemd that nobody named.
pub(super) fn sockets(values: &Values) -> Vec<SocketSettings> {
    if let Some(entry) = values.last("platform-socket") {
        return platform(values, entry).into_iter().collect();
    }
    let protocol = default_protocol(values);
    let mut sockets: Vec<SocketSettings> = Vec::new();
    for entry in &values.entries {
        let Some(socket) = socket(values, entry, protocol) else { continue };
        if let Some(twin) = sockets.iter().find(|other| other.address == socket.address) {
            values.problems.error(&entry.at, format!("{}: {} is served already", entry.key, twin.name));
            continue;
        }
        sockets.push(socket);
    }
    for fd in systemd(values) {
        let address = Address::Inherited(fd);
        if !sockets.iter().any(|socket| socket.address == address) {
            sockets.push(SocketSettings { name: format!("fd://{fd}"), address, protocol: Protocol::Http, tls: None });
        }
    }
    sockets
}

fn platform(values: &Values, entry: &Entry) -> Option<SocketSettings> {
    match address::parse(&entry.value, &values.cwd) {
        Ok(address @ Address::Inherited(_)) => {
            Some(SocketSettings { name: entry.value.clone(), address, protocol: Protocol::Http, tls: None })
        }
        _ => {
            values.problems.error(&entry.at, format!("{}: fd://N is needed, not \"{}\"", entry.key, entry.value));
            None
        }
    }
}

fn socket(values: &Values, entry: &Entry, default: Protocol) -> Option<SocketSettings> {
    let name = entry.option?.name;
    if !matches!(name, "http-socket" | "http" | "https-socket" | "socket") {
        return None;
    }
    let mut parts = entry.value.split(',').map(str::trim);
    let (written, tls, protocol) = match name {
        "https-socket" => {
            let (Some(address), Some(cert), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
                let message = format!("{}: ADDRESS,CERTIFICATE,KEY is needed, not \"{}\"", entry.key, entry.value);
                values.problems.error(&entry.at, message);
                return None;
            };
            if cert.is_empty() || key.is_empty() {
                values.problems.error(&entry.at, format!("{}: the certificate or the key is missing", entry.key));
                return None;
            }
            let ciphers_or_ca = parts.any(|part| !part.is_empty());
            if ciphers_or_ca {
                let message = format!("{}: ciphers and a CA for clients cannot be chosen", entry.key);
                values.problems.error_hint(&entry.at, message, "leave out what follows the key");
            }
            let path = |text| normal(&values.cwd.join(text));
            (address.to_owned(), Some((path(cert), path(key))), Protocol::Https)
        }
        "socket" => (entry.value.clone(), None, default),
        _ => (entry.value.clone(), None, Protocol::Http),
    };
    let address = address_of(values, entry, &written)?;
    Some(SocketSettings { name: written, address, protocol, tls })
}

/// What `socket` speaks.
fn default_protocol(values: &Values) -> Protocol {
    let Some(entry) = values.last("protocol") else { return Protocol::Uwsgi };
    match entry.value.as_str() {
        "uwsgi" => Protocol::Uwsgi,
        "http" | "http11" => Protocol::Http,
        other => {
            values.problems.error(&entry.at, format!("{}: \"{other}\" is not spoken; uwsgi and http are", entry.key));
            Protocol::Uwsgi
        }
    }
}

/// Reads an address of an entry; `=N` is the Nth of `shared-socket`.
fn address_of(values: &Values, entry: &Entry, written: &str) -> Option<Address> {
    let mut text = written.to_owned();
    if let Some(number) = written.strip_prefix('=') {
        let shared = values.texts("shared-socket");
        let Some(found) = number.parse().ok().and_then(|number: usize| shared.get(number)) else {
            values.problems.error(&entry.at, format!("{}: there is no shared-socket {number}", entry.key));
            return None;
        };
        text = found.clone();
    }
    match address::parse(&text, &values.cwd) {
        Ok(address) => Some(address),
        Err(message) => {
            values.problems.error(&entry.at, format!("{}: {message}", entry.key));
            None
        }
    }
}

/// Descriptors systemd opened for this process.
fn systemd(values: &Values) -> Vec<i32> {
    let number = |name: &str| values.host.env(name).and_then(|value| value.parse::<u32>().ok());
    match (number("LISTEN_PID"), number("LISTEN_FDS")) {
        (Some(pid), Some(count)) if pid == values.host.pid() => {
            (0..count.min(1024) as i32).map(|index| FIRST_OF_SYSTEMD + index).collect()
        }
        _ => Vec::new(),
    }
}

/// Where statistics are served.
pub(super) fn stats(values: &Values) -> Vec<StatsSettings> {
    let http = values.flag("stats-http");
    let without_cores = values.flag("stats-no-cores") | values.flag("stats-min");
    let mut found: Vec<StatsSettings> = Vec::new();
    for entry in &values.entries {
        let own = entry.option.is_some_and(|spec| spec.name == "platform-stats");
        if !own && entry.option.is_none_or(|spec| spec.name != "stats") {
            continue;
        }
        let Some(address) = address_of(values, entry, &entry.value) else { continue };
        if own && !matches!(address, Address::Unix(_)) {
            values.problems.error(&entry.at, format!("{}: a path is needed, not \"{}\"", entry.key, entry.value));
            continue;
        }
        if !found.iter().any(|other| other.address == address) {
            let (http, without_cores) = if own { (true, false) } else { (http, without_cores) };
            found.push(StatsSettings { name: entry.value.clone(), address, http, without_cores });
        }
    }
    found
}
