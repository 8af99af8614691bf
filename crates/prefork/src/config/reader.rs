//! Gathers entries: everything the language acts on while reading, and what remains.

use std::cell::Cell;
use std::path::PathBuf;

use super::entry::Entry;
use super::expand::Expander;
use super::host::Host;
use super::lex;
use super::logic::{self, Block};
use super::magic::FileName;
use super::options::{self, Fate};
use super::problem::{Place, Problems};

/// Most keys that are looked at, loops counted out.
const MOST_STEPS: usize = 50_000;
/// Most keys that remain.
const MOST_ENTRIES: usize = 10_000;

/// Gathers entries from files and arguments.
pub(super) struct Reader<'a> {
    pub host: &'a dyn Host,
    pub problems: &'a Problems,
    /// What was gathered, in order.
    pub entries: Vec<Entry>,
    /// The files, in the order they were read, each once.
    pub sources: Vec<PathBuf>,
    /// Whether this is for a reload.
    pub reload: bool,
    /// Bytes made by expanding.
    pub spent: Cell<usize>,
    pub(super) block: Option<Block>,
    pub(super) chain: Vec<FileName>,
    pub(super) first: Option<FileName>,
    pub(super) last: Option<PathBuf>,
    pub(super) literal: bool,
    pub(super) inheriting: bool,
    pub(super) inherited: Vec<FileName>,
    steps: usize,
}

impl<'a> Reader<'a> {
    pub fn new(host: &'a dyn Host, problems: &'a Problems) -> Reader<'a> {
        Reader {
            host,
            problems,
            entries: Vec::new(),
            sources: Vec::new(),
            reload: false,
            spent: Cell::new(0),
            block: None,
            chain: Vec::new(),
            first: None,
            last: None,
            literal: false,
            inheriting: false,
            inherited: Vec::new(),
            steps: 0,
        }
    }

    /// Takes one key and value: as a line of a block, or at once.
    pub fn take(&mut self, entry: Entry) {
        if !self.step() {
            return;
        }
        let name = options::find(&entry.key).map_or("", |spec| spec.name);
        if logic::opens(name) {
            return self.open(name, entry);
        }
        match name {
            "endfor" | "endif" | "end" => self.close(name, &entry),
            "else" => self.otherwise(&entry),
            _ => match &self.block {
                None => self.act(name, entry),
                Some(block) if block.nested > 0 => {}
                Some(block) => {
                    for item in block.items.clone() {
                        let replaced = |text: &str| text.replace("%(_)", &item);
                        let key = replaced(&entry.key);
                        let name = options::find(&key).map_or("", |spec| spec.name);
                        if !self.step() {
                            return;
                        }
                        self.spent.set(self.spent.get() + item.len() + entry.value.len());
                        self.act(name, Entry { key, value: replaced(&entry.value), ..entry.clone() });
                    }
                }
            },
        }
    }

    /// Says so when a block is still open at the end of what was read.
    pub fn finish(&mut self) {
        if let Some(block) = self.block.take() {
            let end = if block.key.starts_with("for") { "endfor" } else { "endif" };
            self.problems.error_hint(&block.place, format!("{} is never ended", block.key), format!("add {end}"));
        }
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.entries.len() > MOST_ENTRIES {
            let message = format!("loops and files make more than {MOST_ENTRIES} keys");
            self.problems.error(&Place::Nowhere, message);
            return false;
        }
        self.spent.get() <= super::expand::MOST_OF_ALL
    }

    fn open(&mut self, name: &str, entry: Entry) {
        if let Some(block) = &mut self.block {
            block.nested += 1;
            let message =
                format!("{} within {} of {}: blocks cannot stand in one another", entry.key, block.key, block.place);
            return self.problems.error_hint(
                &entry.place,
                message,
                "end the first, or put the inner lines into a file and include it",
            );
        }
        let value = self.expanded(&entry);
        let entry = Entry { value, ..entry };
        let opened = logic::open(name, &entry, &self.entries, self.host, self.reload);
        self.block = Some(opened.unwrap_or_else(|message| {
            self.problems.error(&entry.at, format!("{}: {message}", entry.key));
            let place = entry.place.clone();
            Block { key: entry.key, place, items: Vec::new(), otherwise: None, nested: 0 }
        }));
    }

    fn close(&mut self, name: &str, entry: &Entry) {
        let problems = self.problems;
        match &mut self.block {
            None => problems.error(&entry.place, format!("{} without a block to end", entry.key)),
            Some(block) if block.nested > 0 => block.nested -= 1,
            Some(block) => {
                if !logic::ends(name, block) {
                    problems.error(&entry.place, format!("{} ends {} of {}", entry.key, block.key, block.place));
                }
                self.block = None;
            }
        }
    }

    fn otherwise(&mut self, entry: &Entry) {
        match &mut self.block {
            Some(block) if block.nested > 0 => {}
            Some(block) if block.otherwise.is_some() => block.items = block.otherwise.take().unwrap_or_default(),
            _ => self.problems.error(&entry.place, "else without an if before it"),
        }
    }

    /// What the language does at once; everything else is kept.
    fn act(&mut self, name: &str, entry: Entry) {
        match name {
            "ini" => {
                let value = self.expanded(&entry);
                self.include(&value, &entry);
            }
            "set" | "set-placeholder" => self.set(name, entry),
            "print" => self.problems.warn(&entry.place, self.expanded(&entry)),
            "literal" => self.literal = !super::values::is_no(&entry.value),
            _ => self.entries.push(entry),
        }
    }

    fn set(&mut self, name: &str, entry: Entry) {
        let Some((key, value)) = entry.value.split_once('=') else {
            return self
                .problems
                .error(&entry.at, format!("{}: KEY=VALUE is needed, not \"{}\"", entry.key, entry.value));
        };
        let (key, value) = (lex::trim(key).to_owned(), lex::trim(value).to_owned());
        let language = options::find(&key).is_some_and(|spec| spec.fate == Fate::Language);
        if language && name == "set" && key != "inherit" && key != "strict" && key != "permissive" {
            return self.problems.error(&entry.at, format!("{key} cannot be set this way"));
        }
        self.entries.push(Entry { key, value, placeholder: name == "set-placeholder", ..entry });
    }

    /// The value of what acts at once: it sees the entries above.
    fn expanded(&self, entry: &Entry) -> String {
        if entry.raw || !["$(", "@(", "%("].iter().any(|opening| entry.value.contains(opening)) {
            return entry.value.clone();
        }
        Expander::new(self.host, self.problems, &self.entries, &self.spent).value(entry)
    }
}
