//! The promise of DESIGN.md section 2, checked from outside: viewers, writers and `kill -9` side by side.
//!
//! The origin's every body says whose it is and which version. A writer raises the version, *then* invalidates, and
//! notes the version once it has read `Completed`. A viewer looks that note up *before* it sends its request; an
//! answer with an older version breaks the promise, whatever was killed, paused or restarted meanwhile:
//!
//! ```text
//! writer    version 7 ── create ── 201 ── Get ── Completed: note 7
//! viewer                                              look up 7 ── request ── answer says 6?  broken
//! origin          answers begun before the create say 6, and may come as late as they like
//! ```
//!
//! Beside it, what follows from the promise: accepted invalidations survive, a `CallerReference` has one id for ever,
//! `Completed` is never taken back, it comes in bounded time with an edge dead or stopped, and nobody sees or loses
//! anything through another tenant's invalidation.
//!
//! All choices come from a seed, which a failure names; when things meet is up to the machine. With
//! `RECANT_BLACKBOX_SEED=N` and `RECANT_BLACKBOX_ROUNDS=N` in the environment it runs with other choices, and longer.
//!
//! [`crash`] asks the same of the store alone, over many more kills, [`faults`] with
//! a disk that fails, [`disk`] of edges whose stored responses outlive them.
//!
//! What it deliberately does not do: look inside. It knows the API, the viewers' ports and the processes' ids.

mod api;
mod chaos;
mod crash;
mod disk;
mod faults;
mod http;
mod link;
mod origin;
mod processes;
mod random;
mod viewers;
mod world;
mod writers;

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use self::api::Api;
use self::chaos::Chaos;
use self::processes::{Processes, Setup};
use self::random::Random;
use self::world::{ADA, BEN, Counts, World};
use self::writers::{Accepted, Writer};

#[test]
fn serve_keeps_the_promise() {
    check(&Scenario { name: "serve", setup: Setup::default(), seed: 1 });
}

#[test]
fn a_plane_and_two_edges_keep_the_promise() {
    let setup = Setup { edges: Some(2), ..Setup::default() };
    check(&Scenario { name: "plane-and-edges", setup, seed: 2 });
}

#[test]
fn serve_with_a_disk_keeps_the_promise() {
    let setup = Setup { disks: true, ..Setup::default() };
    check(&Scenario { name: "serve-disk", setup, seed: 3 });
}

#[test]
fn a_plane_and_two_edges_with_disks_keep_the_promise() {
    let setup = Setup { edges: Some(2), disks: true, shield: false };
    check(&Scenario { name: "plane-and-edges-disk", setup, seed: 4 });
}

#[test]
fn an_edge_behind_a_shield_keeps_the_promise() {
    let setup = Setup { edges: Some(2), disks: false, shield: true };
    check(&Scenario { name: "shield", setup, seed: 5 });
}

struct Scenario {
    name: &'static str,
    setup: Setup,
    seed: u64,
}

/// Viewers, in all. Most of them wait for a slow origin most of the time.
const VIEWERS: usize = 12;
/// Rounds that may be added while too little has happened.
const ROUNDS_MORE_MAX: usize = 6;

#[expect(clippy::print_stdout, reason = "a run that passes says what it saw, to whoever asks for the output")]
fn check(scenario: &Scenario) {
    let seed = from_environment("RECANT_BLACKBOX_SEED").unwrap_or(scenario.seed);
    let rounds = from_environment("RECANT_BLACKBOX_ROUNDS").unwrap_or(1);
    let mut random = Random::new(seed);
    let world = Arc::new(World::new());
    let origin = origin::start(&world, random.fork());
    let processes = Processes::start(scenario.name, scenario.setup);
    let api = Api::set_up(&processes.plane, origin, scenario.setup.shield);
    let edges = processes.viewers();
    let mut chaos = Chaos::new(&world, processes, &api, random.fork());

    let accepted = thread::scope(|scope| {
        // Also when the chaos panics: the others must come to their end for the scope to close.
        let end = world.end_on_drop();
        let mut writers = Vec::new();
        for (tenant, name) in [(ADA, "ada-1"), (ADA, "ada-2"), (BEN, "ben-1")] {
            let writer = Writer::new(&world, &api, name, random.fork());
            writers.push(scope.spawn(move || writer.invalidate_what_is_viewed(tenant)));
        }
        let writer = Writer::new(&world, &api, "ben-2", random.fork());
        writers.push(scope.spawn(move || writer.create_without_a_pause(BEN)));
        for viewer in 0..VIEWERS {
            let edge = viewer % edges.len();
            let (world, address, random) = (&*world, edges[edge], random.fork());
            scope.spawn(move || viewers::view(world, edge, address, random));
        }
        for _ in 0..rounds {
            chaos.round();
        }
        // A machine with much else to do gets some more time to show that something could have gone wrong.
        for _ in 0..ROUNDS_MORE_MAX {
            if !vacuous(&world.counts(), scenario).is_empty() {
                chaos.round();
            }
        }
        drop(end);
        let accepted = writers.into_iter().flat_map(|writer| writer.join().expect("writers do not panic"));
        accepted.chain(chaos.accepted()).collect::<Vec<Accepted>>()
    });
    chaos.kill_the_plane_and_check(&accepted);

    let counts = world.counts();
    let run = format!("{}, seed {seed}: {counts}", scenario.name);
    println!("{run}");
    let broken = world.broken();
    assert!(broken.is_empty(), "{run}\n{}", broken.join("\n"));
    let vacuous = vacuous(&counts, scenario);
    assert!(vacuous.is_empty(), "too little happened to show anything: {vacuous:?}; {run}");
}

/// What there was too little of for something to go wrong.
fn vacuous(counts: &Counts, scenario: &Scenario) -> Vec<&'static str> {
    let kills = if scenario.setup.edges.is_some() { 5 } else { 3 };
    let least = [
        ("hits", counts.hits, 100),
        ("hits on versions written during the run", counts.hits_on_new_versions, 30),
        ("hits that are parts", counts.hits_on_parts, 20),
        ("stored responses found to be invalidated", counts.invalidated, 20),
        ("requests that went together with another", counts.collapsed, 3),
        ("stored responses validated", counts.validated, 1),
        ("stored responses served stale", counts.stale, 3),
        ("hits at the shield", counts.hits_at_the_shield, if scenario.setup.shield { 20 } else { 0 }),
        ("invalidations seen completed", counts.completed, 20),
        ("origin answers overtaken by an invalidation", counts.overtaken, 1),
        ("creates that got no answer", counts.unanswered, 1),
        ("kills", counts.kills, kills),
        ("pauses and cuts", counts.pauses, if scenario.setup.edges.is_some() { 2 } else { 1 }),
    ];
    least.into_iter().filter(|(_, count, least)| count < least).map(|(what, ..)| what).collect()
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number")))
}

/// An address on this machine; 0 lets the system choose the port.
fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
