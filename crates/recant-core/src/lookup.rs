//! The one decision on the hit path: may this stored response answer this request?
//!
//! A stored response may be served iff the edge's lease is valid, it was stamped in the current era, no matching
//! rule is newer than its stamp (PURGE.md rule 5), and it is fresh (RFC 9111 section 4). All four are looked at
//! *after* the request's head is complete: a verdict carried over from before the arrival breaks the promise.

use std::time::Duration;

use crate::freshness::{Freshness, Stale, Terms};
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
    /// Answer with the stored response, and validate it behind the viewer's back (RFC 5861 section 3).
    HitWhileRevalidating(Overdue),
    /// Ask the origin whether the stored response is still good; on conditions it may stand in for a failure.
    Validate(Overdue),
    /// Ask the origin, and make no use of what is stored.
    Forward(Why),
}

/// A stored response that no rule matches, and that may not be served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Its current age.
    pub age: Duration,
    /// How long ago its lifetime ended; zero when it is fresh and to be validated nevertheless.
    pub by: Duration,
}

/// How an origin failed to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be reached, or broke off before the head of a response.
    CutOff,
    /// It answered with an error of its own (RFC 5861 section 4: 500, 502, 503, 504).
    Error,
}

impl Overdue {
    /// Whether the stored response may be served in place of the failure (RFC 9111 section 4.2.4).
    pub fn stands_in(&self, stale: &Stale, failure: Failure) -> bool {
        let allowed = match failure {
            Failure::CutOff => stale.when_cut_off,
            Failure::Error => stale.if_error,
        };
        !allowed.is_zero() && self.by <= allowed
    }
}

/// Why a request goes to the origin; the words of RFC 9211 section 2.2, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Nothing is stored under the key.
    UriMiss,
    /// What is stored under the key answers requests with other fields (`Vary`).
    VaryMiss,
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

/// Decides over a stored response found under the request's key, whose fields this request selects.
///
/// What a rule matches is neither served nor validated: its validator may be what was wrong with it.
pub fn decide(
    view: &EdgeView,
    now: BootTime,
    stamp: Stamp,
    newest_rule: Position,
    terms: &Terms,
    freshness: Freshness,
) -> Lookup {
    if let Some(why) = view.refuses(now, stamp, newest_rule) {
        return Lookup::Forward(why);
    }
    let Freshness { age, lifetime } = freshness;
    match lifetime.checked_sub(age) {
        // RFC 9111 section 5.2.2.4.
        Some(_) if terms.no_cache => Lookup::Validate(Overdue { age, by: Duration::ZERO }),
        Some(ttl) if !ttl.is_zero() => Lookup::Hit { age, ttl },
        _ => {
            let overdue = Overdue { age, by: age.saturating_sub(lifetime) };
            let allowed = terms.stale.while_revalidating;
            if !allowed.is_zero() && overdue.by <= allowed {
                Lookup::HitWhileRevalidating(overdue)
            } else {
                Lookup::Validate(overdue)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: BootTime = BootTime::from_nanos(5);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn verdict(age: u64, change: impl FnOnce(&mut EdgeView, &mut Position, &mut Terms)) -> Lookup {
        let lease_until = Some(BootTime::from_nanos(6));
        let mut view = EdgeView { lease_until, era: Era::default(), known_committed: Position::new(9) };
        let stamp = Stamp { era: Era::default(), position: Position::new(7) };
        let mut rule = Position::new(7);
        let mut terms = Terms { lifetime: seconds(60), ..Terms::default() };
        change(&mut view, &mut rule, &mut terms);
        let freshness = Freshness { age: seconds(age), lifetime: terms.lifetime };
        decide(&view, NOW, stamp, rule, &terms, freshness)
    }

    #[test]
    fn what_is_fresh_and_valid_is_served() {
        assert_eq!(verdict(10, |_, _, _| {}), Lookup::Hit { age: seconds(10), ttl: seconds(50) });
    }

    #[test]
    fn what_is_stale_is_validated_or_served_meanwhile() {
        let overdue = |age, by| Overdue { age: seconds(age), by: seconds(by) };
        assert_eq!(verdict(60, |_, _, _| {}), Lookup::Validate(overdue(60, 0)));
        assert_eq!(verdict(10, |_, _, terms| terms.no_cache = true), Lookup::Validate(overdue(10, 0)));
        let meanwhile = |_: &mut EdgeView, _: &mut Position, terms: &mut Terms| {
            terms.stale.while_revalidating = seconds(5);
        };
        assert_eq!(verdict(65, meanwhile), Lookup::HitWhileRevalidating(overdue(65, 5)));
        assert_eq!(verdict(66, meanwhile), Lookup::Validate(overdue(66, 6)));
    }

    #[test]
    fn what_may_not_be_used_is_of_no_use_when_stale_either() {
        for age in [10, 65] {
            let forwarded = |change: fn(&mut EdgeView, &mut Position)| {
                verdict(age, |view, rule, terms| {
                    let all = seconds(1_000);
                    terms.stale = Stale { while_revalidating: all, if_error: all, when_cut_off: all };
                    change(view, rule);
                })
            };
            assert_eq!(forwarded(|view, _| view.lease_until = None), Lookup::Forward(Why::NoLease));
            assert_eq!(forwarded(|view, _| view.lease_until = Some(NOW)), Lookup::Forward(Why::NoLease));
            assert_eq!(forwarded(|view, _| view.era = Era(1)), Lookup::Forward(Why::OtherHistory));
            let invalidated = Why::Invalidated { rule: Position::new(8), stamp: Position::new(7) };
            assert_eq!(forwarded(|_, rule| *rule = Position::new(8)), Lookup::Forward(invalidated));
        }
    }

    #[test]
    fn what_stands_in_has_its_time() {
        let overdue = |by| Overdue { age: seconds(99), by: seconds(by) };
        let stale = Stale { if_error: seconds(5), when_cut_off: seconds(9), ..Stale::default() };
        assert!(
            overdue(5).stands_in(&stale, Failure::Error) && !overdue(6).stands_in(&stale, Failure::Error)
        );
        assert!(
            overdue(9).stands_in(&stale, Failure::CutOff) && !overdue(10).stands_in(&stale, Failure::CutOff)
        );
        assert!(!overdue(0).stands_in(&Stale::default(), Failure::CutOff));
    }
}
