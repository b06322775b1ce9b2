//! What hits cost while invalidations are outstanding that do not concern them: processor time for one hit at once
//! afterwards, when everything has been asked for since, and while 200 more come in every second.
//!
//! The same cache three times, in turns, with none, some and many paths invalidated of the tenant that is asked for. Each may
//! work them off meanwhile as it does in use: Recant's sweep begins after half a minute, Varnish's lurker after one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::caches::contents::{TENANTS, hosts, request};
use crate::caches::way::{Listed, WAYS, Way};
use crate::caches::{Site, in_memory};
use crate::hits::cores;
use crate::load::{Until, VIEWERS, load};
use crate::origin::Origin;
use crate::peers::growth::until_hit;
use crate::spent;
use crate::statistics::{Rounds, number, rounds};

/// How often each is measured, each first pass with things of its own.
const ROUNDS: usize = 5;
/// Things that are asked for in one pass.
const PASS: usize = 400;
const STEADY: Duration = Duration::from_millis(700);
const STREAM: Duration = Duration::from_secs(2);
const STREAM_ROUNDS: usize = 3;
const STREAM_RATE: f64 = 200.0;
/// For each way and column.
const TIME: Duration = Duration::from_secs(15);
/// After this no more are added; how many it were stands in the row.
const ADDING_TIME: Duration = Duration::from_secs(15);
const STORE_BYTES: u64 = 256 << 20;

/// Measures and prints.
pub(crate) fn run<const WORLDS: usize>(outstanding: [usize; WORLDS]) -> Result<()> {
    println!(
        "\nhits beside invalidations of other paths of the same tenant, µs of processor a hit; in brackets over none"
    );
    println!(
        "  {:<34}{:>11}{:>13}{:>24}{:>24}{:>24}",
        "", "outstanding", "added a s", "first hit of each", "from then on", "with 200 more a s"
    );
    let folder = in_memory()?;
    let origin = Origin::start()?;
    for (n, way) in WAYS.iter().enumerate() {
        if let Some(why) = way.without_paths {
            println!("  {:<34}not measured: {why}", way.name);
        } else if let Err(error) = measure(way, folder.path(), n, &origin, outstanding) {
            println!("  {:<34}not measured: {error:#}", way.name);
        }
    }
    Ok(())
}

fn measure<const WORLDS: usize>(
    way: &Listed,
    folder: &Path,
    n: usize,
    origin: &Origin,
    outstanding: [usize; WORLDS],
) -> Result<()> {
    let mut worlds = Vec::new();
    for outstanding in outstanding {
        worlds.push(World::start(way, folder, &format!("{n}-beside-{outstanding}"), origin, outstanding)?);
    }
    let mut taken = vec![[const { Vec::new() }; 3]; WORLDS];
    for round in rounds(ROUNDS, TIME) {
        for (world, taken) in worlds.iter_mut().zip(&mut taken) {
            taken[0].push(world.first_pass(round)?);
        }
    }
    for _ in rounds(ROUNDS, TIME) {
        for (world, taken) in worlds.iter_mut().zip(&mut taken) {
            taken[1].push(world.steady(STEADY)?);
        }
    }
    for _ in rounds(STREAM_ROUNDS, TIME) {
        for (world, taken) in worlds.iter_mut().zip(&mut taken) {
            taken[2].push(world.beside_a_stream()?);
        }
    }
    for (world, own) in worlds.iter().zip(&taken) {
        let cells = own.iter().zip(&taken[0]).map(|(own, none)| {
            let ratio = Rounds::ratio(own, none).median;
            format!("{:>24}", format!("{} ({ratio:.2})", number(Rounds::of(own.iter().copied()).median)))
        });
        let rate = if world.outstanding == 0 {
            "-".to_owned()
        } else {
            number(world.outstanding as f64 / world.adding)
        };
        println!("  {:<34}{:>11}{rate:>13}{}", way.name, world.outstanding, cells.collect::<String>());
    }
    Ok(())
}

/// A cache with things of one tenant stored, and so many paths invalidated.
struct World {
    way: Box<dyn Way>,
    load_core: usize,
    /// What was invalidated before anything was measured.
    outstanding: usize,
    /// How long that took, in seconds.
    adding: f64,
    /// With what has come in since.
    added: usize,
    /// How many things have been asked for since then.
    passed: usize,
}

impl World {
    fn start(way: &Listed, folder: &Path, name: &str, origin: &Origin, outstanding: usize) -> Result<Self> {
        let (server_core, load_core) = cores()?;
        let hosts = hosts();
        let site = Site {
            folder,
            name,
            origin: origin.address,
            hosts: &hosts,
            core: Some(server_core),
            store_bytes: STORE_BYTES,
        };
        let way = (way.start)(&site)?;
        let mut world = Self { way, load_core, outstanding: 0, adding: 0.0, added: 0, passed: 0 };
        until_hit(&mut *world.way)?;
        world.hits(Until::Each(ROUNDS * PASS), 0)?;
        let start = Instant::now();
        while world.added < outstanding && start.elapsed() < ADDING_TIME {
            let up_to = outstanding.min(world.added.saturating_add(world.way.paths_at_once()));
            world.way.paths(world.added..up_to)?;
            world.added = up_to;
        }
        world.outstanding = world.added;
        world.adding = start.elapsed().as_secs_f64();
        Ok(world)
    }

    fn first_pass(&mut self, round: usize) -> Result<f64> {
        self.passed = (round + 1) * PASS;
        self.hits(Until::Each(PASS), round * PASS)
    }

    fn steady(&mut self, time: Duration) -> Result<f64> {
        self.hits(Until::Over(self.passed, time), 0)
    }

    fn beside_a_stream(&mut self) -> Result<f64> {
        let (address, server, load_core) =
            (self.way.cache().address, self.way.cache().server.id(), self.load_core);
        let passed = self.passed;
        let (way, added, is_over) = (&mut self.way, &mut self.added, AtomicBool::new(false));
        thread::scope(|scope| {
            let stream = scope.spawn(|| {
                let (start, first) = (Instant::now(), *added);
                while !is_over.load(Ordering::SeqCst) {
                    let due = first + (start.elapsed().as_secs_f64() * STREAM_RATE) as usize;
                    if due > *added {
                        way.paths(*added..due)?;
                        *added = due;
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                anyhow::Ok(())
            });
            let cost = cost(address, server, load_core, Until::Over(passed, STREAM), 0);
            is_over.store(true, Ordering::SeqCst);
            let Ok(done) = stream.join() else { bail!("the stream has failed") };
            done.and(cost)
        })
    }

    fn hits(&self, until: Until<'_>, first: usize) -> Result<f64> {
        let cache = self.way.cache();
        cost(cache.address, cache.server.id(), self.load_core, until, first)
    }
}

/// Microseconds of processor time for one hit, of things of the first tenant.
fn cost(
    address: std::net::SocketAddr,
    server: u32,
    core: usize,
    until: Until<'_>,
    first: usize,
) -> Result<f64> {
    let before = spent::seconds(server)?;
    let ask = |n: usize, bytes: &mut Vec<u8>| request((first + n) * TENANTS, bytes);
    let seen = load(address, VIEWERS, Some(core), until, &[200], &ask)?;
    Ok((spent::seconds(server)? - before) * 1e6 / seen.replies as f64)
}
