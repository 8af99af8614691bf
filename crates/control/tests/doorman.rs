//! The doorman's words: every file in `fixtures/doorman/` is understood and written back as it was, and chance finds
//! nothing that is read otherwise than it was written.

use bloom_control::{DoorSpec, News, Order, Target, TcpTarget, UnixTarget};
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

fn files(sub: &str) -> Vec<(String, String)> {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../fixtures/doorman").join(sub);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()));
    texts.collect()
}

fn read_as_named(name: &str, text: &str) -> Result<Value, serde_json::Error> {
    match name.split('.').next() {
        Some("order") => serde_json::to_value(serde_json::from_str::<Order>(text)?),
        Some("news") => serde_json::to_value(serde_json::from_str::<News>(text)?),
        _ => panic!("{name} is of no known kind"),
    }
}

#[test]
fn every_fixture_comes_back_as_it_was() {
    let files = files("");
    assert!(files.len() >= 15, "only {} fixtures", files.len());
    for (name, text) in files {
        let written: Value = serde_json::from_str(&text).unwrap();
        let read = read_as_named(&name, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, written, "{name}");
    }
}

#[test]
fn every_invalid_fixture_is_refused() {
    let files = files("invalid");
    assert!(files.len() >= 12, "only {} fixtures", files.len());
    for (name, text) in files {
        assert!(read_as_named(&name, &text).is_err(), "{name} was accepted");
    }
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (any::<IpAddr>(), 1_u16..)
            .prop_map(|(address, port)| { Target::Tcp(TcpTarget { address, port: NonZeroU16::new(port).unwrap() }) }),
        any::<String>().prop_map(|path| Target::Unix(UnixTarget { path: PathBuf::from(path) })),
    ]
}

fn door() -> impl Strategy<Value = DoorSpec> {
    (any::<String>(), any::<String>(), any::<u32>(), any::<u32>()).prop_map(|(id, path, wait_ms, limit)| DoorSpec {
        id,
        path: PathBuf::from(path),
        wait_ms,
        limit,
    })
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        proptest::collection::vec(door(), 0..4).prop_map(|doors| Order::Keep { doors }),
        (any::<String>(), target()).prop_map(|(door, to)| Order::Lead { door, to }),
        any::<String>().prop_map(|door| Order::Refuse { door }),
        Just(Order::List {}),
        Just(Order::Finish {}),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_one_line_and_read_as_it_was_meant(order in order()) {
        let text = serde_json::to_string(&order).unwrap();
        prop_assert!(!text.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }

    /// A byte that was changed on the way is refused, or makes another order that can be written again.
    #[test]
    fn nothing_that_comes_is_more_than_an_error(order in order(), at: prop::sample::Index, byte: u8) {
        let mut text = serde_json::to_vec(&order).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(read) = serde_json::from_slice::<Order>(&text) {
            let again = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(serde_json::from_str::<Order>(&again).unwrap(), read);
        }
    }
}
