//! The user's library: found, checked, loaded, called.
//!
//! ```text
//! bytes ── elf (what is it, who built it) ── entry (what is called) ── library (a private copy, loaded)
//!                                                                        ├── classic: `rust-fn`
//!                                                                        └── table:   `#[prefork::application]`
//! ```
#![allow(unsafe_code)]

mod classic;
mod compiler;
pub mod crash;
mod elf;
mod entry;
mod error;
mod host;
mod library;
mod table;

pub use compiler::Compiler;
pub use entry::Entry;
pub use error::{HookError, LoadError};
pub use host::{HostFacts, Log};

use crate::exchange::{Exchange, Outcome};
use crate::settings::AppSettings;
use library::Library;
use prefork::abi::{self, AppTable};
use std::path::PathBuf;

/// A loaded app. Called from many threads at once.
pub struct App {
    path: PathBuf,
    call: Call,
    _library: Library,
}

enum Call {
    Classic(classic::Function),
    Table(AppTable),
}

/// The signature an app is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The one `rust-fn` names.
    Classic,
    /// The one of `#[prefork::application]`.
    Safe,
}

impl App {
    /// Reads, checks and loads a library; code of it runs only as far as it has constructors.
    pub fn load(settings: &AppSettings, allow_mismatch: bool) -> Result<App, LoadError> {
        let path = &settings.library;
        let bytes = std::fs::read(path).map_err(|cause| LoadError::Missing { path: path.clone(), cause })?;
        let facts = elf::read(&bytes).map_err(|why| LoadError::NotLibrary { path: path.clone(), why })?;
        let entry = entry::plan(path, &facts, settings.function.as_deref())?;
        if let Entry::Classic(function) = &entry
            && !allow_mismatch
        {
            entry::check_compiler(path, &facts, function, &Compiler::own())?;
        }
        let library = Library::load(path, &bytes)?;
        let bad_table = || LoadError::BadTable { path: path.clone() };
        let call = match &entry {
            Entry::Classic(function) => {
                let missing = || {
                    let (path, function, hint) = (path.clone(), function.clone(), "the loader does not find it".into());
                    LoadError::MissingSymbol { path, function, hint }
                };
                let address = library.symbol(function).ok_or_else(missing)?;
                // SAFETY: the user says so with `rust-fn`; the compiler is ours, or the user answers for it.
                Call::Classic(unsafe { classic::function(address) })
            }
            Entry::Table => {
                let address = library.symbol(abi::SYMBOL).ok_or_else(bad_table)?;
                // SAFETY: it was exported under the name.
                Call::Table(unsafe { table::table(address) }.ok_or_else(bad_table)?)
            }
        };
        Ok(App { path: path.clone(), call, _library: library })
    }

    /// Once after loading, before there is a worker (in each worker with `lazy-apps`).
    pub fn init(&self, facts: HostFacts) -> Result<(), HookError> {
        let host = host::table(facts);
        match &self.call {
            // SAFETY: the table of the host stays for ever.
            Call::Table(AppTable { init: Some(init), .. }) => self.hook("init", unsafe { init(host) }),
            _ => Ok(()),
        }
    }

    /// Once in each worker, before its first request.
    pub fn post_fork(&self, worker: u32) -> Result<(), HookError> {
        host::set_worker(worker);
        match &self.call {
            // SAFETY: as its table says.
            Call::Table(AppTable { post_fork: Some(hook), .. }) => self.hook("post_fork", unsafe { hook(worker) }),
            _ => Ok(()),
        }
    }

    /// Once in each worker that ends in order, after its last request.
    pub fn exit(&self) {
        if let Call::Table(AppTable { exit: Some(exit), .. }) = &self.call {
            // SAFETY: as its table says.
            unsafe { exit() }
        }
    }

    /// One request. A panic of the classic kind does not come back: see [`crash`].
    pub fn call(&self, exchange: &mut dyn Exchange) -> Outcome {
        match &self.call {
            Call::Classic(function) => classic::call(*function, exchange),
            Call::Table(app) => table::call(app, exchange),
        }
    }

    /// The signature it is called by.
    pub fn kind(&self) -> Kind {
        match self.call {
            Call::Classic(_) => Kind::Classic,
            Call::Table(_) => Kind::Safe,
        }
    }

    fn hook(&self, hook: &'static str, code: i32) -> Result<(), HookError> {
        if code == 0 { Ok(()) } else { Err(HookError { hook, library: self.path.clone() }) }
    }
}
