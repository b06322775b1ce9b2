//! The tags of a response: what the origin says, and what a shield says for it.
//!
//! An origin's own field for them may not reach the edge in front of a shield: `Connection` may list it, the response may say that it is
//! not to be stored, and what is put together, or confirmed, has tags that its newest head does not name. So **a shield tells an edge all
//! tags in a field of their own**, and no viewer sees that.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use recant_core::limits::TAGS_PER_CONFIRMED_RESPONSE_MAX;
use recant_core::tag::{self, CacheTag};

use crate::forward::Job;

const TOLD: HeaderName = HeaderName::from_static("recant-cache-tags");

/// In the extensions of a request: it is another edge's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfEdge;

impl Job {
    /// The tags that a response with these fields has, before any of them is taken off. What a shield has told is taken out.
    pub(crate) fn take_tags(&self, headers: &mut HeaderMap) -> Vec<CacheTag> {
        let told = headers.remove(TOLD);
        let Some(name) = self.arrival.distribution.cache_tag_header.as_deref() else { return Vec::new() };
        let mut tags = tag::parse_header_values(headers.get_all(name).iter().map(HeaderValue::as_bytes));
        let told = told.iter().map(HeaderValue::as_bytes);
        let told = tag::parse_header_values_up_to(TAGS_PER_CONFIRMED_RESPONSE_MAX, told);
        let news: Vec<_> = told.into_iter().filter(|tag| !tags.contains(tag)).collect();
        tags.extend(news);
        tags
    }
}

/// Tells the tags of a response to whom it is sent, if that is another edge.
pub(crate) fn tell(request: &Parts, headers: &mut HeaderMap, tags: &[CacheTag]) {
    if tags.is_empty() || request.extensions.get::<OfEdge>().is_none() {
        return;
    }
    let names: Vec<&str> = tags.iter().map(CacheTag::as_str).collect();
    headers.insert(TOLD, HeaderValue::try_from(names.join(",")).expect("tags are visible ASCII"));
}
