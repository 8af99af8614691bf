use super::*;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::io::Read;

const MERCY: Duration = Duration::from_secs(3);

fn daemon(command: &str) -> DaemonSettings {
    DaemonSettings { command: command.to_owned(), control: false, pidfile: None }
}

fn wait(pid: i32) -> WaitStatus {
    waitpid(Pid::from_raw(pid), None).unwrap()
}

fn daemons(settings: &[DaemonSettings], now: Instant) -> Daemons {
    Daemons::new(settings, Env::new(), MERCY, now)
}

/// The end of the only one.
fn end(daemons: &mut Daemons, now: Instant) -> Option<Event> {
    let pid = daemons.views()[0].pid;
    daemons.child_exited(pid, wait(pid), now)
}

/// A command that says by a named pipe that it is ready.
fn ready(folder: &Path, command: &str) -> (String, impl FnOnce() + use<>) {
    let fifo = folder.join("ready");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let command = format!("{}; echo > {}; sleep 60 & wait; wait", command, fifo.display());
    (command, move || {
        std::fs::File::open(fifo).unwrap().read_to_end(&mut Vec::new()).unwrap();
    })
}

#[test]
fn one_that_ends_quickly_is_started_later_and_later() {
    let mut now = Instant::now();
    let mut daemons = daemons(&[daemon("exit 3")], now);
    assert_eq!(daemons.next_due(), Some(now));
    for seconds in 1..4 {
        assert_eq!(daemons.start_due(now).len(), 1);
        assert_eq!(daemons.next_due(), None);
        let event = end(&mut daemons, now).unwrap();
        assert!(event.line.ends_with(&format!("ended with code 3; it is started again in {seconds} s")), "{event:?}");
        assert!(!event.ends_host);
        assert!(daemons.start_due(now).is_empty());
        now += Duration::from_secs(seconds);
        assert_eq!(daemons.next_due(), Some(now));
    }
    daemons.start_due(now);
    let event = end(&mut daemons, now + Duration::from_secs(10)).unwrap();
    assert!(event.line.ends_with("started again at once"), "{event:?}");
    assert_eq!(daemons.views()[0].respawns, 3);
    assert_eq!(daemons.child_exited(1, WaitStatus::StillAlive, now), None, "not one of these");
}

#[test]
fn the_host_ends_with_one_it_depends_on() {
    let now = Instant::now();
    let mut daemons = daemons(&[DaemonSettings { control: true, ..daemon("exit 0") }], now);
    daemons.start_due(now);
    let event = end(&mut daemons, now).unwrap();
    assert!(event.ends_host && event.line.ends_with("ended with code 0; the host ends with it"), "{event:?}");
    assert!(daemons.is_gone());
}

#[test]
fn a_stop_asks_and_then_kills_all_of_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let (command, is_ready) = ready(folder.path(), "trap '' TERM");
    let now = Instant::now();
    let mut daemons = daemons(&[daemon(&command)], now);
    daemons.start_due(now);
    is_ready();
    let pid = daemons.views()[0].pid;
    daemons.stop(now);
    assert!(!daemons.is_gone());
    assert_eq!(daemons.next_due(), Some(now + MERCY));
    assert!(daemons.start_due(now).is_empty());
    let events = daemons.start_due(now + MERCY);
    assert_eq!(events[0].line, format!("daemon {pid} did not end when it was asked to; killed"));
    let status = wait(pid);
    assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)));
    assert_eq!(daemons.child_exited(pid, status, now), None);
    // Its sleep was killed with it; who reaps it is not us.
    while !daemons.is_gone() {
        daemons.start_due(now + MERCY);
        std::thread::yield_now();
    }
}

#[test]
fn a_reload_starts_the_new_ones_when_the_old_are_gone() {
    let now = Instant::now();
    let mut daemons = daemons(&[daemon("exec sleep 60")], now);
    daemons.start_due(now);
    let old = daemons.views()[0].pid;
    daemons.reload(&[daemon("exec sleep 61")], Env::new(), MERCY, now);
    assert!(daemons.start_due(now).is_empty(), "the old one may hold what the new one wants");
    let status = wait(old);
    assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGTERM, _)));
    assert_eq!(daemons.child_exited(old, status, now), None);
    assert_eq!(daemons.next_due(), Some(now));
    assert_eq!(daemons.start_due(now).len(), 1);
    daemons.stop(now);
    let new = daemons.leaving.pids()[0];
    let status = wait(new);
    daemons.child_exited(new, status, now);
    assert!(daemons.is_gone());
}

#[test]
fn a_smart_one_is_known_by_its_pid_file_and_survives() {
    let folder = tempfile::tempdir().unwrap();
    let pidfile = folder.path().join("pid");
    let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    std::fs::write(&pidfile, format!("{}\n", other.id())).unwrap();
    let smart = DaemonSettings {
        command: format!("echo started >> {}/log; exec sleep 60", folder.path().display()),
        control: false,
        pidfile: Some(pidfile.clone()),
    };
    let mut now = Instant::now();
    let mut daemons = daemons(std::slice::from_ref(&smart), now);
    let events = daemons.start_due(now);
    assert!(events[0].line.ends_with(&format!("runs as process {}", other.id())), "{events:?}");
    daemons.reload(&[smart], Env::new(), MERCY, now);
    assert!(daemons.start_due(now).is_empty(), "still the same");
    // It goes away: it is started.
    other.kill().unwrap();
    other.wait().unwrap();
    now += Duration::from_secs(20);
    let events = daemons.start_due(now);
    assert!(events[0].line.contains("started (process "), "{events:?}");
    let pid = daemons.views()[0].pid;
    // The file still names one that is gone: it may still be written.
    for _ in 0..plan::LOOKS {
        now += Duration::from_secs(1);
        assert!(daemons.start_due(now).is_empty());
    }
    std::fs::write(&pidfile, pid.to_string()).unwrap();
    assert_eq!(daemons.start_due(now + Duration::from_secs(1)).len(), 1);
    daemons.stop(now);
    assert!(daemons.is_gone(), "nothing that has to end");
    assert_eq!(living(&pidfile), Some(pid), "it goes on");
    spawn::signal(pid, Signal::SIGKILL);
    wait(pid);
}

#[test]
fn commands_have_their_variables_no_blocked_signals_and_nothing_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!(
        "cat; (echo $GIVEN; echo ${{HOME-none}}; grep SigBlk /proc/self/status) > {}/out",
        folder.path().display()
    );
    let env = vec![("GIVEN".to_owned(), Some("a b".to_owned())), ("HOME".to_owned(), None)];
    let mut blocked = nix::sys::signal::SigSet::empty();
    blocked.add(Signal::SIGUSR1);
    blocked.thread_block().unwrap();
    let pid = spawn::spawn(&command, &env, true).unwrap();
    assert_eq!(wait(pid), WaitStatus::Exited(Pid::from_raw(pid), 0));
    let out = std::fs::read_to_string(folder.path().join("out")).unwrap();
    assert_eq!(out, "a b\nnone\nSigBlk:\t0000000000000000\n");
}
