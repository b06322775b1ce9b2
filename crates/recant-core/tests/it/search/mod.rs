//! One small exhaustive search over the shipping protocol.
//!
//! It drives the two `step` functions and the shipping serve decision through *every* interleaving of a small
//! world ([`world::World`]) and checks linearizable purge at every answer. The same search, with one rule of the
//! protocol broken ([`Mutant`]), must find a violation: so it is not vacuous.

mod bounds;
mod world;

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};

use bounds::{Bounds, Mutant};
use world::World;

/// What a search has seen.
#[derive(Debug, Default)]
struct Seen {
    states: usize,
    /// Answers given from the cache.
    hits: usize,
    /// Requests that joined a fetch in flight.
    joins: usize,
    /// Validations of what is stored.
    validations: usize,
    /// Completions that came by a lease running out, not by an acknowledgement.
    completed_by_expiry: usize,
    /// A shortest way into a violation, as the names of its steps.
    violation: Option<Vec<&'static str>>,
}

/// Visits every state within `bounds`, breadth first; stops at the first violation, so its path is a shortest one.
fn search(bounds: Bounds, mutant: Option<Mutant>) -> Seen {
    let mut seen = Seen::default();
    let mut visited = HashSet::new();
    // How each state was reached: the state before it and the step.
    let mut origins: Vec<(usize, &'static str)> = vec![(0, "start")];
    let mut open = VecDeque::from([(0, World::new(bounds, mutant))]);
    while let Some((index, world)) = open.pop_front() {
        seen.states += 1;
        for (step, next) in world.successors(&mut seen) {
            let Some(next) = next else {
                seen.violation = Some(path(&origins, index, step));
                return seen;
            };
            if visited.insert(fingerprint(&next)) {
                origins.push((index, step));
                open.push_back((origins.len() - 1, next));
            }
        }
    }
    seen
}

fn path(origins: &[(usize, &'static str)], mut index: usize, last: &'static str) -> Vec<&'static str> {
    let mut path = vec![last];
    while index != 0 {
        let (before, step) = origins[index];
        path.push(step);
        index = before;
    }
    path.reverse();
    path
}

/// 64 bits tell the states apart: among 10^7 of them two are taken for one with a chance of one in 10^5.
fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn linearizable_purge_holds_in_every_interleaving() {
    for bounds in Bounds::ALL {
        let seen = search(bounds, None);
        println!("{bounds:?}: {seen:?}");
        assert_eq!(seen.violation, None, "after {} states of {bounds:?}", seen.states);
        let vacuous = seen.hits.min(seen.joins).min(seen.completed_by_expiry) < 50;
        assert!(
            !vacuous && (seen.validations >= 50 || !bounds.validates()),
            "{bounds:?} says little: {seen:?}"
        );
    }
}

#[test]
fn every_mutant_is_caught() {
    for mutant in Mutant::ALL {
        let bounds = Bounds::ALL.into_iter().filter(|bounds| bounds.may_show(mutant));
        let caught = bounds.into_iter().find_map(|bounds| search(bounds, Some(mutant)).violation);
        let path = caught.unwrap_or_else(|| panic!("{mutant:?} survives"));
        println!("{mutant:?}: {} steps: {}", path.len(), path.join(", "));
    }
}
