use crate::apps::exchange::Fake;
use crate::{apps, load, load_with};
use bloom_prefork::app::{App, Kind};
use std::fs;
use std::path::{Path, PathBuf};

/// The classic app with some bytes replaced by as many others.
fn changed(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let mut bytes = fs::read(apps::classic()).unwrap();
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let found: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        assert!(!found.is_empty(), "{from} is not in the library");
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    let library = folder.join("libchanged.so");
    fs::write(&library, bytes).unwrap();
    library
}

fn hello(app: &App) -> String {
    let mut exchange = Fake::get("/");
    app.call(&mut exchange);
    exchange.text()
}

#[test]
fn a_missing_library_is_said() {
    let error = load(Path::new("/nowhere/libapp.so"), Some("application")).err().unwrap();
    assert_eq!((error.code(), error.exit_code()), ("missing library", 22));
    let text = error.to_string();
    assert!(text.starts_with("the library /nowhere/libapp.so cannot be read: No such file"), "{text}");
}

#[test]
fn what_is_not_a_library_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.rs");
    fs::write(&file, "fn main() {}\n").unwrap();
    let error = load(&file, Some("application")).err().unwrap();
    assert_eq!(error.code(), "not a library");
    assert!(error.to_string().ends_with("it is text"), "{error}");

    let own = std::env::current_exe().unwrap();
    let error = load(&own, Some("application")).err().unwrap();
    assert!(error.to_string().contains("a program, not a library"), "{error}");

    let mut bytes = fs::read(apps::classic()).unwrap();
    bytes[18..20].copy_from_slice(&8_u16.to_le_bytes());
    fs::write(&file, &bytes).unwrap();
    let error = load(&file, Some("application")).err().unwrap();
    assert!(error.to_string().contains("made for another machine (number 8"), "{error}");

    bytes.truncate(bytes.len() / 2);
    bytes[18..20].copy_from_slice(&fs::read(own).unwrap()[18..20]);
    fs::write(&file, &bytes).unwrap();
    let error = load(&file, Some("application")).err().unwrap();
    assert!(error.to_string().contains("it is damaged"), "{error}");
}

#[test]
fn a_missing_function_comes_with_names_that_are_there() {
    let error = load(&apps::classic(), Some("aplication")).err().unwrap();
    assert_eq!(error.code(), "missing function");
    assert!(error.to_string().contains("did you mean `application`?"), "{error}");
    let error = load(&apps::classic(), None).err().unwrap();
    assert_eq!(error.code(), "no entry");
    assert!(error.to_string().contains("add `rust-fn = application`"), "{error}");
}

#[test]
fn the_signature_is_picked_by_what_is_offered() {
    assert_eq!(load(&apps::classic(), Some("application")).ok().unwrap().kind(), Kind::Classic);
    assert_eq!(load(&apps::safe(), None).ok().unwrap().kind(), Kind::Safe);
    // An ini that still names the function of an app that was moved to the macro.
    assert_eq!(load(&apps::safe(), Some("application")).ok().unwrap().kind(), Kind::Safe);
}

#[test]
fn another_compiler_is_refused_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let library = changed(folder.path(), &[("rustc version 1.", "rustc version 9.")]);
    let error = load(&library, Some("application")).err().unwrap();
    assert_eq!(error.code(), "other compiler");
    let text = error.to_string();
    assert!(text.contains("was built by rustc 9.") && text.contains("this host by rustc 1."), "{text}");
    let app = load_with(&library, Some("application"), true).ok().unwrap();
    assert_eq!(hello(&app), "Hello");
}

#[test]
fn an_unknown_compiler_is_refused_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let library = changed(folder.path(), &[("rustc version ", "cobol version "), ("/rustc/", "/cobol/")]);
    let error = load(&library, Some("application")).err().unwrap();
    assert_eq!(error.code(), "unknown compiler");
    assert_eq!(hello(&load_with(&library, Some("application"), true).ok().unwrap()), "Hello");
    // By the commit alone it is known.
    let library = changed(folder.path(), &[("rustc version ", "cobol version ")]);
    assert_eq!(hello(&load(&library, Some("application")).ok().unwrap()), "Hello");
}

#[test]
fn what_the_loader_says_is_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let library = changed(folder.path(), &[("libgcc_s.so.1", "libabsent.so\0")]);
    let error = load(&library, Some("application")).err().unwrap();
    assert_eq!(error.code(), "not loadable");
    let text = error.to_string();
    assert!(text.contains("libabsent.so: cannot open shared object file"), "{text}");
    assert!(text.contains("LD_LIBRARY_PATH"), "{text}");
}

#[test]
fn the_file_may_be_overwritten_and_cut_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libapp.so");
    fs::copy(apps::classic(), &library).unwrap();
    let app = load(&library, Some("application")).ok().unwrap();
    fs::copy(apps::safe(), &library).unwrap();
    assert_eq!(hello(&app), "Hello");
    fs::File::create(&library).unwrap();
    // Code that was not touched before: a mapping of the file would have nothing behind it.
    let mut exchange = Fake::get("/env");
    app.call(&mut exchange);
    assert_eq!(exchange.text(), "PATH_INFO=/env\nREQUEST_METHOD=GET\n");
}

#[test]
fn libraries_with_the_same_names_stay_apart() {
    let source = |word: &str| {
        format!(
            "#[unsafe(no_mangle)] #[allow(improper_ctypes_definitions)] pub extern \"C\" fn application(
                _: std::collections::HashMap<&str, &str>,
            ) -> (String, Vec<(String, String)>, Vec<Vec<u8>>) {{
                (\"200 OK\".into(), vec![], vec![b\"{word}\".to_vec()])
            }}"
        )
    };
    let libraries = ["one", "two"].map(|word| apps::compile(word, &source(word), &["--crate-type", "cdylib"]));
    let [one, two] = libraries.map(|library| load(&library, Some("application")).ok().unwrap());
    assert_eq!((hello(&one), hello(&two)), ("one".into(), "two".into()));
}
