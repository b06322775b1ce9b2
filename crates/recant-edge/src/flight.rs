//! Origin requests that several viewers wait for: one fetch per key, however many ask (request collapsing).
//!
//! ```text
//! first viewer   board: Lead ── origin request ── head ── land ──▶ Source ── … ── stored, flight over
//! the next       board: Follow ─ ─ ─ ─ ─ waits ─ ─ ─ ─ ┘ checks, joins the Source from its start
//! ```
//!
//! **A request follows only a flight whose stamp passes for it** (PURGE.md rule 6): one that began before an invalidation
//! which the request has to see is not joined, and a new one takes its place here. The check before the response's head
//! takes the newest tag rule of all, since the tags are not known; it is made again with them.
//!
//! A viewer who leads and goes away before the head leaves the lead to one of those who wait. So does a lead that takes
//! longer than [`COLLAPSED_WAIT_MAX`] to get a head: one of those who wait leads another flight. After a response that
//! cannot be shared each asks alone, and the key is remembered, so that the next ones do not wait for nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use recant_core::cache_key::CacheKey;
use recant_core::limits::{COLLAPSED_WAIT_MAX, UNSHARED_KEYS_MAX};
use recant_core::lookup::Failure;
use recant_core::position::Stamp;

use crate::fetches::Fetching;
use crate::relay::Source;
use crate::store::Facts;

const SHARDS: usize = 64;

/// What is asked for: the key, and the fields that select among its responses as far as they are known.
pub(crate) type FlightKey = (CacheKey, Vec<u8>);

type Shard = HashMap<FlightKey, Arc<Flight>>;

/// The flights of one edge.
#[derive(Debug)]
pub(crate) struct Flights {
    hasher: RandomState,
    /// Each locked to board or to end one flight.
    shards: Box<[Mutex<Shard>]>,
    /// Hashes of keys whose last response could not be shared, each in the place that its hash names.
    unshared: Box<[AtomicU64]>,
}

/// One origin request that others may wait for.
#[derive(Debug)]
struct Flight {
    stamp: Stamp,
    since: Instant,
    phase: watch::Sender<Phase>,
    fetching: Arc<Fetching>,
}

/// How far a flight has come.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// No head yet.
    UnderWay,
    /// The head is here, the body is coming.
    Landed(Arc<Landed>),
    /// What was stored has been confirmed.
    Validated,
    /// The response is for whoever asked for it.
    Unshared,
    /// The origin failed.
    Failed(Failure, Option<StatusCode>),
    /// Whoever led has gone.
    Gone,
}

/// The head of a response that several viewers get, and its body.
pub(crate) struct Landed {
    pub(crate) facts: Facts,
    pub(crate) source: Arc<Source>,
}

/// Whose turn it is.
pub(crate) enum Boarded {
    /// Ask the origin.
    Lead(Boarding),
    /// Wait for who does.
    Follow(Following),
}

/// The lead of a flight; dropped, it is over.
pub(crate) struct Boarding {
    flights: Arc<Flights>,
    key: FlightKey,
    flight: Arc<Flight>,
}

/// A place among those who wait.
pub(crate) struct Following {
    phase: watch::Receiver<Phase>,
    until: Instant,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(),
            unshared: std::iter::repeat_with(AtomicU64::default).take(UNSHARED_KEYS_MAX).collect(),
        }
    }

    /// Joins the flight for this key if `may_join` says so of its stamp, and leads a new one otherwise, which is this fetch.
    pub(crate) fn board(
        self: &Arc<Self>,
        key: FlightKey,
        stamp: Stamp,
        fetching: &Arc<Fetching>,
        may_join: impl FnOnce(Stamp) -> bool,
    ) -> Boarded {
        let mut shard = self.shard(&key.0);
        if let Some(flight) = shard.get(&key)
            && flight.is_in_time()
            && !flight.fetching.is_outdated()
            && may_join(flight.stamp)
        {
            let until = flight.since + COLLAPSED_WAIT_MAX;
            return Boarded::Follow(Following { phase: flight.phase.subscribe(), until });
        }
        let phase = watch::Sender::new(Phase::UnderWay);
        let flight = Arc::new(Flight { stamp, since: Instant::now(), phase, fetching: fetching.clone() });
        shard.insert(key.clone(), flight.clone());
        Boarded::Lead(Boarding { flights: self.clone(), key, flight })
    }

    /// Whether the last response for this key could not be shared.
    pub(crate) fn is_unshared(&self, key: &FlightKey) -> bool {
        let (place, hash) = self.place(key);
        self.unshared[place].load(Ordering::Relaxed) == hash
    }

    /// Remembers whether a response for this key could be shared.
    pub(crate) fn remember(&self, key: &FlightKey, is_shared: bool) {
        let (place, hash) = self.place(key);
        let order = Ordering::Relaxed;
        if is_shared {
            // Another key may have taken the place.
            let _ = self.unshared[place].compare_exchange(hash, 0, order, order);
        } else {
            self.unshared[place].store(hash, order);
        }
    }

    fn place(&self, key: &FlightKey) -> (usize, u64) {
        let hash = self.hasher.hash_one(key) | 1;
        ((hash >> 1) as usize % self.unshared.len(), hash)
    }

    /// The flights of all that is selected under one key lie together.
    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(key) as usize % self.shards.len();
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Whether there is a head, or it may still be waited for.
    fn is_in_time(&self) -> bool {
        !matches!(*self.phase.borrow(), Phase::UnderWay) || self.since.elapsed() < COLLAPSED_WAIT_MAX
    }
}

impl Boarding {
    /// Says how it ended, or that the head is here; nothing that was said before is taken back.
    pub(crate) fn tell(&self, phase: Phase) {
        self.flight.phase.send_if_modified(|told| {
            let is_news = matches!(told, Phase::UnderWay);
            if is_news {
                *told = phase;
            }
            is_news
        });
    }
}

impl Drop for Boarding {
    fn drop(&mut self) {
        self.tell(Phase::Gone);
        let mut shard = self.flights.shard(&self.key.0);
        if let Entry::Occupied(there) = shard.entry(self.key.clone())
            && Arc::ptr_eq(there.get(), &self.flight)
        {
            there.remove();
        }
    }
}

impl Following {
    /// Waits for the head, or for the end without one; nothing when that takes too long.
    pub(crate) async fn news(mut self) -> Option<Phase> {
        let news = self.phase.wait_for(|phase| !matches!(phase, Phase::UnderWay));
        let phase = timeout_at(self.until, news).await.ok()?;
        Some(phase.map_or(Phase::Gone, |phase| phase.clone()))
    }
}

impl std::fmt::Debug for Landed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landed").field("facts", &self.facts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use recant_core::cache_key::{CachedMethod, KeyedRequest};
    use recant_core::cache_policy::managed;
    use recant_core::id::{DistributionId, TenantId};
    use recant_core::position::{Era, Position};
    use recant_core::spec::{BehaviorSpec, DistributionSpec, TenantSpec};

    use super::*;
    use crate::fetches::Fetches;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

    fn stamp(position: u64) -> Stamp {
        Stamp { era: Era::default(), position: Position::new(position) }
    }

    fn key(path: &str, selecting: &[u8]) -> FlightKey {
        let id = DistributionId::parse("E1").expect("an id");
        let tenant = TenantSpec {
            id: TenantId::parse("a").expect("an id"),
            distribution_id: id.clone(),
            enabled: true,
            domains: Vec::new(),
            parameters: Default::default(),
            geo: None,
        };
        let distribution = DistributionSpec::new(id, Vec::new(), BehaviorSpec::new("o", OPTIMIZED));
        let (policy, headers) = (managed(OPTIMIZED).expect("managed"), HeaderMap::new());
        let keyed =
            KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Get, path, None, &headers);
        (keyed.key, selecting.to_vec())
    }

    fn fetching(key: &FlightKey) -> Arc<Fetching> {
        Arc::new(Fetches::default()).begin(stamp(5), key.0.clone())
    }

    fn lead(flights: &Arc<Flights>, key: &FlightKey, may_join: bool) -> Option<Boarding> {
        match flights.board(key.clone(), stamp(5), &fetching(key), |stamp| {
            assert_eq!(stamp.position, Position::new(5));
            may_join
        }) {
            Boarded::Lead(boarding) => Some(boarding),
            Boarded::Follow(_) => None,
        }
    }

    fn follow(flights: &Arc<Flights>, key: &FlightKey) -> Following {
        match flights.board(key.clone(), stamp(5), &fetching(key), |_| true) {
            Boarded::Follow(following) => following,
            Boarded::Lead(_) => panic!("there is a flight"),
        }
    }

    #[tokio::test]
    async fn the_lead_is_one_and_passes_on() {
        let (flights, key_p) = (Arc::new(Flights::new()), key("/p", b""));
        let first = lead(&flights, &key_p, true).expect("nobody else flies");
        assert!(lead(&flights, &key_p, true).is_none());
        // Other keys, and other variants of this one, have flights of their own.
        let _others = [lead(&flights, &key("/q", b""), true), lead(&flights, &key("/p", b"x"), true)]
            .map(Option::unwrap);
        let following = follow(&flights, &key_p);
        drop(first);
        assert!(matches!(following.news().await, Some(Phase::Gone)));
        assert!(lead(&flights, &key_p, true).is_some(), "whoever waited leads now");
    }

    #[tokio::test]
    async fn a_flight_that_may_not_be_joined_is_replaced() {
        let (flights, key) = (Arc::new(Flights::new()), key("/p", b""));
        let old = lead(&flights, &key, true).expect("nobody else flies");
        let waiting = follow(&flights, &key);
        let new = lead(&flights, &key, false).expect("the old one does not pass");
        let later = follow(&flights, &key);
        // The old one's end is not the new one's.
        old.tell(Phase::Unshared);
        drop(old);
        assert!(matches!(waiting.news().await, Some(Phase::Unshared)));
        new.tell(Phase::Validated);
        new.tell(Phase::Unshared);
        assert!(matches!(later.news().await, Some(Phase::Validated)), "what was told first");
        drop(new);
        assert!(lead(&flights, &key, true).is_some());
    }

    #[test]
    fn what_was_changed_meanwhile_is_not_joined() {
        let (flights, key) = (Arc::new(Flights::new()), key("/p", b"x"));
        let fetches = Arc::new(Fetches::default());
        let old = fetches.begin(stamp(5), key.0.clone());
        let Boarded::Lead(_old) = flights.board(key.clone(), stamp(5), &old, |_| true) else {
            panic!("nobody else flies")
        };
        let _following = follow(&flights, &key);
        fetches.outdate(&key.0);
        assert!(lead(&flights, &key, true).is_some(), "the old one is outdated");
    }

    #[test]
    fn keys_that_could_not_be_shared_are_remembered() {
        let flights = Flights::new();
        let (one, other) = (key("/p", b""), key("/p", b"x"));
        flights.remember(&one, false);
        assert!(flights.is_unshared(&one) && !flights.is_unshared(&other));
        flights.remember(&one, true);
        assert!(!flights.is_unshared(&one));
    }
}
