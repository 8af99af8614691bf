//! Every file in `fixtures/control/` is understood and written back as it was: the files are the contract.

use bloom_control::{EnterMessage, EnterSpec, Hello, Line, Request, Spec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    // As cargo says it now: the binary may have been compiled for a checkout that is gone, when they share a cache.
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../fixtures/control")
}

fn json_files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, String)> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn round_trip<T: DeserializeOwned + Serialize>(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_str::<T>(text)?)
}

fn read_as_named(name: &str, text: &str) -> Result<Value, serde_json::Error> {
    match name.split('.').next() {
        Some("spec") => round_trip::<Spec>(text),
        Some("request") => round_trip::<Request>(text),
        Some("reply" | "event") => round_trip::<Line>(text),
        Some("hello") => round_trip::<Hello>(text),
        Some("enter") => round_trip::<EnterSpec>(text),
        Some("enter-message") => round_trip::<EnterMessage>(text),
        _ => panic!("{name} is of no known kind"),
    }
}

/// A spec may leave out what `exec` does not need; what it says must come back.
fn assert_holds(whole: &Value, part: &Value, name: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                let found = whole.get(key).unwrap_or_else(|| panic!("{name} lost {key}"));
                assert_holds(found, value, name);
            }
        }
        _ => assert_eq!(whole, part, "{name}"),
    }
}

#[test]
fn every_fixture_comes_back_as_it_was() {
    let files = json_files(&folder());
    assert!(files.len() >= 27, "only {} fixtures", files.len());
    for (name, text) in files {
        let written: Value = serde_json::from_str(&text).unwrap();
        let read = read_as_named(&name, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        if name.starts_with("spec.exec") || name.starts_with("spec.standby") {
            assert_holds(&read, &written, &name);
        } else {
            assert_eq!(read, written, "{name}");
        }
    }
}

#[test]
fn every_invalid_fixture_is_refused() {
    let files = json_files(&folder().join("invalid"));
    assert!(files.len() >= 17, "only {} fixtures", files.len());
    for (name, text) in files {
        assert!(read_as_named(&name, &text).is_err(), "{name} was accepted");
    }
}
