//! Arguments, variables, and what they ask for.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::Fake;
use crate::config::{Action, load};
use crate::settings::{Address, Settings};

#[track_caller]
fn of(args: &[&str]) -> Settings {
    let loaded = Fake::with("processes = 3").var("UWSGI_THREADS", "7").load_with(args);
    loaded.unwrap_or_else(|error| panic!("{error}")).settings
}

#[test]
fn arguments_win_over_variables_and_those_over_files() {
    assert_eq!((of(&[]).workers, of(&[]).threads), (3, 7));
    let forms: [&[&str]; 6] =
        [&["--processes", "5"], &["--workers=5"], &["-p", "5"], &["-p5"], &["-Mp5"], &["--set", "processes=5"]];
    for args in forms {
        assert_eq!(of(args).workers, 5, "{args:?}");
    }
    let host = Fake::with("processes = 3");
    let before: Vec<OsString> = ["-p", "9", "app.ini"].map(OsString::from).into();
    assert_eq!(load(&before, &host).unwrap().settings.workers, 9);
}

#[test]
fn everything_can_be_said_without_a_file() {
    let args: Vec<OsString> = ["-s", ":3031", "--dlopen=x.so", "--lazy-apps", "-L"].map(OsString::from).into();
    let settings = load(&args, &Fake::default()).unwrap().settings;
    assert!(settings.lazy_apps && settings.log.disable_requests);
    assert_eq!(settings.sockets.len(), 1);
    let host = Fake::with("").var("UWSGI_INI", "app.ini").var("UWSGI_MAX_REQUESTS", "50").var("UWSGI_RELOADS", "1");
    let loaded = load(&[], &host).unwrap();
    assert_eq!((loaded.settings.life.max_requests, loaded.warnings.len()), (50, 0));
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    for (args, expected) in [
        (&["--proceses", "5"][..], "command line, argument 2: there is no option --proceses (--processes is meant?)"),
        (
            &["--permissive", "--nothing-like-it"],
            "command line, argument 3: there is no option --nothing-like-it (--help",
        ),
        (&["-X"], "command line, argument 2: there is no option -X"),
        (&["--processes"], "command line, argument 2: --processes needs a value"),
        (&["app.yaml"], "command line, argument 2: \"app.yaml\" is neither an option nor an ini (configurations"),
        (&["stray"], "command line, argument 2: \"stray\" is neither an option nor an ini"),
        (&["--threads=ten"], "command line, argument 2: threads: \"ten\" is not a whole number"),
        (&["--platform-socket", ":80"], "command line, argument 2: platform-socket: fd://N is needed"),
        (&["--if-env=X"], "command line, argument 2: if-env is never ended"),
    ] {
        let error = Fake::with("").load_with(args).unwrap_err().to_string();
        assert!(error.lines().any(|line| line.starts_with(expected)), "{args:?}: {error}");
    }
    let error = Fake::with("").load_with(&["--workrs", "3", "-X"]).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
    let error = load(&[OsString::from_vec(vec![0xff])], &Fake::default()).unwrap_err().to_string();
    assert!(error.contains("argument 1: not UTF-8"), "{error}");
    let error = load(&[], &Fake::default()).unwrap_err().to_string();
    assert!(error.contains("there is no app"), "{error}");
}

#[test]
fn unknown_variables_are_warned_of() {
    let warnings = Fake::with("").var("UWSGI_NONSENSE", "1").var("UWSGI_FOR", "a b").warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[1].starts_with("environment, UWSGI_NONSENSE: there is no option nonsense"), "{warnings:?}");
}

#[test]
fn what_is_asked_for() {
    for (args, expected) in [
        (&[][..], Action::Serve),
        (&["--check"], Action::Check),
        (&["--no-server"], Action::NoServer),
        (&["--show-config"], Action::ShowConfig { json: false }),
        (&["--show-config=json"], Action::ShowConfig { json: true }),
        (&["--help"], Action::Help),
        (&["-h"], Action::Help),
        (&["--version"], Action::Version),
        (&["--dump-options"], Action::DumpOptions),
    ] {
        let loaded = Fake::with("").load_with(args).unwrap();
        assert_eq!(loaded.action, expected);
        assert_eq!(loaded.text().is_some(), !matches!(expected, Action::Serve | Action::NoServer));
    }
    let help = Fake::with("").load_with(&["--help"]).unwrap().text().unwrap();
    assert!(help.contains("-p, --processes N") && !help.contains("wsgi-file"), "{help}");
}

#[test]
fn programs_are_told_what_to_build() {
    let host = Fake::ini(
        "[uwsgi]\ndlopen = ./libapp.so\nrust-fn = application\nmount = /api=/srv/api.so\nharakiri = 5\nsocket = :1",
    );
    let text = host.load_with(&["--show-config=json"]).unwrap().text().unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "apps": [
            { "mount": "", "library": "/app/libapp.so", "library_as_written": "./libapp.so", "function": "application" },
            { "mount": "/api", "library": "/srv/api.so", "library_as_written": "/srv/api.so", "function": null },
        ],
        "sockets": [{ "name": ":1", "protocol": "uwsgi" }],
        "workers": 1, "threads": 1, "lazy_apps": false, "allow_rustc_mismatch": false, "harakiri_seconds": 5, "warnings": [], "sources": ["/app/app.ini"],
    });
    assert_eq!(document, expected);
    let without_socket = Fake::ini("[uwsgi]\ndlopen = x").load_with(&["--show-config=json"]).unwrap();
    assert!(without_socket.settings.sockets.is_empty());
}

#[test]
fn the_platform_decides_where_it_serves() {
    let host = Fake::with(
        "daemonize = log\nuid = nobody\npidfile = p\nlogto = l\nchroot = /x\nchdir = /srv\ntouch-reload = t\nstats = :9",
    );
    let loaded = host.load_with(&["--platform-socket", "fd://3", "--platform-stats", "/run/s.sock"]).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.sockets.len(), 1);
    assert_eq!(settings.sockets[0].address, Address::Inherited(3));
    assert!(settings.http.trusts_proxy);
    assert!(!Fake::with("").load_with(&[]).unwrap().settings.http.trusts_proxy);
    let process = &settings.process;
    assert!(
        process.daemonize.is_none()
            && process.uid.is_none()
            && process.pidfiles.is_empty()
            && settings.log.file.is_none()
    );
    assert!(process.chdir.is_some() && settings.touches.len() == 1);
    assert_eq!(loaded.warnings.len(), 5, "{:?}", loaded.warnings);
    assert_eq!(settings.stats.iter().map(|stats| stats.name.as_str()).collect::<Vec<_>>(), [":9", "/run/s.sock"]);
}

#[test]
fn problems_are_said_in_the_order_of_their_lines() {
    let error = Fake::with("threads = x\nprocesses = y").load_with(&["-R", "z"]).unwrap_err().to_string();
    let places: Vec<&str> = error.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["command line, argument 2", "app.ini:4:11", "app.ini:5:13"]);
}
