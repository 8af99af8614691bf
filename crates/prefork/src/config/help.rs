//! What `--help`, `--version` and `--dump-options` print, made from the table of options.

use std::fmt::Write;

use super::options::{Fate, Kind, PARTS, Spec, all};

/// The version of this program.
pub fn version() -> String {
    format!("bloom-prefork {}\n", env!("CARGO_PKG_VERSION"))
}

/// Every option that does something, by what it is about.
pub fn help() -> String {
    let mut out = String::from(
        "bloom-prefork FILE.ini[:SECTION] [--KEY VALUE | --KEY=VALUE] …\n\
         Serves a Rust library by workers and threads. Every key of an ini is an option here, and a variable UWSGI_KEY;\n\
         what is given here wins over variables, and those over files.\n",
    );
    for (title, part) in PARTS {
        let mut shown = part.iter().filter(|spec| matches!(spec.fate, Fate::Used | Fate::Language)).peekable();
        if shown.peek().is_some() {
            let _ = writeln!(out, "\n{title}:");
        }
        for spec in shown {
            let _ = writeln!(out, "  {:<38} {}", usage(spec), spec.help);
        }
    }
    out.push_str("\nOther keys of uWSGI, and what becomes of them: --dump-options\n");
    out
}

/// Every option on a line: name, other names, what becomes of it.
pub fn dump() -> String {
    let mut out = String::new();
    for spec in all() {
        let fate = match spec.fate {
            Fate::Used | Fate::Language => format!("used: {}", spec.help),
            Fate::Accepted(why) => format!("accepted: {why}"),
            Fate::WithoutEffect(why) => format!("without effect: {why}"),
            Fate::Refused(why) => format!("not supported: {why}"),
        };
        let names: Vec<&str> = std::iter::once(spec.name).chain(spec.aliases.iter().copied()).collect();
        let _ = writeln!(out, "{}\t{fate}", names.join(", "));
    }
    out
}

fn usage(spec: &Spec) -> String {
    let short = spec.short.map_or(String::new(), |letter| format!("-{letter}, "));
    let value = match spec.kind {
        Kind::Flag => "",
        Kind::Maybe => "[=VALUE]",
        Kind::Number => " N",
        Kind::Seconds => " SECONDS",
        Kind::Megabytes => " MB",
        Kind::Octal => " MODE",
        Kind::Path => " PATH",
        Kind::Address => " ADDRESS",
        Kind::Text | Kind::Foreign => " TEXT",
    };
    format!("{short}--{}{value}", spec.name)
}
