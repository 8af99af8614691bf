use super::compiler::Compiler;
use super::elf::NotLibrary;
use std::io;
use std::path::PathBuf;

/// Why an app cannot be served: what happened, where, and what to do next.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages say what the fields are.
pub enum LoadError {
    /// There is no such file, or it may not be read.
    #[error("the library {path} cannot be read: {cause}; build it first, or correct `dlopen`", path = path.display())]
    Missing { path: PathBuf, cause: io::Error },
    /// The file is something else.
    #[error("{path} is not a library that can be loaded: {why}", path = path.display())]
    NotLibrary { path: PathBuf, why: NotLibrary },
    /// Data of the standard library is laid out anew by each compiler.
    #[error(
        "{path} was built by {app}, this host by {host}; build it with the host's compiler, or export \
         `#[prefork::application]`, which any compiler may build (`--allow-rustc-mismatch` calls it all the same, and \
         may crash)",
        path = path.display()
    )]
    OtherCompiler { path: PathBuf, app: Compiler, host: Compiler },
    /// As above, but nobody knows.
    #[error(
        "{path} does not say which compiler built it, and `{function}` can only be called when it was {host}; do not \
         strip its `.comment` section, or load it all the same with `--allow-rustc-mismatch` if you know (else it may \
         crash)",
        path = path.display()
    )]
    UnknownCompiler { path: PathBuf, function: String, host: Compiler },
    /// The function is not there.
    #[error("{path} offers no function `{function}`; {hint}", path = path.display())]
    MissingSymbol { path: PathBuf, function: String, hint: String },
    /// Neither a function was named nor a table is there.
    #[error(
        "{path} has no `#[prefork::application]`, and `rust-fn` names no function to call instead; {hint}",
        path = path.display()
    )]
    NoEntry { path: PathBuf, hint: String },
    /// The table is there, but it is none.
    #[error(
        "{path} offers `{symbol}`, but what stands there is no table of an app; build it with the crate `prefork`",
        path = path.display(), symbol = prefork::abi::SYMBOL
    )]
    BadTable { path: PathBuf },
    /// The copy that is loaded cannot be made.
    #[error("no private copy of {path} can be made to load from: {cause}", path = path.display())]
    Copy { path: PathBuf, cause: io::Error },
    /// The system's loader said no.
    #[error("{path} cannot be loaded: {text}{hint}", path = path.display())]
    Loader { path: PathBuf, text: String, hint: &'static str },
    /// This program has no loader.
    #[error(
        "this bloom-prefork is linked statically and loads nothing; build it with \
         RUSTFLAGS=\"-C target-feature=-crt-static\""
    )]
    StaticHost,
}

impl LoadError {
    /// A few words that stay the same whatever the details are.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::Missing { .. } => "missing library",
            LoadError::NotLibrary { .. } => "not a library",
            LoadError::OtherCompiler { .. } => "other compiler",
            LoadError::UnknownCompiler { .. } => "unknown compiler",
            LoadError::MissingSymbol { .. } => "missing function",
            LoadError::NoEntry { .. } => "no entry",
            LoadError::BadTable { .. } => "bad table",
            LoadError::Copy { .. } => "no private copy",
            LoadError::Loader { .. } => "not loadable",
            LoadError::StaticHost => "static host",
        }
    }

    /// What the host exits with when it cannot start: 22 where nothing but the app is wrong, else 1.
    pub fn exit_code(&self) -> i32 {
        match self {
            LoadError::Copy { .. } | LoadError::StaticHost => 1,
            _ => 22,
        }
    }
}

/// Why a loaded app does not get ready.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{hook}` of the app {library} failed; the line before says why", library = library.display())]
pub struct HookError {
    pub(super) hook: &'static str,
    pub(super) library: PathBuf,
}
