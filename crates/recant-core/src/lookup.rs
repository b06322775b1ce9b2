//! The one decision on the hit path: may this stored response answer this request?
//!
//! A stored response may be served iff the edge's lease is valid, it was stamped in the current era, no matching
//! rule is newer than its stamp (PURGE.md rule 5), and it is fresh (RFC 9111 section 4). All four are looked at
//! *after* the request's head is complete: a verdict carried over from before the arrival breaks the promise.

use std::time::Duration;

use crate::position::{Era, Position, Stamp};
use crate::time::BootTime;

/// What an edge's half of the protocol lets its viewers' side know, all of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdgeView {
    /// Until when stored responses may be served; never, without a lease.
    pub lease_until: Option<BootTime>,
    /// The era that stamps must be of.
    pub era: Era,
    /// The highest position known committed: what an origin request started now is stamped with.
    pub known_committed: Position,
}

impl EdgeView {
    /// The stamp of an origin request that starts now (PURGE.md rule 4).
    pub fn stamp(&self) -> Stamp {
        Stamp { era: self.era, position: self.known_committed }
    }

    /// Whether stored responses may be served at `now`.
    pub fn has_lease(&self, now: BootTime) -> bool {
        self.lease_until.is_some_and(|until| now < until)
    }

    /// Why bytes of this stamp may not be used for a request that arrived before `now`, if so (PURGE.md rules 5 and 6).
    ///
    /// `newest_rule` is the highest position of any rule that matches, in rules loaded after the arrival.
    pub fn refuses(&self, now: BootTime, stamp: Stamp, newest_rule: Position) -> Option<Why> {
        if !self.has_lease(now) {
            Some(Why::NoLease)
        } else if stamp.era != self.era {
            Some(Why::OtherHistory)
        } else if stamp.position < newest_rule {
            Some(Why::Invalidated { rule: newest_rule, stamp: stamp.position })
        } else {
            None
        }
    }
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Answer with the stored response.
    Hit {
        /// Its current age (RFC 9111 section 4.2.3).
        age: Duration,
        /// How long it stays fresh from now on.
        ttl: Duration,
    },
    /// Ask the origin.
    Forward(Why),
}

/// Why a request goes to the origin; the words of RFC 9211 section 2.2, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Nothing is stored under the key.
    UriMiss,
    /// What is stored is no longer fresh.
    Stale,
    /// The configuration does not let this request use the cache.
    Bypass,
    /// The method is never answered from the cache.
    Method,
    /// The request itself asks for the origin.
    Request,
    /// Ours: a rule is newer than the stored response.
    Invalidated {
        /// The newest matching rule.
        rule: Position,
        /// The stored response's stamp.
        stamp: Position,
    },
    /// Ours: the edge has no valid lease, so it cannot know.
    NoLease,
    /// Ours: stored under another history of the log.
    OtherHistory,
}

/// The age and freshness lifetime of a stored response at one moment (RFC 9111 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Current age.
    pub age: Duration,
    /// Freshness lifetime.
    pub lifetime: Duration,
}

/// Decides over a stored response found under the request's key.
pub fn decide(
    view: &EdgeView,
    now: BootTime,
    stamp: Stamp,
    newest_rule: Position,
    freshness: Freshness,
) -> Lookup {
    if let Some(why) = view.refuses(now, stamp, newest_rule) {
        return Lookup::Forward(why);
    }
    match freshness.lifetime.checked_sub(freshness.age) {
        Some(ttl) if !ttl.is_zero() => Lookup::Hit { age: freshness.age, ttl },
        _ => Lookup::Forward(Why::Stale),
    }
}
