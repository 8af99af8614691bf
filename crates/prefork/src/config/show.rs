//! Settings as an ini that gives them again, and as a document for programs.

use std::fmt::{Display, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::Loaded;
use super::show_parts::{commands, logging, process, statics};
use crate::settings::{Address, CheaperAlgorithm, HttpSettings, LifeSettings, Protocol, Settings};

/// Lines of an ini.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// `key = value`
    pub fn line(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    /// A line when there is a value.
    pub fn some<T: Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.line(key, value);
        }
    }

    /// A line when it is on.
    pub fn flag(&mut self, key: &str, on: bool) {
        if on {
            self.line(key, "true");
        }
    }

    /// A line when it is not zero.
    pub fn count(&mut self, key: &str, value: u64) {
        if value != 0 {
            self.line(key, value);
        }
    }

    /// A line for each path.
    pub fn paths<'p>(&mut self, key: &str, paths: impl IntoIterator<Item = &'p std::path::PathBuf>) {
        for path in paths {
            self.line(key, path.display());
        }
    }

    fn seconds(&mut self, key: &str, value: Duration, default: Duration) {
        if value != default {
            self.line(key, value.as_secs());
        }
    }
}

/// An ini whose settings are equal to these.
pub fn ini(settings: &Settings) -> String {
    let mut out = Lines("[uwsgi]\n; what follows is taken as it stands\nliteral = true\n".into());
    sockets(&mut out, settings);
    apps(&mut out, settings);
    out.line("processes", settings.workers);
    out.line("threads", settings.threads);
    cheaper(&mut out, settings);
    http(&mut out, &settings.http);
    life(&mut out, &settings.life);
    process(&mut out, settings);
    logging(&mut out, settings);
    statics(&mut out, &settings.statics);
    commands(&mut out, settings);
    out.0
}

fn sockets(out: &mut Lines, settings: &Settings) {
    for socket in &settings.sockets {
        let address = address(&socket.address);
        match (&socket.tls, socket.protocol) {
            (Some((cert, key)), _) => {
                out.line("https-socket", format!("{address},{},{}", cert.display(), key.display()))
            }
            (None, Protocol::Uwsgi) => out.line("uwsgi-socket", address),
            (None, _) => out.line("http-socket", address),
        }
    }
    for stats in &settings.stats {
        out.line("stats", address(&stats.address));
    }
    out.flag("stats-http", settings.stats.iter().any(|stats| stats.http));
    out.flag("stats-no-cores", settings.stats.iter().any(|stats| stats.without_cores));
}

fn address(address: &Address) -> String {
    match address {
        Address::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        Address::Tcp { host, port } => format!("{host}:{port}"),
        Address::Unix(path) => path.display().to_string(),
        Address::Abstract(name) => format!("@{name}"),
        Address::Inherited(number) => format!("fd://{number}"),
    }
}

fn apps(out: &mut Lines, settings: &Settings) {
    for app in &settings.apps {
        if app.mount.is_empty() {
            out.line("dlopen", app.library.display());
            out.some("rust-fn", app.function.as_ref());
        } else {
            let function = app.function.as_ref().map(|name| format!(":{name}")).unwrap_or_default();
            out.line("mount", format!("{}={}{function}", app.mount, app.library.display()));
        }
    }
    out.flag("lazy-apps", settings.lazy_apps);
    out.flag("allow-rustc-mismatch", settings.allow_rustc_mismatch);
}

fn cheaper(out: &mut Lines, settings: &Settings) {
    let Some(cheaper) = &settings.cheaper else { return };
    out.line("cheaper", cheaper.least);
    out.line("cheaper-initial", cheaper.initial);
    out.line("cheaper-step", cheaper.step);
    out.line("cheaper-overload", cheaper.overload);
    let name = match cheaper.algorithm {
        CheaperAlgorithm::Spare => "spare",
        CheaperAlgorithm::Backlog => "backlog",
        CheaperAlgorithm::Manual => "manual",
    };
    out.line("cheaper-algo", name);
}

fn http(out: &mut Lines, http: &HttpSettings) {
    let default = HttpSettings::default();
    out.line("listen", http.backlog);
    out.line("buffer-size", http.head_bytes);
    out.line("max-vars", http.headers);
    out.count("limit-post", http.body_bytes);
    out.line("post-buffering", http.post_buffering);
    out.seconds("socket-timeout", http.socket_timeout, default.socket_timeout);
    out.seconds("http-headers-timeout", http.head_timeout, default.head_timeout);
    out.seconds("http-keepalive", http.keepalive, default.keepalive);
    out.count("max-concurrent-requests", http.concurrency.into());
    for (name, value) in &http.add_headers {
        out.line("add-header", format!("{name}: {value}"));
    }
    out.flag("enable-proxy-protocol", http.proxy_protocol);
    out.flag("manage-script-name", http.manage_script_name);
    out.flag("reuse-port", http.reuse_port);
    if !http.tcp_nodelay {
        out.line("tcp-nodelay", false);
    }
    out.flag("so-keepalive", http.so_keepalive);
    out.some("chmod-socket", http.socket_mode.map(|mode| format!("{mode:o}")));
    out.some("chown-socket", http.socket_owner.as_ref());
}

fn life(out: &mut Lines, life: &LifeSettings) {
    let default = LifeSettings::default();
    out.seconds("harakiri", life.harakiri, default.harakiri);
    out.count("max-requests", life.max_requests);
    out.count("max-requests-delta", life.max_requests_delta);
    out.seconds("min-worker-lifetime", life.min_lifetime, default.min_lifetime);
    out.seconds("max-worker-lifetime", life.max_lifetime, default.max_lifetime);
    out.seconds("max-worker-lifetime-delta", life.max_lifetime_delta, default.max_lifetime_delta);
    out.count("reload-on-rss", life.reload_on_rss >> 20);
    out.count("reload-on-as", life.reload_on_as >> 20);
    out.count("evil-reload-on-rss", life.evil_reload_on_rss >> 20);
    out.count("evil-reload-on-as", life.evil_reload_on_as >> 20);
    out.count("limit-as", life.limit_as >> 20);
    out.seconds("worker-reload-mercy", life.worker_mercy, default.worker_mercy);
    out.seconds("reload-mercy", life.reload_mercy, default.reload_mercy);
    out.flag("brutal-term", life.brutal_term);
    out.flag("exit-on-reload", life.exit_on_reload);
}

/// What a program needs to build and start the apps.
pub fn document(loaded: &Loaded) -> Value {
    let settings = &loaded.settings;
    let text = |path: &Path| path.display().to_string();
    let apps = settings.apps.iter().zip(&loaded.libraries_as_written).map(|(app, written)| {
        json!({
            "mount": app.mount,
            "library": text(&app.library),
            "library_as_written": written,
            "function": app.function,
        })
    });
    let sockets = settings.sockets.iter().map(|socket| {
        let protocol = match socket.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Uwsgi => "uwsgi",
        };
        json!({ "name": socket.name, "protocol": protocol })
    });
    json!({
        "apps": apps.collect::<Vec<_>>(),
        "sockets": sockets.collect::<Vec<_>>(),
        "workers": settings.workers,
        "threads": settings.threads,
        "lazy_apps": settings.lazy_apps,
        "allow_rustc_mismatch": settings.allow_rustc_mismatch,
        "harakiri_seconds": settings.life.harakiri.as_secs(),
        "warnings": loaded.warnings,
        "sources": loaded.sources.iter().map(|path| text(path)).collect::<Vec<_>>(),
    })
}
