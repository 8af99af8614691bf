//! A tree of files for a test, and how it is asked.

use bloom_prefork::settings::StaticSettings;
use bloom_prefork::statics::{FileAnswer, FileRequest, Files};
use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a `www` to serve from and things beside it that must never be served.
pub struct Tree {
    home: TempDir,
}

impl Tree {
    pub fn new(files: &[&str]) -> Tree {
        let tree = Tree { home: tempfile::tempdir().unwrap() };
        fs::create_dir(tree.path("www")).unwrap();
        for file in files {
            tree.write(file, &format!("inside {file}"));
        }
        tree.write("secret.txt", "outside");
        tree
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn overlay(&self) -> StaticSettings {
        StaticSettings { overlays: vec![self.path("www")], ..StaticSettings::default() }
    }

    pub fn mapped(&self, mount: &str) -> StaticSettings {
        StaticSettings { maps: vec![(mount.to_owned(), self.path("www"))], ..StaticSettings::default() }
    }
}

/// Asks with headers; gives what was said for the log, too.
pub fn ask_with(
    files: &Files,
    method: &str,
    path: &[u8],
    headers: &[(&str, &str)],
) -> (Option<FileAnswer>, Vec<String>) {
    let said = RefCell::new(Vec::new());
    let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes());
    let say = |why: &str| said.borrow_mut().push(why.to_owned());
    let answer = files.find(&FileRequest { method: method.as_bytes(), path, query: b"q=1", headers: &find, say: &say });
    (answer, said.into_inner())
}

pub fn get(files: &Files, path: &str) -> Option<FileAnswer> {
    ask_with(files, "GET", path.as_bytes(), &[]).0
}

pub fn text(answer: FileAnswer) -> String {
    let Some(mut body) = answer.body else { return String::new() };
    let mut bytes = vec![0; usize::try_from(body.left()).unwrap()];
    let mut have = 0;
    while body.left() > 0 {
        have += body.read(&mut bytes[have..]).unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

pub fn header<'a>(answer: &'a FileAnswer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// The text served at a path, if any is.
pub fn body_at(files: &Files, path: &str) -> Option<String> {
    get(files, path).map(text)
}
