//! Reads files in place: their sections, and files within files.

use super::entry::{Entry, Rank};
use super::lex::{self, Line};
use super::magic::{self, FileName};
use super::problem::Place;
use super::reader::Reader;

/// Most files within files.
const DEEPEST: usize = 32;

impl Reader<'_> {
    /// Reads a file whose values are taken as they stand, but for magic variables.
    pub fn inherit(&mut self, entry: &Entry) {
        let Some(file) = self.locate(&entry.value, entry) else { return };
        // A file that is inherited twice says nothing new, and might be a loop.
        if self.inherited.iter().any(|other| same(other, &file)) {
            return self.problems.error(&entry.at, format!("{} is inherited already", name_with_section(&file)));
        }
        self.inherited.push(file);
        self.inheriting = true;
        self.include(&entry.value, entry);
        self.inheriting = false;
    }

    /// Reads `FILE[:SECTION]` or `:SECTION` in place.
    pub fn include(&mut self, target: &str, entry: &Entry) {
        let Some(file) = self.locate(target, entry) else { return };
        let chain = || self.chain.iter().chain([&file]).map(name_with_section).collect::<Vec<_>>().join(" → ");
        if self.chain.iter().any(|other| same(other, &file)) {
            return self.problems.error(&entry.at, format!("a loop of files: {}", chain()));
        }
        if self.chain.len() >= DEEPEST {
            return self
                .problems
                .error(&entry.at, format!("files include one another more than {DEEPEST} deep: {}", chain()));
        }
        let Some(text) = self.read(&file, entry) else { return };
        if !self.sources.contains(&file.path) {
            self.sources.push(file.path.clone());
        }
        self.first.get_or_insert_with(|| file.clone());
        self.last = Some(file.path.clone());
        // A block reaches as far as its file does.
        let outer = (self.block.take(), std::mem::take(&mut self.literal));
        self.chain.push(file.clone());
        self.lines(&text, &file);
        self.chain.pop();
        self.finish();
        (self.block, self.literal) = outer;
    }

    fn lines(&mut self, text: &str, file: &FileName) {
        let path = self.shown(file);
        let wanted = section(file);
        let first = self.first.clone().unwrap_or_else(|| file.clone());
        let mut sections: Vec<String> = Vec::new();
        let (mut inside, mut outside_said) = (false, false);
        for (index, original) in text.lines().enumerate() {
            let line = index as u32 + 1;
            let at = |column| Place::File { path: path.clone(), line, column };
            match lex::line(original) {
                None => {}
                Some(Line::BrokenSection) => self.problems.error(&at(1), "a section is written [name]"),
                Some(Line::Section(name)) => {
                    inside = name == wanted;
                    sections.push(name.to_owned());
                }
                Some(Line::Pair { .. }) if !inside && (outside_said || !sections.is_empty()) => {}
                Some(Line::Pair { .. }) if !inside => {
                    outside_said = true;
                    let message = format!("lines before the first section say nothing; [{wanted}] is missing above");
                    self.problems.warn(&at(1), message);
                }
                Some(Line::Pair { key, value, key_column, value_column }) => {
                    let raw = self.literal;
                    let magic = |text: &str| {
                        if raw || !text.contains('%') {
                            text.to_owned()
                        } else {
                            magic::replace(text, self.host, file, &first)
                        }
                    };
                    let (key, value) = (magic(key), magic(value));
                    let (place, at) = (at(key_column), at(value_column));
                    let raw = raw || self.inheriting;
                    self.take(Entry { key, value, place, at, rank: Rank::File, raw, placeholder: false, option: None });
                }
            }
        }
        if !sections.iter().any(|name| name == wanted) {
            let there = if sections.is_empty() {
                "there is none".into()
            } else {
                format!("there are: {}", sections.join(", "))
            };
            let whole = Place::File { path, line: 0, column: 0 };
            let hint = format!("{there}; name one by FILE:SECTION");
            self.problems.error_hint(&whole, format!("no section [{wanted}]"), hint);
        }
    }
}

/// The section that is read; uwsgi when none was asked for.
fn section(file: &FileName) -> &str {
    if file.section.is_empty() { "uwsgi" } else { &file.section }
}

fn same(one: &FileName, other: &FileName) -> bool {
    one.path == other.path && section(one) == section(other)
}

fn name_with_section(file: &FileName) -> String {
    format!("{}:{}", file.path.display(), section(file))
}
