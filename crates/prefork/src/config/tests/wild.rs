//! Bytes and lines from anywhere: never a panic, always an end.

use proptest::prelude::*;

use super::Fake;

/// Lines of parts that mean something, put together in any way.
fn wild_line() -> impl Strategy<Value = String> {
    let names = crate::config::options::all().map(|spec| spec.name).collect::<Vec<_>>();
    let values = vec![
        "",
        "1",
        "-1",
        "true",
        "%(threads)",
        "%(a + b)",
        "%(_)",
        "%(a",
        "$(HOME)",
        "$(",
        "@(app.ini)",
        "@()",
        "a=b",
        "a=%(a)%(a)",
        "%d",
        "%",
        "app.ini",
        ":uwsgi",
        ":other",
        "app.ini:other",
        "/",
        "=",
        "=0",
        ":",
        "fd://9",
        "x y z",
        "-1 -1 -1 -1 -1 x",
        "[",
        "*",
        "é\u{301}",
        "a,b,c",
        "99999999999999999999",
        "; x",
        "1 ; x",
        "file:x",
        "9 ++ --",
        "/ 0 * -",
    ];
    prop_oneof![
        8 => (proptest::sample::select(names), proptest::sample::select(values)).prop_map(|(name, value)| format!("{name} = {value}")),
        1 => proptest::sample::select(vec!["[uwsgi]", "[other]", "endfor", "endif", "else", "end", "; c", "[", "= x"]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_end_in_settings_or_problems(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Fake::default().file("/app/app.ini", bytes).load_with(&[]);
    }

    #[test]
    fn any_lines_end_in_settings_or_problems(lines in proptest::collection::vec(wild_line(), 0..30)) {
        let host = Fake::with(&lines.join("\n")).var("HOME", "/root");
        match host.load_with(&["--no-server"]) {
            Ok(loaded) => prop_assert!(!loaded.settings.apps.is_empty() || loaded.text().is_some()),
            Err(error) => prop_assert!(!error.problems.is_empty()),
        }
    }

    #[test]
    fn any_arguments_end_in_settings_or_problems(args in proptest::collection::vec("-{0,2}[a-zA-Z=:./ 0-9-]{0,14}", 0..6)) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let _ = Fake::with("").load_with(&args);
    }
}
