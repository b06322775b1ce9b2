//! The stored responses: bounded memory, one per cache key.
//!
//! The store knows nothing of leases or rules; it only hands back what was put in. It does keep one promise of
//! the protocol: a response never takes the place of one with a newer stamp, so a slow origin request cannot
//! undo a fast one that started later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use moka::ops::compute::Op;
use moka::sync::Cache;

use recant_core::cache_key::CacheKey;
use recant_core::freshness::Lifetime;
use recant_core::id::TenantId;
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
        Self { responses }
    }

    /// What is stored under this key.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Stored>> {
        self.responses.get(key)
    }

    /// Stores a response, unless one with a newer stamp is there.
    pub(crate) fn put(&self, key: CacheKey, stored: Arc<Stored>) {
        let order = |stamp: Stamp| (stamp.era, stamp.position);
        self.responses.entry(key).and_compute_with(|there| match there {
            Some(there) if order(there.value().stamp) > order(stored.stamp) => Op::Nop,
            _ => Op::Put(stored),
        });
    }

    /// Purges what is stored under this key.
    pub(crate) fn remove(&self, key: &CacheKey) {
        self.responses.invalidate(key);
    }
}
