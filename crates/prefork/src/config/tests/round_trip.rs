//! What `--show-config` prints gives the same settings again.

use proptest::prelude::*;

use super::Fake;
use crate::config::ini;

/// Lines that are in order by themselves and beside one another.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let text = "[ -~é]{0,12}x";
    let line = prop_oneof![
        (1..64u32).prop_map(|n| format!("threads = {n}")),
        (1..9u32).prop_map(|n| format!("cheaper = {n}")),
        (0..10_000u32).prop_map(|n| format!("harakiri = {n}")),
        (0..10_000u32).prop_map(|n| format!("max-requests = {n}")),
        (0..10_000u32).prop_map(|n| format!("reload-on-rss = {n}")),
        (0..100_000u32).prop_map(|n| format!("buffer-size = {n}")),
        (0..100_000u32).prop_map(|n| format!("http-keepalive = {n}")),
        (1..100_000u32).prop_map(|n| format!("listen = {n}")),
        (64..8192u32).prop_map(|n| format!("threads-stacksize = {n}")),
        (0..0o777u32).prop_map(|n| format!("umask = {n:o}")),
        (0..0o777u32).prop_map(|n| format!("chmod-socket = {n:o}")),
        (1..60000u16).prop_map(|n| format!("socket = [::1]:{n}")),
        "[a-z.]{1,9}".prop_map(|name| format!("socket = /run/{name}")),
        "[a-z.]{1,9}".prop_map(|name| format!("chdir = {name}")),
        "[a-z.]{1,9}".prop_map(|name| format!("touch-chain-reload = {name}")),
        "[a-z.]{1,9}".prop_map(|name| format!("pidfile2 = {name}")),
        "[a-z.]{1,9}".prop_map(|name| format!("mime-file = {name}")),
        "[a-z./]{1,9}".prop_map(|name| format!("static-map = /{name}={name}")),
        text.prop_map(|text| format!("log-format = {text}")),
        text.prop_map(|text| format!("log-date = {text}")),
        text.prop_map(|text| format!("add-header = X-A:{text}")),
        text.prop_map(|text| format!("attach-daemon = {text}")),
        text.prop_map(|text| format!("smart-attach-daemon = p.pid {text}")),
        text.prop_map(|text| format!("unique-cron = -1 5 -1 -1 0 {text}")),
        text.prop_map(|text| format!("cron2 = hour=3,harakiri=4 {text}")),
        text.prop_map(|text| format!("env = A={text}")),
        text.prop_map(|text| format!("procname-prefix-spaced = {text}")),
        "[a-z]{1,5}".prop_map(|pattern| format!("static-expires = {pattern}.*$ 60")),
        proptest::sample::select(vec![
            "lazy-apps",
            "vacuum",
            "log-micros",
            "stats = :9",
            "stats-http",
            "log-date",
            "http-keepalive = no",
            "tcp-nodelay = no",
            "unenv = B",
            "reuse-port = on",
            "auto-procname",
            "req-logger = file:r.log",
            "attach-daemon2 = cmd=x y,pidfile=p,control=1",
            "https-socket = :443,c,k",
            "mount = /a=b.so:c",
            "static-gzip-all",
            "log-x-forwarded-for",
            "gid = 5",
            "brutal-term",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(line, 0..12)
}

proptest! {
    #[test]
    fn what_is_shown_gives_the_same_settings(lines in lines()) {
        let host = Fake::with(&format!("processes = 20\n{}", lines.join("\n"))).var("HOME", "/root");
        // Two lines may serve the same address, and `%(…)` may be a bad sum: those are other tests'.
        let Ok(loaded) = host.load_with(&[]) else { return Ok(()) };
        let shown = ini(&loaded.settings);
        let again = Fake::ini(&shown).var("HOME", "/elsewhere").load_with(&[]);
        let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{shown}")))?;
        prop_assert_eq!(without_names(loaded.settings), without_names(again.settings), "{}", shown);
    }
}

/// Names of sockets are as they were written, which is another way when they are shown.
fn without_names(mut settings: crate::settings::Settings) -> crate::settings::Settings {
    settings.sockets.iter_mut().for_each(|socket| socket.name.clear());
    settings.stats.iter_mut().for_each(|stats| stats.name.clear());
    settings
}
