//! What holds whatever happens, and in whatever order.

use super::simulation::World;
use super::*;
use crate::board::Wish;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Pass(Millis),
    Command(Command),
    Reload(bool),
    Wish(usize, Wish),
    End(usize, i32),
    LoseApp(usize),
}

fn healthy() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200u64).prop_map(Step::Pass),
        1 => Just(Step::Reload(false)),
        1 => Just(Step::Command(Command::ReloadChain)),
        1 => Just(Step::Command(Command::ReloadWorkers)),
        1 => (0..20usize).prop_map(|nth| Step::Wish(nth, Wish::MaxRequests)),
    ]
}

fn anything() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => healthy(),
        1 => Just(Step::Reload(true)),
        1 => Just(Step::Command(Command::RestartWorkers)),
        1 => Just(Step::Command(Command::TogglePause)),
        1 => (0..20usize).prop_map(|nth| Step::Wish(nth, Wish::Crash)),
        2 => (0..20usize, prop_oneof![Just(1), Just(17), Just(30), Just(22)]).prop_map(|(nth, code)| Step::End(nth, code)),
        1 => (0..3usize).prop_map(Step::LoseApp),
    ]
}

fn take(world: &mut World, step: Step, workers: u32) {
    match step {
        Step::Pass(time) => world.pass(time),
        Step::Command(command) => world.tell(Event::Command(command)),
        Step::Reload(brutal) => world.reload(Rules { min_lifetime: 50, ..rules(workers) }, brutal),
        Step::Wish(which, wish) => {
            if let Some((generation, place)) = world.nth(which) {
                world.wish(generation, place, wish);
            }
        }
        Step::End(which, code) => {
            if let Some((generation, place)) = world.nth(which) {
                world.end(generation, place, Ending::Code(code));
            }
        }
        Step::LoseApp(which) => {
            let number = world.fleet.generations.get(which).map(|generation| generation.number);
            number.into_iter().for_each(|number| world.lose_app(number));
        }
    }
}

fn rules(workers: u32) -> Rules {
    Rules::of(&crate::settings::Settings { workers, ..Default::default() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn healthy_workers_never_leave_a_gap(workers in 1..5u32, steps in prop::collection::vec(healthy(), 0..40)) {
        let mut world = World::new(Rules { min_lifetime: 50, ..rules(workers) });
        world.pass(100);
        world.least_accepting = workers.min(1) as usize;
        for step in steps {
            take(&mut world, step, workers);
        }
        world.pass(60_000);
        prop_assert_eq!((world.accepting(), world.fleet.generations.len()), (workers as usize, 1));
    }

    #[test]
    fn whatever_happens_it_recovers_and_ends(
        workers in 1..4u32,
        stubborn: bool,
        steps in prop::collection::vec(anything(), 0..40),
    ) {
        let mut world = World::new(Rules { min_lifetime: 50, ..rules(workers) });
        world.pass(100);
        world.stubborn = stubborn;
        for step in steps {
            take(&mut world, step, workers);
        }
        world.pass(200_000);
        if world.fleet.paused {
            world.tell(Event::Command(Command::TogglePause));
        }
        prop_assert_eq!(world.accepting(), workers as usize);
        world.tell(Event::Command(Command::Stop));
        world.pass(130_000);
        prop_assert!(world.fleet.ended(), "{:#?}", world.fleet);
    }
}
