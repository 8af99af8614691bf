//! Commands that run beside the workers, and by the clock.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::entry::Entry;
use super::lex::trim;
use super::values::{Values, normal, yes_or_no};
use crate::settings::{CronSettings, DaemonSettings};

/// Daemons, in the order they were given.
pub(super) fn daemons(values: &Values) -> Vec<DaemonSettings> {
    let mut daemons = Vec::new();
    for entry in &values.entries {
        let plain = |control| DaemonSettings { command: entry.value.clone(), control, pidfile: None };
        match entry.option.map(|spec| spec.name) {
            Some("attach-daemon") if values.filled(entry) => daemons.push(plain(false)),
            Some("attach-control-daemon") if values.filled(entry) => daemons.push(plain(true)),
            Some("smart-attach-daemon") => daemons.extend(smart(values, entry)),
            Some("attach-daemon2") => daemons.extend(described(values, entry)),
            _ => {}
        }
    }
    daemons
}

fn smart(values: &Values, entry: &Entry) -> Option<DaemonSettings> {
    let Some((pidfile, command)) = entry.value.split_once([' ', '\t']) else {
        values
            .problems
            .error(&entry.at, format!("{}: PIDFILE[,SECONDS] COMMAND is needed, not \"{}\"", entry.key, entry.value));
        return None;
    };
    let pidfile = pidfile.split(',').next().unwrap_or_default();
    let pidfile = Some(normal(&values.base.join(pidfile)));
    Some(DaemonSettings { command: trim(command).to_owned(), control: false, pidfile })
}

fn described(values: &Values, entry: &Entry) -> Option<DaemonSettings> {
    let mut daemon = DaemonSettings { command: String::new(), control: false, pidfile: None };
    for part in entry.value.split(',') {
        let (key, value) = part.split_once('=').map_or((trim(part), ""), |(key, value)| (trim(key), trim(value)));
        match key {
            "cmd" | "command" | "exec" => daemon.command = value.to_owned(),
            "pidfile" | "pid_file" => daemon.pidfile = Some(normal(&values.base.join(value))),
            "control" => daemon.control = yes_or_no(value).unwrap_or(true),
            "freq" | "max_throttle" => {}
            other => values.problems.error(&entry.at, format!("{}: there is no \"{other}\" here", entry.key)),
        }
    }
    if daemon.command.is_empty() {
        values.problems.error(&entry.at, format!("{}: cmd=COMMAND is missing", entry.key));
        return None;
    }
    Some(daemon)
}

/// Commands by the clock, in the order they were given.
pub(super) fn crons(values: &Values) -> Vec<CronSettings> {
    let harakiri = values.seconds("cron-harakiri").unwrap_or_default();
    let mut crons = Vec::new();
    for entry in &values.entries {
        let cron = match entry.option.map(|spec| spec.name) {
            Some("cron") => cron(values, entry, false),
            Some("unique-cron") => cron(values, entry, true),
            Some("cron2") => cron2(values, entry),
            _ => continue,
        };
        crons.extend(cron.map(|cron| {
            let own = if cron.harakiri.is_zero() { harakiri } else { cron.harakiri };
            CronSettings { harakiri: own, ..cron }
        }));
    }
    crons
}

fn any(unique: bool) -> CronSettings {
    let (minute, hour, day, month, weekday) = (-1, -1, -1, -1, -1);
    CronSettings { minute, hour, day, month, weekday, command: String::new(), unique, harakiri: Duration::ZERO }
}

fn cron(values: &Values, entry: &Entry, unique: bool) -> Option<CronSettings> {
    let mut rest = entry.value.as_str();
    let mut fields = Vec::new();
    while fields.len() < 5 {
        let (field, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        fields.push(field);
        rest = trim(after);
    }
    let mut cron = any(unique);
    for (name, text) in ["minute", "hour", "day", "month", "week"].iter().zip(fields) {
        set(values, entry, &mut cron, name, text)?;
    }
    with_command(values, entry, cron, rest)
}

fn cron2(values: &Values, entry: &Entry) -> Option<CronSettings> {
    let mut cron = any(false);
    let (first, after) = entry.value.split_once([' ', '\t']).unwrap_or((&entry.value, ""));
    let known = |part: &str| part.split_once('=').is_some_and(|(key, _)| KEYS.contains(&key));
    if !first.split(',').any(known) {
        return with_command(values, entry, cron, &entry.value);
    }
    for part in first.split(',').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        set(values, entry, &mut cron, key, value)?;
    }
    with_command(values, entry, cron, trim(after))
}

const KEYS: [&str; 7] = ["minute", "hour", "day", "month", "week", "unique", "harakiri"];

fn set(values: &Values, entry: &Entry, cron: &mut CronSettings, key: &str, text: &str) -> Option<()> {
    let field = |range: RangeInclusive<i32>, zero: bool| {
        let number = text.parse::<i32>().ok().filter(|number| range.contains(number) && (zero || *number != 0));
        if number.is_none() {
            let (least, most) = (if zero { 0 } else { 1 }, range.end());
            let message =
                format!("{}: \"{text}\" is no {key}: {least} to {most}, -1 for any, -N for every N", entry.key);
            values.problems.error(&entry.at, message);
        }
        number
    };
    match key {
        "minute" => cron.minute = field(-59..=59, true)?,
        "hour" => cron.hour = field(-23..=23, true)?,
        "day" => cron.day = field(-31..=31, false)?,
        "month" => cron.month = field(-12..=12, false)?,
        "week" => cron.weekday = field(-7..=7, true)?,
        "unique" => cron.unique = yes_or_no(text).unwrap_or(true),
        "harakiri" => cron.harakiri = Duration::from_secs(values.number_of(entry, text, 0..=1 << 32)?),
        other => {
            values.problems.error(
                &entry.at,
                format!("{}: there is no \"{other}\" here; there are {}", entry.key, KEYS.join(", ")),
            );
            return None;
        }
    }
    Some(())
}

fn with_command(values: &Values, entry: &Entry, mut cron: CronSettings, command: &str) -> Option<CronSettings> {
    if command.is_empty() {
        values.problems.error(&entry.at, format!("{}: the command is missing", entry.key));
        return None;
    }
    cron.command = command.to_owned();
    Some(cron)
}
