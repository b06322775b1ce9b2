//! Parts: what is stored of a response that is not there as a whole (RFC 9111 sections 3.3 and 3.4).
//!
//! ```text
//! 206 to a request for a range ─▶ Part ─▶ with the segments that are there, if they are of the same version
//!                                            │ some bytes missing         │ none missing
//!                                            ▼                            ▼
//!                              an incomplete response under       a complete one under
//!                              the key's key for parts            the key itself
//! ```
//!
//! **An incomplete response lies under a key of its own**, so nothing that asks for the whole can come across it. For all
//! else it is a stored response like others: weighed, on its tenant's account, evicted, swept, judged by its stamp. Two
//! things are not so: it is in memory only, and where it is stale it is of no use.
//!
//! **Its stamp is that of its oldest byte.** What is put together has the lesser of the stamps, and is known to be valid no
//! further than the one that is known less far; so a rule that takes away one of its parts takes away all of it.
//!
//! A part that is of another version takes the place of what is there, as a response does.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_RANGE;

use recant_core::cache_key::CacheKey;
use recant_core::limits::{TAGS_PER_CONFIRMED_RESPONSE_MAX, VARIANTS_PER_KEY_MAX};
use recant_core::part::{self, Part};
use recant_core::position::{Position, Stamp};
use recant_core::segments::Segments;

use super::collected::Collected;
use super::memory::{Store, order};
use super::stored::{Facts, Stored};

/// A part on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct NewPart {
    pub(crate) part: Part,
    /// Whether it has all the fields that the whole would have. Without them it is of use only beside another that has.
    pub(crate) stands_alone: bool,
    /// Whether the whole may be stored once it is there.
    pub(crate) may_be_whole: bool,
}

/// What there is with a new part.
struct Grown {
    facts: Facts,
    segments: Segments,
    valid_up_to: Position,
}

impl Store {
    /// Stores a part of the response to a request with these fields: beside those that are there, or in their place. `key`
    /// is that of the whole. Not, if it may not be, as with [`Self::put`].
    pub(crate) fn put_part(
        self: &Arc<Self>,
        key: &CacheKey,
        facts: Facts,
        new: &NewPart,
        bytes: &Bytes,
        request: &HeaderMap,
        may: &dyn Fn() -> bool,
    ) {
        if !self.is_news_beside_whole(key, &facts, &new.part, request) {
            return;
        }
        let parts_key = key.for_parts();
        let (mut whole, mut account) = (None, None);
        let is_first = self.change(&parts_key, |there| {
            if !may() {
                return None;
            }
            let (answer, others): (Vec<_>, Vec<_>) =
                there.iter().partition(|old| old.selecting.matches(request));
            let others = others.into_iter().take(VARIANTS_PER_KEY_MAX - 1).cloned();
            let joined = answer.iter().find_map(|old| Grown::from(old, &facts, new, bytes));
            if joined.is_none() && answer.iter().any(|old| order(old.stamp) > order(facts.stamp)) {
                return None;
            }
            let Some(grown) = joined.or_else(|| Grown::alone(facts, new, bytes)) else {
                // What is there is of another version than what the origin has now.
                return (!answer.is_empty()).then(|| others.collect());
            };
            if let Some(body) = self.in_one_piece(&grown.segments).filter(|_| new.may_be_whole) {
                whole = Some((grown, body));
                return (!answer.is_empty()).then(|| others.collect());
            }
            let stored = self.make_incomplete(&parts_key, grown.facts, grown.segments);
            stored.checked_up_to(grown.valid_up_to);
            if stored.weight() > self.share_bytes {
                return None;
            }
            account = Some(stored.account().clone());
            Some(std::iter::once(stored).chain(others).collect())
        });
        if let Some((grown, body)) = whole {
            let stored = self.make(key, grown.facts, body);
            stored.checked_up_to(grown.valid_up_to);
            self.put(key.clone(), stored, request, may);
        } else if let Some(account) = account {
            self.keep_to_share(&account, is_first.then_some(parts_key));
        }
    }

    /// Purges the parts that a complete response, just stored, makes superfluous or outdates.
    pub(super) fn drop_parts(&self, key: &CacheKey, whole: Stamp, request: &HeaderMap) {
        let key = key.for_parts();
        if !self.contains(&key) {
            return;
        }
        self.change(&key, |there| {
            let is_outdated =
                |old: &Stored| old.selecting.matches(request) && order(old.stamp) <= order(whole);
            let left: Vec<_> = there.iter().filter(|old| !is_outdated(old)).cloned().collect();
            (left.len() < there.len()).then_some(left)
        });
    }

    /// Whether a part says something that a complete response, if one is there, does not. One that is of another version,
    /// and no newer, goes.
    fn is_news_beside_whole(&self, key: &CacheKey, facts: &Facts, part: &Part, request: &HeaderMap) -> bool {
        let Some(whole) = self.peek(key, request) else { return true };
        let is_other = part.version.differs_from(&whole.headers());
        if order(whole.stamp) > order(facts.stamp) || whole.stamp == facts.stamp && !is_other {
            return false;
        }
        if is_other {
            self.remove_one(key, &whole);
        }
        true
    }

    /// The whole, if it is there and there is room for it. Where it came in several pieces they are copied, this once:
    /// whole bodies lie in one.
    fn in_one_piece(self: &Arc<Self>, segments: &Segments) -> Option<Bytes> {
        let pieces = segments.is_whole().then(|| segments.range(&(0..segments.length())))??;
        if let [one] = &pieces[..] {
            return Some(one.clone());
        }
        let mut collected = Collected::new(self);
        pieces.iter().all(|piece| collected.add(piece)).then(|| collected.into_bytes())
    }
}

impl Grown {
    /// The part by itself.
    fn alone(mut facts: Facts, new: &NewPart, bytes: &Bytes) -> Option<Self> {
        let segments = Segments::of(&new.part, bytes.clone()).filter(|_| new.stands_alone)?;
        facts.of_the_whole();
        Some(Self { valid_up_to: facts.stamp.position, facts, segments })
    }

    /// The part with what is there, if the two are of one version and nothing speaks against it.
    fn from(old: &Stored, new: &Facts, part: &NewPart, bytes: &Bytes) -> Option<Self> {
        let is_alike =
            old.stamp.era == new.stamp.era && old.selecting == new.selecting && !old.is_known_to_be_dead();
        let segments = old.segments().filter(|_| is_alike)?.with(&part.part, bytes.clone())?;
        let mut tags = old.tags.to_vec();
        tags.extend(new.tags.iter().filter(|tag| !old.tags.contains(tag)).cloned());
        if tags.len() > TAGS_PER_CONFIRMED_RESPONSE_MAX {
            return None;
        }
        // Rules for tags that it has not had were never looked at for what is there.
        let has_new_tags = tags.len() > old.tags.len();
        let old_valid_up_to = if has_new_tags { old.stamp } else { old.valid_up_to() };
        let (old_headers, is_newer) = (old.headers(), new.response_time >= old.response_time);
        let mut facts = Facts {
            stamp: Stamp { position: old.stamp.position.min(new.stamp.position), ..new.stamp },
            tags,
            ..new.clone()
        };
        if is_newer {
            facts.headers = part::joined(&old_headers, &new.headers);
        } else {
            (facts.headers, facts.terms, facts.response_time) = (old_headers, old.terms, old.response_time);
        }
        facts.of_the_whole();
        Some(Self { facts, segments, valid_up_to: old_valid_up_to.position.min(new.stamp.position) })
    }
}

impl Facts {
    /// The head of a part as that of the whole.
    fn of_the_whole(&mut self) {
        self.status = http::StatusCode::OK;
        self.headers.remove(CONTENT_RANGE);
    }
}
