use bloom_prefork::app::App;
use bloom_prefork::log::Logger;
use bloom_prefork::master::{self, LoadFailure, Overview, Parts};
use bloom_prefork::settings::*;
use bloom_prefork::worker::WorkerContext;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

struct Stand {
    path: PathBuf,
}

/// Is the host by a file of `key value` lines.
pub fn serve(path: &Path) -> i32 {
    let settings = match read(path) {
        Ok(settings) => settings,
        Err(text) => {
            eprintln!("{text}");
            return 1;
        }
    };
    let ready = settings.process.daemonize.as_deref().map(|log| master::daemonize(log).unwrap());
    match master::run(settings, &mut Stand { path: path.to_path_buf() }, ready) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

impl Parts for Stand {
    fn load(&mut self, settings: &Settings) -> Result<Vec<App>, LoadFailure> {
        // An app that takes for ever.
        while !settings.apps.is_empty() {
            std::thread::park();
        }
        match settings.allow_rustc_mismatch {
            false => Ok(Vec::new()),
            true => Err(LoadFailure { text: "the library is missing".into(), code: 22 }),
        }
    }

    fn work(&mut self, context: WorkerContext) -> i32 {
        // The file may tell workers to fail while they start.
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        match word(&text, "start").and_then(|code| code.parse().ok()) {
            Some(code) => code,
            None => crate::worker::work(context),
        }
    }

    fn reload(&mut self) -> Result<Settings, String> {
        read(&self.path)
    }

    fn tls(&self, _: &Path, _: &Path) -> Result<Arc<rustls::ServerConfig>, String> {
        Err("no TLS here".into())
    }

    fn logger(&self, _: &Settings) -> Arc<Logger> {
        Arc::new(Logger::open(&LogSettings::default()).unwrap())
    }

    fn line(&self, text: &str) {
        eprintln!("{text}");
    }

    fn reopen_logs(&mut self) {
        self.line("logs are opened again");
    }

    fn rotate_logs(&mut self) {
        self.line("logs are rotated");
    }

    fn stats(&mut self, connection: OwnedFd, _: &StatsSettings, overview: &Overview<'_>) {
        let accepting = overview.fleet.serving().map_or(0, |generation| generation.accepting());
        let _ = nix::unistd::write(
            &connection,
            format!("{accepting} {} {}", overview.queue_errors, overview.reloads).as_bytes(),
        );
    }
}

fn word<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

fn read(path: &Path) -> Result<Settings, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut settings = Settings { workers: 2, ..Settings::default() };
    settings.life.min_lifetime = Duration::ZERO;
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        set(&mut settings, key, value).ok_or_else(|| format!("unknown line: {line}"))?;
    }
    Ok(settings)
}

fn set(settings: &mut Settings, key: &str, value: &str) -> Option<()> {
    let tcp = |value: &str| Address::Tcp { host: "127.0.0.1".into(), port: value.parse().unwrap() };
    let socket = |address| SocketSettings { name: value.into(), address, protocol: Protocol::Http, tls: None };
    let seconds = || Duration::from_millis(value.parse().unwrap());
    let process = &mut settings.process;
    match key {
        "port" => settings.sockets.push(socket(tcp(value))),
        "unix" => settings.sockets.push(socket(Address::Unix(value.into()))),
        "workers" => settings.workers = value.parse().ok()?,
        "words" => settings.env.push(("WORDS".into(), Some(value.into()))),
        "missing" => settings.allow_rustc_mismatch = true,
        "loading" => settings.apps.push(AppSettings { mount: String::new(), library: value.into(), function: None }),
        "backlog" => settings.http.backlog = value.parse().ok()?,
        "reuse-port" => settings.http.reuse_port = true,
        "lazy" => settings.lazy_apps = true,
        "start" => {}
        "mercy" => settings.life.worker_mercy = seconds(),
        "harakiri" => settings.life.harakiri = seconds(),
        "evil" => settings.life.evil_reload_on_rss = value.parse().ok()?,
        "exit-on-reload" => settings.life.exit_on_reload = true,
        "pidfile" => process.pidfiles.push(value.into()),
        "fifo" => process.fifos.push(value.into()),
        "vacuum" => process.vacuum = true,
        "daemonize" => process.daemonize = Some(value.into()),
        "uid" => process.uid = Some(value.into()),
        "gid" => process.gid = Some(value.into()),
        "touch" => settings.touches.push(Touch { path: value.into(), action: TouchAction::Reload }),
        "chain" => settings.touches.push(Touch { path: value.into(), action: TouchAction::ReloadChain }),
        "cheaper" => {
            let algorithm = CheaperAlgorithm::Manual;
            settings.cheaper = Some(CheaperSettings { least: 1, initial: 1, step: 1, overload: 1, algorithm });
        }
        "stats" => settings.stats.push(StatsSettings {
            name: value.into(),
            address: Address::Unix(value.into()),
            http: false,
            without_cores: false,
        }),
        _ => return None,
    }
    Some(())
}
