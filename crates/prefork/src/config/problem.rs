//! What is wrong with a configuration, and where: all of it at once.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; lines and columns count from 1, columns in characters.
    File {
        /// The file as it was given.
        path: Arc<str>,
        /// Its line; 0 stands for the whole file.
        line: u32,
        /// The column in it.
        column: u32,
    },
    /// On the command line; the first argument is 1.
    Argument(u32),
    /// In a variable of the environment.
    Environment(Arc<str>),
    /// In nothing that was written, but in what is missing.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line: 0, .. } => write!(out, "{path}"),
            Place::File { path, line, column } => write!(out, "{path}:{line}:{column}"),
            Place::Argument(number) => write!(out, "command line, argument {number}"),
            Place::Environment(name) => write!(out, "environment, {name}"),
            Place::Nowhere => write!(out, "configuration"),
        }
    }
}

/// One thing that is wrong, or that somebody may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(out, " ({hint})"))
    }
}

/// A configuration that cannot be served. Prints every problem on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct ConfigError {
    /// All that is wrong, in the order of its places.
    pub problems: Vec<Problem>,
    /// What is not wrong but worth a look.
    pub warnings: Vec<String>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Where problems are gathered while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

/// More than these help nobody; a bomb of errors must not fill the memory either.
const MOST: usize = 200;

impl Problems {
    /// Something that stops the configuration from being served.
    pub fn error(&self, place: &Place, message: impl Into<String>) {
        push(&self.errors, place, message.into(), None);
    }

    /// The same with what to do about it.
    pub fn error_hint(&self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        push(&self.errors, place, message.into(), Some(hint.into()));
    }

    /// Something that does not stop it.
    pub fn warn(&self, place: &Place, message: impl Into<String>) {
        push(&self.warnings, place, message.into(), None);
    }

    /// An error, or with `permissive` a warning.
    pub fn strict(&self, permissive: bool, place: &Place, message: impl Into<String>, hint: Option<String>) {
        push(if permissive { &self.warnings } else { &self.errors }, place, message.into(), hint);
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The warnings, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.borrow_mut();
        warnings.sort_by(|one, other| order(&one.place).cmp(&order(&other.place)));
        warnings.iter().map(Problem::to_string).collect()
    }

    /// All of it as an error, line by line.
    pub fn into_error(self) -> ConfigError {
        let warnings = self.warnings();
        let mut problems = self.errors.into_inner();
        problems.sort_by(|one, other| order(&one.place).cmp(&order(&other.place)));
        ConfigError { problems, warnings }
    }
}

/// Arguments and variables, then files by name and line, then what is missing.
fn order(place: &Place) -> (u8, &str, u32, u32) {
    match place {
        Place::Argument(number) => (0, "", *number, 0),
        Place::Environment(name) => (1, name, 0, 0),
        Place::File { path, line, column } => (2, path, *line, *column),
        Place::Nowhere => (3, "", 0, 0),
    }
}

fn push(list: &RefCell<Vec<Problem>>, place: &Place, message: String, hint: Option<String>) {
    let mut list = list.borrow_mut();
    let problem = Problem { place: place.clone(), message, hint };
    if list.len() < MOST && !list.contains(&problem) {
        list.push(problem);
    }
}
