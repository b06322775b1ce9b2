//! One stored response, and what must be known to judge it.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};

use recant_core::freshen;
use recant_core::freshness::Terms;
use recant_core::id::TenantId;
use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;
use recant_core::vary::Selecting;

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
    /// On which terms it may be used.
    pub(crate) terms: Terms,
    /// When its head came, or that of the 304 that confirmed it last.
    pub(crate) response_time: WallTime,
    /// Which requests it answers.
    pub(crate) selecting: Selecting,
    /// No rule up to here matches: a shortcut that says nothing about any other response.
    checked: AtomicU64,
}

/// What makes a [`Stored`]; the same fields but for what the store itself keeps.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) tenant: TenantId,
    pub(crate) stamp: Stamp,
    pub(crate) uris: Vec<MatchUri>,
    pub(crate) tags: Vec<CacheTag>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) terms: Terms,
    pub(crate) response_time: WallTime,
    pub(crate) selecting: Selecting,
}

impl Stored {
    /// The response with these facts and this body.
    pub(crate) fn new(facts: Facts, body: Bytes) -> Self {
        let Facts { tenant, stamp, uris, tags, status, mut headers, terms, response_time, selecting } = facts;
        // Known now also where it came chunked; a HEAD is answered with it (RFC 9110 section 8.6).
        if status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let checked = AtomicU64::new(stamp.position.get());
        Self { tenant, stamp, uris, tags, status, headers, body, terms, response_time, selecting, checked }
    }

    /// Whether no rule up to this position matches, as far as was looked.
    pub(crate) fn is_checked_up_to(&self, newest: Position) -> bool {
        self.checked.load(Ordering::Relaxed) >= newest.get()
    }

    /// Remembers that no rule up to this position matches.
    pub(crate) fn checked_up_to(&self, newest: Position) {
        self.checked.fetch_max(newest.get(), Ordering::Relaxed);
    }

    /// Whether its origin can be asked if it is still good.
    pub(crate) fn can_be_validated(&self) -> bool {
        freshen::can_be_validated(self.status, &self.headers)
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len() + 16).sum();
        ENTRY_OVERHEAD_BYTES + headers + tags + self.selecting.bytes() + self.body.len()
    }
}
