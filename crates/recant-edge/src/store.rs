//! The stored responses: bounded memory, one per cache key.
//!
//! The store knows nothing of leases or rules; it only hands back what was put in. It does keep one promise of
//! the protocol: a response never takes the place of one with a newer stamp, so a slow origin request cannot
//! undo a fast one that started later.
//!
//! Bodies on their way into the store take memory too, for as long as their viewers let them: [`Collected`] counts
//! them, and what finds no room is passed on without being stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use moka::ops::compute::Op;
use moka::sync::Cache;

use recant_core::cache_key::CacheKey;
use recant_core::freshness::Lifetime;
use recant_core::id::TenantId;
use recant_core::limits::{STORE_BYTES_PER_COLLECTED_BYTE, STORED_BODY_BYTES_MAX};
use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;

/// Bytes that an entry costs beside what it holds: the map's own, counted generously.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// A response kept for later, and what must be known to judge it.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Whose it is: the key says so too, and it is checked again when the response is served.
    pub(crate) tenant: TenantId,
    /// What was known and applied when its origin request started.
    pub(crate) stamp: Stamp,
    /// The spellings that rules are compared with.
    pub(crate) uris: Vec<MatchUri>,
    /// The tags it came with.
    pub(crate) tags: Vec<CacheTag>,
    /// As it came.
    pub(crate) status: StatusCode,
    /// As they came, without those for one hop, with `Via` and `Date`.
    pub(crate) headers: HeaderMap,
    /// All of it.
    pub(crate) body: Bytes,
    /// How long it is fresh.
    pub(crate) lifetime: Lifetime,
    /// When its head came.
    pub(crate) response_time: WallTime,
    /// No rule up to here matches: a shortcut that says nothing about any other response.
    checked: AtomicU64,
}

/// What makes a [`Stored`]; the same fields but for what the store itself keeps.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) tenant: TenantId,
    pub(crate) stamp: Stamp,
    pub(crate) uris: Vec<MatchUri>,
    pub(crate) tags: Vec<CacheTag>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) lifetime: Lifetime,
    pub(crate) response_time: WallTime,
}

impl Stored {
    /// The response with these facts and this body.
    pub(crate) fn new(facts: Facts, body: Bytes) -> Self {
        let Facts { tenant, stamp, uris, tags, status, mut headers, lifetime, response_time } = facts;
        // Known now also where it came chunked; a HEAD is answered with it (RFC 9110 section 8.6).
        if status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let checked = AtomicU64::new(stamp.position.get());
        Self { tenant, stamp, uris, tags, status, headers, body, lifetime, response_time, checked }
    }

    /// Whether no rule up to this position matches, as far as was looked.
    pub(crate) fn is_checked_up_to(&self, newest: Position) -> bool {
        self.checked.load(Ordering::Relaxed) >= newest.get()
    }

    /// Remembers that no rule up to this position matches.
    pub(crate) fn checked_up_to(&self, newest: Position) {
        self.checked.fetch_max(newest.get(), Ordering::Relaxed);
    }

    fn bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len() + 16).sum();
        ENTRY_OVERHEAD_BYTES + headers + tags + self.body.len()
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    responses: Cache<CacheKey, Arc<Stored>>,
    /// Bytes that all [`Collected`] bodies may still take.
    room: AtomicUsize,
}

/// Stored bodies from this size on make room at once; of smaller ones a few dozen may be too many for a moment.
const LARGE_BODY_BYTES: usize = 64 * 1024;

/// A body on its way into the store.
#[derive(Debug)]
pub(crate) struct Collected {
    store: Arc<Store>,
    /// One piece: those that come may be small views of large read buffers.
    body: Vec<u8>,
    /// Taken out of the store's room: the body's capacity.
    taken: usize,
}

impl Store {
    /// A store of at most this many bytes, metadata included.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let responses = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &CacheKey, stored: &Arc<Stored>| {
                u32::try_from(2 * key.as_bytes().len() + stored.bytes()).unwrap_or(u32::MAX)
            })
            .build();
        let room = usize::try_from(bytes_max / STORE_BYTES_PER_COLLECTED_BYTE).unwrap_or(usize::MAX);
        Self { responses, room: AtomicUsize::new(room) }
    }

    /// What is stored under this key.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Stored>> {
        self.responses.get(key)
    }

    /// Every stored response, one after the other; what is put in or removed meanwhile may be among them or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Stored>> {
        self.responses.iter().map(|(_, stored)| stored)
    }

    /// Stores a response, unless one with a newer stamp is there.
    pub(crate) fn put(&self, key: CacheKey, stored: Arc<Stored>) {
        let is_large = stored.body.len() >= LARGE_BODY_BYTES;
        let order = |stamp: Stamp| (stamp.era, stamp.position);
        self.responses.entry(key).and_compute_with(|there| match there {
            Some(there) if order(there.value().stamp) > order(stored.stamp) => Op::Nop,
            _ => Op::Put(stored),
        });
        // The map evicts now and then; by then large bodies could have taken many times the bound.
        if is_large {
            self.responses.run_pending_tasks();
        }
    }

    /// Purges what is stored under this key.
    pub(crate) fn remove(&self, key: &CacheKey) {
        self.responses.invalidate(key);
    }
}

impl Collected {
    /// Nothing so far.
    pub(crate) fn new(store: &Arc<Store>) -> Self {
        Self { store: store.clone(), body: Vec::new(), taken: 0 }
    }

    /// With one more piece; nothing when that makes it too long to be stored or finds no room.
    pub(crate) fn and(mut self, piece: &[u8]) -> Option<Self> {
        let length = self.body.len() + piece.len();
        if length > STORED_BODY_BYTES_MAX {
            return None;
        }
        if length > self.body.capacity() {
            let capacity = (2 * self.body.capacity()).clamp(length, STORED_BODY_BYTES_MAX);
            let more = capacity - self.taken;
            let order = Ordering::Relaxed;
            self.store.room.fetch_update(order, order, |room| room.checked_sub(more)).ok()?;
            self.taken = capacity;
            self.body.reserve_exact(capacity - self.body.len());
        }
        self.body.extend_from_slice(piece);
        Some(self)
    }

    /// Stores what has been collected, which is all of it.
    pub(crate) fn keep(mut self, key: CacheKey, facts: Facts) {
        let body = Bytes::from(std::mem::take(&mut self.body).into_boxed_slice());
        self.store.put(key, Arc::new(Stored::new(facts, body)));
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.store.room.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use recant_core::position::Era;
    use std::sync::Weak;
    use std::time::Duration;

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn facts() -> Facts {
        Facts {
            tenant: TenantId::parse("a").expect("an id"),
            stamp: Stamp { era: Era::default(), position: Position::ZERO },
            uris: vec![MatchUri::of("/", None)],
            tags: Vec::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            lifetime: Lifetime { lifetime: Duration::from_secs(60), initial_age: Duration::ZERO },
            response_time: WallTime::from_millis(0),
        }
    }

    #[test]
    fn large_bodies_never_take_much_more_than_the_store_may() {
        let store = Store::new(8 * MIB as u64);
        let mut put: Vec<Weak<Stored>> = Vec::new();
        for n in 0..48 {
            let stored = Arc::new(Stored::new(facts(), Bytes::from(vec![0; MIB])));
            put.push(Arc::downgrade(&stored));
            store.put(key(n), stored);
            let alive = put.iter().filter(|stored| stored.strong_count() > 0).count();
            assert!(alive <= 9, "{alive} MiB");
        }
    }

    #[test]
    fn bodies_on_their_way_share_a_bounded_room() {
        let store = Arc::new(Store::new(8 * MIB as u64));
        let piece = vec![0; MIB / 2];
        let mut under_way: Vec<Collected> = Vec::new();
        while let Some(collected) = Collected::new(&store).and(&piece).and_then(|half| half.and(&piece)) {
            under_way.push(collected);
        }
        assert_eq!(under_way.len(), 4, "half of the store's eight");
        // Given back by whoever gave up, and by whoever was kept.
        under_way.pop();
        under_way.pop().expect("one of four").keep(key(0), facts());
        assert_eq!(store.get(&key(0)).expect("kept").body.len(), MIB);
        let again: Vec<_> = (0..4).map_while(|_| Collected::new(&store).and(&piece)).collect();
        assert_eq!(again.len(), 4);
    }

    fn key(n: usize) -> CacheKey {
        use recant_core::cache_key::{CachedMethod, KeyedRequest};
        use recant_core::cache_policy::managed;
        use recant_core::id::DistributionId;
        use recant_core::spec::{BehaviorSpec, DistributionSpec, TenantSpec, ViewerProtocol};

        const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
        let id = DistributionId::parse("E1").expect("an id");
        let tenant = TenantSpec {
            id: TenantId::parse("a").expect("an id"),
            distribution_id: id.clone(),
            enabled: true,
            domains: Vec::new(),
            parameters: Default::default(),
        };
        let distribution = DistributionSpec {
            id,
            enabled: true,
            default_root_object: None,
            origins: Vec::new(),
            default_behavior: BehaviorSpec {
                target_origin_id: "o".into(),
                cache_policy_id: OPTIMIZED.into(),
                allowed_methods: Vec::new(),
                viewer_protocol: ViewerProtocol::default(),
            },
            cache_tag_header: None,
            parameter_defaults: Default::default(),
        };
        let policy = managed(OPTIMIZED).expect("managed");
        let path = format!("/{n}");
        let headers = HeaderMap::new();
        KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Get, &path, None, &headers).key
    }
}
