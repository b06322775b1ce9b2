//! What the slowest hits wait for: with nothing beside them, while 200 paths are invalidated every second, and while the
//! sweep goes through the store; over HTTP, of a running edge, and of two other caches.
//!
//! Requests come at a steady rate, far below what any of the servers could do, and a late answer makes the next request
//! no later: what waits behind a slow one counts as slow, too.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::caches::contents::{TENANTS, hosts, request};
use crate::caches::way::{StartWay, Way};
use crate::caches::{Site, in_memory, recant, trafficserver_ways, varnish};
use crate::hits::cores;
use crate::load::{Until, VIEWERS, load};
use crate::origin::Origin;
use crate::peers::until_hit;
use crate::statistics::{Rounds, rounds};

const CACHES: [(&str, StartWay); 3] = [
    ("recant", recant::way),
    ("varnish, ban obj.*", varnish::ban_responses),
    ("trafficserver, remap_purge", trafficserver_ways::generations),
];
/// So that the sweep lasts for some seconds.
const STORED: usize = 500_000;
/// What is asked for, and all that is stored where there is no sweep.
const ASKED_FOR: usize = 2_000;
const STORE_BYTES: u64 = 1 << 30;
const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(100);
const ROUND: Duration = Duration::from_secs(2);
/// Rounds in a row.
const IN_A_ROW: usize = 2;
const RATE: f64 = 2_000.0;
const FLOOD_RATE: f64 = 200.0;
/// What the edge's log says when a pass begins and when it ends.
const BEGUN: &str = "sweep: sweeping";
const ENDED: &str = "sweep: swept";
/// The sweep's pause, and some more.
const SWEEP_WITHIN: Duration = Duration::from_secs(60);

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\nlatency of hits at {RATE} a second, ms");
    let folder = in_memory()?;
    let origin = Origin::start()?;
    let mut worlds = Vec::new();
    for (n, (name, start)) in CACHES.into_iter().enumerate() {
        match World::start(name, start, folder.path(), n, &origin) {
            Ok(world) => worlds.push(world),
            Err(error) => println!("  {name:<34}not measured: {error:#}"),
        }
    }
    for _ in rounds(ROUNDS, TIME) {
        for _ in 0..IN_A_ROW {
            for world in &mut worlds {
                let taken = world.hits()?;
                world.alone.add(taken);
            }
        }
        for _ in 0..IN_A_ROW {
            for world in &mut worlds {
                world.beside_a_flood()?;
            }
        }
        for world in &mut worlds {
            world.beside_the_sweep()?;
        }
    }
    println!(
        "  {:<34}{:<32}{:>22}{:>22}{:>22}{:>22}",
        "", "meanwhile", "p50", "p99", "p99.9", "p99 over nothing's"
    );
    for world in &worlds {
        world.alone.print(world.name, "nothing", &world.alone);
        world.flooded.print(world.name, "200 invalidations a second", &world.alone);
        world.swept.print(world.name, "the sweep", &world.alone);
    }
    Ok(())
}

/// The percentiles of each round.
#[derive(Default)]
struct Taken([Vec<f64>; 3]);

impl Taken {
    fn add(&mut self, percentiles: [f64; 3]) {
        for (column, value) in self.0.iter_mut().zip(percentiles) {
            column.push(value);
        }
    }

    fn print(&self, name: &str, meanwhile: &str, alone: &Self) {
        if self.0[0].is_empty() {
            return;
        }
        let cells =
            self.0.iter().map(|column| format!("{:>22}", Rounds::of(column.iter().copied()).to_string()));
        let ratio = Rounds::ratio(&self.0[1], &alone.0[1]);
        println!("  {name:<34}{meanwhile:<32}{}{ratio:>22}", cells.collect::<String>());
    }
}

/// A cache that is asked.
struct World {
    name: &'static str,
    way: Box<dyn Way>,
    load_core: usize,
    /// Where Recant's edge says what its sweep does.
    log: Option<PathBuf>,
    invalidated: usize,
    alone: Taken,
    flooded: Taken,
    swept: Taken,
}

impl World {
    fn start(name: &'static str, start: StartWay, folder: &Path, n: usize, origin: &Origin) -> Result<Self> {
        let (server_core, load_core) = cores()?;
        let (hosts, own) = (hosts(), format!("cache-{n}"));
        let site = Site {
            folder,
            name: &own,
            origin: origin.address,
            hosts: &hosts,
            core: Some(server_core),
            store_bytes: STORE_BYTES,
        };
        let mut way = start(&site)?;
        until_hit(&mut *way)?;
        let log = (n == 0).then(|| folder.join(&own).join("edge.log"));
        let stored = if log.is_some() { STORED } else { ASKED_FOR * TENANTS };
        load(way.cache().address, VIEWERS, None, Until::Each(stored), &[200], &request)?;
        let [alone, flooded, swept] = [const { Taken([const { Vec::new() }; 3]) }; 3];
        Ok(Self { name, way, load_core, log, invalidated: 0, alone, flooded, swept })
    }

    /// Asks at the steady rate; gives the 50th, 99th and 99.9th percentile in milliseconds.
    fn hits(&self) -> Result<[f64; 3]> {
        hits(self.way.cache().address, self.load_core, Until::Paced(ASKED_FOR, ROUND, RATE))
    }

    fn beside_a_flood(&mut self) -> Result<()> {
        let (address, load_core) = (self.way.cache().address, self.load_core);
        let (way, invalidated, is_over) = (&mut self.way, &mut self.invalidated, AtomicBool::new(false));
        let taken = thread::scope(|scope| {
            let flood = scope.spawn(|| {
                let (start, first) = (Instant::now(), *invalidated);
                while !is_over.load(Ordering::SeqCst) {
                    let due = first + (start.elapsed().as_secs_f64() * FLOOD_RATE) as usize;
                    if due > *invalidated {
                        way.paths(*invalidated..due)?;
                        *invalidated = due;
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                anyhow::Ok(())
            });
            let taken = hits(address, load_core, Until::Paced(ASKED_FOR, ROUND, RATE));
            is_over.store(true, Ordering::SeqCst);
            let Ok(done) = flood.join() else { bail!("the flood has failed") };
            done.and(taken)
        })?;
        self.flooded.add(taken);
        Ok(())
    }

    /// Of Recant only: the flood before has made it due.
    fn beside_the_sweep(&mut self) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        // One that is under way by now would be seen in part.
        let begun = said(log, BEGUN)?;
        await_more(log, BEGUN, begun)?;
        let (ended, goes_on) = (said(log, ENDED)?, AtomicBool::new(true));
        let (address, load_core) = (self.way.cache().address, self.load_core);
        let taken = thread::scope(|scope| {
            let hits = scope.spawn(|| hits(address, load_core, Until::PacedWhile(ASKED_FOR, &goes_on, RATE)));
            let over = await_more(log, ENDED, ended);
            goes_on.store(false, Ordering::SeqCst);
            let Ok(taken) = hits.join() else { bail!("the viewers have failed") };
            over.and(taken)
        })?;
        self.swept.add(taken);
        Ok(())
    }
}

fn hits(address: SocketAddr, load_core: usize, until: Until<'_>) -> Result<[f64; 3]> {
    let ask = |n: usize, bytes: &mut Vec<u8>| request(n * TENANTS, bytes);
    let seen = load(address, VIEWERS, Some(load_core), until, &[200], &ask)?;
    Ok([500, 990, 999].map(|thousandths| seen.latency(thousandths)))
}

/// How often the edge's log says so.
fn said(log: &Path, words: &str) -> Result<usize> {
    Ok(fs::read_to_string(log)?.lines().filter(|line| line.contains(words)).count())
}

fn await_more(log: &Path, words: &str, before: usize) -> Result<()> {
    let start = Instant::now();
    while said(log, words)? == before {
        ensure!(start.elapsed() < SWEEP_WITHIN, "the edge has not said '{words}'");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
