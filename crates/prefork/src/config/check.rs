//! Which entries are settings: looks every key up and says what is wrong with it.

use super::command_line::only_there;
use super::entry::{Entry, Rank};
use super::expand::shorten;
use super::lex;
use super::options::{self, Fate, Kind, Spec};
use super::problem::Problems;
use super::values::{is_no, yes_or_no};

/// What the platform decides by itself, whatever a configuration says.
const OF_THE_PLATFORM: [&str; 12] = [
    "daemonize",
    "pidfile",
    "pidfile2",
    "uid",
    "gid",
    "logto",
    "logto2",
    "logger",
    "req-logger",
    "chroot",
    "unshare",
    "cgroup",
];

/// The entries that are settings, with their options.
pub(super) fn choose(entries: Vec<Entry>, permissive: bool, platform: bool, problems: &Problems) -> Vec<Entry> {
    entries.into_iter().filter_map(|entry| known(entry, permissive, platform, problems)).collect()
}

fn known(mut entry: Entry, permissive: bool, platform: bool, problems: &Problems) -> Option<Entry> {
    if entry.placeholder {
        return None;
    }
    if entry.value.chars().any(|c| c.is_control() && c != '\t' && c != '\u{1b}') {
        problems.error(
            &entry.at,
            format!("{}: the value has a line break or another control character", shorten(&entry.key)),
        );
        return None;
    }
    let Some(spec) = options::find(&entry.key) else {
        unknown(&entry, permissive, problems);
        return None;
    };
    if platform && OF_THE_PLATFORM.contains(&spec.name) {
        problems
            .warn(&entry.place, format!("{} says nothing on the platform, which decides this by itself", entry.key));
        return None;
    }
    if entry.rank != Rank::CommandLine && only_there(spec) {
        problems.error(&entry.place, format!("{} can be given on the command line alone", entry.key));
        return None;
    }
    entry.option = Some(spec);
    fate(spec, &entry, permissive, problems).then(|| {
        warn_of_comment(spec, &entry, problems);
        entry
    })
}

/// Whether an entry is a setting; says what else it is.
fn fate(spec: &Spec, entry: &Entry, permissive: bool, problems: &Problems) -> bool {
    let bare = lex::before_inline_comment(&entry.value).unwrap_or(&entry.value);
    match spec.fate {
        Fate::Used => return true,
        Fate::Language => {}
        Fate::Accepted(why) => {
            if bare.len() < entry.value.len() {
                let message = format!("{}: uWSGI has no comments behind a value; \"{bare}\" is taken", entry.key);
                problems.warn(&entry.at, message);
            }
            if spec.kind == Kind::Flag && yes_or_no(bare).is_none() {
                let message = format!("{}: \"{}\" is neither yes nor no", entry.key, shorten(bare));
                problems.strict(permissive, &entry.at, message, Some("true or false".into()));
            } else if is_no(bare) {
                problems.warn(&entry.place, format!("{} cannot be switched off: {why}", entry.key));
            }
        }
        Fate::WithoutEffect(_) | Fate::Refused(_) if is_no(bare) && !entry.value.is_empty() => {}
        Fate::WithoutEffect(why) => problems.warn(&entry.place, format!("{} has no effect: {why}", entry.key)),
        Fate::Refused(why) => problems.error(&entry.place, format!("{} is not supported: {why}", entry.key)),
    }
    false
}

fn unknown(entry: &Entry, permissive: bool, problems: &Problems) {
    if entry.key.is_empty() {
        return problems.error(&entry.place, "a line without a key");
    }
    let hint = match options::suggest(&entry.key) {
        Some(name) => format!("{name} is meant?"),
        None => "a name for %(…) is set by set-placeholder = NAME=VALUE".into(),
    };
    problems.strict(permissive, &entry.place, format!("there is no option {}", shorten(&entry.key)), Some(hint));
}

fn warn_of_comment(spec: &Spec, entry: &Entry, problems: &Problems) {
    let text = matches!(spec.kind, Kind::Text | Kind::Path | Kind::Address);
    if text && lex::before_inline_comment(&entry.value).is_some() {
        let message = format!(
            "{}: uWSGI has no comments behind a value; all of \"{}\" is taken",
            entry.key,
            shorten(&entry.value)
        );
        problems.warn(&entry.at, message);
    }
}
