//! What is forgotten after a request that was to change something and succeeded (RFC 9111 section 4.4).

use std::collections::BTreeSet;

use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

use recant_core::cache_key::{CODINGS, CacheKey, CachedMethod, KeyedRequest};
use recant_core::changes::{Resource, changed};
use recant_core::host::Host;

use crate::request::{Arrival, Shared};

/// The resources that a request may have changed, and what else is in the keys of what is stored of them.
pub(crate) struct Changed<'a> {
    arrival: &'a Arrival,
    request: &'a HeaderMap,
    resources: Vec<Resource>,
}

impl<'a> Changed<'a> {
    /// The target of this request, and what the origin's response to it names.
    pub(crate) fn of(
        arrival: &'a Arrival,
        host: &Host,
        (path, query): (&str, Option<&str>),
        request: &'a HeaderMap,
        response: &HeaderMap,
    ) -> Self {
        let resources = changed(host, path, query, response).into_iter();
        let resources = resources.map(|(path, query)| (arrival.object_path(&path), query)).collect();
        Self { arrival, request, resources }
    }

    /// The regions whose shields are asked for them.
    pub(crate) fn regions(&self) -> BTreeSet<&'a str> {
        let distribution = &self.arrival.distribution;
        let origins = self.resources.iter().filter_map(|(path, _)| {
            let behavior = distribution.behavior_of(path);
            distribution.origins_of(&behavior.target_origin_id).into_iter().next()
        });
        origins.filter_map(|origin| origin.shield.as_deref()).collect()
    }

    /// Takes out what is stored here of them, and sees to it that what is on its way does not come after that.
    pub(crate) fn forget(&self, shared: &Shared) {
        for key in self.keys() {
            // First what is on its way, or it could come after what is removed here.
            for key in [key.with_method(CachedMethod::Options), key] {
                shared.fetches.outdate(&key);
                shared.store.remove(&key);
                shared.store.remove(&key.for_parts());
            }
        }
    }

    /// Under which keys a `GET` of them may be stored.
    pub(crate) fn keys(&self) -> Vec<CacheKey> {
        let mut keys = Vec::new();
        let (tenant, distribution) = (&self.arrival.tenant, &self.arrival.distribution);
        for (path, query) in &self.resources {
            // Whatever the request's own behaviour stores: what it changes may have another one.
            let Some(policy) = distribution.behavior_of(path).cache_policy() else { continue };
            for codings in CODINGS {
                let mut headers = self.request.clone();
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(codings));
                let (class, query) = (CachedMethod::Get, query.as_deref());
                keys.push(KeyedRequest::new(tenant, distribution, policy, class, path, query, &headers).key);
            }
        }
        keys
    }
}
