//! The user's library: found, checked, loaded and called. Real libraries.

#[path = "../apps/mod.rs"]
mod apps;
mod call;
mod load;

use bloom_prefork::app::{App, LoadError};
use bloom_prefork::settings::AppSettings;
use std::path::Path;

fn load(library: &Path, function: Option<&str>) -> Result<App, LoadError> {
    load_with(library, function, false)
}

fn load_with(library: &Path, function: Option<&str>, allow_mismatch: bool) -> Result<App, LoadError> {
    let function = function.map(str::to_owned);
    App::load(&AppSettings { mount: String::new(), library: library.to_owned(), function }, allow_mismatch)
}
