//! The line a request has unless `log-format` says otherwise: as uWSGI's, so that tools which read it go on to do so.

use super::clock::push_ctime;
use super::entry::RequestEntry;
use super::escape::push_word;
use super::scratch::{Scratch, push_number};
use crate::settings::LogSettings;

/// A variable's value; None where it is absent or empty.
pub fn var<'a>(entry: &RequestEntry<'a>, name: &[u8]) -> Option<&'a [u8]> {
    entry.vars.iter().find(|(key, _)| *key == name).map(|(_, value)| *value).filter(|value| !value.is_empty())
}

/// Bytes of the variables as a packet of uWSGI's protocol: each name and value after its length in two bytes.
pub fn packet_bytes(entry: &RequestEntry<'_>) -> u64 {
    entry.vars.iter().map(|(key, value)| 4 + key.len() as u64 + value.len() as u64).sum()
}

/// The client's address: the connection's, or with `log-x-forwarded-for` what a proxy says.
pub fn push_address(into: &mut Vec<u8>, entry: &RequestEntry<'_>, settings: &LogSettings) -> bool {
    if let Some(list) = settings.x_forwarded_for.then(|| var(entry, b"HTTP_X_FORWARDED_FOR")).flatten() {
        for (index, address) in list.split(|byte| *byte == b',').enumerate() {
            if index > 0 {
                into.push(b',');
            }
            push_word(into, address.trim_ascii());
        }
        return true;
    }
    let address = var(entry, b"REMOTE_ADDR");
    push_word(into, address.unwrap_or_default());
    address.is_some()
}

/// Adds the line, without its end.
pub fn push(scratch: &mut Scratch, entry: &RequestEntry<'_>, settings: &LogSettings) {
    let into = &mut scratch.line;
    text(into, "[pid: ", u64::from(entry.pid.unsigned_abs()));
    text(into, "|app: ", entry.app as u64);
    text(into, "|req: ", entry.worker_requests);
    text(into, "/", entry.total_requests);
    into.extend_from_slice(b"] ");
    push_address(into, entry, settings);
    into.extend_from_slice(b" (");
    word(into, entry, b"REMOTE_USER");
    text(into, ") {", entry.vars.len() as u64);
    text(into, " vars in ", packet_bytes(entry));
    into.extend_from_slice(b" bytes} [");
    push_ctime(scratch, entry.began);
    let into = &mut scratch.line;
    into.extend_from_slice(b"] ");
    word(into, entry, b"REQUEST_METHOD");
    into.push(b' ');
    word(into, entry, b"REQUEST_URI");
    text(into, " => generated ", entry.response_bytes);
    if settings.micros {
        text(into, " bytes in ", entry.took.as_micros() as u64);
        into.extend_from_slice(b" micros (");
    } else {
        text(into, " bytes in ", entry.took.as_millis() as u64);
        into.extend_from_slice(b" msecs (");
    }
    word(into, entry, b"SERVER_PROTOCOL");
    text(into, " ", u64::from(entry.status));
    text(into, ") ", entry.headers as u64);
    text(into, " headers in ", entry.headers_bytes as u64);
    text(into, " bytes (1 switches on core ", entry.core as u64);
    into.push(b')');
}

fn text(into: &mut Vec<u8>, before: &str, number: u64) {
    into.extend_from_slice(before.as_bytes());
    push_number(into, number);
}

fn word(into: &mut Vec<u8>, entry: &RequestEntry<'_>, name: &[u8]) {
    push_word(into, var(entry, name).unwrap_or_default());
}
