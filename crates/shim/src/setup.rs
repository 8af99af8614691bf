//! What a process does to itself between fork and exec: groups, mounts, limits, user.

use crate::error::{SetupError, at};
use crate::stage::make_stage;
use crate::sys;
use bloom_control::{Cgroup, Rlimits, Sandbox, Spec, User};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, Uid, getpid, getppid, setgroups, setresgid, setresuid};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Whose death takes the process along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// The parent's, which has this pid, however it dies.
    Parent(Pid),
    /// Nobody's.
    None,
}

/// An instance under supervision dies with its sandbox's parent. What runs without a sandbox is part of the
/// platform (nginx) and goes on serving when its shim is killed.
/// To be asked for before the fork.
pub fn bond_of(spec: &Spec) -> Bond {
    if spec.sandbox == Sandbox::Bwrap { Bond::Parent(getpid()) } else { Bond::None }
}

/// Moves this process into a network namespace. The shim does this for itself, so that its probes and its
/// counts of connections see what the instance sees.
pub fn enter_netns(path: &Path) -> Result<(), SetupError> {
    let file = File::open(path).map_err(at(format!("open {}", path.display())))?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(at(format!("enter {}", path.display())))
}

/// Sets this process up, in the order in which rights are lost. Returns what failed but was optional. It is in the
/// `inherited` groups already.
pub fn set_up(spec: &Spec, bond: Bond, inherited: &[PathBuf]) -> Result<Vec<String>, SetupError> {
    let warnings = join_groups(&spec.cgroups, inherited)?;
    if let Some(stage) = &spec.stage {
        make_stage(stage)?;
    }
    limit(&spec.rlimits)?;
    if spec.nice != 0 {
        sys::set_nice(spec.nice).map_err(at(format!("set niceness {}", spec.nice)))?;
    }
    if let Some(user) = spec.user {
        become_user(user)?;
    }
    prctl::set_no_new_privs().map_err(at("forbid new privileges"))?;
    umask(Mode::from_bits_truncate(0o022));
    if let Bond::Parent(parent) = bond {
        // After the change of user, which clears it.
        prctl::set_pdeathsig(Signal::SIGKILL).map_err(at("bind to the parent"))?;
        if getppid() != parent {
            return Err(SetupError::refuse("bind to the parent", "it is gone already"));
        }
    }
    Ok(warnings)
}

fn join_groups(groups: &[Cgroup], inherited: &[PathBuf]) -> Result<Vec<String>, SetupError> {
    let mut warnings = Vec::new();
    for group in groups.iter().filter(|group| !inherited.contains(&group.path)) {
        let path = group.path.join("cgroup.procs");
        // "0" is the writing process itself.
        let joined = OpenOptions::new().write(true).open(&path).and_then(|mut file| file.write_all(b"0"));
        match joined.map_err(at(format!("join {}", path.display()))) {
            // Said already when the group could not be made.
            Err(_) if group.optional && !group.path.exists() => {}
            Err(error) if group.optional => warnings.push(error.to_string()),
            other => other?,
        }
    }
    Ok(warnings)
}

/// Sets resource limits, soft and hard alike.
pub fn limit(limits: &Rlimits) -> Result<(), SetupError> {
    let all = [
        ("nofile", Resource::RLIMIT_NOFILE, limits.nofile),
        ("core", Resource::RLIMIT_CORE, limits.core),
        ("fsize", Resource::RLIMIT_FSIZE, limits.fsize),
        ("data", Resource::RLIMIT_DATA, limits.data),
        ("nproc", Resource::RLIMIT_NPROC, limits.nproc),
    ];
    for (name, resource, value) in all {
        let Some(value) = value else { continue };
        set_limit(resource, value).map_err(at(format!("limit {name} to {value}")))?;
    }
    Ok(())
}

fn set_limit(resource: Resource, value: u64) -> nix::Result<()> {
    if setrlimit(resource, value, value).is_ok() {
        return Ok(());
    }
    // Without root a hard limit cannot be raised: then the highest that is allowed must do.
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}

/// Changes to a user for good, without any rights of the old one.
pub fn become_user(user: User) -> Result<(), SetupError> {
    // The bounding set goes while there is still the right to change it.
    sys::drop_bounding_set();
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    setgroups(&[]).map_err(at("leave all groups"))?;
    setresgid(gid, gid, gid).map_err(at(format!("become group {gid}")))?;
    setresuid(uid, uid, uid).map_err(at(format!("become user {uid}")))
}
