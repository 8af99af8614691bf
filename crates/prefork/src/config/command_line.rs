//! Arguments and variables of the environment as entries.

use std::ffi::OsString;
use std::sync::Arc;

use super::entry::{Entry, Rank};
use super::host::Host;
use super::options::{self, Fate, Spec};
use super::problem::{Place, Problems};

/// Variables uWSGI sets for its own children: not options.
const INTERNAL: [&str; 8] = [
    "UWSGI_RELOADS",
    "UWSGI_ORIGINAL_PROC_NAME",
    "UWSGI_EMPEROR_FD",
    "UWSGI_VASSAL_NAME",
    "UWSGI_DAEMON_FD",
    "UWSGI_FD",
    "UWSGI_STDERR",
    "UWSGI_VERSION",
];

/// What `UWSGI_…` variables say: `UWSGI_MAX_REQUESTS=5` is `max-requests = 5`.
pub(super) fn environment(host: &dyn Host, problems: &Problems) -> Vec<Entry> {
    let mut variables = host.envs();
    variables.sort();
    let mut entries = Vec::new();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix("UWSGI_").filter(|_| !INTERNAL.contains(&name.as_str())) else { continue };
        let key = key.to_ascii_lowercase().replace('_', "-");
        let place = Place::Environment(Arc::from(name.as_str()));
        let known = options::find(&key).map(|spec| (spec.name, spec.fate));
        // Lines of a block make no sense in variables, which have no order.
        if !known.is_some_and(|(name, fate)| {
            fate != Fate::Language || matches!(name, "ini" | "strict" | "permissive" | "inherit")
        }) {
            problems.warn(&place, format!("there is no option {key} for a variable: it says nothing"));
            continue;
        }
        entries.push(entry(&key, value.trim(), place, Rank::Environment));
    }
    entries
}

/// What the arguments say, in order; those without the program's name.
pub(super) fn arguments(args: &[OsString], problems: &Problems) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = args.iter().enumerate().map(|(index, arg)| (Place::Argument(index as u32 + 1), arg)).peekable();
    while let Some((place, arg)) = rest.next() {
        let Some(arg) = arg.to_str() else {
            problems.error(&place, "not UTF-8");
            continue;
        };
        let mut take = |spec: &Spec, given: Option<&str>, shown: &str| {
            let value = match given {
                Some(value) => value.to_owned(),
                None if !spec.needs_value() => String::new(),
                None => match rest.next().map(|(_, next)| next.to_str()) {
                    Some(Some(next)) => next.to_owned(),
                    _ => return problems.error(&place, format!("{shown} needs a value")),
                },
            };
            entries.push(entry(spec.name, value.trim(), place.clone(), Rank::CommandLine));
        };
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            match options::find(name) {
                Some(spec) => take(spec, value, arg),
                None => {
                    unknown(name, &place, problems);
                    // What follows was meant as its value: it is no mistake of its own.
                    rest.next_if(|(_, next)| value.is_none() && next.to_str().is_some_and(is_plain));
                }
            }
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            short(letters, &mut take, &place, problems);
        } else {
            bare(arg, place, &mut entries, problems);
        }
    }
    entries
}

/// `-p 4`, `-p4`, and letters that need no value in a row: `-Mp4`.
fn short(letters: &str, take: &mut impl FnMut(&Spec, Option<&str>, &str), place: &Place, problems: &Problems) {
    for (index, letter) in letters.char_indices() {
        let shown = format!("-{letter}");
        let Some(spec) = options::find_short(letter) else {
            return problems.error_hint(place, format!("there is no option {shown}"), "--help lists all");
        };
        let rest = &letters[index + letter.len_utf8()..];
        if spec.needs_value() {
            return take(spec, (!rest.is_empty()).then_some(rest), &shown);
        }
        // `-C660` and the like: what follows cannot be letters.
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return take(spec, Some(rest), &shown);
        }
        take(spec, None, &shown);
    }
}

fn unknown(name: &str, place: &Place, problems: &Problems) {
    let hint = options::suggest(name).map_or("--help lists all".into(), |name| format!("--{name} is meant?"));
    problems.error_hint(place, format!("there is no option --{name}"), hint);
}

/// Whether an argument is neither an option nor an ini.
fn is_plain(arg: &str) -> bool {
    !arg.starts_with('-') && !arg.contains(".ini")
}

/// A file by its ending.
fn bare(arg: &str, place: Place, entries: &mut Vec<Entry>, problems: &Problems) {
    let path = arg.rsplit_once(':').filter(|(_, section)| !section.contains('/')).map_or(arg, |(path, _)| path);
    if path == "-" || path.ends_with(".ini") || path.ends_with(".conf") {
        return entries.push(entry("ini", arg, place, Rank::CommandLine));
    }
    let other = [".xml", ".yaml", ".yml", ".json", ".js"].iter().any(|ending| path.ends_with(ending));
    let hint = if other {
        "configurations are written as ini"
    } else {
        "an ini ends in .ini; another name is given by --ini FILE"
    };
    problems.error_hint(&place, format!("\"{arg}\" is neither an option nor an ini"), hint);
}

fn entry(key: &str, value: &str, place: Place, rank: Rank) -> Entry {
    // What a shell gave is what is meant; only the language of files is expanded by its reader.
    let (key, value, at) = (key.to_owned(), value.to_owned(), place.clone());
    Entry { key, value, place, at, rank, raw: false, placeholder: false, option: None }
}

/// Whether a key is for the command line alone.
pub(super) fn only_there(spec: &Spec) -> bool {
    spec.fate == Fate::Used
        && matches!(spec.name, "platform-socket" | "platform-stats" | "help" | "version" | "check" | "dump-options")
}
