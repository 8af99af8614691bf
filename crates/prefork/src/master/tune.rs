//! What a process is given before an app's code runs in it.
#![allow(unsafe_code)]

use crate::settings::Settings;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::ffi::CString;

/// The app process, and by inheritance its workers: variables, folder, limits, and a process group of its own, so that a
/// terminal's Ctrl-C is the master's affair alone.
pub(super) fn app_process(settings: &Settings) {
    let _ = nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
    for (name, value) in &settings.env {
        // SAFETY: this process has one thread.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
    // Reading the configuration again may have changed it.
    if let Some(folder) = &settings.process.chdir {
        let _ = nix::unistd::chdir(folder);
    }
    if settings.life.limit_as > 0 {
        let _ = setrlimit(Resource::RLIMIT_AS, settings.life.limit_as, settings.life.limit_as);
    }
    rename(settings, "app");
}

/// While an app loads, which may take for ever, the process ends with its master. False: that is gone already.
pub(super) fn end_with_master(master: i32) -> bool {
    let set = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    set.is_ok() && nix::unistd::getppid().as_raw() == master
}

/// From now on the process hears of its master's end by itself.
pub(super) fn outlive_master() {
    let _ = nix::sys::prctl::set_pdeathsig(None);
}

/// A worker: its processors and its name.
pub(super) fn worker(settings: &Settings, id: u32) {
    let each = settings.process.cpu_affinity as usize;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if each > 0 {
        let mut set = CpuSet::new();
        for cpu in cpus_of(id, each, cpus) {
            let _ = set.set(cpu);
        }
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
    rename(settings, &format!("worker {id}"));
}

/// Processors are given out in turn, `each` at a time.
fn cpus_of(id: u32, each: usize, cpus: usize) -> impl Iterator<Item = usize> {
    let first = (id as usize - 1) * each;
    (first..first + each).map(move |cpu| cpu % cpus)
}

/// Names the process for `ps -o comm` and `top` (15 bytes).
pub(super) fn rename(settings: &Settings, task: &str) {
    if settings.process.auto_procname || !settings.process.procname_prefix.is_empty() {
        let name = format!("{}{task}", settings.process.procname_prefix);
        let _ = CString::new(name).map(|name| nix::sys::prctl::set_name(&name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_go_round() {
        let of = |id| cpus_of(id, 2, 3).collect::<Vec<_>>();
        assert_eq!([of(1), of(2), of(3)], [vec![0, 1], vec![2, 0], vec![1, 2]]);
    }
}
