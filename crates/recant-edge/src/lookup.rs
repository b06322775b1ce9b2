//! What is stored for a request that has just arrived, and whether it may be served: a complete response in memory, one on
//! the disk, and for a range what there is of one that is not complete, in this order.
//!
//! The decision is `recant_core::lookup`'s. Here its arguments are read, after the arrival, and what follows from it for
//! the request is put together.

use std::sync::Arc;

use http::Response;
use http::header::{ACCEPT_ENCODING, HeaderValue, RANGE};
use http::request::Parts;

use recant_core::cache_key::{CODINGS, CacheKey, CachedMethod, KeyedRequest};
use recant_core::lookup::{Lookup, Overdue, Why, decide};
use recant_core::match_uri::MatchUri;
use recant_core::position::{Position, Stamp};
use recant_core::range::AskedRange;
use recant_core::storability;
use recant_core::tag::CacheTag;
use recant_core::vary::is_for_every_coding;

use crate::body::Outgoing;
use crate::fetches::{Fetches, Fetching};
use crate::flight::FlightKey;
use crate::matching;
use crate::request::{Arrival, Shared};
use crate::respond::Account;
use crate::serve::{serve, serve_incomplete};
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
    /// What of the response is asked for, where a part of it is all that the origin is to send. In a box: a hit carries
    /// the place for it along.
    pub(crate) range: Option<Box<AskedRange>>,
}

/// A stored response that no rule matches: it may be validated, and on conditions it may stand in.
#[derive(Clone)]
pub(crate) struct Reserve {
    pub(crate) stored: Arc<Stored>,
    pub(crate) overdue: Overdue,
}

impl Found {
    /// Whether nothing in memory could answer the request.
    fn is_not_in_memory(&self) -> bool {
        matches!(self, Self::Forward(Ask { why: Why::UriMiss | Why::VaryMiss, .. }))
    }
}

impl Ask {
    fn without_cache(why: Why) -> Self {
        Self { why, keyed: None, reserve: None }
    }

    /// One more fetch, if what it brings may be stored.
    pub(crate) fn begin(&self, fetches: &Arc<Fetches>, stamp: Stamp) -> Option<Arc<Fetching>> {
        self.keyed.as_ref().map(|keyed| fetches.begin(stamp, keyed.stored_under()))
    }
}

impl Keyed {
    /// What answers it is stored under this key.
    fn stored_under(&self) -> CacheKey {
        match self.class {
            // RFC 9110 section 9.3.2: what a GET would get, without the content.
            CachedMethod::Head => self.request.key.with_method(CachedMethod::Get),
            CachedMethod::Get | CachedMethod::Options => self.request.key.clone(),
        }
    }

    /// Which other requests its response may be shared with, among those that are apart or those that are not.
    pub(crate) fn flight_key(&self, is_apart: bool) -> FlightKey {
        let apart = [u8::from(is_apart)];
        match &self.range {
            None => (self.request.key.clone(), [&self.selecting[..], &apart].concat()),
            Some(range) => {
                let what = [&range.to_bytes()[..], &self.selecting, &apart].concat();
                (self.request.key.for_parts(), what)
            }
        }
    }
}

impl Reserve {
    /// Whether the origin is to be asked if it is still good.
    pub(crate) fn is_to_be_validated(&self, class: CachedMethod) -> bool {
        class == CachedMethod::Get && self.stored.can_be_validated()
    }
}

/// Looks for a response to this request: in memory, and then on the disk.
pub(crate) async fn look_up(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    path: &str,
    query: Option<&str>,
) -> Found {
    let found = match keyed(arrival, head, path, query) {
        Ok(keyed) => {
            let found = search(shared, arrival, head, (path, query), keyed, None);
            let may_recall = || shared.store.disk().is_some() && arrival.view.has_lease(shared.clock.boot());
            if found.is_not_in_memory() && may_recall() {
                Box::pin(recall(shared, arrival, head, (path, query))).await.unwrap_or(found)
            } else {
                found
            }
        }
        Err(why) => Found::Forward(Ask::without_cache(why)),
    };
    let found = match found {
        Found::Forward(ask) => in_part(shared, arrival, head, ask),
        hit => return hit,
    };
    if let Found::Forward(ask) = &found
        && !matches!(ask.why, Why::Bypass | Why::Method | Why::Request)
    {
        shared.store.account(&arrival.tenant.id).missed();
    }
    found
}

/// What lies on the disk, judged like anything else that is stored. The view is the one of the arrival; the rules are
/// loaded after the reading.
async fn recall(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    target: (&str, Option<&str>),
) -> Option<Found> {
    // Made once more: a hit in memory need not keep it.
    let keyed = keyed(arrival, head, target.0, target.1).ok()?;
    let (key, now) = (keyed.stored_under(), shared.clock.wall());
    let stored = shared.recalls.recall(&shared.store, &key, &head.headers, now).await?;
    Some(search(shared, arrival, head, target, keyed, Some(stored)))
}

/// The request's key, if it may use the cache.
pub(crate) fn keyed(arrival: &Arrival, head: &Parts, path: &str, query: Option<&str>) -> Result<Keyed, Why> {
    let policy = arrival.policy().ok_or(Why::Bypass)?;
    let cached_methods = &arrival.behavior().cached_methods;
    let class = storability::request_allows(policy, cached_methods, &head.method, &head.headers)?;
    let request =
        KeyedRequest::new(&arrival.tenant, &arrival.distribution, policy, class, path, query, &head.headers);
    Ok(Keyed { class, request, selecting: Vec::new(), range: None })
}

fn search(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    (path, query): (&str, Option<&str>),
    mut keyed: Keyed,
    recalled: Option<Arc<Stored>>,
) -> Found {
    let class = keyed.class;
    let found = match (recalled, class) {
        (Some(stored), _) => store::Found::Response(stored),
        (None, CachedMethod::Get) => shared.store.find(&keyed.request.key, &head.headers),
        (None, _) => shared.store.find(&keyed.stored_under(), &head.headers),
    };
    let stored = match found {
        store::Found::Response(stored) if *stored.tenant() == arrival.tenant.id => stored,
        store::Found::Response(stored) => {
            tracing::error!(tenant = %arrival.tenant.id, found = %stored.tenant(), "a stored response of another tenant");
            return Found::Forward(missed(Why::UriMiss, keyed, head));
        }
        store::Found::Other(stored) => {
            keyed.selecting = stored.selecting.of_request(&head.headers).to_bytes();
            return Found::Forward(missed(Why::VaryMiss, keyed, head));
        }
        store::Found::Nothing => {
            let other = (class != CachedMethod::Options)
                .then(|| in_another_coding(shared, arrival, head, path, query))
                .flatten();
            return match other {
                Some(response) => Found::Hit(response),
                None => Found::Forward(missed(Why::UriMiss, keyed, head)),
            };
        }
    };
    let verdict = arrival.judge(shared, &stored);
    let (age, account, overdue) = match verdict {
        Lookup::Hit { age, ttl } => {
            stored.account().hit();
            return Found::Hit(serve(head, &stored, age, &Account::Hit { ttl }));
        }
        Lookup::Forward(why) => {
            if let Why::Invalidated { rule, .. } = why {
                shared.removals.found(&stored, rule);
                shared.store.forget_dead(&stored);
            }
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
        Some(account) => {
            stored.account().hit();
            Found::HitAndValidate(serve(head, &stored, age, &account), ask)
        }
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
    let policy = arrival.policy().filter(|policy| policy.key.gzip || policy.key.brotli)?;
    let (tenant, distribution) = (&arrival.tenant, &arrival.distribution);
    let mut headers = head.headers.clone();
    CODINGS.iter().find_map(|codings| {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(codings));
        let class = CachedMethod::Get;
        let key = KeyedRequest::new(tenant, distribution, policy, class, path, query, &headers).key;
        let store::Found::Response(stored) = shared.store.find(&key, &head.headers) else { return None };
        if *stored.tenant() != tenant.id || !is_for_every_coding(&stored.headers()) {
            return None;
        }
        let verdict = arrival.judge(shared, &stored);
        match verdict {
            Lookup::Hit { age, ttl } => {
                stored.account().hit();
                Some(serve(head, &stored, age, &Account::Hit { ttl }))
            }
            _ => None,
        }
    })
}

/// What is asked for when nothing complete is of use.
fn missed(why: Why, mut keyed: Keyed, head: &Parts) -> Ask {
    let range = AskedRange::of(&head.headers).filter(|_| keyed.class == CachedMethod::Get);
    keyed.range = range.map(Box::new);
    Ask { why, keyed: Some(keyed), reserve: None }
}

/// The same for a range: an incomplete response may have all of it. If not, one range is asked of the origin; of
/// several, and of what is a range only to somebody else, the origin gets to see all, and nothing is stored.
fn in_part(shared: &Shared, arrival: &Arrival, head: &Parts, mut ask: Ask) -> Found {
    if !head.headers.contains_key(RANGE) || ask.reserve.is_some() {
        return Found::Forward(ask);
    }
    let found = match ask.keyed.as_mut().filter(|keyed| keyed.class == CachedMethod::Get) {
        Some(keyed) => search_in_part(shared, arrival, head, keyed),
        None => Err(ask.why),
    };
    match found {
        Ok(response) => return Found::Hit(response),
        // A complete one's reason is the better one, if there was one.
        Err(why) if why != Why::UriMiss && matches!(ask.why, Why::UriMiss | Why::VaryMiss) => ask.why = why,
        Err(_) => {}
    }
    ask.keyed = ask.keyed.filter(|keyed| keyed.range.is_some());
    Found::Forward(ask)
}

fn search_in_part(
    shared: &Shared,
    arrival: &Arrival,
    head: &Parts,
    keyed: &mut Keyed,
) -> Result<Response<Outgoing>, Why> {
    let key = keyed.request.key.for_parts();
    let stored = match shared.store.find(&key, &head.headers) {
        store::Found::Response(stored) if *stored.tenant() == arrival.tenant.id => stored,
        _ => return Err(Why::UriMiss),
    };
    keyed.selecting = stored.selecting.of_request(&head.headers).to_bytes();
    let verdict = arrival.judge(shared, &stored);
    match verdict {
        Lookup::Hit { age, ttl } => {
            let served = serve_incomplete(head, &stored, age, &Account::Hit { ttl });
            if served.is_some() {
                stored.account().hit();
            }
            served.ok_or(Why::UriMiss)
        }
        Lookup::Forward(why) => {
            if let Why::Invalidated { rule, .. } = why {
                shared.removals.found(&stored, rule);
                // What comes now is not to be put together with it.
                shared.store.remove_dead(&key, &stored);
            }
            Err(why)
        }
        Lookup::HitWhileRevalidating(_) | Lookup::Validate(_) => Err(Why::Stale),
    }
}

impl Arrival {
    /// Whether a stored response may be served to this request, by the rules as they are now.
    fn judge(&self, shared: &Shared, stored: &Stored) -> Lookup {
        let fresh = stored.terms.at(stored.response_time, shared.clock.wall());
        let rule = matching::newest_rule_now(stored, self.stamp, &self.tenant_slot, &self.distribution_slot);
        decide(&self.view, shared.clock.boot(), stored.valid_up_to(), rule, &stored.terms, fresh)
    }

    /// Whether a floor is above the stamp by now, as where the snapshot came while the request arrived: then whatever is fetched for it is
    /// of no use to any other.
    pub(crate) fn is_below_a_floor(&self) -> bool {
        let floors = [self.tenant_slot.rules().floor(), self.distribution_slot.rules().floor()];
        floors.into_iter().any(|floor| floor > self.stamp.position)
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
