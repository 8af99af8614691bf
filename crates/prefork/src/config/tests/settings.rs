//! What options come to.

use std::path::PathBuf;
use std::time::Duration;

use super::Fake;
use crate::settings::{Address, CheaperAlgorithm, CheaperSettings, Protocol, Settings, TouchAction};

#[track_caller]
fn of(text: &str) -> Settings {
    Fake::with(text).loaded().settings
}

#[test]
fn sockets_of_every_kind() {
    let settings =
        of("socket = 127.0.0.1:3031\nhttps-socket = :443,c.pem,/k.pem\nhttp = fd://5\nhttp11-socket = @name\n\
                       uwsgi-socket = run/app.sock\nshared-socket = :99\nhttp-socket = =0");
    let found: Vec<(Protocol, &Address)> =
        settings.sockets.iter().map(|socket| (socket.protocol, &socket.address)).collect();
    let tcp = |host: &str, port| Address::Tcp { host: host.into(), port };
    assert_eq!(
        found,
        [
            (Protocol::Http, &tcp("", 8080)),
            (Protocol::Uwsgi, &tcp("127.0.0.1", 3031)),
            (Protocol::Https, &tcp("", 443)),
            (Protocol::Http, &Address::Inherited(5)),
            (Protocol::Http, &Address::Abstract("name".into())),
            (Protocol::Uwsgi, &Address::Unix("/app/run/app.sock".into())),
            (Protocol::Http, &tcp("", 99)),
        ]
    );
    assert_eq!(settings.sockets[2].tls, Some(("/app/c.pem".into(), "/k.pem".into())));
    assert_eq!(of("socket = :1\nprotocol = http").sockets[1].protocol, Protocol::Http);
}

#[test]
fn sockets_of_systemd_are_served_when_they_are_ours() {
    let host = Fake::ini("[uwsgi]\ndlopen = x\nsocket = fd://4").var("LISTEN_FDS", "2");
    let sockets = host.clone().var("LISTEN_PID", "42").loaded().settings.sockets;
    assert_eq!(sockets.iter().map(|socket| socket.name.as_str()).collect::<Vec<_>>(), ["fd://4", "fd://3"]);
    assert_eq!(sockets[1].protocol, Protocol::Http);
    assert_eq!(host.var("LISTEN_PID", "43").loaded().settings.sockets.len(), 1);
}

#[test]
fn apps_stand_where_they_are_mounted() {
    let host =
        Fake::with("mount = /api/=lib/api.so:serve\nmount = /v2=%dv2.so\nchdir = /srv").file("/srv/lib/api.so", "");
    let loaded = host.loaded();
    let found: Vec<_> =
        loaded.settings.apps.iter().map(|a| (a.mount.as_str(), a.library.to_str(), a.function.as_deref())).collect();
    assert_eq!(
        found,
        [
            ("", Some("/app/libapp.so"), None),
            ("/api", Some("/srv/lib/api.so"), Some("serve")),
            ("/v2", Some("/app/v2.so"), None)
        ]
    );
    assert_eq!(loaded.libraries_as_written, ["./libapp.so", "lib/api.so", "/app/v2.so"]);
}

#[test]
fn http_has_limits() {
    let http = of(
        "buffer-size = 4096\nmax-vars = 64\nlimit-post = 1000\nhttp-timeout = 60\nhttp-keepalive = 1\nlisten = 100000\n\
                   add-header = X-A: b; c\nchmod-socket\nmax-concurrent-requests = 9\ntcp-nodelay = off",
    )
    .http;
    assert_eq!((http.head_bytes, http.headers, http.body_bytes, http.concurrency), (16 << 10, 128, 1000, 9));
    assert_eq!((http.socket_timeout, http.keepalive), (Duration::from_secs(60), Duration::from_secs(1)));
    assert_eq!(http.add_headers, [("X-A".to_owned(), "b; c".to_owned())]);
    assert_eq!((http.backlog, http.socket_mode, http.tcp_nodelay), (4096, Some(0o666), false));
    assert_eq!(of("http-keepalive = true").http.keepalive, Duration::from_secs(75));
    assert_eq!(of("http-keepalive = no").http.keepalive, Duration::ZERO);
    assert_eq!(of("http-keepalive = 20").http.keepalive, Duration::from_secs(20));
    assert_eq!(of("http-timeout = 60\nsocket-timeout = 3").http.socket_timeout, Duration::from_secs(3));
    assert_eq!(of("").http.backlog, 1024);
    let warnings = Fake::with("listen = 100000").warnings();
    assert!(warnings[0].starts_with("app.ini:4:10: listen: the system lets 4096 connections wait"), "{warnings:?}");
}

#[test]
fn workers_end_as_they_are_told() {
    let settings = of(
        "processes = 8\nharakiri = 20\nreload-on-rss = 100\nmax-worker-lifetime = 3600\ncheaper = 2\ncheaper-algo = backlog",
    );
    assert_eq!(settings.life.harakiri, Duration::from_secs(20));
    assert_eq!(settings.life.reload_on_rss, 100 << 20);
    let algorithm = CheaperAlgorithm::Backlog;
    assert_eq!(settings.cheaper, Some(CheaperSettings { least: 2, initial: 2, step: 1, overload: 3, algorithm }));
    assert_eq!(of("cheaper = 0").cheaper, None);
}

#[test]
fn paths_are_below_the_folder_of_their_time() {
    let settings =
        of("chdir = srv\npidfile = a.pid\npidfile2 = b.pid\nlogto = log/x\ntouch-reload = now\nmaster-fifo = fifo\n\
                       static-map = /s=pub\nstats = s.sock\nchdir2 = deep");
    let process = &settings.process;
    assert_eq!(process.chdir, Some(PathBuf::from("/app/srv")));
    assert_eq!(process.chdir2, Some(PathBuf::from("/app/srv/deep")));
    assert_eq!(process.pidfiles, ["/app/a.pid", "/app/srv/b.pid"].map(PathBuf::from));
    assert_eq!(process.fifos, [PathBuf::from("/app/srv/fifo")]);
    assert_eq!(settings.log.file, Some(PathBuf::from("/app/log/x")));
    assert_eq!(
        (settings.touches[0].path.to_str(), settings.touches[0].action),
        (Some("/app/srv/now"), TouchAction::Reload)
    );
    assert_eq!(settings.statics.maps, [("/s".to_owned(), PathBuf::from("/app/srv/pub"))]);
    assert_eq!(settings.stats[0].address, Address::Unix("/app/s.sock".into()));
}

#[test]
fn commands_run_beside_and_by_the_clock() {
    let settings = of("attach-daemon = a ; b # c\nattach-control-daemon = d\nsmart-attach-daemon = e.pid,5 e -x\n\
                       attach-daemon2 = cmd=f g,control=1\ncron-harakiri = 30\ncron = -5 0 -1 12 7 date +%%s\nunique-cron = -1 -1 -1 -1 -1 x\n\
                       cron2 = minute=3,unique=1,harakiri=9 A=1 y\ncron2 = A=1 z");
    let daemons: Vec<_> =
        settings.daemons.iter().map(|d| (d.command.as_str(), d.control, d.pidfile.is_some())).collect();
    assert_eq!(daemons, [("a ; b # c", false, false), ("d", true, false), ("e -x", false, true), ("f g", true, false)]);
    let crons = &settings.crons;
    assert_eq!((crons[0].minute, crons[0].hour, crons[0].day, crons[0].month, crons[0].weekday), (-5, 0, -1, 12, 7));
    assert_eq!(crons.iter().map(|c| c.command.as_str()).collect::<Vec<_>>(), ["date +%s", "x", "A=1 y", "A=1 z"]);
    assert_eq!(crons.iter().map(|c| c.harakiri.as_secs()).collect::<Vec<_>>(), [30, 30, 9, 30]);
    assert_eq!(crons.iter().map(|c| c.unique).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn variables_are_set_and_removed_in_order() {
    let env = of("env = A=1\nunenv = B\nenv = A= x=y").env;
    let set = |value: &str| Some(value.to_owned());
    assert_eq!(env, [("A".to_owned(), set("1")), ("B".to_owned(), None), ("A".to_owned(), set(" x=y"))]);
}

#[test]
fn the_log_is_where_it_should_be() {
    let log = of(
        "req-logger = file:req.log\nlog-date\nlog-format = %(uri) ; x\ndisable-logging = yes ; quiet\nlog-slow = 250",
    )
    .log;
    assert_eq!(log.request_file, Some(PathBuf::from("/app/req.log")));
    assert_eq!((log.date.as_deref(), log.format.as_deref()), (Some(""), Some("%(uri) ; x")));
    assert!(log.disable_requests && log.only.slow_ms == 250);
    assert_eq!(of("log-date = %%H:%%M").log.date.as_deref(), Some("%H:%M"));
}

#[test]
fn files_may_be_kept_by_their_paths() {
    let statics =
        of("static-expires = \\.(?i:css|js)\\d*$ 3600\nstatic-index = index.html\nstatic-skip-ext = .env").statics;
    assert_eq!(statics.expires, [(r"\.(?i:css|js)\d*$".to_owned(), 3600)]);
    assert_eq!((statics.indexes.len(), statics.skip.len()), (1, 1));
}

#[test]
fn keys_without_effect_are_warned_of_and_defaults_are_not() {
    let quiet = "master\nneed-app\nvacuum\ndie-on-term\nthunder-lock\nenable-threads\nsingle-interpreter\nno-orphans\nplugins = rust,http";
    assert_eq!(Fake::with(quiet).warnings(), Vec::<String>::new());
    for (line, expected) in [
        ("idle = 60", "app.ini:4:1: idle has no effect: workers stay"),
        ("master = false", "app.ini:4:1: master cannot be switched off: there is always a master"),
        ("master = true ; always", "app.ini:4:10: master: uWSGI has no comments behind a value; \"true\" is taken"),
        ("threads = 4 # four", "app.ini:4:11: threads: uWSGI has no comments behind a value; \"4\" is taken"),
        ("chdir = /srv ; there", "app.ini:4:9: chdir: uWSGI has no comments behind a value; all of"),
    ] {
        let warnings = Fake::with(line).warnings();
        assert!(warnings.iter().any(|warning| warning.starts_with(expected)), "{line}: {warnings:?}");
    }
    assert_eq!(of("threads = 4 # four").threads, 4);
    assert_eq!(Fake::with("emperor = no\nidle = false").warnings(), Vec::<String>::new());
}
