//! `log-format`: text with `%(name)`, read once and then only filled in.

use super::clock::{LTIME, local, push, push_ctime, since_epoch};
use super::entry::RequestEntry;
use super::escape::{push_value, push_word};
use super::line::{packet_bytes, push_address, var};
use super::scratch::{Scratch, push_number};
use crate::settings::LogSettings;
use std::time::SystemTime;

/// A format that was read.
#[derive(Debug)]
pub struct Format(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    /// A number of the table below.
    Number(fn(&RequestEntry<'_>) -> u64),
    /// A variable whose spaces would end it.
    Word(&'static str),
    /// A variable that may hold spaces.
    Value(String),
    Address,
    Ctime,
    Ltime,
    /// By `log-date`, else as `ltime`.
    Ftime,
    /// Known to uWSGI and not here, or to nobody.
    Nothing,
}

type NumberOf = fn(&RequestEntry<'_>) -> u64;

const NUMBERS: &[(&str, NumberOf)] = &[
    ("status", |entry| entry.status.into()),
    ("micros", |entry| entry.took.as_micros() as u64),
    ("msecs", |entry| entry.took.as_millis() as u64),
    ("secs", |entry| entry.took.as_secs()),
    ("time", |entry| since_epoch(entry.began).as_secs()),
    ("tmsecs", |entry| since_epoch(entry.began).as_millis() as u64),
    ("tmicros", |entry| since_epoch(entry.began).as_micros() as u64),
    ("epoch", |_| since_epoch(SystemTime::now()).as_secs()),
    ("size", |entry| entry.headers_bytes as u64 + entry.response_bytes),
    ("hsize", |entry| entry.headers_bytes as u64),
    ("rsize", |entry| entry.response_bytes),
    ("cl", |entry| entry.body_bytes),
    ("pid", |entry| entry.pid.unsigned_abs().into()),
    ("wid", |entry| entry.worker.into()),
    ("core", |entry| entry.core as u64),
    ("switches", |_| 1),
    ("vars", |entry| entry.vars.len() as u64),
    ("headers", |entry| entry.headers as u64),
    ("rss", |entry| entry.memory.0),
    ("vsz", |entry| entry.memory.1),
    ("rssM", |entry| entry.memory.0 >> 20),
    ("vszM", |entry| entry.memory.1 >> 20),
    ("pktsize", packet_bytes),
    ("modifier1", |_| 0),
    ("modifier2", |_| 0),
    ("rerr", |entry| entry.read_errors),
    ("werr", |entry| entry.write_errors),
    ("ioerr", |entry| entry.read_errors + entry.write_errors),
];

const WORDS: &[(&str, &str)] = &[
    ("uri", "REQUEST_URI"),
    ("method", "REQUEST_METHOD"),
    ("user", "REMOTE_USER"),
    ("host", "HTTP_HOST"),
    ("proto", "SERVER_PROTOCOL"),
];
const VALUES: &[(&str, &str)] = &[("uagent", "HTTP_USER_AGENT"), ("referer", "HTTP_REFERER")];
const OTHERS: &[&str] = &["addr", "ctime", "ltime", "ftime"];

impl Format {
    /// Reads a format. What `%(name)` does not name is written as `-`; those nobody knows are warned about.
    pub fn compile(text: &str) -> (Format, Vec<String>) {
        let (mut parts, mut warnings) = (Vec::new(), Vec::new());
        let mut rest = text;
        let mut plain = String::new();
        while let Some((before, after)) = rest.split_once("%(") {
            let Some((name, following)) = after.split_once(')') else { break };
            plain.push_str(before);
            if !plain.is_empty() {
                parts.push(Part::Text(one_line(&std::mem::take(&mut plain))));
            }
            let part = part_of(name);
            if matches!(part, Part::Nothing) {
                warnings.push(unknown(name));
            }
            parts.push(part);
            rest = following;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(one_line(&plain)));
        }
        (Format(parts), warnings)
    }

    /// Adds the line of a request, without its end.
    pub(super) fn push(&self, scratch: &mut Scratch, entry: &RequestEntry<'_>, settings: &LogSettings) {
        let began =
            |format: &str, into: &mut Vec<u8>| push(into, &local(since_epoch(entry.began).as_secs() as i64), format);
        for part in &self.0 {
            let into = &mut scratch.line;
            let length = into.len();
            match part {
                Part::Text(text) => into.extend_from_slice(text.as_bytes()),
                Part::Number(of) => push_number(into, of(entry)),
                Part::Word(name) => push_word(into, var(entry, name.as_bytes()).unwrap_or_default()),
                Part::Value(name) => push_value(into, var(entry, name.as_bytes()).unwrap_or_default()),
                Part::Address => _ = push_address(into, entry, settings),
                Part::Ctime => push_ctime(scratch, entry.began),
                Part::Ltime => began(LTIME, into),
                Part::Ftime => began(settings.date.as_deref().filter(|date| !date.is_empty()).unwrap_or(LTIME), into),
                Part::Nothing => {}
            }
            if scratch.line.len() == length && !matches!(part, Part::Text(_)) {
                scratch.line.push(b'-');
            }
        }
    }
}

fn part_of(name: &str) -> Part {
    let named = |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == name).map(|(_, var)| *var);
    if let Some((_, of)) = NUMBERS.iter().find(|(known, _)| *known == name) {
        return Part::Number(*of);
    }
    if let Some(var) = named(WORDS) {
        return Part::Word(var);
    }
    if let Some(var) = named(VALUES).or_else(|| name.strip_prefix("var.")).filter(|var| !var.is_empty()) {
        return Part::Value(var.to_owned());
    }
    match name {
        "addr" => Part::Address,
        "ctime" => Part::Ctime,
        "ltime" => Part::Ltime,
        "ftime" => Part::Ftime,
        _ => Part::Nothing,
    }
}

fn unknown(name: &str) -> String {
    if name.starts_with("metric.") {
        return format!("log-format: there are no metrics here; %({name}) is written as `-`");
    }
    let known = NUMBERS.iter().map(|(known, _)| *known).chain(WORDS.iter().chain(VALUES).map(|(known, _)| *known));
    let near = known
        .chain(OTHERS.iter().copied())
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let hint = match near {
        Some((_, known)) => format!("; did you mean %({known})?"),
        None => "; a variable of the request is written %(var.NAME)".to_owned(),
    };
    format!("log-format: nothing is known as %({}), `-` is written{hint}", super::escaped(name.as_bytes()))
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
