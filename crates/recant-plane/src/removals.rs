//! How many stored responses each invalidation has taken away, edge by edge, as the edges say.
//!
//! An edge finds what an invalidation has taken away when a viewer asks for it or when its sweep comes by, so these numbers
//! grow for a while after `Completed`; each stored response is counted once, for the position that it was found at. They are
//! kept in memory: a plane that starts anew is told again what its edges still remember. Nothing that the protocol promises
//! depends on them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recant_core::id::EdgeId;
use recant_core::limits::{MEMBERS_MAX, REMOVED_PER_PLANE_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::{Incarnation, Member};
use recant_wire::feed::heartbeat::TakenAway;

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
    /// Up to where an edge's latest process has nothing more to find.
    swept: BTreeMap<EdgeId, (Incarnation, Position)>,
    /// Everything up to here has been forgotten.
    forgotten: Position,
}

/// What one edge has found of what an invalidation has taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemovedAtEdge {
    /// How many stored responses.
    pub stored_responses: u64,
    /// Whether the edge's sweep has passed, so that no more will be found.
    pub is_final: bool,
}

/// What is known of one invalidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovedBy {
    /// By edge; one that is not named has found none so far, and its sweep has not passed.
    Edges(BTreeMap<EdgeId, RemovedAtEdge>),
    /// Too many came after it.
    Forgotten,
}

impl Removals {
    /// Notes what an edge says; `head` is the end of the log, beyond which nothing can have been taken away.
    pub(crate) fn note(&self, member: &Member, taken_away: &TakenAway, head: Position) {
        let mut kept = self.lock();
        for (position, count) in taken_away.removed.iter().copied() {
            if position > kept.forgotten && position <= head && count > 0 {
                kept.note(position, member, count);
            }
        }
        if let Some(swept) = taken_away.swept.filter(|swept| *swept <= head) {
            kept.note_swept(member, swept);
        }
        kept.keep_within(REMOVED_PER_PLANE_MAX);
    }

    /// How many stored responses the entry at this position has taken away so far.
    pub fn of(&self, position: Position) -> RemovedBy {
        let kept = self.lock();
        if position <= kept.forgotten {
            return RemovedBy::Forgotten;
        }
        let mut edges: BTreeMap<EdgeId, RemovedAtEdge> = BTreeMap::new();
        for ((edge, _), count) in kept.positions.get(&position).into_iter().flatten() {
            // What one process has counted the next one has not stored any more, so all of an edge's processes count.
            edges.entry(edge.clone()).or_default().stored_responses += count;
        }
        for (edge, _) in kept.swept.iter().filter(|(_, (_, swept))| position <= *swept) {
            edges.entry(edge.clone()).or_default().is_final = true;
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

    fn note_swept(&mut self, member: &Member, swept: Position) {
        if !self.swept.contains_key(&member.edge) && self.swept.len() >= MEMBERS_MAX {
            return;
        }
        let noted = self.swept.entry(member.edge.clone()).or_insert((member.incarnation, swept));
        // Another process has other things stored; of one and the same, heartbeats may overtake one another.
        let before = if noted.0 == member.incarnation { noted.1 } else { Position::ZERO };
        *noted = (member.incarnation, swept.max(before));
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

    fn note(removals: &Removals, edge: &str, incarnation: u64, removed: &[(u64, u64)]) {
        let removed = removed.iter().map(|(position, count)| (Position::new(*position), *count)).collect();
        let taken_away = TakenAway { removed, swept: None };
        removals.note(&member(edge, incarnation), &taken_away, Position::new(9));
    }

    fn sweep(removals: &Removals, edge: &str, incarnation: u64, swept: u64) {
        let taken_away = TakenAway { removed: Vec::new(), swept: Some(Position::new(swept)) };
        removals.note(&member(edge, incarnation), &taken_away, Position::new(9));
    }

    fn of(removals: &Removals, position: u64) -> Vec<(String, u64, bool)> {
        match removals.of(Position::new(position)) {
            RemovedBy::Edges(edges) => edges
                .into_iter()
                .map(|(edge, removed)| (edge.to_string(), removed.stored_responses, removed.is_final))
                .collect(),
            RemovedBy::Forgotten => panic!("{position} is forgotten"),
        }
    }

    fn row(edge: &str, count: u64, is_final: bool) -> (String, u64, bool) {
        (edge.to_owned(), count, is_final)
    }

    #[test]
    fn what_is_said_again_is_not_counted_again() {
        let removals = Removals::default();
        note(&removals, "a", 1, &[(3, 5), (4, 1)]);
        note(&removals, "a", 1, &[(3, 7)]);
        note(&removals, "a", 1, &[(3, 6)]);
        note(&removals, "b", 1, &[(3, 2)]);
        assert_eq!(of(&removals, 3), [row("a", 7, false), row("b", 2, false)]);
        assert_eq!(of(&removals, 4), [row("a", 1, false)]);
        assert_eq!(of(&removals, 5), []);
        // Another process of the edge counts what it has stored itself.
        note(&removals, "a", 2, &[(3, 1)]);
        assert_eq!(of(&removals, 3), [row("a", 8, false), row("b", 2, false)]);
    }

    #[test]
    fn a_sweep_that_has_passed_makes_numbers_final() {
        let removals = Removals::default();
        note(&removals, "a", 1, &[(3, 5)]);
        sweep(&removals, "a", 1, 4);
        sweep(&removals, "a", 1, 3);
        assert_eq!(of(&removals, 3), [row("a", 5, true)]);
        assert_eq!(of(&removals, 4), [row("a", 0, true)], "nothing was taken away");
        assert_eq!(of(&removals, 5), []);
        sweep(&removals, "a", 2, 2);
        assert_eq!(of(&removals, 3), [row("a", 5, false)], "a new process has yet to sweep");
    }

    #[test]
    fn what_cannot_be_is_not_noted() {
        let removals = Removals::default();
        note(&removals, "a", 1, &[(10, 1), (0, 1), (5, 0)]);
        sweep(&removals, "a", 1, 10);
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
        note(&removals, "c", 1, &[(7, 1)]);
        assert_eq!(removals.of(Position::new(7)), RemovedBy::Forgotten);
        assert_eq!(of(&removals, 8).len(), 2);
    }
}
