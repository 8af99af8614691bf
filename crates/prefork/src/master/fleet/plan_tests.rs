use super::simulation::World;
use super::*;
use crate::board::{Wish, WorkerState};
use crate::settings::{CheaperAlgorithm, CheaperSettings, Settings};

fn rules(workers: u32) -> Rules {
    Rules::of(&Settings { workers, ..Settings::default() })
}

fn serving(workers: u32) -> World {
    let mut world = World::new(rules(workers));
    world.pass(100);
    assert_eq!(world.accepting(), workers as usize);
    world
}

#[test]
fn a_killed_worker_is_replaced_at_once() {
    let mut world = serving(2);
    world.pass(5_000);
    world.end(0, 0, Ending::Signal(9));
    assert!(matches!(world.log.last(), Some(Action::Fork { id: 1, .. })), "{:?}", world.log.last());
}

#[test]
fn workers_that_die_young_wait_longer_while_others_are_supervised() {
    let mut world = World::new(rules(2));
    world.dies_at_birth = Some(2);
    world.pass(20_000);
    let forks = |world: &World| world.log.iter().filter(|action| matches!(action, Action::Fork { id: 2, .. })).count();
    assert!((8..=11).contains(&forks(&world)), "{}", forks(&world));
    world.end(0, world.place_of(0, 1), Ending::Signal(9));
    world.pass(100);
    assert_eq!(world.accepting(), 1);
}

#[test]
fn who_wishes_to_be_replaced_goes_on_until_the_other_one_accepts() {
    let mut world = serving(1);
    world.pass(11_000);
    world.wish(0, 0, Wish::MaxRequests);
    world.settle();
    let generation = &world.fleet.generations[0];
    assert!(generation.workers[0].as_ref().is_some_and(|worker| worker.asked == Asked::Nothing && worker.leaving));
    assert!(generation.workers[1].as_ref().is_some_and(|worker| worker.id == 1));
    world.pass(100);
    assert!(world.fleet.generations[0].workers[0].is_none());
    assert_eq!(world.accepting(), 1);
}

#[test]
fn wishes_for_requests_and_memory_wait_for_the_least_age() {
    let mut world = serving(1);
    world.wish(0, 0, Wish::Rss);
    world.pass(9_000);
    assert_eq!(world.place_of(0, 1), 0);
    world.pass(2_000);
    assert_eq!(world.place_of(0, 1), 1);
}

#[test]
fn only_one_at_a_time_is_recycled() {
    let mut world = serving(4);
    world.pass(11_000);
    (0..4).for_each(|place| world.wish(0, place, Wish::MaxRequests));
    world.settle();
    let leaving = |world: &World| world.fleet.generations[0].living().filter(|(_, worker)| worker.leaving).count();
    assert_eq!(leaving(&world), 1);
    world.least_accepting = 4;
    world.pass(2_000);
    let renewed = world.fleet.generations[0].living().filter(|(_, worker)| worker.serial > 4).count();
    assert_eq!(renewed, 4);
}

#[test]
fn a_crash_is_replaced_at_once_and_a_stuck_one_killed_when_mercy_ends() {
    let mut world = serving(1);
    world.stubborn = true;
    world.wish(0, 0, Wish::Harakiri);
    world.pass(100);
    assert_eq!(world.accepting(), 1);
    assert!(world.fleet.generations[0].workers[0].is_some());
    world.pass(61_000);
    assert!(world.log.contains(&Action::Kill { generation: 0, place: 0, why: Reason::Mercy }));
    assert!(world.fleet.generations[0].workers[0].is_none());
}

#[test]
fn a_worker_without_life_of_its_own_is_killed_after_the_deadline() {
    let mut world = serving(1);
    world.deadline(0, 0, world.now + 1_000);
    world.pass(2_900);
    assert!(!world.log.iter().any(|action| matches!(action, Action::Kill { .. })));
    world.pass(200);
    assert!(world.log.contains(&Action::Kill { generation: 0, place: 0, why: Reason::Harakiri }));
}

#[test]
fn a_chain_goes_one_by_one_and_all_at_a_time_are_together() {
    for (command, most) in [(Command::ReloadChain, 1), (Command::ReloadWorkers, 3)] {
        let mut world = serving(3);
        world.least_accepting = 3;
        world.tell(Event::Command(command));
        let standing = world.fleet.generations[0].living().filter(|(_, worker)| worker.leaving).count();
        assert_eq!(standing, most);
        world.pass(3_000);
        assert!(world.fleet.generations[0].living().all(|(_, worker)| worker.serial > 3));
    }
}

#[test]
fn a_new_generation_serves_before_the_old_one_is_asked_to_end() {
    let mut world = serving(2);
    world.reload(rules(3), false);
    let asked = |world: &World| world.log.iter().any(|action| matches!(action, Action::Drain { .. }));
    world.pass(10);
    assert!(!asked(&world));
    world.least_accepting = 2;
    world.pass(1_000);
    assert!(asked(&world) && world.fleet.generations.len() == 1 && world.accepting() == 3);
}

#[test]
fn a_generation_that_cannot_load_leaves_the_old_one() {
    let mut world = serving(2);
    world.loads = false;
    world.least_accepting = 2;
    world.reload(rules(2), false);
    world.pass(1_000);
    assert_eq!((world.fleet.generations.len(), world.fleet.generations[0].number), (1, 0));
    world.loads = true;
    world.dies_at_birth = Some(1);
    world.reload(rules(2), false);
    world.pass(5_000);
    assert_eq!((world.fleet.generations.len(), world.fleet.generations[0].number), (1, 0));
}

#[test]
fn a_first_generation_that_cannot_load_ends_the_host() {
    let mut world = World::quiet(rules(2));
    world.loads = false;
    world.pass(100);
    assert_eq!((world.fleet.failed, world.fleet.ended()), (Some(22), true));
}

#[test]
fn an_app_process_that_dies_is_replaced_and_then_its_workers() {
    let mut world = serving(2);
    world.pass(5_000);
    world.least_accepting = 2;
    world.lose_app(0);
    world.pass(3_000);
    assert!(world.fleet.generations[0].living().all(|(_, worker)| worker.serial > 2));
}

#[test]
fn the_second_signal_does_not_wait() {
    let mut world = serving(2);
    world.stubborn = true;
    world.tell(Event::Command(Command::Stop));
    world.pass(1_000);
    assert!(!world.fleet.ended());
    world.tell(Event::Command(Command::Stop));
    world.pass(3_000);
    assert!(world.fleet.ended());
}

#[test]
fn mercy_ends_a_stop() {
    let mut world = serving(2);
    world.stubborn = true;
    world.tell(Event::Command(Command::Stop));
    world.pass(59_000);
    assert!(!world.fleet.ended());
    world.pass(2_000);
    assert!(world.fleet.ended());
}

#[test]
fn too_much_memory_is_killed() {
    let mut world = World::new(Rules { evil_rss: 1_000, ..rules(1) });
    world.pass(100);
    world.tell(Event::Memory { generation: 0, place: 0, memory: (1_001, 5_000) });
    assert!(world.log.contains(&Action::Kill { generation: 0, place: 0, why: Reason::EvilMemory }));
    world.pass(100);
    assert_eq!(world.accepting(), 1);
}

#[test]
fn lifetimes_end_at_different_times() {
    let mut world = World::new(Rules { max_lifetime: 20_000, max_lifetime_delta: 5_000, ..rules(2) });
    world.pass(22_000);
    let renewed = |world: &World, id| world.fleet.generations[0].fresh(id).is_some_and(|(_, worker)| worker.serial > 2);
    assert!(renewed(&world, 1) && !renewed(&world, 2));
    world.pass(5_000);
    assert!(renewed(&world, 2));
}

#[test]
fn cheaper_follows_the_load() {
    let algorithm = CheaperAlgorithm::Manual;
    let cheaper = CheaperSettings { least: 1, initial: 1, step: 1, overload: 1, algorithm };
    let mut world = World::new(Rules { cheaper: Some(cheaper), ..rules(3) });
    world.pass(100);
    assert_eq!(world.accepting(), 1);
    (0..5).for_each(|_| world.tell(Event::Command(Command::More)));
    world.pass(100);
    assert_eq!(world.accepting(), 3);
    world.tell(Event::Command(Command::Less));
    world.pass(100);
    // The oldest one went.
    assert!(world.accepting() == 2 && world.fleet.generations[0].fresh(1).is_none());
    world.tell(Event::Command(Command::Least));
    world.pass(100);
    assert_eq!(world.accepting(), 1);
}

#[test]
fn paused_workers_go_on_when_they_are_told_and_new_ones_are_paused_as_well() {
    let mut world = serving(2);
    world.tell(Event::Command(Command::TogglePause));
    world.end(0, 0, Ending::Signal(9));
    world.pass(100);
    let states =
        |world: &World| -> Vec<_> { world.fleet.generations[0].living().map(|(_, worker)| worker.state).collect() };
    assert_eq!(states(&world), [WorkerState::Paused; 2]);
    world.tell(Event::Command(Command::TogglePause));
    world.pass(100);
    assert_eq!(states(&world), [WorkerState::Accepting; 2]);
}
