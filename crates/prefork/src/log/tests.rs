use super::*;
use std::time::{Duration, UNIX_EPOCH};

const VARS: &[(&[u8], &[u8])] = &[
    (b"REQUEST_METHOD", b"GET"),
    (b"REQUEST_URI", b"/a?b=c"),
    (b"SERVER_PROTOCOL", b"HTTP/1.1"),
    (b"REMOTE_ADDR", b"127.0.0.1"),
    (b"HTTP_USER_AGENT", b"a \"browser\"\n"),
    (b"HTTP_X_FORWARDED_FOR", b"10.0.0.1, 10.0.0.2"),
];

fn entry() -> RequestEntry<'static> {
    RequestEntry {
        vars: VARS,
        head_bytes: 90,
        body_bytes: 12,
        status: 200,
        headers: 3,
        headers_bytes: 77,
        response_bytes: 5,
        began: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        took: Duration::from_micros(12_345),
        pid: 41,
        worker: 2,
        core: 7,
        worker_requests: 9,
        total_requests: 20,
        app: 0,
        read_errors: 1,
        write_errors: 2,
        memory: (3 << 20, 10 << 20),
    }
}

fn in_file(change: impl FnOnce(&mut LogSettings)) -> (tempfile::TempDir, std::path::PathBuf, LogSettings) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut settings = LogSettings { file: Some(path.clone()), ..LogSettings::default() };
    change(&mut settings);
    (folder, path, settings)
}

/// What is written for one request.
fn written(settings: LogSettings, entry: &RequestEntry<'_>) -> String {
    let (_folder, path, settings) =
        in_file(|default| *default = LogSettings { file: default.file.clone(), ..settings });
    Logger::open(&settings).unwrap().request(entry);
    std::fs::read_to_string(path).unwrap()
}

fn formatted(format: &str) -> String {
    written(LogSettings { format: Some(format.to_owned()), ..LogSettings::default() }, &entry())
}

fn ctime() -> String {
    let mut scratch = scratch::Scratch::default();
    clock::push_ctime(&mut scratch, entry().began);
    String::from_utf8(scratch.line).unwrap()
}

#[test]
fn the_default_line_is_uwsgis() {
    assert_eq!(
        written(LogSettings::default(), &entry()),
        format!(
            "[pid: 41|app: 0|req: 9/20] 127.0.0.1 () {{6 vars in 166 bytes}} [{}] GET /a?b=c => generated 5 bytes in \
             12 msecs (HTTP/1.1 200) 3 headers in 77 bytes (1 switches on core 7)\n",
            ctime()
        )
    );
    let settings = LogSettings { micros: true, x_forwarded_for: true, ..LogSettings::default() };
    let line = written(settings, &entry());
    assert!(line.contains("] 10.0.0.1,10.0.0.2 () {"), "{line}");
    assert!(line.contains(" in 12345 micros (HTTP"), "{line}");
}

#[test]
fn a_line_cannot_be_forged() {
    let vars: &[(&[u8], &[u8])] = &[
        (b"REQUEST_METHOD", b"GET"),
        (b"REQUEST_URI", b"/ => generated 0 bytes\n[pid: 1|app: 0|req: 1/1] 6.6.6.6"),
        (b"REMOTE_USER", b"x) {\x1b[2J"),
    ];
    let line = written(LogSettings::default(), &RequestEntry { vars, ..entry() });
    assert_eq!(line.lines().count(), 1);
    assert!(line.contains(r"GET /\x20=>\x20generated\x200\x20bytes\x0a[pid:"), "{line}");
    assert!(line.contains(r" (x)\x20{\x1b[2J) {"), "{line}");
}

#[test]
fn every_name_of_a_format_has_its_value() {
    for (format, value) in [
        ("%(method) %(uri) %(proto) %(addr) %(user) %(host)", "GET /a?b=c HTTP/1.1 127.0.0.1 - -"),
        ("%(status) %(micros) %(msecs) %(secs)", "200 12345 12 0"),
        ("%(time) %(tmsecs) %(tmicros)", "1700000000 1700000000000 1700000000000000"),
        ("%(size) %(hsize) %(rsize) %(cl) %(pktsize)", "82 77 5 12 166"),
        ("%(pid) %(wid) %(core) %(switches) %(vars) %(headers)", "41 2 7 1 6 3"),
        ("%(rss) %(vsz) %(rssM) %(vszM)", "3145728 10485760 3 10"),
        ("%(modifier1) %(modifier2) %(rerr) %(werr) %(ioerr)", "0 0 1 2 3"),
        ("\"%(uagent)\" %(referer) %(var.REMOTE_ADDR) %(var.NO)", r#""a \"browser\"\x0a" - 127.0.0.1 -"#),
        ("100% %(metric.x) %(nobody)%(secs", "100% - -%(secs"),
        ("a\nb", "a b"),
    ] {
        let line = formatted(format);
        // The first lines of the file may be warnings.
        assert_eq!(line.lines().last().unwrap(), value, "{format}");
    }
    let line = formatted("%(ctime)|%(ltime)|%(ftime)|%(epoch)");
    let parts: Vec<&str> = line.trim_end().split('|').collect();
    assert_eq!(parts[0], ctime());
    assert_eq!(parts[1], parts[2]);
    assert!(parts[1].contains("/Nov/2023:"), "{line}");
    assert!(parts[3].parse::<u64>().unwrap() > 1_700_000_000);
    let date = LogSettings { date: Some("%Y".into()), format: Some("%(ftime)".into()), ..LogSettings::default() };
    assert_eq!(written(date, &entry()), "2023\n");
}

#[test]
fn unknown_names_are_warned_about() {
    let (_, warnings) = format::Format::compile("%(statuss) %(metric.a) %(whatever) %(status)");
    assert_eq!(warnings.len(), 3);
    assert!(warnings[0].contains("did you mean %(status)?"), "{}", warnings[0]);
    assert!(warnings[1].contains("no metrics"), "{}", warnings[1]);
    assert!(warnings[2].contains("%(var.NAME)"), "{}", warnings[2]);
    assert!(formatted("%(statuss)").starts_with("log-format: nothing is known as %(statuss)"));
}

#[test]
fn only_what_is_asked_for_is_logged() {
    let only = |change: fn(&mut crate::settings::LogOnly)| {
        let mut settings = LogSettings { disable_requests: true, ..LogSettings::default() };
        change(&mut settings.only);
        settings
    };
    let quiet = RequestEntry { read_errors: 0, write_errors: 0, ..entry() };
    for (settings, yes) in [
        (only(|_| ()), None),
        (only(|only| only.client_errors = true), Some(RequestEntry { status: 404, ..quiet })),
        (only(|only| only.server_errors = true), Some(RequestEntry { status: 500, ..quiet })),
        (only(|only| only.slow_ms = 13), Some(RequestEntry { took: Duration::from_millis(13), ..quiet })),
        (only(|only| only.big = 6), Some(RequestEntry { response_bytes: 6, ..quiet })),
        (only(|only| only.zero = true), Some(RequestEntry { response_bytes: 0, ..quiet })),
        (only(|only| only.io_errors = true), Some(RequestEntry { write_errors: 1, ..quiet })),
    ] {
        assert!(!selection::is_wanted(&settings, &quiet), "{settings:?}");
        assert!(yes.is_none_or(|entry| selection::is_wanted(&settings, &entry)), "{settings:?}");
    }
    assert!(selection::is_wanted(&LogSettings::default(), &quiet));
}

#[test]
fn lines_of_the_host_have_a_date_where_one_is_asked_for() {
    let (_folder, path, settings) = in_file(|settings| settings.date = Some("<%Y>".into()));
    let logger = Logger::open(&settings).unwrap();
    logger.line("first\n  and what belongs to it\n");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("<2"), "{text}");
    assert!(text.ends_with("> - first\n  and what belongs to it\n"), "{text}");
}

#[test]
fn requests_may_have_a_file_of_their_own() {
    let (folder, path, mut settings) = in_file(|settings| settings.format = Some("%(uri)".into()));
    settings.request_file = Some(folder.path().join("requests"));
    settings.truncate = true;
    let logger = Logger::open(&settings).unwrap();
    logger.line("host");
    logger.request(&entry());
    let both =
        || (std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(folder.path().join("requests")).unwrap());
    assert_eq!(both(), ("host\n".to_owned(), "/a?b=c\n".to_owned()));
    Logger::open_again(&settings).unwrap().line("after a reload");
    assert_eq!(both().0, "host\nafter a reload\n");
}

#[test]
fn a_file_that_is_large_is_moved_away() {
    let (folder, path, mut settings) = in_file(|settings| settings.max_size = 8);
    settings.backup_name = Some(folder.path().join("backup"));
    let logger = Logger::open(&settings).unwrap();
    logger.line("1234567");
    logger.rotate_if_large();
    assert!(!folder.path().join("backup").exists());
    logger.line("8");
    logger.rotate_if_large();
    logger.line("new");
    assert_eq!(std::fs::read_to_string(folder.path().join("backup")).unwrap(), "1234567\n8\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
    logger.rotate();
    assert_eq!(std::fs::read_to_string(folder.path().join("backup")).unwrap(), "new\n", "the last one stays");
}

#[test]
fn a_file_that_cannot_be_moved_or_opened_again_goes_on() {
    let (folder, path, mut settings) = in_file(|_| ());
    settings.backup_name = Some(folder.path().join("no/backup"));
    let logger = Logger::open(&settings).unwrap();
    logger.rotate();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("no/backup") && text.ends_with("; the file is written to as before\n"), "{text}");
    let moved = folder.path().join("moved");
    std::fs::rename(&path, &moved).unwrap();
    std::fs::create_dir(&path).unwrap();
    logger.reopen();
    logger.line("still");
    let text = std::fs::read_to_string(&moved).unwrap();
    assert!(text.contains("cannot be opened again for the log") && text.ends_with("\nstill\n"), "{text}");
}

proptest::proptest! {
    #[test]
    fn any_format_is_one_line(format: String) {
        let (compiled, _) = format::Format::compile(&format);
        let mut scratch = scratch::Scratch::default();
        compiled.push(&mut scratch, &entry(), &LogSettings::default());
        proptest::prop_assert!(!scratch.line.contains(&b'\n'));
        if !format.contains("%(") && !format.contains(['\n', '\r']) {
            proptest::prop_assert_eq!(scratch.line, format.as_bytes());
        }
    }
}
