use crate::host::{Host, children, is_alive, kill_hard, until};
use nix::sys::signal::Signal;

#[test]
fn a_killed_worker_is_replaced() {
    let host = Host::serving("workers 2");
    until("two workers", || (host.workers().len() == 2).then_some(()));
    let victim = host.workers()[0];
    kill_hard(victim);
    host.logs("SIGKILL");
    until("another worker", || (host.workers().len() == 2 && !host.workers().contains(&victim)).then_some(()));
    assert!(host.ask("/").is_some());
}

#[test]
fn a_crash_names_the_request_and_costs_no_other() {
    let host = Host::serving("workers 1");
    let hanging = host.occupy("/hang");
    kill_hard(host.workers()[0]);
    host.logs("during GET /hang HTTP/1.1");
    drop(hanging);
    host.answers();
    assert!(host.ask("/die").is_none());
    host.logs("SIGABRT");
    host.answers();
}

#[test]
fn workers_that_die_at_birth_are_tried_again_for_ever() {
    let host = Host::begin("workers 2; start 3");
    let deaths = || host.log().matches("ended with exit code 3 before it served").count();
    until("ten deaths", || (deaths() >= 8).then_some(()));
    assert!(deaths() < 60, "{}", deaths());
    host.rewrite("workers 2");
    host.answers();
}

#[test]
fn without_an_app_the_host_ends() {
    let mut host = Host::begin("missing");
    assert_eq!(host.ends(), Some(22));
    assert!(host.log().contains("the library is missing"));
    // What the host ends itself is no news, and looks as if something else had gone wrong.
    assert!(!host.log().contains("SIGKILL"), "{}", host.log());
    let mut lazy = Host::begin("lazy; start 22");
    assert_eq!(lazy.ends(), Some(22));
}

#[test]
fn a_worker_that_wishes_it_is_replaced_without_a_gap() {
    let host = Host::serving("workers 1");
    let before = host.ask("/wish").unwrap();
    let after = until("another worker", || {
        let answer = host.ask("/").expect("never refused");
        (answer.pid != before.pid).then_some(answer)
    });
    assert_eq!(after.id, before.id);
}

#[test]
fn an_app_process_that_is_killed_is_replaced_and_its_workers_with_it() {
    let host = Host::serving("workers 2");
    until("two workers", || (host.workers().len() == 2).then_some(()));
    let before = host.workers();
    kill_hard(children(host.pid())[0]);
    until("other workers", || {
        host.ask("/").expect("never refused");
        let workers = host.workers();
        (workers.len() == 2 && !workers.iter().any(|pid| before.contains(pid))).then_some(())
    });
    until("the end of the old ones", || before.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn nothing_is_left_of_a_host_that_is_killed() {
    let mut host = Host::serving("workers 2");
    let all: Vec<i32> = children(host.pid()).into_iter().chain(host.workers()).collect();
    assert!(all.len() >= 2);
    kill_hard(host.pid());
    host.ends();
    until("the end of all", || all.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn the_first_signal_waits_and_the_second_does_not() {
    let mut host = Host::serving("workers 2");
    let mut slow = host.occupy("/slow");
    host.signal(Signal::SIGTERM);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut slow, &mut rest).unwrap();
    assert!(rest.ends_with("slow"));
    assert_eq!(host.ends(), Some(0));

    let mut host = Host::serving("workers 2");
    let _hanging = host.occupy("/hang");
    host.signal(Signal::SIGINT);
    host.logs("workers finish what they have");
    assert!(is_alive(host.pid()));
    host.signal(Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
}

#[test]
fn quit_does_not_wait_and_mercy_ends() {
    let mut host = Host::serving("workers 1");
    let _hanging = host.occupy("/hang");
    host.signal(Signal::SIGQUIT);
    assert_eq!(host.ends(), Some(0));
    let mut host = Host::serving("workers 1; mercy 200");
    let _hanging = host.occupy("/hang");
    host.signal(Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
    host.logs("worker-reload-mercy");
}

#[test]
fn clients_are_refused_while_the_host_ends() {
    let mut host = Host::serving("workers 1");
    let mut slow = host.occupy("/slow");
    host.signal(Signal::SIGTERM);
    host.logs("workers finish what they have");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut slow, &mut rest).unwrap();
    assert!(rest.ends_with("slow"));
    assert_eq!(host.ends(), Some(0));
    assert!(host.send("/").is_none());
}

#[test]
fn a_worker_that_does_not_see_to_its_deadline_is_killed() {
    let host = Host::serving("workers 1; harakiri 1000");
    let _stuck = host.occupy("/stuck");
    host.logs("killing worker 1");
    host.answers();
    host.logs("harakiri");
}

#[test]
fn a_worker_with_too_much_memory_is_killed() {
    let host = Host::begin("workers 1; evil 1000");
    host.logs("evil-reload-on-rss");
}

#[test]
fn an_app_that_loads_for_ever_keeps_nobody() {
    let mut host = Host::begin("loading");
    host.logs("listening on");
    let app = until("the app process", || children(host.pid()).first().copied());
    host.signal(Signal::SIGTERM);
    assert_eq!(host.ends(), Some(0));
    assert!(!is_alive(app));

    let mut host = Host::begin("loading");
    let app = until("the app process", || children(host.pid()).first().copied());
    kill_hard(host.pid());
    host.ends();
    until("the end of the app process", || (!is_alive(app)).then_some(()));

    let host = Host::serving("words one");
    host.rewrite("words two; loading");
    host.signal(Signal::SIGHUP);
    until("the app process", || (children(host.pid()).len() == 2).then_some(()));
    assert_eq!(host.ask("/").unwrap().words, "one");
    // One waits for it, the next does not want to.
    host.rewrite("words three");
    until("other words", || {
        host.signal(Signal::SIGHUP);
        (host.ask("/").unwrap().words == "three").then_some(())
    });
}
