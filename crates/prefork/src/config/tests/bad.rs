//! Everything that is refused, and how it is said.

use super::Fake;

/// Asserts that a line of what is wrong begins so.
#[track_caller]
fn says(host: &Fake, expected: &str) {
    let wrong = host.wrong();
    assert!(wrong.iter().any(|line| line.starts_with(expected)), "{expected}\n{wrong:#?}");
}

#[test]
fn keys_and_values_that_mean_nothing() {
    for (line, expected) in [
        ("proceses = 8", "app.ini:4:1: there is no option proceses (processes is meant?)"),
        ("wholly-unlike = 8", "app.ini:4:1: there is no option wholly-unlike ("),
        ("  threads = ten", "app.ini:4:13: threads: \"ten\" is not a whole number"),
        ("threads = 2x", "app.ini:4:11: threads: \"2x\" is not a whole number"),
        ("threads = -1", "app.ini:4:11: threads: \"-1\" is negative; 1 to 1024"),
        ("threads = 0", "app.ini:4:11: threads: \"0\" is out of range"),
        ("threads = 99999999999999999999", "app.ini:4:11: threads: \"99999999999999999999\" is out of range"),
        ("threads = 0x10", "app.ini:4:11: threads: \"0x10\" is not"),
        ("threads =", "app.ini:4:10: threads: \"\" is not a whole number"),
        ("processes = 1.5", "app.ini:4:13: processes: \"1.5\" is not"),
        ("reload-on-rss = 1e9", "app.ini:4:17: reload-on-rss: "),
        ("lazy-apps = perhaps", "app.ini:4:13: lazy-apps: \"perhaps\" is neither yes nor no (true or false)"),
        ("master = perhaps", "app.ini:4:10: master: \"perhaps\" is neither"),
        ("plugin = python", "app.ini:4:10: plugin: there is no plugin python"),
        ("plugins = 0:rust,psgi", "app.ini:4:11: plugins: there is no plugin psgi"),
        ("wsgi-file = app.py", "app.ini:4:1: wsgi-file is not supported: this serves Rust libraries alone"),
        ("emperor = /etc/vassals", "app.ini:4:1: emperor is not supported"),
        ("http-socket = 9090", "app.ini:4:15: http-socket: \"9090\" is a file's name; a port is written :9090"),
        ("http-socket = :8080", "app.ini:4:15: http-socket: :8080 is served already"),
        ("https-socket = :443,cert.pem", "app.ini:4:16: https-socket: ADDRESS,CERTIFICATE,KEY is needed"),
        ("protocol = fastcgi", "app.ini:4:12: protocol: \"fastcgi\" is not spoken"),
        ("socket = =1", "app.ini:4:10: socket: there is no shared-socket 1"),
        ("add-header = no colon", "app.ini:4:14: add-header: "),
        ("chmod-socket = 999", "app.ini:4:16: chmod-socket: \"999\" are not rights"),
        ("cheaper = 1", "app.ini:4:11: cheaper: the fewest workers, 1, must be less than processes, 1"),
        ("max-worker-lifetime = 5", "app.ini:4:23: max-worker-lifetime: 5 s are not more than"),
        ("mount = api=lib.so", "app.ini:4:9: mount: \"api\" does not begin with /"),
        ("mount = /=lib.so", "app.ini:4:9: mount: there is an app at / already"),
        ("dlopen = other.so", "app.ini:4:10: dlopen: one library is loaded, and app.ini:3:1 names another"),
        ("rust-fn = a b", "app.ini:4:11: rust-fn: \"a b\" cannot be a function's name"),
        ("cron = 60 -1 -1 -1 -1 date", "app.ini:4:8: cron: \"60\" is no minute: 0 to 59"),
        ("cron = 1 2 3", "app.ini:4:8: cron: \"\" is no month"),
        ("cron = -1 -1 -1 -1 -1", "app.ini:4:8: cron: the command is missing"),
        ("cron2 = minute=1,second=2 date", "app.ini:4:9: cron2: there is no \"second\" here"),
        ("smart-attach-daemon = x.pid", "app.ini:4:23: smart-attach-daemon: PIDFILE[,SECONDS] COMMAND is needed"),
        ("static-map = /x", "app.ini:4:14: static-map: \"/x\" is not written /PATH=FOLDER"),
        ("static-expires = [ 60", "app.ini:4:18: static-expires: not a regular expression"),
        ("req-logger = syslog", "app.ini:4:14: req-logger: \"syslog\" is no place to log to"),
        ("env = X", "app.ini:4:7: env: NAME=VALUE is needed"),
        ("set = x", "app.ini:4:7: set: KEY=VALUE is needed"),
        ("= 5", "app.ini:4:1: a line without a key"),
        ("[broken", "app.ini:4:1: a section is written [name]"),
        ("pidfile =", "app.ini:4:10: pidfile needs a value"),
        ("check = true", "app.ini:4:1: check can be given on the command line alone"),
        ("platform-socket = fd://3", "app.ini:4:1: platform-socket can be given on the command line alone"),
        ("procname-prefix = %(threads", "app.ini:5:1: there is no option also-wrong"),
        ("threads = %(processes + x1)", "app.ini:4:11: threads: \"%(processes + x1)\" is not a whole number"),
        ("threads = %(http-socket + 1)", "app.ini:4:11: %(http-socket + 1): \":8080\" is not a whole number"),
    ] {
        says(&Fake::with(&format!("{line}\nalso-wrong = 1")), expected);
    }
}

#[test]
fn all_of_it_is_said_at_once() {
    let host =
        Fake::ini("[uwsgi]\nthreads = ten\nprocesses = -4\nlazy = maybe\nhttp-socket = x:y\nnonsense\nini = none.ini");
    let wrong = host.wrong();
    for part in ["threads", "processes", "lazy", "http-socket", "nonsense", "none.ini", "there is no app"] {
        assert!(wrong.iter().any(|line| line.contains(part)), "{part}: {wrong:#?}");
    }
}

#[test]
fn files_that_are_none() {
    let ini = |bytes: Vec<u8>| Fake::default().file("/app/app.ini", bytes);
    says(&Fake::default(), "command line, argument 1: /app/app.ini cannot be read");
    let error = Fake::default().load_with(&["--http-socket", ":1"]).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
    says(&Fake::default().file("/app/app.ini/x", ""), "command line, argument 1: /app/app.ini is a folder");
    says(&ini(b"[uwsgi]\nthreads = 2\nenv = A=\xff".to_vec()), "app.ini:3:9: not UTF-8");
    says(&ini(b"\x7fELF\0\0".to_vec()), "command line, argument 1: /app/app.ini is not text");
    says(&ini(vec![b'\n'; 2 << 20]), "command line, argument 1: /app/app.ini is larger than 1 MiB");
    says(&Fake::with("ini = other.ini"), "app.ini:4:7: /app/other.ini cannot be read");
    says(&Fake::with("ini = http://host/x.ini"), "app.ini:4:7: ini: \"http://host/x.ini\" is not a file");
    says(&Fake::with("procname-prefix = @(none)"), "app.ini:4:19: @(none) cannot be read");
    says(&Fake::with("procname-prefix = @(exec://id)"), "app.ini:4:19: @(exec://id): only files are read");
    says(
        &Fake::with("procname-prefix = @(big)").file("/app/big", vec![b'x'; 70_000]),
        "app.ini:4:19: @(big) cannot be read",
    );
    says(&Fake::with("env = A=@(two)").file("/app/two", "1\n2\n"), "app.ini:4:7: env: the value has a line break");
}

#[test]
fn sections_that_are_missing() {
    says(&Fake::ini("[other]\nthreads = 1"), "app.ini: no section [uwsgi] (there are: other;");
    says(&Fake::ini(""), "app.ini: no section [uwsgi] (there is none;");
    says(&Fake::with("ini = :nowhere"), "app.ini: no section [nowhere] (there are: uwsgi;");
    let warnings = Fake::ini("threads = 3\n[uwsgi]\nhttp-socket = :1\ndlopen = x").warnings();
    assert!(warnings[0].starts_with("app.ini:1:1: lines before the first section say nothing"), "{warnings:?}");
}

#[test]
fn files_that_include_one_another() {
    let host = Fake::with("ini = b.ini").file("/app/b.ini", "[uwsgi]\ninclude = ./app.ini");
    says(&host, "b.ini:2:11: a loop of files: /app/app.ini:uwsgi → /app/b.ini:uwsgi → /app/app.ini:uwsgi");
    says(&Fake::with("ini = :uwsgi"), "app.ini:4:7: a loop of files");
    says(
        &Fake::with("inherit = b.ini").file("/app/b.ini", "[uwsgi]\ninherit = b.ini"),
        "b.ini:2:11: /app/b.ini:uwsgi is inherited already",
    );
    let mut host = Fake::with("ini = 0.ini");
    for number in 0..50 {
        host = host.file(&format!("/app/{number}.ini"), format!("[uwsgi]\nini = {}.ini", number + 1));
    }
    assert!(host.wrong().iter().any(|line| line.contains("include one another more than 32 deep")));
}

#[test]
fn values_that_need_themselves() {
    says(
        &Fake::with("set-ph = a=%(b)\nset-ph = b=%(a)\nchdir = %(a)"),
        "app.ini:5:10: a value needs itself: a → b → a",
    );
    says(&Fake::with("threads = %(threads + 1)"), "app.ini:4:11: a value needs itself: threads → threads");
}

#[test]
fn bombs_are_stopped() {
    let doubling: String = (0..64).map(|n| format!("set-ph = x{n} = %(x{}) %(x{})\n", n + 1, n + 1)).collect();
    assert!(Fake::with(&format!("{doubling}set-ph = x64 = boom")).wrong()[0].contains("expands to more than"));
    let deep: String = (0..500).map(|n| format!("set-ph = y{n} = %(y{})\n", n + 1)).collect();
    assert!(Fake::with(&format!("{deep}set-ph = y500 = 1")).wrong()[0].contains("more than 100 deep"));
    let loops = "for-times = 9999\nenv = A%(_)=1\nendfor\n".repeat(50);
    assert!(Fake::with(&loops).wrong().iter().any(|line| line.contains("loops and files make more than")));
    let files = Fake::with("for-times = 9999\nini = b.ini\nendfor")
        .file("/app/b.ini", "[uwsgi]\nfor-times = 9999\nenv = A=1\nendfor");
    assert!(files.wrong().iter().any(|line| line.contains("loops and files make more than")));
    let wide = format!("for-times = 9999\nenv = A={}\nendfor", "x".repeat(60_000));
    assert!(!Fake::with(&wide).wrong().is_empty());
}

#[test]
fn nothing_to_serve() {
    says(&Fake::ini("[uwsgi]\nhttp-socket = :1"), "configuration: there is no app (say dlopen");
    says(&Fake::ini("[uwsgi]\ndlopen = x"), "configuration: there is no socket to serve on");
    says(
        &Fake::ini("[uwsgi]\nhttp-socket = :1\nrust-fn = f"),
        "app.ini:3:1: rust-fn: there is no library to look for f in",
    );
}
