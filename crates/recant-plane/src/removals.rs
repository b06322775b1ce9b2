//! How many stored responses each invalidation has taken away, edge by edge, as the edges say.
//!
//! An edge finds what an invalidation has taken away when a viewer asks for it or when its sweep comes by, so these numbers
//! grow for a while after `Completed`; each stored response is counted once, for the position that it was found at. They are
//! kept in memory: a plane that starts anew is told again what its edges still remember. Nothing that the protocol promises
//! depends on them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recant_core::id::EdgeId;
use recant_core::limits::REMOVED_PER_PLANE_MAX;
use recant_core::position::Position;
use recant_core::protocol::message::{Incarnation, Member};
use recant_wire::feed::heartbeat::Removed;

/// What is known of one plane's edges. A clone is another handle of the same.
#[derive(Clone, Debug, Default)]
pub struct Removals(
    /// Locked to note what one heartbeat says, or to look one position up.
    Arc<Mutex<Kept>>,
);

#[derive(Debug, Default)]
struct Kept {
    positions: BTreeMap<Position, BTreeMap<(EdgeId, Incarnation), u64>>,
    /// How many numbers there are.
    numbers: usize,
    /// Everything up to here has been forgotten.
    forgotten: Position,
}

/// What is known of one invalidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovedBy {
    /// By edge; one that is not named has found none so far.
    Edges(BTreeMap<EdgeId, u64>),
    /// Too many came after it.
    Forgotten,
}

impl Removals {
    /// Notes what an edge says; `head` is the end of the log, beyond which nothing can have been taken away.
    pub(crate) fn note(&self, member: &Member, removed: &[Removed], head: Position) {
        let mut kept = self.lock();
        for (position, count) in removed.iter().copied() {
            if position > kept.forgotten && position <= head && count > 0 {
                kept.note(position, member, count);
            }
        }
        kept.keep_within(REMOVED_PER_PLANE_MAX);
    }

    /// How many stored responses the entry at this position has taken away so far.
    pub fn of(&self, position: Position) -> RemovedBy {
        let kept = self.lock();
        if position <= kept.forgotten {
            return RemovedBy::Forgotten;
        }
        let mut edges = BTreeMap::new();
        for ((edge, _), count) in kept.positions.get(&position).into_iter().flatten() {
            // An edge that was restarted had nothing stored then, so all of its processes count.
            *edges.entry(edge.clone()).or_default() += count;
        }
        RemovedBy::Edges(edges)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn note(&mut self, position: Position, member: &Member, count: u64) {
        let process = (member.edge.clone(), member.incarnation);
        let members = self.positions.entry(position).or_default();
        let before = members.len();
        let noted = members.entry(process).or_default();
        // Heartbeats may overtake one another.
        *noted = count.max(*noted);
        self.numbers += members.len() - before;
    }

    fn keep_within(&mut self, numbers_max: usize) {
        while self.numbers > numbers_max
            && let Some((position, members)) = self.positions.pop_first()
        {
            self.numbers -= members.len();
            self.forgotten = position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(edge: &str, incarnation: u64) -> Member {
        Member { edge: EdgeId::parse(edge).expect("an id"), incarnation: Incarnation(incarnation) }
    }

    fn at(position: u64, count: u64) -> Removed {
        (Position::new(position), count)
    }

    fn of(removals: &Removals, position: u64) -> Vec<(String, u64)> {
        match removals.of(Position::new(position)) {
            RemovedBy::Edges(edges) => {
                edges.into_iter().map(|(edge, count)| (edge.to_string(), count)).collect()
            }
            RemovedBy::Forgotten => panic!("{position} is forgotten"),
        }
    }

    #[test]
    fn what_is_said_again_is_not_counted_again() {
        let (removals, head) = (Removals::default(), Position::new(9));
        removals.note(&member("a", 1), &[at(3, 5), at(4, 1)], head);
        removals.note(&member("a", 1), &[at(3, 7)], head);
        removals.note(&member("a", 1), &[at(3, 6)], head);
        removals.note(&member("b", 1), &[at(3, 2)], head);
        assert_eq!(of(&removals, 3), [("a".to_owned(), 7), ("b".to_owned(), 2)]);
        assert_eq!(of(&removals, 4), [("a".to_owned(), 1)]);
        assert_eq!(of(&removals, 5), []);
        // Another process of the edge counts what it has stored itself.
        removals.note(&member("a", 2), &[at(3, 1)], head);
        assert_eq!(of(&removals, 3), [("a".to_owned(), 8), ("b".to_owned(), 2)]);
    }

    #[test]
    fn what_cannot_be_is_not_noted() {
        let removals = Removals::default();
        removals.note(&member("a", 1), &[at(10, 1), at(0, 1), at(5, 0)], Position::new(9));
        assert_eq!(of(&removals, 10), []);
        assert_eq!(removals.lock().numbers, 0);
    }

    #[test]
    fn the_oldest_are_forgotten_and_that_is_said() {
        let mut kept = Kept::default();
        for position in 1..=10 {
            for edge in ["a", "b"] {
                kept.note(Position::new(position), &member(edge, 1), 1);
            }
            kept.keep_within(6);
        }
        assert_eq!((kept.numbers, kept.positions.len(), kept.forgotten), (6, 3, Position::new(7)));
        let removals = Removals(Arc::new(Mutex::new(kept)));
        removals.note(&member("c", 1), &[at(7, 1)], Position::new(10));
        assert_eq!(removals.of(Position::new(7)), RemovedBy::Forgotten);
        assert_eq!(of(&removals, 8).len(), 2);
    }
}
