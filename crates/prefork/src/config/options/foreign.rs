//! Options of uWSGI that mean another program: left out silently, they would change what is served.

use super::{Spec, refused, without_effect};

const PYTHON: &str = "this serves Rust libraries alone; Python needs uWSGI itself";
const OTHER: &str = "this serves Rust libraries alone; other languages need uWSGI itself";
const ROUTING: &str = "there are no routing rules; the app or nginx decides";
const HOOKS: &str = "there are no hooks; #[prefork::init] and the like are called by name, commands are attach-daemon";
const QUEUES: &str = "there are no mules and spoolers; say attach-daemon";
const EMPEROR: &str = "one ini is one host; let systemd or the platform start several";
const CACHE: &str = "there is no cache between workers";
const SOCKETS: &str = "sockets speak HTTP, HTTPS or uwsgi";
const FORMATS: &str = "configurations are written as ini";

pub(super) static OPTIONS: &[Spec] = &[
    refused("module", PYTHON).also(&["wsgi", "callable", "pyargv", "paste", "paste-logger"]).short('w'),
    refused("wsgi-file", PYTHON).also(&["file", "eval", "pymodule-alias"]),
    refused("virtualenv", PYTHON).also(&["venv", "home", "pyhome"]).short('H'),
    refused("pythonpath", PYTHON).also(&["python-path", "pp", "py-autoreload", "py-auto-reload", "python-autoreload"]),
    refused("psgi", OTHER).also(&[
        "rack",
        "lua",
        "php-app",
        "jvm-main-class",
        "go-load",
        "symcall",
        "gccgo-load",
        "cgi",
        "rails",
    ]),
    refused("route", ROUTING).also(&[
        "route-run",
        "route-uri",
        "route-host",
        "route-if",
        "route-label",
        "final-route",
        "error-route",
        "response-route",
    ]),
    refused("hook-asap", HOOKS).also(&[
        "hook-master-start",
        "hook-post-fork",
        "hook-pre-app",
        "hook-post-app",
        "hook-accepting",
        "hook-as-root",
        "hook-as-user",
    ]),
    refused("exec-asap", HOOKS).also(&[
        "exec-pre-app",
        "exec-post-app",
        "exec-as-root",
        "exec-as-user",
        "exec-pre-jail",
        "exec-post-jail",
    ]),
    refused("mule", QUEUES).also(&["mules", "farm", "spooler", "spooler-processes", "import", "shared-import"]),
    refused("emperor", EMPEROR).also(&[
        "vassals",
        "vassals-include",
        "vassals-set",
        "zerg",
        "zerg-pool",
        "zerg-server",
        "legion",
        "fork-server",
    ]),
    refused("cache2", CACHE).also(&["cache", "sharedarea", "queue", "snmp"]),
    refused("fastcgi-socket", SOCKETS).also(&[
        "fastcgi-nph-socket",
        "scgi-socket",
        "scgi-nph-socket",
        "raw-socket",
        "suwsgi-socket",
        "puwsgi-socket",
        "abstract-socket",
    ]),
    refused("fastrouter", SOCKETS).also(&[
        "rawrouter",
        "sslrouter",
        "http-raw-body",
        "http-subscription-server",
        "subscribe-to",
        "subscription-server",
    ]),
    refused("vhost", "one app is chosen by its path; say mount").also(&["vhost-host"]),
    refused("xml", FORMATS).also(&["yaml", "yml", "json", "js", "ldap", "sqlite3"]),
    refused("inject-before", "include a file").also(&["inject-after"]),
    refused("blacklist", "there are no lists of permitted options").also(&[
        "whitelist",
        "blacklist-context",
        "whitelist-context",
    ]),
    refused("rem-header", "the app decides what it answers").also(&["del-header", "collect-header"]),
    refused("error-page-403", "answers of the host itself are plain text").also(&["error-page-404", "error-page-500"]),
    refused("stop", "send a signal to the pid, or a letter to master-fifo").also(&["reload", "pause", "resume"]),
    refused("flock", "let systemd start one host at a time").also(&["flock-wait", "flock2"]),
    without_effect("python-worker-override", "it is for Python").also(&[
        "py-call-osafterfork",
        "py-tracebacker",
        "wsgi-env-behaviour",
        "wsgi-manage-chunked-input",
    ]),
    without_effect("lock-engine", "there are no locks between workers").also(&["ftok"]),
    without_effect("metric", "scrape /metrics of stats-http").also(&["enable-metrics", "metrics-dir"]),
    without_effect("upload-progress", "there is no progress of uploads"),
    without_effect("project-name", "it only named things"),
];
