//! Temporary files stay inside, within their size, and go.

use ignite::json;

use crate::process::{Function, start};

fn leftovers(function: &Function) -> Vec<String> {
    let names = std::fs::read_dir(&function.folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.starts_with("ignite-")).collect()
}

#[test]
fn files_are_there_while_the_execution_runs_and_gone_afterwards() {
    let mut function = start(&[]);
    let answer = function.post("/temp", "tea").json();
    assert_eq!((&answer["used"], &answer["read"]), (&json!(4), &json!(b"tea!")));
    let folder = answer["folder"].as_str().unwrap();
    assert!(folder.starts_with(function.folder.to_str().unwrap()), "{folder}");
    function.record();
    function.term();
    function.ended();
    assert_eq!(leftovers(&function), [""; 0]);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let function = start(&[]);
    let mut caller = function.connect();
    for name in ["../x", "/etc/passwd", "a/../../x", "", ".", "./x", "a/%00b"] {
        let answer = caller.post(&format!("/temp?name={name}"), "x");
        assert_eq!(answer.status(), 400, "{name}: {}", answer.body);
    }
    for name in ["link", "link/x"] {
        let answer = caller.post(&format!("/temp?link=/tmp&name={name}"), "x");
        assert_eq!(answer.status(), 400, "{name}: {}", answer.body);
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let function = start(&[("IGNITE_TEMP_BYTES", "10")]);
    let mut caller = function.connect();
    assert_eq!(caller.post("/temp", "123456789").status(), 200);
    // The tenth byte fits, the `!` that is appended does not.
    let answer = caller.post("/temp", "1234567890");
    assert_eq!(answer.status(), 507);
    assert!(answer.json()["error"].as_str().unwrap().contains("10 bytes"), "{}", answer.body);
}
