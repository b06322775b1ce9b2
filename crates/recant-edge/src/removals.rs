//! How many stored responses each invalidation has taken away here, and what of that the plane has yet to hear.
//!
//! Nothing is deleted when an invalidation arrives; what it has taken away is found by a lookup or by the sweep. Each stored
//! response is counted once, by whoever finds it first, for the newest rule that matches it then. One that goes for want of
//! space before it is found is counted as evicted.
//!
//! The plane is told totals in heartbeats, so that what is lost or said twice does no harm, and all of them again when it has
//! been started anew. The number of positions remembered is bounded; the oldest are forgotten.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use recant_core::limits::{REMOVED_PER_EDGE_MAX, REMOVED_PER_HEARTBEAT_MAX};
use recant_core::position::{Era, Position};
use recant_core::protocol::message::Term;
use recant_wire::feed::heartbeat::Removed;

use crate::store::{Stored, TenantAccount};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Removals(
    /// Locked to count one, and for each heartbeat.
    Mutex<Counts>,
);

#[derive(Debug, Default)]
struct Counts {
    /// In which positions mean something; those of an earlier one are forgotten.
    era: Era,
    /// The plane's that was told last.
    term: Option<Term>,
    positions: BTreeMap<Position, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    total: u64,
    /// The total that the plane has heard.
    heard: u64,
}

impl Removals {
    /// Counts a stored response that a rule has been found to match, unless it has been counted already.
    pub(crate) fn found(&self, stored: &Stored, rule: Position) {
        if stored.is_news() {
            stored.account().invalidated();
            self.lock().add(stored.stamp.era, rule);
        }
    }

    /// The same of one that lies only on a disk, and is there no more.
    pub(crate) fn found_on_disk(&self, account: &TenantAccount, era: Era, rule: Position) {
        account.invalidated();
        self.lock().add(era, rule);
    }

    /// What the plane has not heard yet, as much of it as one heartbeat may say.
    pub(crate) fn to_tell(&self) -> Vec<Removed> {
        let counts = self.lock();
        let unheard = counts.positions.iter().filter(|(_, count)| count.heard < count.total);
        unheard.map(|(position, count)| (*position, count.total)).take(REMOVED_PER_HEARTBEAT_MAX).collect()
    }

    /// Notes that the plane of this term has heard this.
    pub(crate) fn told(&self, removed: &[Removed], term: Term) {
        let mut counts = self.lock();
        if counts.term.replace(term).is_some_and(|before| before != term) {
            // What the plane before it was told is told again.
            counts.positions.values_mut().for_each(|count| count.heard = 0);
        }
        for (position, total) in removed {
            if let Some(count) = counts.positions.get_mut(position) {
                count.heard = count.heard.max(*total).min(count.total);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, era: Era, rule: Position) {
        if era > self.era {
            self.era = era;
            self.positions.clear();
        }
        // Found under a view that has just been replaced.
        if era < self.era {
            return;
        }
        self.positions.entry(rule).or_default().total += 1;
        if self.positions.len() > REMOVED_PER_EDGE_MAX {
            self.positions.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::store::{Store, fixtures};

    fn stored() -> Arc<Stored> {
        let tenant = fixtures::tenant("a");
        let facts = fixtures::facts(&tenant, "/", Position::new(1));
        Store::new(1 << 20, 100).make(&fixtures::key(&tenant, "/"), facts, Bytes::new())
    }

    fn at(position: u64, count: u64) -> Removed {
        (Position::new(position), count)
    }

    #[test]
    fn each_is_counted_once_and_totals_are_told_until_they_are_heard() {
        let removals = Removals::default();
        let (one, other) = (stored(), stored());
        removals.found(&one, Position::new(5));
        removals.found(&one, Position::new(6));
        assert_eq!(removals.to_tell(), [at(5, 1)]);
        removals.found(&other, Position::new(5));
        // The heartbeat before has been heard meanwhile.
        removals.told(&[at(5, 1)], Term(1));
        assert_eq!(removals.to_tell(), [at(5, 2)]);
        removals.told(&[at(5, 2)], Term(1));
        assert_eq!(removals.to_tell(), []);
        // A plane that starts anew has forgotten.
        removals.told(&[], Term(2));
        assert_eq!(removals.to_tell(), [at(5, 2)]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut counts = Counts::default();
        for position in 1..=REMOVED_PER_EDGE_MAX as u64 + 1 {
            counts.add(Era(0), Position::new(position));
        }
        let removals = Removals(Mutex::new(counts));
        let told = removals.to_tell();
        assert_eq!((told.len(), told[0]), (REMOVED_PER_HEARTBEAT_MAX, at(2, 1)));
        removals.told(&told, Term(1));
        assert_eq!(removals.to_tell()[0], at(2 + REMOVED_PER_HEARTBEAT_MAX as u64, 1));
        // Another history of the log.
        removals.lock().add(Era(1), Position::new(1));
        removals.lock().add(Era(0), Position::new(2));
        assert_eq!(removals.to_tell(), [at(1, 1)]);
    }
}
