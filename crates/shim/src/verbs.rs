//! Two of the verbs: `run` supervises, `exec` becomes the command.

use crate::ahead::Ahead;
use crate::app_socket::seen_from;
use crate::cgroup::Groups;
use crate::child::Child;
use crate::command::Command;
use crate::control_server::ControlServer;
use crate::error::{SETUP_FAILED, SetupError, at};
use crate::forward::Forwarder;
use crate::given_socket::{GivenSocket, SocketTable};
use crate::hooks::Hooks;
use crate::lifecycle::start;
use crate::log_writer::LogWriter;
use crate::machine::Machine;
use crate::poller::{Poller, READ, SIGNALS};
use crate::relay::Relays;
use crate::setup::{Bond, enter_netns, set_up};
use crate::signals::{self, parse_signal};
use crate::spawn::Spawned;
use crate::spec_input::{parse_spec, read_line};
use crate::standby::Standby;
use crate::status::Facts;
use crate::supervisor::{Supervisor, Timers};
use crate::sys::{self, Close};
use bloom_control::{Exactly, Forward, Hello, Ready, Sandbox, Spec};
use nix::fcntl::{OFlag, open};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signalfd::SignalFd;
use nix::sys::stat::Mode;
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, getppid, setsid};
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Supervises one instance; the spec comes on standard input.
pub fn run() -> ExitCode {
    sys::close_from(3, Close::Now);
    let supervisor = match wait_for_spec().and_then(|(spec, early)| prepare(spec, early)) {
        Ok(supervisor) => supervisor,
        Err(error) => {
            say(&Hello::Failed { ok: Exactly, error: error.to_string() });
            return ExitCode::from(SETUP_FAILED);
        }
    };
    say(&Hello::Standing { ok: Exactly, pid: std::process::id() as i32 });
    // Nothing is said on them any more; an open one would keep the daemon's pipes alive.
    let _ = detach_stdio();
    supervisor.run();
    ExitCode::SUCCESS
}

/// The daemon may be gone already: that is no reason to stop.
pub fn say(hello: &Hello) {
    if let Ok(text) = serde_json::to_string(hello) {
        let _ = writeln!(io::stdout(), "{text}");
    }
}

/// What was done before the spec was known.
struct Early {
    ahead: Ahead,
    standby: Option<Standby>,
    signals: SignalFd,
    warnings: Vec<String>,
}

/// Reads the spec. Whoever is kept for later waits for it with as much behind it as is the same for everybody: the
/// groups that are named, and with `--standby` a sandbox, whose own spec is the first line.
fn wait_for_spec() -> Result<(Spec, Early), SetupError> {
    let mut words = std::env::args_os().skip(2).peekable();
    set_child_subreaper(true).map_err(at("become the parent of orphans"))?;
    let with_standby = words.next_if(|word| word == "--standby").is_some();
    let signals = signals::open().map_err(at("watch for signals"))?;
    let mut early = Early { ahead: Ahead::enter(words), standby: None, signals, warnings: Vec::new() };
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(at("read the spec"))?);
    if with_standby {
        match Standby::make(&read_line(&mut input)?, &early.ahead) {
            Ok(standby) => early.standby = Some(standby),
            Err(error) => early.warnings.push(format!("no sandbox could be made ahead: {error}")),
        }
    }
    let spec = match &mut early.standby {
        Some(standby) => match standby.read_on(&input, &early.signals).and_then(|text| parse_spec(text.as_slice())) {
            Ok(spec) => spec,
            Err(error) => {
                // Nobody wanted it.
                early.standby.take().into_iter().for_each(|standby| standby.end(&early.signals));
                return Err(error);
            }
        },
        None => parse_spec(&input)?,
    };
    Ok((spec, early))
}

fn prepare(mut spec: Spec, early: Early) -> Result<Supervisor, SetupError> {
    let dir = spec.dir.clone().ok_or_else(|| SetupError::refuse("understand the spec", "it names no dir"))?;
    if parse_signal(&spec.stop.signal).is_none() {
        return Err(SetupError::refuse("understand the spec", format!("there is no signal {}", spec.stop.signal)));
    }
    if spec.sandbox == Sandbox::None && (spec.pre_start.is_some() || spec.post_start.is_some()) {
        return Err(SetupError::refuse("understand the spec", "pre_start and post_start need a sandbox to run in"));
    }
    if let Ready::Unix { socket, .. } = &mut spec.ready {
        *socket = seen_from(&dir, socket);
    }
    if let Some(path) = &mut spec.listen {
        *path = seen_from(&dir, path);
    }
    // Fails for the leader of a group, which then has left its parent's group already.
    let _ = setsid();
    fs::create_dir_all(dir.join("log")).map_err(at("make the log folder"))?;
    // Names of sockets are short in the kernel and folders may be deep: bound from inside.
    chdir(&dir).map_err(at(format!("enter {}", dir.display())))?;
    // Of the namespace outside, where its clients are.
    let table = SocketTable::open().map_err(at("open the table of sockets"))?;
    if let Some(path) = &spec.netns {
        enter_netns(path)?;
    }
    let made: Vec<PathBuf> = early.ahead.made().map(Path::to_owned).collect();
    let (groups, warnings) = Groups::make(&spec.cgroups, &made)?;
    stand(spec, dir, (table, early), (groups, warnings))
}

/// Opens everything and makes the first start. What fails takes back what was made.
fn stand(
    spec: Spec,
    dir: PathBuf,
    (table, early): (SocketTable, Early),
    (groups, mut warnings): (Groups, Vec<String>),
) -> Result<Supervisor, SetupError> {
    let Early { ahead, standby, signals, warnings: earlier } = early;
    warnings.extend(earlier);
    let poller = Poller::open().map_err(at("open the event loop"))?;
    poller.add(&signals, SIGNALS, READ).map_err(at("watch for signals"))?;
    let control = ControlServer::bind(Path::new("control.sock"), &poller).map_err(at("bind control.sock"));
    let control = control.inspect_err(|_| groups.remove())?;
    let oom_before = groups.oom_kills();
    let opened = bind_forward(&spec, &dir, &poller).and_then(|forward| {
        // The app must not come first where clients are led.
        let relays = Relays::bind(&spec.relays, &poller).map_err(at("bind the places where clients come"))?;
        let given = bind_given(&spec, table)?;
        let socket = given.as_ref().map(GivenSocket::for_command).transpose()?;
        let prepared = (socket.as_ref(), &signals, &ahead);
        let ready = standby.and_then(|standby| use_standby(standby, &spec, prepared, &mut warnings));
        let started = ready.map_or_else(|| start(&spec, socket, &ahead), Ok)?;
        Ok((forward, relays, given, started))
    });
    let (forward, relays, given, started) = opened.inspect_err(|_| {
        let _ = fs::remove_file("control.sock");
        if let Some(path) = &spec.listen {
            let _ = fs::remove_file(path);
        }
        if let Some(forward) = &spec.forward {
            let _ = fs::remove_file(forward.listen());
        }
        groups.remove();
    })?;
    let mut supervisor = Supervisor {
        log: LogWriter::open(dir.join("log/app.log"), spec.log.clone()),
        records: spec.records.clone().map(|limits| LogWriter::open(dir.join("log/executions.log"), limits)),
        machine: Machine::started(spec.restart.clone()),
        facts: Facts { warnings, ..Facts::default() },
        grace_ms: spec.stop.grace_ms,
        timers: Timers::default(),
        child: None,
        outputs: Vec::new(),
        hooks: Hooks::default(),
        probe: None,
        oom_before,
        spec,
        dir,
        poller,
        signals,
        control,
        forward,
        relays,
        given,
        groups,
        ahead,
    };
    supervisor.adopt(started, oom_before);
    supervisor.publish();
    Ok(supervisor)
}

/// The sandbox that was made ahead, when it is for this instance and could be completed; otherwise it goes.
fn use_standby(
    mut standby: Standby,
    spec: &Spec,
    (socket, signals, ahead): (Option<&(OwnedFd, RawFd)>, &SignalFd, &Ahead),
    warnings: &mut Vec<String>,
) -> Option<(Spawned, Child)> {
    // What is in it is in the groups that were joined ahead, and in no others.
    let inherited = ahead.inherited();
    let is_in_all = spec.cgroups.iter().all(|group| inherited.contains(&group.path) || !group.path.exists());
    let complete = spec.complete.as_ref().filter(|_| is_in_all).map(|complete| {
        let done = standby.complete((spec, complete), socket.map(|(fd, _)| fd), signals);
        done.inspect_err(|error| warnings.push(format!("the sandbox made ahead was not used: {error}")))
    });
    if let Some(Ok(())) = complete {
        return Some(standby.into_parts());
    }
    standby.end(signals);
    None
}

fn bind_given(spec: &Spec, table: SocketTable) -> Result<Option<GivenSocket>, SetupError> {
    let Some(path) = &spec.listen else { return Ok(None) };
    GivenSocket::bind(path, table).map(Some).map_err(at(format!("bind {}", path.display())))
}

fn bind_forward(spec: &Spec, dir: &Path, poller: &Poller) -> Result<Option<Forwarder>, SetupError> {
    let Some(wish) = &spec.forward else { return Ok(None) };
    let mut wish = wish.clone();
    // The short name again, when it is in the same folder.
    match &mut wish {
        Forward::Port(to) => to.listen = seen_from(dir, &to.listen),
        Forward::Socket(to) => {
            to.listen = seen_from(dir, &to.listen);
            to.socket = seen_from(dir, &to.socket);
        }
    }
    Forwarder::bind(&wish, poller).map(Some).map_err(at(format!("bind {}", wish.listen().display())))
}

/// Becomes the command; the spec comes on descriptor 3.
pub fn exec() -> ExitCode {
    let Err(error) = try_exec();
    eprintln!("bloom-shim: {}", error.to_string().replace('\n', " "));
    ExitCode::from(SETUP_FAILED)
}

fn try_exec() -> Result<Infallible, SetupError> {
    let parent = getppid();
    let input = sys::adopt_descriptor(3).map_err(at("read the spec from descriptor 3"))?;
    let spec = parse_spec(File::from(input))?;
    sys::close_from(3, Close::OnExec);
    if let Some(path) = &spec.netns {
        enter_netns(path)?;
    }
    let (_, warnings) = Groups::make(&spec.cgroups, &[])?;
    let command = Command::build(&spec, None, Vec::new())?;
    // Optional things that fail are not worth a word in the output of the command; the daemon sees the groups.
    drop((warnings, set_up(&spec, Bond::Parent(parent), &[])?));
    signals::reset_pipe_signal().map_err(at("reset signals"))?;
    command.exec()
}

/// Lets go of the streams of whoever started this process.
pub fn detach_stdio() -> Result<(), SetupError> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(at("open /dev/null"))?;
    dup2_stdin(&null).and_then(|()| dup2_stdout(&null)).and_then(|()| dup2_stderr(&null)).map_err(at("detach"))
}
