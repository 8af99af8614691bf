//! Values of options by what they take: flags, numbers, times, paths. Says what is wrong with each.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::entry::Entry;
use super::expand::shorten;
use super::host::Host;
use super::lex;
use super::problem::{Place, Problems};

/// Ten years: longer times are mistakes, and would overflow somewhere.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// The entries that are settings, and how they are asked for.
pub(super) struct Values<'a> {
    /// Expanded, known options only.
    pub entries: Vec<Entry>,
    pub host: &'a dyn Host,
    pub problems: &'a Problems,
    /// Unknown keys and odd flags are warnings.
    pub permissive: bool,
    /// Where the process started.
    pub cwd: PathBuf,
    /// Where it works: `chdir`, or the same.
    pub base: PathBuf,
}

impl Values<'_> {
    /// All entries of an option, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.option.is_some_and(|spec| spec.name == name))
    }

    /// The one that counts: the last of those who say it with most right.
    pub fn last(&self, name: &str) -> Option<&Entry> {
        // `max_by_key` gives the last of equals.
        self.all(name).max_by_key(|entry| entry.rank)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.flag_or(name, false)
    }

    /// The same with what it is when nobody says.
    pub fn flag_or(&self, name: &str, default: bool) -> bool {
        let Some(entry) = self.last(name) else { return default };
        let value = self.without_comment(entry);
        yes_or_no(value).unwrap_or_else(|| {
            let message = format!("{}: \"{}\" is neither yes nor no", entry.key, shorten(value));
            self.problems.strict(self.permissive, &entry.at, message, Some("true or false".into()));
            true
        })
    }

    /// A number of an option.
    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let entry = self.last(name)?;
        // Those that are overruled are looked at as well: a mistake should not wait for its day.
        for other in self.all(name).filter(|other| !std::ptr::eq(*other, entry)) {
            self.number_of(other, self.without_comment(other), range.clone());
        }
        self.number_of(entry, self.without_comment(entry), range)
    }

    /// A number that is all of `text`, or an error at the entry.
    pub fn number_of(&self, entry: &Entry, text: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let fail = |why: &str| {
            self.problems.error(&entry.at, format!("{}: \"{}\" {why}", entry.key, shorten(text)));
            None
        };
        let (least, most) = (*range.start(), *range.end());
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return fail("is not a whole number");
        }
        if text.starts_with('-') {
            return fail(&format!("is negative; {least} to {most} can be given"));
        }
        match digits.parse::<u64>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => fail(&format!("is out of range: {least} to {most} can be given")),
        }
    }

    /// A count that fits in 32 bits.
    pub fn count(&self, name: &str, range: RangeInclusive<u64>) -> Option<u32> {
        self.number(name, range).map(|number| number as u32)
    }

    /// A time in seconds.
    pub fn seconds(&self, name: &str) -> Option<Duration> {
        self.number(name, 0..=LONGEST).map(Duration::from_secs)
    }

    /// Megabytes as bytes; 0 when nobody says.
    pub fn megabytes(&self, name: &str) -> u64 {
        self.number(name, 0..=1 << 40).unwrap_or(0) << 20
    }

    /// Rights of files in octal digits.
    pub fn octal(&self, entry: &Entry) -> Option<u32> {
        let text = self.without_comment(entry);
        let parsed = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777 && !text.starts_with('+'));
        if parsed.is_none() {
            let message = format!("{}: \"{}\" are not rights in octal digits, such as 660", entry.key, shorten(text));
            self.problems.error(&entry.at, message);
        }
        parsed
    }

    /// A text; an empty one is an error.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).filter(|entry| !self.filled(entry)).count();
        self.last(name).filter(|entry| !entry.value.is_empty()).map(|entry| entry.value.clone())
    }

    /// All texts of an option that may be given several times.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).filter(|entry| self.filled(entry)).map(|entry| entry.value.clone()).collect()
    }

    /// A path below `base`.
    pub fn path(&self, name: &str, base: &Path) -> Option<PathBuf> {
        self.text(name).map(|text| normal(&base.join(text)))
    }

    /// The same for several.
    pub fn paths(&self, name: &str, base: &Path) -> Vec<PathBuf> {
        self.texts(name).iter().map(|text| normal(&base.join(text))).collect()
    }

    /// Whether there is a value; says so when not.
    pub fn filled(&self, entry: &Entry) -> bool {
        if entry.value.is_empty() {
            self.problems.error(&entry.at, format!("{} needs a value", entry.key));
        }
        !entry.value.is_empty()
    }

    /// `left=right` of an entry, or an error that shows how it is written.
    pub fn pair<'e>(&self, entry: &'e Entry, separator: char, shape: &str) -> Option<(&'e str, &'e str)> {
        let pair = entry.value.split_once(separator).map(|(left, right)| (lex::trim(left), lex::trim(right)));
        let pair = pair.filter(|(left, right)| !left.is_empty() && !right.is_empty());
        if pair.is_none() {
            let message = format!("{}: \"{}\" is not written {shape}", entry.key, shorten(&entry.value));
            self.problems.error(&entry.at, message);
        }
        pair
    }

    /// The value without a comment behind it, which is not part of what uWSGI takes for flags and numbers.
    pub fn without_comment<'e>(&self, entry: &'e Entry) -> &'e str {
        let Some(before) = lex::before_inline_comment(&entry.value) else { return &entry.value };
        self.problems
            .warn(&entry.at, format!("{}: uWSGI has no comments behind a value; \"{before}\" is taken", entry.key));
        before
    }

    /// An error at no line.
    pub fn missing(&self, message: &str, hint: &str) {
        self.problems.error_hint(&Place::Nowhere, message, hint);
    }
}

/// Whether a flag's value says yes or no. Nothing is yes.
pub(super) fn yes_or_no(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Whether a value says no.
pub(super) fn is_no(value: &str) -> bool {
    yes_or_no(lex::before_inline_comment(value).unwrap_or(value)) == Some(false)
}

/// A regular expression as it is used later: it sees bytes, and its classes know ASCII.
pub(super) fn pattern(text: &str) -> Result<regex::bytes::Regex, String> {
    let built = regex::bytes::RegexBuilder::new(text).unicode(false).build();
    built.map_err(|error| {
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        format!("not a regular expression: {last}")
    })
}

/// A path without `.` and without `..` where that is only text. Links are not followed.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // `a/..` may be elsewhere when `a` is a link: only the root's is certain.
            Component::ParentDir if out == Path::new("/") => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_yes_or_no() {
        for (value, expected) in [
            ("", Some(true)),
            ("TRUE", Some(true)),
            ("On", Some(true)),
            ("0", Some(false)),
            ("No", Some(false)),
            ("2", None),
        ] {
            assert_eq!(yes_or_no(value), expected, "{value}");
        }
        assert!(is_no("false ; for now"));
    }

    #[test]
    fn paths_lose_what_says_nothing() {
        assert_eq!(normal(Path::new("/a/./b//c/../d")), Path::new("/a/b/c/../d"));
        assert_eq!(normal(Path::new("/../x/.")), Path::new("/x"));
    }
}
