//! How many stored responses an invalidation would take away: a plane's question.
//!
//! Counted are those that a rule of the question's patterns would match, by the very rules that lookups ask, and that no rule has
//! taken away already. Fresh or stale does not matter: what is stored and not invalidated may still be served one day.
//!
//! It is a walk over the whole store, which holds neither viewers nor the follower up: it runs on a thread of its own, takes no
//! lock for longer than a look at one response, and gives up when nobody waits for it any more.

use std::sync::Arc;

use recant_core::position::Position;
use recant_core::rules::{RuleLimits, Rules};
use recant_wire::feed::question::Question;

use crate::disk::ResponseHead;
use crate::store::Store;
use crate::world::World;

/// How many responses are looked at between two looks at whether the number is still wanted.
const PIECE: usize = 1_024;

/// Counts in one edge.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Store>,
}

impl Counter {
    /// The number; nothing when it was no longer wanted before it was found.
    pub(crate) fn count(&self, question: &Question, is_wanted: impl Fn() -> bool) -> Option<u64> {
        let Some((tenant, distribution)) = self.world.rules_of(&question.tenant) else { return Some(0) };
        let (tenant, distribution): (&Rules, &Rules) = (&tenant, &distribution);
        let era = self.world.view().era;
        let asked = asked(question);
        let mut count = 0;
        for (looked_at, (_, stored)) in self.store.all().enumerate() {
            if looked_at % PIECE == 0 && !is_wanted() {
                return None;
            }
            let is_alive = || {
                let newest = stored.newest_of(tenant).max(stored.newest_of(distribution));
                stored.stamp.era == era && stored.valid_up_to().position >= newest
            };
            if *stored.tenant() == question.tenant && stored.newest_of(&asked) > Position::ZERO && is_alive()
            {
                count += 1;
            }
        }
        let Some(disk) = self.store.disk() else { return Some(count) };
        let in_memory = |head: &ResponseHead, variant| self.store.in_memory(&head.key, variant).is_some();
        Some(count + disk.count(&self.world, &question.tenant, &asked, in_memory, is_wanted)?)
    }
}

/// The question's patterns as the only rules there are.
fn asked(question: &Question) -> Rules {
    // Never collapsed, or more would be counted than was asked about; the question's length bounds them.
    let limits = RuleLimits { nodes: usize::MAX, tag_nodes: usize::MAX };
    let mut rules = Rules::with_limits(Position::ZERO, limits);
    for pattern in &question.patterns {
        rules.insert(pattern, Position::ZERO.next());
    }
    rules
}
