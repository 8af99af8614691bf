//! Loops and conditions.

use super::Fake;

fn headers(text: &str) -> Vec<String> {
    let host = Fake::with(text)
        .var("MODE", "prod")
        .file("/app/list", "x\ny\n")
        .file("/app/conf.d/b.ini", "")
        .file("/app/conf.d/a.ini", "");
    host.loaded().settings.env.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn loops_repeat_each_line_by_itself() {
    let rounds = |open: &str| headers(&format!("{open}\nenv = a%(_)=1\nenv = b%(_)=1\nendfor ="));
    assert_eq!(rounds("for = 1 2"), ["a1", "a2", "b1", "b2"]);
    assert_eq!(rounds("for-times = 2"), ["a1", "a2", "b1", "b2"]);
    assert_eq!(rounds("for-readline = list"), ["ax", "ay", "bx", "by"]);
    assert_eq!(rounds("for-glob = conf.d/*.ini"), ["aconf.d/a.ini", "aconf.d/b.ini", "bconf.d/a.ini", "bconf.d/b.ini"]);
    assert_eq!(rounds("for = "), Vec::<String>::new());
    assert_eq!(rounds("for-glob = none/*"), Vec::<String>::new());
}

#[test]
fn conditions_let_lines_count() {
    for (condition, expected) in [
        ("if-env = MODE", "prod"),
        ("if-env = MODE=prod", "prod"),
        ("ifenv = MODE = test", ""),
        ("if-env = NONE", ""),
        ("if-not-env = NONE", "NONE"),
        ("if-exists = list", "list"),
        ("if-file = conf.d", ""),
        ("if-dir = conf.d", "conf.d"),
        ("ifdir = /nowhere", ""),
        ("if-not-dir = list", "list"),
        ("if-opt = http-socket", ":8080"),
        ("if-opt = http-socket=:8080", ":8080"),
        ("if-not-opt = threads", "threads"),
        ("if-hostname = smithy", "smithy"),
        ("if-hostname-match = ^smi", "^smi"),
        ("if-hostname-match = \\d", ""),
        ("if-plugin = rust", "rust"),
        ("if-plugin = python", ""),
        ("if-not-reload =", ""),
    ] {
        let found = headers(&format!("{condition}\nenv = <%(_)>=1\nendif ="));
        let met = !expected.is_empty() || condition.starts_with("if-not-reload");
        assert_eq!(found, if met { vec![format!("<{expected}>")] } else { vec![] }, "{condition}");
    }
}

#[test]
fn else_is_the_other_way() {
    assert_eq!(headers("if-env = NONE\nenv = a=1\nelse =\nenv = b=1\nend ="), ["b"]);
    assert_eq!(headers("if-env = MODE\nenv = a=1\nelse\nenv = b=1\nend-if"), ["a"]);
}

#[test]
fn a_file_within_a_block_may_have_blocks_of_its_own() {
    let host = Fake::with("for = 1 2\nini = in%(_).ini\nendfor")
        .file("/app/in1.ini", "[uwsgi]\nif-env = NONE\nthreads = 9\nendif\n");
    let host = host.file("/app/in2.ini", "[uwsgi]\nprocesses = 5");
    let settings = host.loaded().settings;
    assert_eq!((settings.threads, settings.workers), (1, 5));
}

#[test]
fn what_is_wrong_with_blocks_is_said_with_both_lines() {
    let wrong = Fake::with("for = a\nif-env = X\nthreads = ten\nendif\nendfor").wrong();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].starts_with("app.ini:5:1: if-env within for of app.ini:4:1"), "{wrong:?}");
    for (text, expected) in [
        ("for = a\nthreads = 2", "app.ini:4:1: for is never ended"),
        ("endfor", "app.ini:4:1: endfor without a block to end"),
        ("else", "app.ini:4:1: else without an if before it"),
        ("for = a\nelse\nendfor", "app.ini:5:1: else without an if before it"),
        ("for = a\nendif", "app.ini:5:1: endif ends for of app.ini:4:1"),
        ("for-times = x\nendfor", "app.ini:4:13: for-times: \"x\" is not a whole number"),
        ("for-times = 99999999999\nendfor", "app.ini:4:13: for-times: 99999999999 rounds are more than 10000"),
        ("for-readline = none\nendfor", "app.ini:4:16: for-readline: none:"),
        ("if-hostname-match = (\nendif", "app.ini:4:21: if-hostname-match: not a regular expression"),
    ] {
        let wrong = Fake::with(text).wrong();
        assert!(wrong.iter().any(|line| line.starts_with(expected)), "{text}: {wrong:?}");
    }
}
