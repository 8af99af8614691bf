//! Options of files that are served and of commands that run beside the workers.

use super::Kind::{Flag, Foreign, Path, Seconds, Text};
use super::{Spec, accepted, accepted_value, refused, used, without_effect};

pub(super) static OPTIONS: &[Spec] = &[
    used("static-map", Text, "/PATH=FOLDER: serve files of the folder"),
    used("static-map2", Text, "the same, /PATH being part of the path below the folder"),
    used("check-static", Path, "serve files of the folder before the app is asked"),
    used("static-index", Text, "name served for a folder"),
    used("static-skip-ext", Text, "ending that is never served"),
    used("static-safe", Path, "folder that links may lead to"),
    used("mime-file", Path, "media types, as /etc/mime.types").also(&["mimefile"]),
    used("static-expires", Foreign, "REGEX SECONDS: how long files of matching paths may be kept")
        .also(&["static-expires-filename"]),
    used("static-gzip-all", Flag, "serve NAME.br or NAME.gz where it lies beside"),
    used("attach-daemon", Foreign, "command that runs beside the workers").also(&["daemon"]),
    used("attach-control-daemon", Foreign, "the same; its end ends the host"),
    used("smart-attach-daemon", Foreign, "PIDFILE[,SECONDS] COMMAND: one that outlives a reload"),
    used("attach-daemon2", Foreign, "cmd=COMMAND[,pidfile=PATH][,control=1]"),
    used("cron", Foreign, "MINUTE HOUR DAY MONTH WEEKDAY COMMAND; -1 any, -N every N"),
    used("unique-cron", Foreign, "the same, not started while it still runs"),
    used("cron2", Foreign, "[minute=,hour=,day=,month=,week=,unique=1,harakiri=N] COMMAND"),
    used("cron-harakiri", Seconds, "longest time for a command by the clock"),
    accepted_value("file-serve-mode", "files are sent by the kernel anyway"),
    accepted("disable-sendfile", "how files are sent is decided for each"),
    accepted_value("static-cache-paths", "paths are looked up each time"),
    accepted_value("static-gzip", "static-gzip-all serves what lies beside"),
    without_effect("static-expires-type", "say static-expires with a pattern of the path"),
    without_effect("static-expires-type-mtime", "say static-expires with a pattern of the path"),
    without_effect("static-expires-mtime", "say static-expires").also(&["static-expires-filename-mtime"]),
    without_effect("static-expires-uri", "say static-expires").also(&["static-expires-uri-mtime"]),
    without_effect("static-expires-path-info", "say static-expires").also(&["static-expires-path-info-mtime"]),
    refused("smart-attach-daemon2", "say smart-attach-daemon with a command that stays in the foreground"),
    refused("check-static-docroot", "say check-static with the folder"),
    refused("legion-cron", "there are no legions; say cron"),
    refused("timer", "say cron"),
];
