//! `for …` and `if-…`: what a block stands for, decided when it opens.

use std::path::Path;

use super::entry::Entry;
use super::glob;
use super::host::Host;
use super::problem::Place;

/// Most rounds of one loop.
pub(super) const MOST_ROUNDS: usize = 10_000;

/// A block that is open.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The key that opened it.
    pub key: String,
    /// Where.
    pub place: Place,
    /// What `%(_)` stands for, once for each time a line counts.
    pub items: Vec<String>,
    /// What the items are behind an `else`; None once there was one, and in loops.
    pub otherwise: Option<Vec<String>>,
    /// Blocks opened within, which are not permitted, and whose lines are passed over.
    pub nested: usize,
}

/// Whether a key opens a block. The option's own name is given.
pub(super) fn opens(name: &str) -> bool {
    matches!(name, "for" | "for-times" | "for-glob" | "for-readline") || name.starts_with("if-")
}

/// Whether `end` is how `block` ends.
pub(super) fn ends(end: &str, block: &Block) -> bool {
    match end {
        "endfor" => block.key.starts_with("for"),
        "endif" => block.key.starts_with("if"),
        _ => true,
    }
}

/// Opens the block of a key, its value already expanded. An error is a message.
pub(super) fn open(name: &str, entry: &Entry, above: &[Entry], host: &dyn Host, reload: bool) -> Result<Block, String> {
    let value = entry.value.as_str();
    let block = |items: Vec<String>, otherwise: Option<Vec<String>>| Block {
        key: entry.key.clone(),
        place: entry.place.clone(),
        items,
        otherwise,
        nested: 0,
    };
    if name.starts_with("for") {
        return Ok(block(rounds(name, value, host)?, None));
    }
    let (positive, name) =
        name.strip_prefix("if-not-").map_or((true, name.trim_start_matches("if-")), |rest| (false, rest));
    let (holds, tested) = test(name, value, above, host, reload)?;
    let (yes, no) = (vec![tested.unwrap_or_else(|| value.to_owned())], Vec::new());
    Ok(if holds == positive { block(yes, Some(no)) } else { block(no, Some(yes)) })
}

fn rounds(name: &str, value: &str, host: &dyn Host) -> Result<Vec<String>, String> {
    let items: Vec<String> = match name {
        "for" => value.split_ascii_whitespace().map(str::to_owned).collect(),
        "for-times" => {
            let count: u64 = value.parse().map_err(|_| format!("\"{value}\" is not a whole number"))?;
            if count > MOST_ROUNDS as u64 {
                return Err(format!("{count} rounds are more than {MOST_ROUNDS}"));
            }
            (1..=count).map(|round| round.to_string()).collect()
        }
        "for-glob" => glob::paths(host, value, MOST_ROUNDS + 1),
        _ => {
            let bytes =
                host.read_file(&host.cwd().join(value), 1 << 20).map_err(|error| format!("{value}: {error}"))?;
            let text = String::from_utf8(bytes).map_err(|_| format!("{value} is not UTF-8"))?;
            text.lines().map(|line| line.trim().to_owned()).collect()
        }
    };
    if items.len() > MOST_ROUNDS { Err(format!("more than {MOST_ROUNDS} rounds")) } else { Ok(items) }
}

/// Whether a condition holds, and what `%(_)` is when it is not the value as written.
fn test(
    name: &str,
    value: &str,
    above: &[Entry],
    host: &dyn Host,
    reload: bool,
) -> Result<(bool, Option<String>), String> {
    let path = || host.cwd().join(Path::new(value));
    let against = |wanted: Option<&str>, have: Option<String>| match wanted {
        Some(wanted) => (have.as_deref() == Some(wanted), have),
        None => (have.is_some(), have),
    };
    let (left, right) = value.split_once('=').map_or((value, None), |(left, right)| (left.trim(), Some(right.trim())));
    Ok(match name {
        "env" => against(right, host.env(left)),
        "opt" => against(right, above.iter().find(|entry| entry.key == left).map(|entry| entry.value.clone())),
        "exists" => (host.exists(&path()), None),
        "file" => (host.is_file(&path()), None),
        "dir" => (host.is_dir(&path()), None),
        "hostname" => (host.hostname() == value, None),
        "hostname-match" => {
            let pattern = super::values::pattern(value)?;
            (pattern.is_match(host.hostname().as_bytes()), None)
        }
        "plugin" => (super::resolve_apps::has_plugin(value), None),
        "reload" => (reload, None),
        other => return Err(format!("there is no condition {other}")),
    })
}
