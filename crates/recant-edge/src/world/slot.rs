//! What the edge holds of one tenant and of one distribution: the configuration and the rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use recant_core::position::Position;
use recant_core::rules::Rules;

/// A configuration and its rules, each replaced as a whole while viewers read.
#[derive(Debug)]
pub(crate) struct Slot<S> {
    spec: ArcSwap<S>,
    rules: ArcSwap<Rules>,
    /// The newest of them: published after them, so whoever reads this and then the rules finds it among them.
    newest_rule: AtomicU64,
}

/// A tenant's.
pub(crate) type TenantSlot = Slot<recant_core::spec::TenantSpec>;
/// A distribution's: its rules are those that concern all of its tenants at once.
pub(crate) type DistributionSlot = Slot<recant_core::spec::DistributionSpec>;

impl<S> Slot<S> {
    /// Nothing fetched before `floor` may be served: of what came earlier this edge has not seen the rules.
    pub(super) fn new(spec: S, floor: Position) -> Self {
        let newest_rule = AtomicU64::new(floor.get());
        Self {
            spec: ArcSwap::from_pointee(spec),
            rules: ArcSwap::from_pointee(Rules::new(floor)),
            newest_rule,
        }
    }

    /// The configuration as it is now.
    pub(crate) fn spec(&self) -> Arc<S> {
        self.spec.load_full()
    }

    /// The rules as they are now; load them after the request has arrived, and never keep them for the next.
    pub(crate) fn rules(&self) -> Guard<Arc<Rules>> {
        self.rules.load()
    }

    /// The same, to be kept: they do not change any more.
    pub(super) fn held_rules(&self) -> Rules {
        Rules::clone(&self.rules.load())
    }

    /// The newest rule, as [`Rules::newest`] of the rules as they are now: what was checked up to there need not be again.
    pub(crate) fn newest_rule(&self) -> Position {
        Position::new(self.newest_rule.load(Ordering::Acquire))
    }

    pub(super) fn replace_spec(&self, spec: S) -> Arc<S> {
        self.spec.swap(Arc::new(spec))
    }

    /// Publishes a change of the rules, all of it at once.
    pub(super) fn change_rules(&self, change: impl FnOnce(&mut Rules)) {
        let mut rules = Rules::clone(&self.rules.load());
        change(&mut rules);
        let newest = rules.newest();
        self.rules.store(Arc::new(rules));
        self.newest_rule.store(newest.get(), Ordering::Release);
    }
}
