//! What the kernel's limits do to others than the app's first process. Needs root and groups of the first version.

use crate::enter::{Guest, house, order, run};
use crate::harness::{Shim, until};
use crate::sandbox::root_and_bwrap;
use crate::sandbox_root::group_base;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const HUNGRY: &str = "head -c 200000000 /dev/zero | tail -c 190000000 > /dev/null";

/// A group of this test's own with one limit, as a spec has it.
fn group(controller: &str, file: &str, value: &str) -> Option<(PathBuf, Value)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(base) = group_base(controller).filter(|_| root_and_bwrap()) else {
        println!("skipped: no {controller} controller of the first version");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = base.join(format!("bloom-limits-{}-{number}", std::process::id()));
    let spec = json!([{ "path": path, "files": { file: value }, "optional": false }]);
    Some((path, spec))
}

#[test]
fn a_killed_helper_is_counted_while_the_app_goes_on() {
    let Some((path, groups)) = group("memory", "memory.limit_in_bytes", "33554432") else { return };
    let Some((mut shim, _release)) = house(json!({ "cgroups": groups })) else { return };
    assert_eq!(shim.status()["oom_kills"], 0);
    // A further command falls under the same limit.
    let (_, text) = run(&order(&shim, "cat /proc/self/cgroup", json!({ "cgroups": [&path] })));
    let own = std::fs::read_to_string(format!("/proc/{}/cgroup", shim.status()["pid"])).unwrap();
    let memory = |text: &str| text.lines().find(|line| line.contains(":memory:")).map(str::to_owned);
    assert!(own.contains("bloom-limits"), "{own}");
    // Seen from inside, the group of the sandbox is the root, or has its whole name.
    assert!(memory(&text).is_some_and(|line| line.ends_with(":/") || line.contains("bloom-limits")), "{text}");
    let (code, _) = run(&order(&shim, HUNGRY, json!({ "cgroups": [&path] })));
    assert_eq!(code, Some(137));
    let status = shim.status();
    assert!(status["oom_kills"].as_u64().unwrap() >= 1, "{status}");
    assert_eq!((&status["restarts"], &status["last_exit"]), (&json!(0), &json!(null)));
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn a_hungry_pre_start_is_told_as_out_of_memory() {
    let Some((path, groups)) = group("memory", "memory.limit_in_bytes", "33554432") else { return };
    let release = crate::sandbox::release();
    let changes = json!({ "cgroups": groups, "pre_start": ["/bin/sh", "-c", HUNGRY] });
    let mut shim = Shim::start(crate::sandbox::sandboxed(&release.0, "exec sleep 61", changes));
    let status = shim.reach("crashed");
    assert_eq!(status["last_exit"]["oom"], true);
    assert_eq!(status["last_exit"]["note"], "pre_start ended with signal 9");
    assert!(status["oom_kills"].as_u64().unwrap() >= 3, "{status}");
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn refused_processes_are_counted() {
    let Some((path, groups)) = group("pids", "pids.max", "12") else { return };
    let Some((mut shim, _release)) = house(json!({ "cgroups": groups })) else { return };
    assert_eq!(shim.status()["pids_limit_hits"], 0);
    let line = "for one in 1 2 3 4 5 6 7 8 9 10 11 12 13; do sleep 63 > /dev/null 2>&1 & done; echo unreached";
    let (code, text) = run(&order(&shim, line, json!({ "cgroups": [&path] })));
    assert!(code != Some(0) && text.to_lowercase().contains("fork"), "{code:?} {text}");
    until("the count", || shim.status()["pids_limit_hits"].as_u64().filter(|count| *count > 0));
    shim.stop();
    assert!(!path.exists());
}

#[test]
fn a_group_that_cannot_be_joined_is_no_way_around_it() {
    let Some((path, groups)) = group("pids", "pids.max", "12") else { return };
    let Some((mut shim, _release)) = house(json!({ "cgroups": groups })) else { return };
    // A folder that is no group stands for one that refuses.
    let (code, text) = run(&order(&shim, "echo ran", json!({ "cgroups": ["/usr"] })));
    assert_eq!(code, Some(125));
    assert!(text.starts_with("bloom-shim: join /usr: "), "{text}");
    // One that is gone is passed over.
    let guest = Guest::start(&order(&shim, "echo ran", json!({ "cgroups": [path.join("gone")] })));
    assert_eq!(guest.end(), (Some(0), "ran\n".into()));
    shim.stop();
}
