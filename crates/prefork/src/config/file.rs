//! Finds the files a configuration names, and reads them.

use std::path::Path;
use std::sync::Arc;

use super::entry::Entry;
use super::magic::FileName;
use super::problem::Place;
use super::reader::Reader;

/// Most bytes of one file.
const MOST: usize = 1 << 20;

impl Reader<'_> {
    pub(super) fn locate(&self, target: &str, entry: &Entry) -> Option<FileName> {
        if target.is_empty() || (target.contains("://") && !target.starts_with("file://")) {
            let message = format!("{}: \"{target}\" is not a file", entry.key);
            self.problems.error_hint(&entry.at, message, "give the path of an ini; other sources are not read");
            return None;
        }
        let target = target.strip_prefix("file://").unwrap_or(target);
        let cwd = self.host.cwd();
        let whole = cwd.join(target);
        let (path, section) = match target.rsplit_once(':') {
            Some((path, section)) if !section.contains('/') && !self.host.exists(&whole) => (path, section),
            _ => (target, ""),
        };
        let given = if path == "-" { "/dev/stdin" } else { path };
        let mut absolute = cwd.join(given);
        if given.is_empty() {
            let Some(last) = &self.last else {
                self.problems
                    .error(&entry.at, format!("{target}: no file was read before, whose section this could be"));
                return None;
            };
            absolute = self.chain.last().map_or_else(|| last.clone(), |file| file.path.clone());
        } else if let Some(folder) = self.chain.last().and_then(|file| file.path.parent())
            && !self.host.exists(&absolute)
            && self.host.exists(&folder.join(given))
        {
            absolute = folder.join(given);
        }
        Some(FileName { given: path.to_owned(), path: super::values::normal(&absolute), section: section.to_owned() })
    }

    pub(super) fn read(&self, file: &FileName, entry: &Entry) -> Option<String> {
        let name = file.path.display();
        let fail = |message: String, hint: &str| {
            self.problems.error_hint(&entry.at, message, hint);
            None
        };
        if self.host.is_dir(&file.path) {
            return fail(format!("{name} is a folder"), "give the path of an ini");
        }
        let bytes = match self.host.read_file(&file.path, MOST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                return fail(format!("{name} is larger than {} MiB", MOST >> 20), "this is hardly an ini");
            }
            Err(error) => return fail(format!("{name} cannot be read: {error}"), "give the path of an ini"),
        };
        if bytes.contains(&0) {
            return fail(format!("{name} is not text"), "give the path of an ini, not of a program or library");
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
                let column =
                    String::from_utf8_lossy(before.rsplit(|b| *b == b'\n').next().unwrap_or(&[])).chars().count();
                let place = Place::File { path: self.shown(file), line, column: column as u32 + 1 };
                self.problems.error_hint(&place, "not UTF-8", "save the file as UTF-8");
                None
            }
        }
    }

    /// How a file is called in messages: below the current folder by its relative path.
    pub(super) fn shown(&self, file: &FileName) -> Arc<str> {
        let path: &Path = file.path.strip_prefix(self.host.cwd()).unwrap_or(&file.path);
        Arc::from(path.display().to_string())
    }
}
