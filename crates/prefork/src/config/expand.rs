//! `$(VARIABLE)`, `@(file)` and `%(option)` in values.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::arithmetic::{SumError, evaluate};
use super::entry::Entry;
use super::host::Host;
use super::lex;
use super::options::{self, Kind};
use super::problem::{Place, Problems};

/// Most bytes of one value, and of a file named by `@(…)`.
const MOST_OF_ONE: usize = 64 << 10;
/// Most bytes that all expansions of a configuration make together.
pub(super) const MOST_OF_ALL: usize = 16 << 20;

/// Expands values that may name other entries.
pub(super) struct Expander<'a> {
    host: &'a dyn Host,
    problems: &'a Problems,
    entries: &'a [Entry],
    /// The first entry of each key: the one `%(key)` means.
    first: HashMap<&'a str, usize>,
    done: RefCell<HashMap<usize, String>>,
    /// Entries that are being expanded, to see one that needs itself.
    open: RefCell<Vec<usize>>,
    spent: &'a Cell<usize>,
}

impl<'a> Expander<'a> {
    /// `spent` counts bytes over several expanders of a configuration.
    pub fn new(
        host: &'a dyn Host,
        problems: &'a Problems,
        entries: &'a [Entry],
        spent: &'a Cell<usize>,
    ) -> Expander<'a> {
        let mut first = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            first.entry(entry.key.as_str()).or_insert(index);
        }
        Expander { host, problems, entries, first, done: RefCell::default(), open: RefCell::default(), spent }
    }

    /// The value of the entry at `index`.
    pub fn entry(&self, index: usize) -> String {
        if let Some(value) = self.done.borrow().get(&index) {
            return value.clone();
        }
        let entry = &self.entries[index];
        if entry.raw {
            return entry.value.clone();
        }
        if self.open.borrow().len() >= 100 {
            self.problems.error(&entry.at, "values name one another more than 100 deep");
            return String::new();
        }
        self.open.borrow_mut().push(index);
        let value = self.value(entry);
        self.open.borrow_mut().pop();
        self.done.borrow_mut().insert(index, value.clone());
        value
    }

    /// The expanded value of an entry that need not be one of `entries`.
    pub fn value(&self, entry: &Entry) -> String {
        // In commands, headers and formats what is not known belongs to somebody else.
        let foreign = options::find(&entry.key).is_some_and(|spec| spec.kind == Kind::Foreign);
        let said = RefCell::new(HashSet::new());
        let unknown = |what: &str| {
            if !foreign && said.borrow_mut().insert(what.to_owned()) {
                self.problems.warn(&entry.at, format!("nothing is known for {what}: it is left as it stands"));
            }
        };
        let text = self.replace(&entry.value, "$(", &entry.at, |name| {
            let value = self.host.env(name);
            if value.is_none() {
                unknown(&format!("$({name})"));
            }
            value
        });
        let text = self.replace(&text, "@(", &entry.at, |source| Some(self.file(source, &entry.at)));
        let text = self.replace(&text, "%(", &entry.at, |name| {
            let value = self.placeholder(name, &entry.at);
            if value.is_none() {
                unknown(&format!("%({name})"));
            }
            value
        });
        lex::trim(&text).to_owned()
    }

    fn placeholder(&self, text: &str, at: &Place) -> Option<String> {
        if !text.contains([' ', '\t']) {
            return self.named(text, at);
        }
        match evaluate(text, |name| self.named(name, at)) {
            Ok(value) => Some(value),
            Err(SumError::Unknown(_)) => None,
            Err(SumError::NotANumber(what)) => {
                self.problems.error(at, format!("%({text}): \"{}\" is not a whole number", shorten(&what)));
                Some(String::new())
            }
            Err(SumError::TooLarge) => {
                self.problems.error(at, format!("%({text}): the result does not fit in 64 bits"));
                Some(String::new())
            }
        }
    }

    fn named(&self, name: &str, at: &Place) -> Option<String> {
        let index = *self.first.get(name)?;
        let open = self.open.borrow();
        if let Some(from) = open.iter().position(|entry| *entry == index) {
            let chain: Vec<&str> = open[from..].iter().chain([&index]).map(|i| self.entries[*i].key.as_str()).collect();
            self.problems.error(at, format!("a value needs itself: {}", chain.join(" → ")));
            return Some(String::new());
        }
        drop(open);
        Some(self.entry(index))
    }

    fn file(&self, source: &str, at: &Place) -> String {
        let path = source.strip_prefix("file://").unwrap_or(source);
        if path.contains("://") {
            self.problems.error_hint(at, format!("@({source}): only files are read"), "name a file by its path");
            return String::new();
        }
        match self.host.read_file(&self.host.cwd().join(Path::new(path)), MOST_OF_ONE) {
            Err(error) => {
                self.problems.error(at, format!("@({source}) cannot be read: {error}"));
                String::new()
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => text.strip_suffix('\n').unwrap_or(&text).to_owned(),
                Err(_) => {
                    self.problems.error(at, format!("@({source}) is not UTF-8"));
                    String::new()
                }
            },
        }
    }

    /// Replaces every `opening…)` by what `value` gives; None leaves it as it stands.
    fn replace(&self, text: &str, opening: &str, at: &Place, value: impl Fn(&str) -> Option<String>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(opening) {
            let Some(length) = rest[start + 2..].find(')') else { break };
            out.push_str(&rest[..start]);
            let whole = &rest[start..start + 2 + length + 1];
            let new = value(&whole[2..whole.len() - 1]);
            out.push_str(new.as_deref().unwrap_or(whole));
            rest = &rest[start + whole.len()..];
            if !self.pay(new.map_or(1, |new| new.len() + 1), out.len(), at) {
                return String::new();
            }
        }
        out + rest
    }

    /// Whether there is room for `new` more bytes, in a value of `length`.
    fn pay(&self, new: usize, length: usize, at: &Place) -> bool {
        self.spent.set(self.spent.get().saturating_add(new));
        if self.spent.get() > MOST_OF_ALL {
            self.problems.error(&Place::Nowhere, format!("values expand to more than {} MiB", MOST_OF_ALL >> 20));
            return false;
        }
        if length > MOST_OF_ONE {
            self.problems.error(at, format!("the value expands to more than {} KiB", MOST_OF_ONE >> 10));
            return false;
        }
        true
    }
}

/// The beginning of a text, for messages.
pub(super) fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(60).collect();
    if chars.next().is_some() { start + "…" } else { start }
}
