//! One stored response, and what must be known to judge it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};

use recant_core::cache_key::CacheKey;
use recant_core::freshen;
use recant_core::freshness::Terms;
use recant_core::id::TenantId;
use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::segments::Segments;
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;
use recant_core::vary::Selecting;

use super::accounts::TenantAccount;
use super::fields::Fields;

/// Bytes that a stored response costs beside what [`Stored::weight`] adds up: the maps' places with their free ones, and
/// what the allocator rounds up. `cargo xtask bench memory` measures that it is enough.
const PLACE_BYTES: usize = 224;

/// A response kept for later, and what must be known to judge it.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Whose it is: the key says so too, and it is checked again when the response is served.
    account: Arc<TenantAccount>,
    /// What was known and applied when its origin request started.
    pub(crate) stamp: Stamp,
    /// What it is stored under.
    key: CacheKey,
    /// The tags it came with.
    pub(crate) tags: Box<[CacheTag]>,
    /// As it came.
    pub(crate) status: StatusCode,
    /// Whether its origin can be asked if it is still good.
    can_be_validated: bool,
    /// Whether a rule that matches has been found: it is counted once.
    is_counted: AtomicBool,
    /// Whether it was asked for since it was last looked at for its tenant's share.
    is_used: AtomicBool,
    fields: Fields,
    /// All of it; empty where it is not there as a whole.
    pub(crate) body: Bytes,
    /// What there is of one that is not complete.
    segments: Option<Box<Segments>>,
    /// On which terms it may be used.
    pub(crate) terms: Terms,
    /// When its head came, or that of the 304 that confirmed it last.
    pub(crate) response_time: WallTime,
    /// Which requests it answers.
    pub(crate) selecting: Selecting,
    /// Whether the edge has coded it: its origin has the bytes uncoded, and a strong entity-tag perhaps.
    pub(crate) is_coded_here: bool,
    /// No rule up to here matches: a shortcut that says nothing about any other response.
    checked: AtomicU64,
    weight: u32,
}

/// What makes a [`Stored`]; the same fields but for what the store itself keeps.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) tenant: TenantId,
    pub(crate) stamp: Stamp,
    pub(crate) uris: Vec<MatchUri>,
    pub(crate) tags: Vec<CacheTag>,
    pub(crate) status: StatusCode,
    /// As they came, without those for one hop, with `Via` and `Date`.
    pub(crate) headers: HeaderMap,
    pub(crate) terms: Terms,
    pub(crate) response_time: WallTime,
    pub(crate) selecting: Selecting,
    pub(crate) is_coded_here: bool,
}

impl Stored {
    /// The response with these facts and this body, to be stored under this key; the account is its tenant's.
    pub(super) fn new(key: &CacheKey, account: Arc<TenantAccount>, facts: Facts, body: Bytes) -> Self {
        Self::with(key, account, facts, body, None)
    }

    /// The same of what there is of a response, whose facts are those of the whole.
    pub(super) fn incomplete(
        key: &CacheKey,
        account: Arc<TenantAccount>,
        facts: Facts,
        segments: Segments,
    ) -> Self {
        Self::with(key, account, facts, Bytes::new(), Some(Box::new(segments)))
    }

    fn with(
        key: &CacheKey,
        account: Arc<TenantAccount>,
        facts: Facts,
        body: Bytes,
        segments: Option<Box<Segments>>,
    ) -> Self {
        let Facts { tenant, stamp, uris, tags, status, mut headers, .. } = facts;
        let Facts { terms, response_time, selecting, is_coded_here, .. } = facts;
        debug_assert_eq!(&tenant, account.tenant(), "a response is on its tenant's account");
        // Known now also where it came chunked; a HEAD is answered with it (RFC 9110 section 8.6).
        if status != StatusCode::NO_CONTENT {
            let length = segments.as_ref().map_or(body.len() as u64, |segments| segments.length());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        debug_assert_eq!(uris, key.uris(), "its spellings are those of its key");
        let mut stored = Self {
            account,
            stamp,
            key: key.clone(),
            tags: tags.into(),
            status,
            can_be_validated: freshen::can_be_validated(status, &headers),
            is_counted: AtomicBool::new(false),
            is_used: AtomicBool::new(false),
            fields: Fields::of(&headers),
            body,
            segments,
            terms,
            response_time,
            selecting,
            is_coded_here,
            checked: AtomicU64::new(stamp.position.get()),
            weight: 0,
        };
        // A body is far below 4 GiB (STORED_BODY_BYTES_MAX), and so is a head.
        stored.weight = u32::try_from(stored.bytes()).unwrap_or(u32::MAX);
        stored
    }

    /// Whose it is.
    pub(crate) fn tenant(&self) -> &TenantId {
        self.account.tenant()
    }

    /// What its tenant has and did.
    pub(crate) fn account(&self) -> &Arc<TenantAccount> {
        &self.account
    }

    /// What there is of it, if it is not complete.
    pub(crate) fn segments(&self) -> Option<&Segments> {
        self.segments.as_deref()
    }

    /// What it is stored under.
    pub(crate) fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Its fields as they lie in memory.
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The spellings that rules are compared with: made of the key when something is to be compared, which is seldom.
    pub(crate) fn uris(&self) -> Vec<MatchUri> {
        self.key.uris()
    }

    /// Its fields: as they came, without those for one hop, with `Via` and `Date`.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.fields.to_map()
    }

    /// Up to where no rule matches, as far as was looked; at least its stamp. It stands for the stamp where rules are
    /// compared with it: they may be forgotten up to here.
    pub(crate) fn valid_up_to(&self) -> Stamp {
        let checked = Position::new(self.checked.load(Ordering::Relaxed));
        Stamp { era: self.stamp.era, position: checked }
    }

    /// Whether no rule up to this position matches, as far as was looked.
    pub(crate) fn is_checked_up_to(&self, newest: Position) -> bool {
        self.checked.load(Ordering::Relaxed) >= newest.get()
    }

    /// Remembers that no rule up to this position matches.
    pub(crate) fn checked_up_to(&self, newest: Position) {
        self.checked.fetch_max(newest.get(), Ordering::Relaxed);
    }

    /// Whether it is found to be invalidated for the first time.
    pub(crate) fn is_news(&self) -> bool {
        !self.is_counted.swap(true, Ordering::Relaxed)
    }

    /// Whether it has been found to be invalidated.
    pub(crate) fn is_known_to_be_dead(&self) -> bool {
        self.is_counted.load(Ordering::Relaxed)
    }

    /// Whether its origin can be asked if it is still good.
    pub(crate) fn can_be_validated(&self) -> bool {
        self.can_be_validated
    }

    /// Notes that it was asked for.
    pub(super) fn used(&self) {
        // Most are asked for again and again: a line that nobody writes to stays in every core's cache.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was asked for since the last call.
    pub(super) fn was_used(&self) -> bool {
        self.is_used.swap(false, Ordering::Relaxed)
    }

    /// About how much memory it takes, all in all.
    pub(super) fn weight(&self) -> u64 {
        u64::from(self.weight)
    }

    fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len() + 2 * ALLOCATION).sum();
        let held = self.fields.bytes() + self.body.len() + self.key.as_bytes().len() + self.selecting.bytes();
        let segments = self.segments.as_ref().map_or(0, |segments| segments.memory_bytes());
        PLACE_BYTES + size_of::<Self>() + tags + held + segments
    }
}

/// What a text on its own costs beside its bytes, and again where it is held.
const ALLOCATION: usize = 16;
