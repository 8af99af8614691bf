//! One key and value, as they come from a file, the command line or the environment.

use super::options::Spec;
use super::problem::Place;

/// Who said it. A later one wins over an earlier one, wherever they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// A file.
    File,
    /// A variable `UWSGI_…`.
    Environment,
    /// An argument.
    CommandLine,
}

/// One key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As it was written.
    pub key: String,
    /// Without blanks around it.
    pub value: String,
    /// Where the key stands.
    pub place: Place,
    /// Where the value stands.
    pub at: Place,
    /// Who said it.
    pub rank: Rank,
    /// Its value is taken as it stands: nothing in it is expanded.
    pub raw: bool,
    /// A name for `%(name)` that need not be an option.
    pub placeholder: bool,
    /// The option it sets, once that was looked up.
    pub option: Option<&'static Spec>,
}
