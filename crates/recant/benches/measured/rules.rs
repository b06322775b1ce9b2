//! How long a hit waits for the rules: the lookup with few and with many rules in the tenant.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use recant_core::batch::Pattern;
use recant_core::match_uri::MatchUri;
use recant_core::position::Position;
use recant_core::rules::{RuleLimits, Rules};

use crate::statistics::{Rounds, rounds};

const RULES: [u64; 3] = [10, 1_000, 100_000];
/// Nothing is collapsed: as many rules are looked through as were put in.
const LIMITS: RuleLimits = RuleLimits { nodes: usize::MAX, tag_nodes: usize::MAX };
const STORED: u64 = 4_096;
const ROUNDS: usize = 15;
const TIME: Duration = Duration::from_secs(15);
/// Lookups of one round, at least.
const LOOKUPS: u64 = 1 << 18;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\nrule lookup, one thread, ns");
    let mut worlds = Vec::new();
    for rules in RULES {
        worlds.push(World::of(rules)?);
    }
    let mut taken = vec![[const { Vec::new() }; 4]; worlds.len()];
    for _ in rounds(ROUNDS, TIME) {
        for (world, taken) in worlds.iter().zip(&mut taken) {
            taken[0].push(per_lookup(&world.hit, |uri| world.rules.newest_for_uri(uri)));
            taken[1].push(per_lookup(&world.missed, |uri| world.rules.newest_for_uri(uri)));
            taken[2].push(per_lookup(&world.missed, |_| black_box(&world.rules).newest()));
            taken[3].push(per_lookup(&world.paths, |path| MatchUri::of(path, None)));
        }
    }
    let row = |name: &str, column: usize| {
        let cells = taken.iter().map(|taken| format!("{:>22}", Rounds::of(taken[column].iter().copied())));
        println!("  {name:<40}{}", cells.collect::<String>());
    };
    let counts = RULES.map(|rules| format!("{rules:>22}"));
    println!("  {:<40}{}", "rules in the tenant", counts.concat());
    row("the path has a rule of its own", 0);
    row("the path has none", 1);
    row("checked before, nothing newer (fast path)", 2);
    row("(spelling the path, once a request)", 3);
    Ok(())
}

/// A tenant's rules, and what is stored beside them.
struct World {
    rules: Rules,
    /// Spellings that a rule was made for, in an order that no cache foresees.
    hit: Vec<MatchUri>,
    /// Spellings of the same kind that no rule was made for.
    missed: Vec<MatchUri>,
    /// The latter as a viewer sends them.
    paths: Vec<String>,
}

impl World {
    fn of(count: u64) -> Result<Self> {
        let mut rules = Rules::with_limits(Position::new(1), LIMITS);
        for n in 0..count {
            // Every fourth rule is a prefix.
            let wildcard = if n % 4 == 0 { "*" } else { "" };
            let pattern = Pattern::parse(&format!("{}{wildcard}", path(n)))?;
            rules.insert(&pattern, Position::new(n + 2));
        }
        let paths: Vec<String> = (0..STORED).map(|n| path(count + n)).collect();
        let hit: Vec<MatchUri> =
            (0..STORED).map(|n| MatchUri::of(&path(scattered(n) % count), None)).collect();
        let missed: Vec<MatchUri> = paths.iter().map(|path| MatchUri::of(path, None)).collect();
        let floor = Position::new(1);
        ensure!(rules.collapsed() == 0, "rules were collapsed");
        ensure!(hit.iter().all(|uri| rules.newest_for_uri(uri) > floor), "a rule is not found");
        ensure!(missed.iter().all(|uri| rules.newest_for_uri(uri) == floor), "a rule is found for no reason");
        Ok(Self { rules, hit, missed, paths })
    }
}

/// The path of the `n`th thing that a shop sells.
fn path(n: u64) -> String {
    format!("/catalogue/{}/item-{:016x}.html", n % 97, scattered(n))
}

/// SplitMix64: a bijection, so different things have different names.
fn scattered(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Nanoseconds of one lookup.
fn per_lookup<I, O>(items: &[I], lookup: impl Fn(&I) -> O) -> f64 {
    let passes = LOOKUPS.div_ceil(items.len() as u64);
    let start = Instant::now();
    for _ in 0..passes {
        for item in items {
            black_box(lookup(black_box(item)));
        }
    }
    start.elapsed().as_nanos() as f64 / (passes * items.len() as u64) as f64
}
