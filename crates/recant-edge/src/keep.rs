//! What is kept of an origin's response, if anything: all of it, or a part that says clearly what it is.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http_body::Body;
use hyper::body::Incoming;

use recant_core::cache_key::CachedMethod;
use recant_core::compression;
use recant_core::limits::STORED_BODY_BYTES_MAX;
use recant_core::part::Part;
use recant_core::range::AskedRange;
use recant_core::storability::storability;
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;

use crate::forward::Job;
use crate::store::{Facts, NewPart};

/// What is kept of a response.
pub(crate) struct Kept {
    pub(crate) facts: Facts,
    /// Fields that are left out.
    pub(crate) withheld: Vec<HeaderName>,
    pub(crate) part: Option<NewPart>,
}

impl Job {
    /// What a response is stored with, if it may be; its header fields are still to come.
    pub(crate) fn facts_to_keep(
        &self,
        head: &Parts,
        parts: &http::response::Parts,
        body: &Incoming,
        tags: &[CacheTag],
        times: (WallTime, WallTime),
    ) -> Option<Kept> {
        let (keyed, policy) = (self.ask.keyed.as_ref()?, self.arrival.policy()?);
        if keyed.class == CachedMethod::Head || self.arrival.is_below_a_floor() {
            return None;
        }
        // A body that lasts until the connection closes may have been cut off without anybody knowing (RFC 9112 section 8).
        let length = body.size_hint().exact();
        if length.is_none() && !parts.headers.contains_key(TRANSFER_ENCODING) {
            return None;
        }
        if length.is_some_and(|length| length > STORED_BODY_BYTES_MAX as u64) {
            return None;
        }
        let (request_time, response_time) = times;
        let headers = &parts.headers;
        let part = match &keyed.range {
            None => None,
            Some(asked) => self.part_to_keep(asked, parts, length)?,
        };
        // What may be kept of a response, and for how long, is what may be of the whole (RFC 9111 section 3.3).
        // 204 is how most answer OPTIONS; no page is missing there.
        let is_options = keyed.class == CachedMethod::Options;
        let is_as_200 = part.is_some() || is_options && parts.status == StatusCode::NO_CONTENT;
        let status = if is_as_200 { StatusCode::OK } else { parts.status };
        let error_min_ttl = self.arrival.distribution.error_min_ttl(status.as_u16());
        let (request, sent, came) = (&head.headers, request_time, response_time);
        let storable = storability(request, status, headers, policy, error_min_ttl, sent, came)
            .inspect_err(|reason| tracing::debug!(%reason, path = %self.path, "not stored"))
            .ok()?;
        if part.is_some() && !storable.terms.is_fresh() {
            return None;
        }
        let facts = Facts {
            tenant: self.arrival.tenant.id.clone(),
            stamp: self.arrival.stamp,
            uris: keyed.request.key.uris(),
            tags: tags.to_vec(),
            status: parts.status,
            headers: HeaderMap::new(),
            terms: storable.terms,
            response_time,
            selecting: storable.selecting,
            is_coded_here: false,
        };
        Some(Kept { facts, withheld: storable.withheld, part })
    }

    /// What the response to a request for a range is a part of; inside, nothing when it is the whole. Nothing else is kept
    /// of such a request: not an error that the range may have led to, and not what does not say clearly what it is.
    fn part_to_keep(
        &self,
        asked: &AskedRange,
        parts: &http::response::Parts,
        length: Option<u64>,
    ) -> Option<Option<NewPart>> {
        match parts.status {
            StatusCode::OK => (!parts.headers.contains_key(CONTENT_RANGE)).then_some(None),
            StatusCode::PARTIAL_CONTENT => {
                let part = Part::of(&parts.headers, length)
                    .inspect_err(|reason| tracing::debug!(%reason, path = %self.path, "not stored"))
                    .ok()?;
                // Where the edge codes the whole, it is to be had from the origin as such.
                let would_be_coded = self.arrival.behavior().compress
                    && self.tells_codings_apart()
                    && compression::is_eligible(StatusCode::OK, &whole_of(&part, &parts.headers));
                let (stands_alone, may_be_whole) = (!asked.is_conditional(), !would_be_coded);
                Some(Some(NewPart { part, stands_alone, may_be_whole }))
            }
            _ => None,
        }
    }
}

/// The fields of the whole.
fn whole_of(part: &Part, headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.version.length));
    headers.remove(CONTENT_RANGE);
    headers.remove(TRANSFER_ENCODING);
    headers
}
