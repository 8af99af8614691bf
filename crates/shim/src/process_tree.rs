//! Who descends from whom, read from /proc.

use std::collections::HashMap;
use std::fs;

/// Direct children of a process, oldest first.
pub fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut readable = false;
    for task in tasks {
        if let Ok(text) = fs::read_to_string(task.path().join("children")) {
            readable = true;
            found.extend(text.split_whitespace().filter_map(|word| word.parse::<i32>().ok()));
        }
    }
    if !readable {
        // Kernels without that file: ask every process for its parent.
        found = parents().into_iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| child).collect();
        found.sort_unstable();
    }
    found
}

/// All descendants, parents before children.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

/// Descendants that still run; a zombie only waits for its parent to look.
pub fn living_descendants(pid: i32) -> Vec<i32> {
    let mut all = descendants(pid);
    all.retain(|pid| is_alive(*pid));
    all
}

/// Whether a process runs.
pub fn is_alive(pid: i32) -> bool {
    stat_fields(pid).is_some_and(|fields| !matches!(fields.first().map(String::as_str), Some("Z" | "X")))
}

/// Whether a process is a shell that waits for what it runs.
pub fn is_waiting_shell(pid: i32) -> bool {
    matches!(command_name(pid).as_deref(), Some("sh" | "dash" | "bash")) && !children(pid).is_empty()
}

/// The process its user would call the app: the one given, or the single one that this shell runs.
pub fn behind_shell(pid: i32) -> i32 {
    match children(pid)[..] {
        [only] if is_waiting_shell(pid) => only,
        _ => pid,
    }
}

/// Resident memory of a process and its descendants in bytes.
pub fn resident_bytes(pid: i32) -> u64 {
    let pages = |pid: i32| -> Option<u64> {
        fs::read_to_string(format!("/proc/{pid}/statm")).ok()?.split(' ').nth(1)?.parse().ok()
    };
    let mut all = descendants(pid);
    all.push(pid);
    all.into_iter().filter_map(pages).sum::<u64>() * 4096
}

/// Clock ticks since boot at which a process started.
pub fn start_ticks(pid: i32) -> Option<u64> {
    stat_fields(pid)?.get(19)?.parse().ok()
}

fn command_name(pid: i32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// The fields of /proc/PID/stat behind the command, which may itself hold brackets and spaces.
fn stat_fields(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = &text[text.rfind(')')? + 2..];
    Some(rest.split(' ').map(str::to_owned).collect())
}

fn parents() -> HashMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, stat_fields(pid)?.get(1)?.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn finds_the_process_behind_a_shell() {
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).stdout(Stdio::piped()).spawn().unwrap();
        let me = std::process::id() as i32;
        let pid = shell.id() as i32;
        let sleep = loop {
            if let [only] = children(pid)[..]
                && command_name(only).as_deref() == Some("sleep")
            {
                break only;
            }
            std::thread::yield_now();
        };
        assert!(children(me).contains(&pid));
        assert!(descendants(me).contains(&sleep));
        assert!(start_ticks(sleep).unwrap() >= start_ticks(me).unwrap());
        assert!(resident_bytes(pid) > 0);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(sleep), nix::sys::signal::Signal::SIGKILL).unwrap();
        shell.wait().unwrap();
        assert!(children(pid).is_empty());
    }
}
