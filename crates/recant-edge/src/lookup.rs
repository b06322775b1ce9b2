//! What is stored for a request that has just arrived, and whether it may be served.
//!
//! The decision is `recant_core::lookup`'s. Here its arguments are read, after the arrival, and what follows from it for
//! the request is put together.

use std::sync::Arc;

use http::Response;
use http::header::{ACCEPT_ENCODING, HeaderValue, RANGE};
use http::request::Parts;

use recant_core::cache_key::{CODINGS, CachedMethod, KeyedRequest};
use recant_core::lookup::{Lookup, Overdue, Why, decide};
use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::rules::Rules;
use recant_core::storability;
use recant_core::tag::CacheTag;
use recant_core::vary::is_for_every_coding;

use crate::body::Outgoing;
use crate::flight::FlightKey;
use crate::request::{Arrival, Shared};
use crate::respond::Account;
use crate::serve::serve;
use crate::store::{self, Stored};

/// What the store has for a request.
pub(crate) enum Found {
    /// The response.
    Hit(Response<Outgoing>),
    /// The response, which is to be validated behind the viewer's back.
    HitAndValidate(Response<Outgoing>, Ask),
    /// Nothing that may be served as it is.
    Forward(Ask),
}

/// What is to be asked of the origin.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) why: Why,
    /// There when the request may use the cache.
    pub(crate) keyed: Option<Keyed>,
    /// What is stored and may not be served as it is.
    pub(crate) reserve: Option<Reserve>,
}

/// A request that may use the cache.
#[derive(Clone)]
pub(crate) struct Keyed {
    pub(crate) class: CachedMethod,
    pub(crate) request: KeyedRequest,
    /// What tells it apart from requests that select other responses of the key, as far as is known.
    pub(crate) selecting: Vec<u8>,
}

/// A stored response that no rule matches: it may be validated, and on conditions it may stand in.
#[derive(Clone)]
pub(crate) struct Reserve {
    pub(crate) stored: Arc<Stored>,
    pub(crate) overdue: Overdue,
}

impl Ask {
    fn without_cache(why: Why) -> Self {
        Self { why, keyed: None, reserve: None }
    }
}

impl Keyed {
    /// Which other requests its response may be shared with.
    pub(crate) fn flight_key(&self) -> FlightKey {
        (self.request.key.clone(), self.selecting.clone())
    }
}

impl Reserve {
    /// Whether the origin is to be asked if it is still good.
    pub(crate) fn is_to_be_validated(&self, class: CachedMethod) -> bool {
        class == CachedMethod::Get && self.stored.can_be_validated()
    }
}

/// Looks for a response to this request.
pub(crate) fn look_up(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    path: &str,
    query: Option<&str>,
) -> Found {
    let Some(policy) = arrival.policy else { return Found::Forward(Ask::without_cache(Why::Bypass)) };
    let class = match storability::request_allows(policy, &head.method, &head.headers) {
        Ok(class) => class,
        Err(why) => return Found::Forward(Ask::without_cache(why)),
    };
    let request =
        KeyedRequest::new(&arrival.tenant, &arrival.distribution, policy, class, path, query, &head.headers);
    let mut keyed = Keyed { class, request, selecting: Vec::new() };
    let found = match class {
        CachedMethod::Get => shared.store.find(&keyed.request.key, &head.headers),
        // RFC 9110 section 9.3.2: what a GET would get, without the content.
        CachedMethod::Head => {
            shared.store.find(&keyed.request.key.with_method(CachedMethod::Get), &head.headers)
        }
    };
    let stored = match found {
        store::Found::Response(stored) if stored.tenant == arrival.tenant.id => stored,
        store::Found::Response(stored) => {
            tracing::error!(tenant = %arrival.tenant.id, found = %stored.tenant, "a stored response of another tenant");
            return Found::Forward(missed(Why::UriMiss, keyed, head));
        }
        store::Found::Other(stored) => {
            keyed.selecting = stored.selecting.of_request(&head.headers).to_bytes();
            return Found::Forward(missed(Why::VaryMiss, keyed, head));
        }
        store::Found::Nothing => {
            return match in_another_coding(shared, arrival, head, path, query) {
                Some(response) => Found::Hit(response),
                None => Found::Forward(missed(Why::UriMiss, keyed, head)),
            };
        }
    };
    let fresh = stored.terms.at(stored.response_time, shared.clock.wall());
    let rule = arrival.newest_rule(&stored);
    let verdict = decide(&arrival.view, shared.clock.boot(), stored.stamp, rule, &stored.terms, fresh);
    let (age, account, overdue) = match verdict {
        Lookup::Hit { age, ttl } => return Found::Hit(serve(head, &stored, age, &Account::Hit { ttl })),
        Lookup::Forward(why) => {
            keyed.selecting = stored.selecting.of_request(&head.headers).to_bytes();
            return Found::Forward(missed(why, keyed, head));
        }
        Lookup::HitWhileRevalidating(overdue) => {
            (overdue.age, Some(Account::Revalidating { overdue: overdue.by }), overdue)
        }
        Lookup::Validate(overdue) => (overdue.age, None, overdue),
    };
    keyed.selecting = stored.selecting.of_request(&head.headers).to_bytes();
    let reserve = Some(Reserve { stored: stored.clone(), overdue });
    let ask = Ask { why: Why::Stale, keyed: Some(keyed), reserve };
    match account {
        Some(account) => Found::HitAndValidate(serve(head, &stored, age, &account), ask),
        None => Found::Forward(ask),
    }
}

/// A fresh response under the key of a request that accepts other codings, if it would be the same for this one
/// (RFC 9111 section 4.1: nothing but `Vary` makes it another one). Ranges are asked for without any coding as a rule.
fn in_another_coding(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    path: &str,
    query: Option<&str>,
) -> Option<Response<Outgoing>> {
    let policy = arrival.policy.filter(|policy| policy.gzip || policy.brotli)?;
    let (tenant, distribution) = (&arrival.tenant, &arrival.distribution);
    let mut headers = head.headers.clone();
    CODINGS.iter().find_map(|codings| {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(codings));
        let class = CachedMethod::Get;
        let key = KeyedRequest::new(tenant, distribution, policy, class, path, query, &headers).key;
        let store::Found::Response(stored) = shared.store.find(&key, &head.headers) else { return None };
        if stored.tenant != tenant.id || !is_for_every_coding(&stored.headers) {
            return None;
        }
        let fresh = stored.terms.at(stored.response_time, shared.clock.wall());
        let rule = arrival.newest_rule(&stored);
        let verdict = decide(&arrival.view, shared.clock.boot(), stored.stamp, rule, &stored.terms, fresh);
        match verdict {
            Lookup::Hit { age, ttl } => Some(serve(head, &stored, age, &Account::Hit { ttl })),
            _ => None,
        }
    })
}

/// A range of what is not stored is asked for as it is, and not stored: a part is no response to anybody else.
fn missed(why: Why, keyed: Keyed, head: &Parts) -> Ask {
    let keyed = (!head.headers.contains_key(RANGE)).then_some(keyed);
    Ask { why, keyed, reserve: None }
}

impl Arrival {
    /// The newest rule that matches, of the tenant's own and of those for all of the distribution's tenants.
    fn newest_rule(&self, stored: &Stored) -> Position {
        newest_rule(stored, self.stamp, [&self.tenant_slot.rules(), &self.distribution_slot.rules()])
    }

    /// The newest rule, as of now, that matches a response with these tags; without tags, with any.
    fn newest_rule_now(&self, uris: &[MatchUri], tags: Option<&[CacheTag]>) -> Position {
        let rules = [&self.tenant_slot.rules(), &self.distribution_slot.rules()];
        let newest = rules.map(|rules| {
            let by_tag = tags.map_or_else(|| rules.newest_tag(), |tags| rules.newest_for_tags(tags));
            uris.iter().map(|uri| rules.newest_for_uri(uri)).fold(by_tag, Position::max)
        });
        newest[0].max(newest[1])
    }

    /// Whether bytes of this stamp may be given to this request, as far as is known now (PURGE.md rule 6): by the rules for
    /// these spellings, and for these tags or, while the tags are not known, for any.
    pub(crate) fn may_have(
        &self,
        shared: &Shared,
        stamp: Stamp,
        uris: &[MatchUri],
        tags: Option<&[CacheTag]>,
    ) -> bool {
        let rule = self.newest_rule_now(uris, tags);
        self.view.refuses(shared.clock.boot(), stamp, rule).is_none()
    }
}

/// The newest of these rules that matches; [`Position::ZERO`] when it is known that none is newer than the stamp.
///
/// The two sets of rules are loaded one after the other, so the second may hold a rule that is newer than one which
/// the first does not hold yet. They are complete only up to what was applied before either was loaded, `complete`:
/// **up to there, and not up to the newest rule seen, is remembered that none matches.**
fn newest_rule(stored: &Stored, complete: Stamp, rules: [&Rules; 2]) -> Position {
    if stored.is_checked_up_to(rules[0].newest().max(rules[1].newest())) {
        return Position::ZERO;
    }
    let matching = rules.map(|rules| {
        let by_path = stored.uris.iter().map(|uri| rules.newest_for_uri(uri));
        by_path.fold(rules.newest_for_tags(&stored.tags), Position::max)
    });
    let matching = matching[0].max(matching[1]);
    if matching <= stored.stamp.position && complete.era == stored.stamp.era {
        stored.checked_up_to(complete.position);
    }
    matching
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use http::StatusCode;
    use recant_core::batch::Pattern;
    use recant_core::freshness::Terms;
    use recant_core::id::TenantId;
    use recant_core::match_uri::MatchUri;
    use recant_core::position::Era;
    use recant_core::time::WallTime;
    use recant_core::vary::Selecting;
    use std::time::Duration;

    use super::*;
    use crate::store::Facts;

    fn stamp(position: u64) -> Stamp {
        Stamp { era: Era::default(), position: Position::new(position) }
    }

    fn stored(path: &str, position: u64) -> Stored {
        let facts = Facts {
            tenant: TenantId::parse("a").expect("an id"),
            stamp: stamp(position),
            uris: vec![MatchUri::of(path, None)],
            tags: Vec::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            terms: Terms { lifetime: Duration::from_secs(60), ..Terms::default() },
            response_time: WallTime::from_millis(0),
            selecting: Selecting::default(),
        };
        Stored::new(facts, Bytes::new())
    }

    #[test]
    fn a_rule_that_comes_between_the_loading_of_two_sets_is_not_forgotten() {
        let at = Position::new;
        let rule = |path| Pattern::parse(path).expect("a path");
        let (mut tenant, mut distribution) = (Rules::new(at(1)), Rules::new(at(1)));
        let response = stored("/p", 9);
        // The tenant's rules are loaded, 10 and 11 are applied, the distribution's rules are loaded.
        let before = tenant.clone();
        tenant.insert(&rule("/p"), at(10));
        distribution.insert(&rule("/other"), at(11));
        assert!(newest_rule(&response, stamp(9), [&before, &distribution]) <= at(9), "arrived before 10");
        assert_eq!(newest_rule(&response, stamp(11), [&tenant, &distribution]), at(10));
    }

    #[test]
    fn what_was_checked_is_not_checked_again() {
        let at = Position::new;
        let mut tenant = Rules::new(at(1));
        tenant.insert(&Pattern::parse("/other").expect("a path"), at(10));
        let (distribution, response) = (Rules::new(at(1)), stored("/p", 9));
        assert!(newest_rule(&response, stamp(10), [&tenant, &distribution]) <= at(9));
        assert!(response.is_checked_up_to(at(10)) && !response.is_checked_up_to(at(11)));
    }
}
