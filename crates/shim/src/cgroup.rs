//! Control groups: made before the first start, emptied and removed at the end.

use crate::error::{SetupError, at};
use crate::signals;

use bloom_control::Cgroup;
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};

/// The groups of one instance.
pub struct Groups {
    /// Those that could be made.
    paths: Vec<PathBuf>,
    /// Folders that were not there before, outer ones first.
    created: Vec<PathBuf>,
}

impl Groups {
    /// Makes the groups and writes their limits. What fails and is optional becomes a warning. Those that were `made`
    /// ahead are this instance's as well.
    pub fn make(specs: &[Cgroup], made: &[PathBuf]) -> Result<(Groups, Vec<String>), SetupError> {
        let mut warnings = Vec::new();
        let mut groups = Groups { paths: Vec::new(), created: made.to_vec() };
        for spec in specs {
            match groups.make_one(spec) {
                Ok(()) => groups.paths.push(spec.path.clone()),
                Err(error) if spec.optional => warnings.push(error.to_string()),
                Err(error) => {
                    groups.remove();
                    return Err(error);
                }
            }
        }
        Ok((groups, warnings))
    }

    fn make_one(&mut self, spec: &Cgroup) -> Result<(), SetupError> {
        let missing: Vec<PathBuf> =
            spec.path.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
        fs::create_dir_all(&spec.path).map_err(at(format!("make group {}", spec.path.display())))?;
        self.created.extend(missing.into_iter().rev());
        for (file, value) in &spec.files {
            let path = spec.path.join(file);
            fs::write(&path, value).map_err(at(format!("write {value} to {}", path.display())))?;
        }
        Ok(())
    }

    /// Whether any process is left in any of them.
    pub fn is_empty(&self) -> bool {
        // This process itself may be in them yet.
        let own = std::process::id() as i32;
        self.paths.iter().all(|path| pids_of(path).iter().all(|pid| *pid == own))
    }

    /// Kills every process in them, once; what forks meanwhile is met by the next call.
    pub fn kill(&self) {
        let own = std::process::id() as i32;
        for pid in self.paths.iter().flat_map(|path| pids_of(path)).filter(|pid| *pid != own) {
            signals::send(pid, Signal::SIGKILL);
        }
    }

    /// Removes what was made here. Folders that others use by now stay.
    pub fn remove(&self) {
        for path in self.created.iter().rev() {
            let _ = fs::remove_dir(path);
        }
    }

    /// Bytes in use, from whichever controller counts them.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.read_number(&["memory.current", "memory.usage_in_bytes"])
    }

    /// How often the kernel has killed for want of memory.
    pub fn oom_kills(&self) -> u64 {
        self.read_counters(&["memory.events", "memory.oom_control"], "oom_kill ")
    }

    /// How often a further process was refused.
    pub fn pids_limit_hits(&self) -> u64 {
        self.read_counters(&["pids.events"], "max ")
    }

    fn read_counters(&self, files: &[&str], name: &str) -> u64 {
        let texts = self.paths.iter().flat_map(|path| files.iter().map(|file| fs::read_to_string(path.join(file))));
        let counter = |text: &str| -> Option<u64> {
            text.lines().find_map(|line| line.strip_prefix(name)).and_then(|value| value.parse().ok())
        };
        texts.flatten().filter_map(|text| counter(&text)).sum()
    }

    fn read_number(&self, files: &[&str]) -> Option<u64> {
        let candidates = self.paths.iter().flat_map(|path| files.iter().map(move |file| path.join(file)));
        candidates.filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok()).next()
    }
}

fn pids_of(path: &Path) -> Vec<i32> {
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn spec(path: PathBuf, file: &str, optional: bool) -> Cgroup {
        Cgroup { path, files: BTreeMap::from([(file.to_owned(), "42".to_owned())]), optional }
    }

    // Plain folders behave like groups as far as making, reading and removing go.
    #[test]
    fn makes_what_is_missing_and_removes_only_that() {
        let base = std::env::temp_dir().join(format!("bloom-groups-{}", std::process::id()));
        fs::create_dir(&base).unwrap();
        let path = base.join("a/b");
        let (groups, warnings) = Groups::make(&[spec(path.clone(), "memory.current", false)], &[]).unwrap();
        assert_eq!((warnings.len(), groups.memory_bytes(), groups.is_empty()), (0, Some(42), true));
        assert_eq!(groups.created, [base.join("a"), path.clone()]);
        fs::write(path.join("memory.events"), "oom 3\noom_kill 2\noom_group_kill 1\n").unwrap();
        fs::write(path.join("pids.events"), "max 7\n").unwrap();
        fs::write(path.join("cgroup.procs"), "12\n123\n").unwrap();
        assert_eq!((groups.oom_kills(), groups.pids_limit_hits()), (2, 7));
        assert!(!groups.is_empty());
        for file in ["memory.current", "memory.events", "pids.events", "cgroup.procs"] {
            fs::remove_file(path.join(file)).unwrap();
        }
        groups.remove();
        assert!(base.exists() && !base.join("a").exists());
        fs::remove_dir(&base).unwrap();
    }

    #[test]
    fn only_what_is_optional_may_fail() {
        let nowhere = PathBuf::from("/proc/no/such/group");
        let (groups, warnings) = Groups::make(&[spec(nowhere.clone(), "x", true)], &[]).unwrap();
        assert!(groups.paths.is_empty());
        assert!(warnings[0].starts_with("make group /proc/no/such/group: "), "{warnings:?}");
        assert!(Groups::make(&[spec(nowhere, "x", false)], &[]).is_err());
    }
}
