//! The table of options: every key there is, what it takes and what becomes of it.

mod commands;
mod foreign;
mod http;
mod language;
mod logging;
mod process;
mod workers;

use std::sync::LazyLock;

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or yes or no.
    Flag,
    /// Nothing, yes or no, or a value.
    Maybe,
    /// A whole number that is not negative.
    Number,
    /// The same, in seconds.
    Seconds,
    /// The same, in megabytes.
    Megabytes,
    /// Rights of files, in octal digits.
    Octal,
    /// A path.
    Path,
    /// An address to listen on.
    Address,
    /// Any text.
    Text,
    /// Text in which `;`, `#`, `%(…)` and `$(…)` may mean something to others: a command, a header, a format.
    Foreign,
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is part of the settings.
    Used,
    /// It is part of the language: the reader has acted on it when settings are made.
    Language,
    /// It is what happens anyway, or matters only to uWSGI's inside; nobody needs to hear of it.
    Accepted(&'static str),
    /// uWSGI knows it and here it does nothing, which is said in a warning.
    WithoutEffect(&'static str),
    /// uWSGI knows it, and leaving it out would change what is served: an error.
    Refused(&'static str),
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Its letter on the command line.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// What it does, in a line.
    pub help: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

impl Spec {
    const fn also(mut self, aliases: &'static [&'static str]) -> Spec {
        self.aliases = aliases;
        self
    }

    const fn short(mut self, letter: char) -> Spec {
        self.short = Some(letter);
        self
    }

    /// Whether it can be given without a value.
    pub fn needs_value(&self) -> bool {
        !matches!(self.kind, Kind::Flag | Kind::Maybe)
    }
}

const fn make(name: &'static str, kind: Kind, help: &'static str, fate: Fate) -> Spec {
    Spec { name, aliases: &[], short: None, kind, help, fate }
}

const fn used(name: &'static str, kind: Kind, help: &'static str) -> Spec {
    make(name, kind, help, Fate::Used)
}

const fn language(name: &'static str, kind: Kind, help: &'static str) -> Spec {
    make(name, kind, help, Fate::Language)
}

/// `why` is shown as the help as well.
const fn accepted(name: &'static str, why: &'static str) -> Spec {
    make(name, Kind::Flag, why, Fate::Accepted(why))
}

/// The same for one with a value.
const fn accepted_value(name: &'static str, why: &'static str) -> Spec {
    make(name, Kind::Maybe, why, Fate::Accepted(why))
}

const fn without_effect(name: &'static str, why: &'static str) -> Spec {
    make(name, Kind::Maybe, why, Fate::WithoutEffect(why))
}

const fn refused(name: &'static str, why: &'static str) -> Spec {
    make(name, Kind::Maybe, why, Fate::Refused(why))
}

/// The parts of the table with what they are about.
pub static PARTS: [(&str, &[Spec]); 7] = [
    ("The language and the program", language::OPTIONS),
    ("Sockets and HTTP", http::OPTIONS),
    ("Apps, workers and their life", workers::OPTIONS),
    ("The process", process::OPTIONS),
    ("Log and statistics", logging::OPTIONS),
    ("Files and commands", commands::OPTIONS),
    ("Of uWSGI, and not here", foreign::OPTIONS),
];

/// All options.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    PARTS.iter().flat_map(|(_, part)| part.iter())
}

static BY_NAME: LazyLock<std::collections::HashMap<&'static str, &'static Spec>> = LazyLock::new(|| {
    all()
        .flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied()).map(move |n| (n, spec)))
        .collect()
});

/// The option of a name.
pub fn find(name: &str) -> Option<&'static Spec> {
    BY_NAME.get(name).copied()
}

/// The option of a letter on the command line.
pub fn find_short(letter: char) -> Option<&'static Spec> {
    all().find(|spec| spec.short == Some(letter))
}

/// The name somebody may have meant.
pub fn suggest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace('_', "-");
    let candidates = BY_NAME.iter().filter(|(_, spec)| !matches!(spec.fate, Fate::Refused(_) | Fate::WithoutEffect(_)));
    candidates
        .map(|(candidate, _)| (strsim::damerau_levenshtein(&name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_letters_stand_for_one_option_each() {
        let mut names = HashSet::new();
        let mut letters = HashSet::new();
        for spec in all() {
            assert!(names.insert(spec.name), "{} twice", spec.name);
            assert!(spec.aliases.iter().all(|alias| names.insert(alias)), "an alias of {} twice", spec.name);
            assert!(spec.short.is_none_or(|letter| letters.insert(letter)), "-{:?} twice", spec.short);
            assert!(!spec.help.is_empty() && spec.help.len() < 160, "help of {}", spec.name);
        }
    }

    #[test]
    fn mistyped_names_find_what_was_meant() {
        assert_eq!(suggest("proceses"), Some("processes"));
        assert_eq!(suggest("http_socket"), Some("http-socket"));
        assert_eq!(suggest("Threads"), Some("threads"));
        assert_eq!(suggest("dlopne"), Some("dlopen"));
        assert_eq!(suggest("wholly-something-else"), None);
    }
}
