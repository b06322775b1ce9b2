//! An edge that is killed again and again, and goes on with what lies on its disk.
//!
//! ```text
//! viewers, writers   ask, invalidate …          first looks     ask, invalidate …
//! the edge           starts ────────── kill -9   starts ─────────────────── kill -9
//!                                         └ sometimes something is invalidated while it is down
//! ```
//!
//! After each restart every tenant's every path is looked at once, before anything else is asked for: what is served then was
//! stored by an earlier process. None of it may be older than what has been seen `Completed`, and there has to be some.
//! `cargo xtask crash --disk --cycles N --seed S` runs more of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::api::Api;
use super::faults::environment;
use super::http::{Connection, PATIENCE};
use super::processes::{Processes, Setup, a_moment};
use super::random::Random;
use super::viewers::{look, view};
use super::world::{ADA, BEN, CLEO, DORA, PATHS, World};
use super::writers::Writer;
use super::{from_environment, origin};

/// Cycles in an ordinary run of the tests.
const CYCLES: u64 = 8;
const VIEWERS: usize = 6;
/// What is invalidated while viewers are at it: seldom everything, so that something is left.
const PATTERNS: [&str; 8] = ["/", "/a", "/ab", "/a/b", "/shop/1", "/shop/2*", "/a/*", "/nothing*"];

#[test]
fn who_is_killed_goes_on_with_what_lies_on_the_disk() {
    let seed = from_environment("RECANT_DISK_SEED").unwrap_or(1);
    let cycles = from_environment("RECANT_DISK_CYCLES").unwrap_or(CYCLES);
    let mut random = Random::new(seed);
    let world = Arc::new(World::new());
    let origin = origin::start(&world, random.fork());
    let mut processes = Processes::start("disk", Setup { edges: Some(1), disks: true, shield: false });
    let api = Api::set_up(&processes.plane, origin, false);
    let mut writers = [(ADA, "ada"), (BEN, "ben")]
        .map(|(tenant, name)| (tenant, Writer::new(&world, &api, name, random.fork())));
    let mut between = Writer::new(&world, &api, "between", random.fork());
    let mut seen = Seen::default();
    for cycle in 0..cycles {
        world.enter(format!("seed {seed}, cycle {cycle}"));
        load_and_kill(&world, &mut writers, &mut processes, &mut random);
        if random.below(2) == 0 {
            let pattern = random.one_of(&["/a*", "/shop/*", "/", "/a/b"]);
            seen.invalidated_meanwhile += u64::from(between.invalidate(CLEO, &[pattern]).is_some());
        }
        if random.below(4) == 0 {
            processes.edges[0].start_and_kill(random.millis_below(60));
        }
        processes.edges[0].restart();
        first_looks(&world, processes.viewers()[0], &mut seen);
    }
    println!("seed {seed}, {cycles} cycles: {seen:?}; {}", world.counts());
    let broken = world.broken();
    assert!(broken.is_empty(), "seed {seed}: {}", broken.join("\n"));
    assert!(seen.hits >= cycles, "hardly anything came from the disk: {seen:?}");
}

/// What goes wrong on an edge's disk, in the words of `fault.c`; 28 is `ENOSPC`, 5 `EIO`, 30 `EROFS`.
const FAULTS: [(&str, &str); 7] = [
    ("write segment-00000001 1 full 28", "responses cannot be stored on the disk"),
    ("write segment-00000001 3 full 28", "responses cannot be stored on the disk"),
    ("write segment-00000001 2 stay 5", "responses cannot be stored on the disk"),
    ("open segment-00000001 1 stay 30", "responses cannot be stored on the disk"),
    ("write journal 2 stay 28", "the journal cannot be written"),
    ("write journal.new 1 full 28", "the journal cannot be written"),
    ("sync journal.new 1 fail 5", "the journal cannot be written"),
];

#[test]
fn a_disk_that_fails_is_said_once_and_no_viewer_hears_of_it() {
    let mut random = Random::new(5);
    let world = Arc::new(World::new());
    let origin = origin::start(&world, random.fork());
    let mut processes = Processes::start("disk-faults", Setup { edges: Some(1), disks: true, shield: false });
    let api = Api::set_up(&processes.plane, origin, false);
    let mut writer = Writer::new(&world, &api, "writer", random.fork());
    for (fault, said) in FAULTS {
        world.enter(fault.to_owned());
        processes.edges[0].kill();
        processes.empty_the_folder_of(0);
        let mark = processes.edges[0].data_dir.join("mark");
        processes.edges[0].restart_in(environment(fault, &mark));
        let mut seen = Seen::default();
        for pattern in ["/nothing", "/shop/*", "/a"] {
            first_looks(&world, processes.viewers()[0], &mut seen);
            assert!(writer.invalidate(BEN, &[pattern]).is_some(), "{fault}");
        }
        first_looks(&world, processes.viewers()[0], &mut seen);
        assert_eq!(seen.error_pages, 0, "{fault}");
        assert!(mark.exists(), "{fault}: not reached");
        assert!(seen.hits > 0, "{fault}: nothing is served from memory");
        let log = processes.edges[0].log();
        assert_eq!(log.matches(said).count(), 1, "{fault}: {log}");
        assert!(!log.contains("panicked"), "{fault}: {log}");
        // Whatever of it is there, the next process makes no more of it than it is.
        processes.edges[0].kill();
        processes.edges[0].restart_in(Vec::new());
        first_looks(&world, processes.viewers()[0], &mut seen);
        assert_eq!(seen.error_pages, 0, "after {fault}");
    }
    let broken = world.broken();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What happened in a run.
#[derive(Debug, Default)]
struct Seen {
    first_looks: u64,
    /// Those that were answered with what an earlier process had stored.
    hits: u64,
    /// Invalidations that were completed while the edge was down.
    invalidated_meanwhile: u64,
    error_pages: u64,
}

/// Viewers and writers at work, in the midst of which the edge is killed.
fn load_and_kill(
    world: &World,
    writers: &mut [(usize, Writer<'_>)],
    processes: &mut Processes,
    random: &mut Random,
) {
    let address = processes.viewers()[0];
    thread::scope(|scope| {
        let end = world.end_on_drop();
        for viewer in 0..VIEWERS {
            let random = random.fork();
            scope.spawn(move || view(world, viewer, address, random));
        }
        for (tenant, writer) in writers {
            let mut random = random.fork();
            scope.spawn(move || {
                while world.goes_on() {
                    writer.invalidate(*tenant, &[random.one_of(&PATTERNS)]);
                    world.pause(random.millis_below(60));
                }
            });
        }
        world.pause(Duration::from_millis(400) + random.millis_below(600));
        processes.edges[0].kill();
        world.count(|counts| counts.kills += 1);
        drop(end);
    });
    world.begin_again();
}

/// Asks for everything once, as soon as the edge may serve what is stored.
fn first_looks(world: &World, address: SocketAddr, seen: &mut Seen) {
    // Until it knows its tenants there are pages that say so.
    until_leased(world, address);
    let before = world.counts().error_pages;
    let mut connection = Connection::open(address).unwrap();
    for tenant in [ADA, BEN, CLEO] {
        for path in 0..PATHS.len() {
            seen.first_looks += 1;
            seen.hits += u64::from(look(world, &mut connection, 0, tenant, path).unwrap());
        }
    }
    seen.error_pages += world.counts().error_pages - before;
}

/// Waits until the edge may serve what is stored, by asking for what nobody looks at.
fn until_leased(world: &World, address: SocketAddr) {
    let start = Instant::now();
    loop {
        let looked =
            Connection::open(address).and_then(|mut connection| look(world, &mut connection, 0, DORA, 0));
        if looked.is_ok_and(|hit| hit) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "the edge does not serve from its cache again");
        a_moment();
    }
}
