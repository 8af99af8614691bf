//! Expansion, sections and files within files.

use super::Fake;

/// What `procname-prefix = TEXT` comes to, a value nothing else looks into.
#[track_caller]
fn value(host: &Fake) -> String {
    host.loaded().settings.process.procname_prefix
}

fn of(text: &str) -> String {
    value(&Fake::with(&format!("procname-prefix = {text}")).var("HOME", "/home/smith"))
}

#[test]
fn an_ini_of_the_classic_shape_is_read() {
    let text = "[uwsgi]\n; the plugin\nplugin = rust\nhttp-socket = :8080\ndlopen = ./libapp.so\nrust-fn = application\n\n\
                ; one master\nmaster = true\nthreads = 10\nprocesses = 8\n";
    let loaded = Fake::ini(text).loaded();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!((loaded.settings.workers, loaded.settings.threads), (8, 10));
    assert_eq!(loaded.settings.apps[0].library.to_str(), Some("/app/libapp.so"));
    assert_eq!(loaded.settings.apps[0].function.as_deref(), Some("application"));
    assert_eq!(loaded.settings.sockets[0].name, ":8080");
    assert_eq!(loaded.sources, ["/app/app.ini"].map(std::path::PathBuf::from));
}

#[test]
fn magic_variables_are_those_of_the_file() {
    for (text, expected) in [
        ("%p", "/app/app.ini"),
        ("%s %e %n %o", "app.ini ini app app.ini"),
        ("%d", "/app/"),
        ("%c", "app"),
        ("%0", "app"),
        ("<%5>", "<>"),
        ("<%x>", "<>"),
        ("%v", "/app"),
        ("%h %k", "smithy 6"),
        ("%u %U %g %G", "1000 smith 1001 smiths"),
        ("%t %T", "1700000000 1700000000123456"),
        ("%b", "/usr/bin/bloom-prefork"),
        ("%i", "7"),
        ("100%%", "100%"),
        ("<%z>", "<>"),
        ("%", "%"),
        ("%é%ß.", "."),
    ] {
        assert_eq!(of(text), expected, "{text}");
    }
}

#[test]
fn upper_case_magic_is_of_the_first_file() {
    let host = Fake::with("ini = sub/more.ini:part")
        .file("/app/sub/more.ini", "[part]\nprocname-prefix = %n %N %d %D %x%X %P");
    assert_eq!(value(&host), "more app /app/sub/ /app/ part /app/app.ini");
}

#[test]
fn variables_files_and_options_are_expanded_in_this_order() {
    let host = Fake::with("set-ph = who = $(HOME)\nprocname-prefix = %(who) @(motd) $(WHERE)");
    let host = host.var("HOME", "@(motd)").var("WHERE", "%(who)").file("/app/motd", "hi\n");
    assert_eq!(value(&host), "hi hi hi");
    assert_eq!(of("$(HOME)/x"), "/home/smith/x");
}

#[test]
fn what_is_not_known_is_left_and_said() {
    let host = Fake::with("procname-prefix = $(NONE) %(none)\nlog-format = %%(uri) %(method)");
    let loaded = host.loaded();
    assert_eq!(loaded.settings.process.procname_prefix, "$(NONE) %(none)");
    assert_eq!(loaded.settings.log.format.as_deref(), Some("%(uri) %(method)"));
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].starts_with("app.ini:4:19: nothing is known for $(NONE)"), "{:?}", loaded.warnings);
}

#[test]
fn options_are_expanded_before_libraries_are_named() {
    let host =
        Fake::ini("[uwsgi]\nhttp-socket = :1\nset-ph = base = /srv/%(name)\nset-ph = name=one\ndlopen = %(base)/x.so");
    assert_eq!(host.loaded().settings.apps[0].library.to_str(), Some("/srv/one/x.so"));
}

#[test]
fn sums_stand_in_placeholders() {
    let host = Fake::with("set-ph = foo=17\nthreads = %(foo + 3)\nprocesses = %(threads / 0 + 2)");
    let settings = host.loaded().settings;
    assert_eq!((settings.threads, settings.workers), (20, 2));
}

#[test]
fn the_first_value_is_what_a_placeholder_means() {
    let host = Fake::with("set-ph = a=1\nset-ph = a=%(a)2\nprocname-prefix = %(a)");
    assert_eq!(value(&host), "1");
}

#[test]
fn unknown_keys_are_placeholders_when_permitted() {
    let loaded = Fake::with("strict = false\nbase = /srv\nchdir = %(base)/app").loaded();
    assert_eq!(loaded.settings.process.chdir.as_deref().and_then(|p| p.to_str()), Some("/srv/app"));
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].starts_with("app.ini:5:1: there is no option base"), "{:?}", loaded.warnings);
}

#[test]
fn one_section_is_read() {
    let host = Fake::ini("[a]\nthreads = 2\n[uwsgi]\nhttp-socket = :1\ndlopen = x\nini = :a\n[b]\nthreads = 3");
    assert_eq!(host.loaded().settings.threads, 2);
    let host = Fake::ini("[b]\nthreads = 3\nhttp-socket = :1\n[uwsgi]\nthreads = 9\n[b]\ndlopen = x");
    let args = ["app.ini:b".into()];
    assert_eq!(crate::config::load(&args, &host).unwrap().settings.threads, 3);
}

#[test]
fn files_are_read_in_place_and_the_last_word_counts() {
    let host = Fake::with("threads = 1\ninclude = conf/more.ini\nprocesses = 3");
    let host = host.file("/app/conf/more.ini", "[uwsgi]\nthreads = 5\nprocesses = 7\nini = beside.ini");
    let loaded = host.file("/app/conf/beside.ini", "\u{feff}[uwsgi]\nharakiri = 9").loaded();
    assert_eq!((loaded.settings.threads, loaded.settings.workers), (5, 3));
    assert_eq!(loaded.settings.life.harakiri.as_secs(), 9);
    assert_eq!(loaded.sources.len(), 3);
}

#[test]
fn inherited_values_are_taken_as_they_stand() {
    let host = Fake::with("inherit = %(dir)/base.ini\nset-ph = dir = /etc")
        .file("/etc/base.ini", "[uwsgi]\nprocname-prefix = $(HOME) %n");
    assert_eq!(value(&host.var("HOME", "/root")), "$(HOME) base");
}

#[test]
fn literal_lines_are_taken_as_they_stand() {
    assert_eq!(
        value(&Fake::with("literal = true\nprocname-prefix = %%n %(threads) $(HOME)")),
        "%%n %(threads) $(HOME)"
    );
}

#[test]
fn set_is_a_line_and_print_is_said() {
    let loaded = Fake::with("set = threads = 4\nprint = %h says so").loaded();
    assert_eq!(loaded.settings.threads, 4);
    assert_eq!(loaded.warnings, ["app.ini:5:1: smithy says so"]);
}
