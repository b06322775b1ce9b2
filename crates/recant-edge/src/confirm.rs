//! A 304 from the origin: what is stored is still good, with some of its fields renewed.

use http::Response;
use http::header::HeaderMap;
use http::request::Parts;

use recant_core::compression;
use recant_core::freshen;
use recant_core::freshness::Terms;
use recant_core::limits::TAGS_PER_CONFIRMED_RESPONSE_MAX;
use recant_core::storability::{NotStored, storability};
use recant_core::tag::CacheTag;
use recant_core::time::WallTime;

use crate::body::Outgoing;
use crate::forward::Job;
use crate::lookup::Reserve;
use crate::request::Shared;
use crate::respond::Account;
use crate::serve::serve;
use crate::store::Facts;

impl Job {
    /// The stored response as the 304 confirms it; nothing when the 304 is about another one, or when an invalidation
    /// has come between, by the old tags or the new ones. Then the origin has to be asked for all of it.
    ///
    /// **It keeps its stamp**: the bytes are as old as they were.
    pub(crate) fn confirm(
        &self,
        shared: &Shared,
        head: &Parts,
        reserve: &Reserve,
        not_modified: &HeaderMap,
        new_tags: Vec<CacheTag>,
        times: (WallTime, WallTime),
    ) -> Option<Response<Outgoing>> {
        let (old, policy, keyed) = (&reserve.stored, self.arrival.policy()?, self.ask.keyed.as_ref()?);
        let old_headers = old.headers();
        let as_coded = old.is_coded_here.then(|| {
            let mut headers = not_modified.clone();
            compression::weaken(&mut headers);
            compression::vary(&mut headers);
            headers
        });
        let not_modified = as_coded.as_ref().unwrap_or(not_modified);
        if !freshen::confirms(not_modified, &old_headers) {
            return None;
        }
        let headers = freshen::freshened(&old_headers, not_modified);
        let mut tags = old.tags.to_vec();
        tags.extend(new_tags.into_iter().filter(|tag| !old.tags.contains(tag)));
        // Rules for the new tags have never been looked at; of those up to here some may be forgotten by now.
        let has_new_tags = tags.len() > old.tags.len();
        // Until it is written, what lies on the disk has not got them, and a process that is killed before would leave it to the next
        // one without. New bytes are another response.
        if has_new_tags && shared.store.disk().is_some() {
            return None;
        }
        let valid_up_to = if has_new_tags { old.stamp } else { old.valid_up_to() };
        // Tags are never taken off the bytes that had them; where they become too many, new bytes are due.
        if tags.len() > TAGS_PER_CONFIRMED_RESPONSE_MAX
            || !self.arrival.may_have(shared, valid_up_to, &old.uris(), Some(&tags))
        {
            return None;
        }
        let (request_time, response_time) = times;
        let error_min_ttl = self.arrival.distribution.error_min_ttl(old.status.as_u16());
        let verdict = storability(
            &head.headers,
            old.status,
            &headers,
            policy,
            error_min_ttl,
            request_time,
            response_time,
        );
        let mut facts = Facts {
            tenant: old.tenant().clone(),
            stamp: old.stamp,
            uris: old.uris(),
            tags,
            status: old.status,
            headers,
            terms: Terms::default(),
            response_time,
            selecting: old.selecting.clone(),
            is_coded_here: old.is_coded_here,
        };
        let key = keyed.request.key.clone();
        let is_stored = match verdict {
            Ok(storable) => {
                for name in &storable.withheld {
                    facts.headers.remove(name);
                }
                facts.terms = storable.terms;
                facts.selecting = storable.selecting;
                true
            }
            Err(NotStored::NoStore | NotStored::Private | NotStored::Vary) => {
                shared.store.remove_one(&key, old);
                false
            }
            // This viewer's alone, as a cookie is; what is stored stays as it is.
            Err(_) => false,
        };
        let new = shared.store.make(&key, facts, old.body.clone());
        new.checked_up_to(valid_up_to.position);
        if is_stored {
            shared.store.replace(&key, old, &new);
        }
        let fresh = new.terms.at(response_time, shared.clock.wall());
        // What is to be validated again by whoever comes next is nothing to wait for.
        let is_shared = is_stored && !new.terms.no_cache && fresh.age < fresh.lifetime;
        if let Some(key) = self.flight_key(shared) {
            shared.flights.remember(&key, is_shared);
        }
        let age = fresh.age;
        Some(serve(head, &new, age, &Account::Validated { stored: is_stored }))
    }
}
