use super::*;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

const MINUTE: Duration = Duration::from_secs(60);
const NOON: LocalTime = LocalTime { minute: 0, hour: 12, day: 1, month: 1, weekday: 4 };

fn cron(command: &str) -> CronSettings {
    CronSettings {
        minute: -1,
        hour: -1,
        day: -1,
        month: -1,
        weekday: -1,
        command: command.to_owned(),
        unique: false,
        harakiri: Duration::ZERO,
    }
}

fn wall(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn wait(pid: i32) -> WaitStatus {
    waitpid(Pid::from_raw(pid), None).unwrap()
}

fn pids(crons: &Crons) -> Vec<i32> {
    crons.entries.iter().flat_map(|entry| &entry.running).map(|running| running.pid).collect()
}

#[test]
fn starts_once_in_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ran");
    let env = vec![("WHERE".to_owned(), Some(file.display().to_string()))];
    let mut crons = Crons::new(&[cron("echo ran >> $WHERE")], env);
    let now = Instant::now();
    for second in [0, 1, 59, 60, 61] {
        crons.start_due_at(now, wall(second), &NOON);
        for pid in pids(&crons) {
            assert_eq!(crons.child_exited(pid, wait(pid)), None, "nothing to tell of a run that went well");
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "ran\nran\n");
    assert_eq!(crons.next_due(now, wall(61)), Some(now + Duration::from_secs(59)));
    assert!(crons.is_gone());
    // By the real clock.
    let (now, wall) = (Instant::now(), SystemTime::now());
    assert_eq!(crons.start_due(now, wall).len(), 1);
    wait(pids(&crons)[0]);
}

#[test]
fn a_unique_one_does_not_run_beside_itself() {
    let now = Instant::now();
    for unique in [false, true] {
        let mut crons = Crons::new(&[CronSettings { unique, ..cron("exec sleep 60") }], Env::new());
        crons.start_due_at(now, wall(0), &NOON);
        crons.start_due_at(now + MINUTE, wall(60), &NOON);
        let running = pids(&crons);
        assert_eq!(running.len(), if unique { 1 } else { 2 });
        crons.stop(now, MINUTE);
        assert!(!crons.is_gone());
        for pid in running {
            assert!(matches!(wait(pid), WaitStatus::Signaled(_, Signal::SIGTERM, _)));
            assert_eq!(crons.child_exited(pid, WaitStatus::StillAlive), None);
        }
        assert!(crons.is_gone());
        assert!(crons.start_due_at(now, wall(180), &NOON).is_empty(), "nothing starts after the stop");
        assert_eq!(crons.next_due(now, wall(180)), None);
    }
}

#[test]
fn is_killed_when_it_takes_too_long() {
    let mut crons =
        Crons::new(&[CronSettings { harakiri: Duration::from_secs(5), ..cron("sleep 60; true") }], Env::new());
    let now = Instant::now();
    crons.start_due_at(now, wall(0), &NOON);
    let late = now + Duration::from_secs(5);
    assert_eq!(crons.next_due(now, wall(0)), Some(late));
    assert!(crons.start_due_at(late - Duration::from_millis(1), wall(4), &NOON).is_empty());
    let events = crons.start_due_at(late, wall(5), &NOON);
    assert!(events[0].line.contains("took longer than 5 s; killed"), "{events:?}");
    let pid = pids(&crons)[0];
    let status = wait(pid);
    let event = crons.child_exited(pid, status).unwrap();
    assert!(event.line.ends_with("was ended by SIGKILL"), "{event:?}");
}

#[test]
fn a_failure_is_told_of() {
    let mut crons = Crons::new(&[cron("exit 3")], Env::new());
    crons.start_due_at(Instant::now(), wall(0), &NOON);
    let pid = pids(&crons)[0];
    let event = crons.child_exited(pid, wait(pid)).unwrap();
    assert_eq!(event.line, format!("cron `exit 3` (process {pid}) ended with code 3"));
}

#[test]
fn a_reload_ends_nothing_and_repeats_nothing() {
    let (stays, goes, comes) = (cron("exec sleep 61"), cron("exec sleep 62"), cron("exec sleep 63"));
    let mut crons = Crons::new(&[stays.clone(), goes], Env::new());
    let now = Instant::now();
    crons.start_due_at(now, wall(0), &NOON);
    crons.reload(&[comes, stays], Env::new());
    let events = crons.start_due_at(now, wall(1), &NOON);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].line.contains("sleep 63"));
    assert_eq!(crons.views().len(), 2);
    let running = pids(&crons);
    assert_eq!(running.len(), 3);
    crons.stop(now, MINUTE);
    for pid in running {
        let status = wait(pid);
        crons.child_exited(pid, status);
    }
    assert!(crons.is_gone());
}
