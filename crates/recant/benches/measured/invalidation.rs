//! What invalidations cost an edge: each hit, each invalidation, and the sweep behind them. Without HTTP, so that nothing
//! hides the difference.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use recant_core::batch::Pattern;
use recant_edge::measuring::{Inside, Wanted};

use crate::statistics::{Rounds, rounds};

const STORE_BYTES: u64 = 4 << 30;
const TENANTS: usize = 100;
/// Responses that are asked for, of one tenant.
const ASKED_FOR: usize = 256;
const RULES: usize = 100_000;
const ROUNDS: usize = 15;
const TIME: Duration = Duration::from_secs(30);
const CHECKS: usize = 1 << 18;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// Hits whose latencies are looked at.
const HITS: usize = 2_000_000;
/// Between two of 200 invalidations a second.
const FLOOD_PERIOD: Duration = Duration::from_millis(5);
const BODY: [u8; 64] = [b'x'; 64];

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    hits()?;
    whole_tenants()?;
    tail()
}

/// The three worlds that hits are compared in.
fn hits() -> Result<()> {
    println!("\nhits beside {RULES} rules that are not swept, one thread, ns of CPU");
    let worlds = [World::of(0, 0)?, World::of(RULES, 1)?, World::of(RULES, 0)?];
    let mut taken = vec![[const { Vec::new() }; 4]; worlds.len()];
    for round in rounds(ROUNDS, TIME) {
        for (world, taken) in worlds.iter().zip(&mut taken) {
            taken[0].push(world.per_check(Inside::is_valid)?);
            taken[1].push(world.per_check(Inside::may_serve)?);
            taken[2].push(world.per_check(Inside::hit)?);
            world.inside.invalidate(0, &Pattern::parse(&format!("/news/{round}"))?);
            taken[3].push(world.once(Inside::may_serve)?);
        }
    }
    println!("  {:<44}{:>22}{:>22}{:>22}", "rules", "none", "of other tenants", "of this tenant");
    let row = |name: &str, column: usize| {
        let cells = taken.iter().map(|taken| format!("{:>22}", Rounds::of(taken[column].iter().copied())));
        println!("  {name:<44}{}", cells.collect::<String>());
    };
    row("the rules' check, nothing new", 0);
    row("the decision and all it reads, nothing new", 1);
    row("the same with the store's lookup", 2);
    row("the decision, one new rule in the tenant", 3);
    let ratio = |world: usize| format!("{:>22}", Rounds::ratio(&taken[world][2], &taken[0][2]));
    println!("  {:<44}{:>22}{}{}", "lookup and decision, over those of none", "", ratio(1), ratio(2));
    Ok(())
}

/// Everything of a tenant, with few and with many stored responses in it.
fn whole_tenants() -> Result<()> {
    println!("\ninvalidating /* of a tenant with this many stored responses");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let everything = Pattern::parse("/*")?;
    let mut taken = [Vec::new(), Vec::new()];
    for (stored, taken) in [FEW, MANY].into_iter().zip(&mut taken) {
        let inside = Inside::new(STORE_BYTES, 1);
        inside.fill(0..stored, &BODY);
        let wanted = inside.wanted(0).context("the first one is stored")?;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            inside.invalidate(0, &everything);
            taken.push(start.elapsed().as_nanos() as f64);
            ensure!(!inside.may_serve(&wanted), "the next request is fresh");
        }
        let before = inside.stored_bytes();
        let start = Instant::now();
        let progress = runtime.block_on(inside.sweep());
        println!(
            "  {stored:>10} stored: {:>22} ns; the sweep then gives {:.1} MiB back within {:.2} s, and purges {}",
            Rounds::of(taken.iter().copied()).to_string(),
            (before - inside.stored_bytes()) as f64 / f64::from(1 << 20),
            start.elapsed().as_secs_f64(),
            progress.purged,
        );
    }
    println!("  {MANY} over {FEW}: {}", Rounds::ratio(&taken[1], &taken[0]));
    Ok(())
}

/// What the slowest of hits wait for, while the log brings entries and while the sweep is under way.
fn tail() -> Result<()> {
    println!("\nlookup and decision with {MANY} stored, µs; each of {HITS} hits");
    println!("  {:<44}{:>11}{:>11}{:>11}", "meanwhile", "p50", "p99", "p99.9");
    let inside = Inside::new(STORE_BYTES, TENANTS);
    inside.fill(0..MANY, &BODY);
    let wanted = (0..ASKED_FOR).map(|n| inside.wanted(n * TENANTS)).collect::<Option<Vec<_>>>();
    let wanted = wanted.context("what is asked for is stored")?;
    let row = |name: &str, meanwhile: &(dyn Fn(&AtomicBool) -> Result<()> + Sync)| {
        let is_over = AtomicBool::new(false);
        let mut latencies = std::thread::scope(|scope| {
            let beside = scope.spawn(|| meanwhile(&is_over));
            let mut latencies = Vec::with_capacity(HITS);
            for n in 0..HITS {
                let start = Instant::now();
                black_box(inside.hit(black_box(&wanted[n % wanted.len()])));
                latencies.push(start.elapsed());
            }
            is_over.store(true, Ordering::Relaxed);
            beside
                .join()
                .map_or_else(|_| bail!("what goes on beside has failed"), |done| done.map(|()| latencies))
        })?;
        latencies.sort_unstable();
        let at = |thousandths: usize| latencies[HITS / 1_000 * thousandths].as_nanos() as f64 / 1_000.0;
        println!("  {name:<44}{:>11.2}{:>11.2}{:>11.2}", at(500), at(990), at(999));
        anyhow::Ok(())
    };
    let invalidate = |is_over: &AtomicBool, tenants: usize| {
        for n in 0.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            inside.invalidate(n % tenants, &Pattern::parse(&format!("/flood/{n}"))?);
            std::thread::sleep(FLOOD_PERIOD);
        }
        Ok(())
    };
    row("nothing", &|_| Ok(()))?;
    row("200 invalidations a second, of any tenant", &|is_over| invalidate(is_over, TENANTS))?;
    row("200 invalidations a second, of this tenant", &|is_over| invalidate(is_over, 1))?;
    row("the sweep, over and over", &|is_over| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        while !is_over.load(Ordering::Relaxed) {
            runtime.block_on(inside.sweep());
        }
        Ok(())
    })
}

struct World {
    inside: Inside,
    wanted: Vec<Wanted>,
}

impl World {
    /// With so many rules in every tenant from this one on, by turns; the first one's responses are asked for.
    fn of(rules: usize, first: usize) -> Result<Self> {
        let inside = Inside::new(STORE_BYTES, TENANTS);
        inside.fill(0..TENANTS * ASKED_FOR, &BODY);
        for n in 0..rules {
            let tenant = if first == 0 { 0 } else { first + n % (TENANTS - first) };
            inside.invalidate(tenant, &Pattern::parse(&format!("/outstanding/{}/{n}", n % 97))?);
        }
        let wanted = (0..ASKED_FOR).map(|n| inside.wanted(n * TENANTS)).collect::<Option<Vec<_>>>();
        Ok(Self { inside, wanted: wanted.context("what is asked for is stored")? })
    }

    /// Nanoseconds of one check, when all has been checked before.
    fn per_check(&self, check: fn(&Inside, &Wanted) -> bool) -> Result<f64> {
        self.once(Inside::may_serve)?;
        let passes = CHECKS / self.wanted.len();
        let start = spent();
        for _ in 0..passes {
            for wanted in &self.wanted {
                black_box(check(&self.inside, black_box(wanted)));
            }
        }
        Ok((spent() - start).as_nanos() as f64 / (passes * self.wanted.len()) as f64)
    }

    /// Nanoseconds of one check, as things are.
    fn once(&self, check: fn(&Inside, &Wanted) -> bool) -> Result<f64> {
        let start = spent();
        let served = self.wanted.iter().filter(|wanted| check(&self.inside, black_box(*wanted))).count();
        let taken = (spent() - start).as_nanos() as f64 / self.wanted.len() as f64;
        ensure!(served == self.wanted.len(), "only {served} are served");
        Ok(taken)
    }
}

/// The time that a processor has spent on this thread.
fn spent() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}
