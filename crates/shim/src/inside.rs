//! A further process in a sandbox that runs already: it joins the groups and namespaces of a process in there, and
//! gives up what that process has given up.

use crate::command::to_c;
use crate::error::{SetupError, at};
use crate::seccomp;
use crate::setup::limit;
use crate::signals;
use crate::sys;
use bloom_control::{EnterSpec, PROTOCOL, Spec};
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, fstat, umask};
use nix::unistd::{
    ForkResult, Gid, Pid, Uid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve, getegid, geteuid, getpid, getppid,
    setgroups, setresgid, setresuid, setsid,
};
use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The order for a command around the start of an instance, in the sandbox that `pid` is in.
pub fn order_beside(spec: &Spec, pid: i32, command: &[String]) -> EnterSpec {
    EnterSpec {
        protocol: PROTOCOL,
        id: spec.id.clone(),
        pid,
        command: command.to_vec(),
        env: spec.env.clone(),
        cwd: PathBuf::from("/"),
        user: spec.user,
        cgroups: spec.cgroups.iter().map(|group| group.path.clone()).collect(),
        rlimits: spec.rlimits,
        seccomp: spec.seccomp,
        tty: None,
    }
}

/// Standard output and error of the command; its input is then empty.
pub type Streams = [OwnedFd; 2];

/// Goes in with a process of its own, which waits for the command and ends as it ends (a signal as 128 plus its
/// number), and with the caller. Without `streams` the command has the caller's. `prepare` is run in the command's
/// process, as its user and inside, before it becomes the command; `tell` learns the command's pid as the host sees it.
pub fn start_inside(
    order: &EnterSpec,
    streams: Option<Streams>,
    prepare: impl FnOnce() -> Result<(), SetupError>,
    tell: impl FnOnce(Pid),
) -> Result<Pid, SetupError> {
    let parent = getpid();
    match sys::fork().map_err(at("fork"))? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = match set_streams(streams).and_then(|()| wait_inside(order, parent, prepare, tell)) {
                Ok(code) => code,
                Err(error) => {
                    eprintln!("bloom-shim: {}", error.to_string().replace('\n', " "));
                    125
                }
            };
            sys::end_child(code)
        }
    }
}

fn set_streams(streams: Option<Streams>) -> Result<(), SetupError> {
    let Some([out, err]) = streams else { return Ok(()) };
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(at("open /dev/null"))?;
    let all = dup2_stdin(&null).and_then(|()| dup2_stdout(&out)).and_then(|()| dup2_stderr(&err));
    all.map_err(at("set standard streams"))?;
    drop((null, out, err));
    // What else the caller has open is not for this process to keep open.
    sys::close_from(3, sys::Close::Now);
    Ok(())
}

fn wait_inside(
    order: &EnterSpec,
    parent: Pid,
    prepare: impl FnOnce() -> Result<(), SetupError>,
    tell: impl FnOnce(Pid),
) -> Result<i32, SetupError> {
    signals::reset_in_child().map_err(at("reset signals"))?;
    let doors = Doors::open(order.pid)?;
    join_groups(&order.cgroups)?;
    limit(&order.rlimits)?;
    if geteuid().is_root() {
        // In there nobody is allowed to.
        setgroups(&[]).map_err(at("leave all groups"))?;
    }
    doors.pass()?;
    // Nobody in the sandbox may look at or trace what is not yet one of them.
    prctl::set_dumpable(false).map_err(at("hide from tracing"))?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(at("bind to the parent"))?;
    if getppid() != parent {
        return Err(SetupError::refuse("bind to the parent", "it is gone already"));
    }
    match sys::fork().map_err(at("fork inside"))? {
        ForkResult::Parent { child } => {
            tell(child);
            Ok(wait_for(child))
        }
        ForkResult::Child => {
            let Err(error) = become_command(order, prepare);
            eprintln!("bloom-shim: {}", error.to_string().replace('\n', " "));
            sys::end_child(125)
        }
    }
}

fn wait_for(child: Pid) -> i32 {
    loop {
        match sys::wait_for(child.as_raw(), true) {
            Some(status) if libc::WIFEXITED(status) => return libc::WEXITSTATUS(status),
            Some(status) if libc::WIFSIGNALED(status) => return 128 + libc::WTERMSIG(status),
            Some(_) => {}
            None => return 125,
        }
    }
}

fn become_command(
    order: &EnterSpec,
    prepare: impl FnOnce() -> Result<(), SetupError>,
) -> Result<Infallible, SetupError> {
    let user = order.user.map_or((geteuid(), getegid()), |user| (Uid::from_raw(user.uid), Gid::from_raw(user.gid)));
    let (uid, gid) = user;
    // The bounding set goes while there is still the right to change it.
    sys::drop_bounding_set();
    setresgid(gid, gid, gid).map_err(at(format!("become group {gid}")))?;
    setresuid(uid, uid, uid).map_err(at(format!("become user {uid}")))?;
    sys::drop_capabilities().map_err(at("give up all rights"))?;
    prctl::set_no_new_privs().map_err(at("forbid new privileges"))?;
    // After the change of user, which clears it.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(at("bind to the parent"))?;
    umask(Mode::from_bits_truncate(0o022));
    setsid().map_err(at("make a session"))?;
    prepare()?;
    chdir(&order.cwd).map_err(at(format!("go to {}", order.cwd.display())))?;
    execute(order)
}

/// Looks a plain name up along the command's own PATH, inside.
fn execute(order: &EnterSpec) -> Result<Infallible, SetupError> {
    let program = order.command.first().ok_or_else(|| SetupError::refuse("command", "it is empty"))?;
    let argv = to_c(order.command.iter().cloned())?;
    let env = to_c(order.env.iter().map(|(name, value)| format!("{name}={value}")))?;
    let candidates: Vec<String> = match program.contains('/') {
        true => vec![program.clone()],
        false => {
            let path = order.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
            path.split(':').map(|folder| format!("{folder}/{program}")).collect()
        }
    };
    if order.seccomp {
        seccomp::load().map_err(at("load the system call filter"))?;
    }
    let mut error = nix::errno::Errno::ENOENT;
    for candidate in to_c(candidates)? {
        let Err(reason) = execve(&candidate, &argv, &env);
        if reason != nix::errno::Errno::ENOENT && reason != nix::errno::Errno::ENOTDIR {
            error = reason;
        }
    }
    Err(at(format!("run {program}"))(error))
}

/// A group may have gone with its instance, or be nobody's to join without root; otherwise its limits hold.
fn join_groups(groups: &[PathBuf]) -> Result<(), SetupError> {
    for group in groups {
        let file = OpenOptions::new().write(true).open(group.join("cgroup.procs"));
        // "0" is the writing process itself.
        let joined = file.and_then(|mut file| file.write_all(b"0"));
        if geteuid().is_root() && group.exists() {
            joined.map_err(at(format!("join {}", group.display())))?;
        }
    }
    Ok(())
}

/// The namespaces of a process, opened while the host's /proc is there to be read.
struct Doors {
    /// Made by others than the sandbox: entered with the rights one has outside.
    net: Option<File>,
    /// The user namespace that the sandbox's other namespaces belong to.
    owner: Option<OwnedFd>,
    others: Vec<(File, CloneFlags, &'static str)>,
    /// That of the process, when it lies further in.
    user: Option<File>,
}

impl Doors {
    fn open(pid: i32) -> Result<Doors, SetupError> {
        let watch = sys::pidfd_open(pid).map_err(at(format!("find process {pid}")))?;
        let door = |name: &str| -> Result<Option<File>, SetupError> {
            let path = format!("/proc/{pid}/ns/{name}");
            let file = File::open(&path).map_err(at(format!("open {path}")))?;
            let own = File::open(format!("/proc/self/ns/{name}")).map_err(at(format!("open our own {name}")))?;
            Ok(if is_same(&file, &own)? { None } else { Some(file) })
        };
        // Many a service of the host has its own view of the file system; a sandbox also has its own processes.
        let (Some(mnt), Some(pids)) = (door("mnt")?, door("pid")?) else {
            return Err(SetupError::refuse("enter", format!("process {pid} is not in a sandbox")));
        };
        let owner = sys::owning_user_namespace(&mnt).map_err(at("find the sandbox's owner"))?;
        let own = File::open("/proc/self/ns/user").map_err(at("open our own user"))?;
        let user = door("user")?;
        let user = match user {
            Some(file) if !is_same(&file, &owner)? => Some(file),
            _ => None,
        };
        let owner = if is_same(&owner, &own)? { None } else { Some(owner) };
        let mut others = Vec::new();
        for (name, flag) in [
            ("ipc", CloneFlags::CLONE_NEWIPC),
            ("uts", CloneFlags::CLONE_NEWUTS),
            ("cgroup", CloneFlags::CLONE_NEWCGROUP),
        ] {
            if let Some(file) = door(name)? {
                others.push((file, flag, name));
            }
        }
        others.push((pids, CloneFlags::CLONE_NEWPID, "pid"));
        others.push((mnt, CloneFlags::CLONE_NEWNS, "mnt"));
        let net = door("net")?;
        // Its number may be another process's by now; then what was opened is not to be entered.
        let mut waited = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waited, 0_u8).map_err(at("look at the process"))? > 0 {
            return Err(SetupError::refuse("enter", format!("process {pid} has ended")));
        }
        Ok(Doors { net, owner, others, user })
    }

    fn pass(self) -> Result<(), SetupError> {
        let enter = |fd: &dyn AsFd, flag, name: &str| -> Result<(), SetupError> {
            setns(fd.as_fd(), flag).map_err(at(format!("enter the sandbox's {name} namespace")))
        };
        if let Some(net) = &self.net {
            enter(net, CloneFlags::CLONE_NEWNET, "net")?;
        }
        if let Some(owner) = &self.owner {
            enter(owner, CloneFlags::CLONE_NEWUSER, "user")?;
        }
        for (file, flag, name) in &self.others {
            enter(file, *flag, name)?;
        }
        if let Some(user) = &self.user {
            enter(user, CloneFlags::CLONE_NEWUSER, "inner user")?;
        }
        chdir(Path::new("/")).map_err(at("go to /"))
    }
}

fn is_same(one: &impl AsFd, other: &impl AsFd) -> Result<bool, SetupError> {
    let identity = |fd: &dyn AsFd| fstat(fd.as_fd()).map(|stat| (stat.st_dev, stat.st_ino));
    let both = identity(one).and_then(|one| Ok((one, identity(other)?)));
    both.map(|(one, other)| one == other).map_err(at("compare namespaces"))
}
