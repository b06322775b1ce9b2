//! Places in the plane's log, and the stamps that stored responses carry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the plane's log: 1, 2, 3, …, dense and totally ordered; it only grows.
///
/// [`Position::ZERO`] is the place before the first entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// The place before the first entry of the log.
    pub const ZERO: Self = Self(0);

    /// The place with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this place.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place right after this one.
    ///
    /// # Panics
    /// When the log has used up all 2^64 − 1 places, which it cannot in the life of a plane.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a log never reaches 2^64 entries"))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts the histories that one edge process has followed.
///
/// Positions of two histories cannot be compared (a plane restored from a backup hands the same numbers out
/// again), so an edge that finds itself on another history starts a new era, and nothing stamped in an earlier
/// one is ever served again (PURGE.md rule 15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Era(pub u32);

impl Era {
    /// The era that follows this one.
    ///
    /// # Panics
    /// After 2^32 − 1 changes of history within one process.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("an edge does not outlive 2^32 histories"))
    }
}

/// What an edge knew to be committed when an origin request started (PURGE.md rule 4).
///
/// A stored response carries the stamp of the origin request that produced its bytes. It may be served only
/// while no matching rule is newer: that closes the race between an invalidation and a fetch in flight by
/// construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The era in which `position` means something.
    pub era: Era,
    /// The highest position known committed.
    pub position: Position,
}
