//! One viewer's request, from its complete head to the response.
//!
//! ```text
//! head complete ─ refuse what is unclear ─ view, stamp, tenant, distribution ─ key ─ stored? rules? lease? fresh?
//!                                                                                     │hit            │forward
//!                                                                                  serve it      origin ─ relay, and keep
//! ```
//!
//! **Everything that a verdict depends on is read after the head is complete**, here and nowhere earlier; nothing
//! of it is kept on the connection (PURGE.md section 2.3, rule 5).
//!
//! The stamp is taken before the configuration is read and so before the origin request starts (rule 4; why before
//! the configuration: see `world`). A response that may not be served now may still be stored: whether it may be
//! served is asked again each time.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use recant_core::cache_key::{CachedMethod, KeyedRequest};
use recant_core::cache_policy::{self, CachePolicy};
use recant_core::conditional::not_modified;
use recant_core::freshness;
use recant_core::host::Host;
use recant_core::limits::VIA_HOPS_MAX;
use recant_core::lookup::{EdgeView, Lookup, Why, decide};
use recant_core::position::{Position, Stamp};
use recant_core::rules::Rules;
use recant_core::spec::{DistributionSpec, TenantSpec};

use crate::body::Outgoing;
use crate::clock::Clock;
use crate::forward::{Forward, forward};
use crate::hop;
use crate::https;
use crate::origin::Origins;
use crate::respond::{self, Refusal};
use crate::store::{Store, Stored};
use crate::target::Target;
use crate::viewer::Viewer;
use crate::world::{DistributionSlot, TenantSlot, World};

/// What every request needs; one per edge.
pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Store>,
    pub(crate) origins: Origins,
    pub(crate) clock: Arc<dyn Clock>,
    /// The port that viewers without TLS are sent to, where they are.
    pub(crate) https_port: u16,
}

/// Whose request it is, and all that was known when it had arrived.
pub(crate) struct Arrival {
    /// For the origin request that this one may lead to.
    pub(crate) stamp: Stamp,
    view: EdgeView,
    tenant_slot: Arc<TenantSlot>,
    distribution_slot: Arc<DistributionSlot>,
    pub(crate) tenant: Arc<TenantSpec>,
    pub(crate) distribution: Arc<DistributionSpec>,
    /// The behaviour's; none if this version does not know it, and then nothing is cached.
    pub(crate) policy: Option<&'static CachePolicy>,
}

/// Answers one request.
pub(crate) async fn answer(
    shared: &Shared,
    viewer: &Viewer,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let (head, body) = request.into_parts();
    let (method, uri) = (head.method.clone(), head.uri.clone());
    let response = match walk(shared, viewer, head, body).await {
        Ok(response) => response,
        Err((refusal, why)) => {
            tracing::debug!(%method, %uri, reason = ?refusal, "refused");
            refusal.into_response(why)
        }
    };
    tracing::debug!(%method, %uri, status = response.status().as_u16(), "answered");
    response
}

/// Refusals carry why the request was forwarded at all, if it was.
type Refused = (Refusal, Option<Why>);

async fn walk(
    shared: &Shared,
    viewer: &Viewer,
    head: Parts,
    body: Incoming,
) -> Result<Response<Outgoing>, Refused> {
    check_method(&head.method).map_err(at_the_door)?;
    let target = Target::of(&head, viewer.scheme()).map_err(|unclear| at_the_door(unclear.into()))?;
    if !viewer.may_ask_for(&target.host) {
        return Err(at_the_door(Refusal::Misdirected));
    }
    if hop::hops(&head.headers) >= VIA_HOPS_MAX {
        return Err(at_the_door(Refusal::Loop));
    }
    let arrival = Arrival::of(&shared.world, &target.host).map_err(at_the_door)?;
    let protocol = arrival.distribution.default_behavior.viewer_protocol;
    https::check(protocol, viewer, &head, &target, shared.https_port).map_err(at_the_door)?;
    arrival.check_allowed(&head.method).map_err(at_the_door)?;

    // The root object stands for the root from here on: in the key and at the origin. Rules for either concern it.
    let root = arrival.distribution.default_root_object.as_ref().filter(|_| target.path == "/");
    let path = root.map_or_else(|| target.path.to_owned(), |root| format!("/{root}"));
    let query = target.query.map(str::to_owned);

    let (why, keyed) = match look_up(shared, &arrival, &head, &path, query.as_deref()) {
        Found::Hit(hit) => return Ok(hit),
        Found::Forward(why, keyed) => (why, keyed),
    };
    let is_head = head.method == Method::HEAD;
    let job = Forward { arrival: &arrival, why, keyed, is_head, viewer, path, query };
    forward(shared, job, head, body).await.map_err(|error| (error.into(), Some(why)))
}

fn at_the_door(refusal: Refusal) -> Refused {
    (refusal, None)
}

/// `CONNECT` and `TRACE` are about the connection, not the resource; `PURGE` and `BAN` are how other caches are told
/// to forget, and whoever sends them must not believe that it worked. An upgrade is not refused but ignored
/// (RFC 9110 section 7.8): the field is for one hop, so the origin never sees it.
fn check_method(method: &Method) -> Result<(), Refusal> {
    match method.as_str() {
        "CONNECT" | "TRACE" | "PURGE" | "BAN" => Err(Refusal::Method),
        _ => Ok(()),
    }
}

impl Arrival {
    /// Reads everything that the verdict over a request that has just arrived depends on.
    fn of(world: &World, host: &Host) -> Result<Self, Refusal> {
        // Before the configuration: see `world`.
        let stamp = world.stamp();
        let view = world.view();
        let tenant_slot = world.tenant_of(host).ok_or(Refusal::UnknownHost)?;
        let tenant = tenant_slot.spec();
        // The log creates a distribution before its tenants; without it nothing can be served.
        let distribution_slot = world.distribution(&tenant.distribution_id).ok_or(Refusal::Disabled)?;
        let distribution = distribution_slot.spec();
        if !tenant.enabled || !distribution.enabled {
            return Err(Refusal::Disabled);
        }
        let policy = cache_policy::managed(&distribution.default_behavior.cache_policy_id);
        Ok(Self { stamp, view, tenant_slot, distribution_slot, tenant, distribution, policy })
    }

    fn check_allowed(&self, method: &Method) -> Result<(), Refusal> {
        let allowed = &self.distribution.default_behavior.allowed_methods;
        if allowed.iter().any(|allowed| allowed == method.as_str()) {
            Ok(())
        } else {
            Err(Refusal::MethodNotAllowed)
        }
    }

    /// The newest rule that matches, of the tenant's own and of those for all of the distribution's tenants.
    fn newest_rule(&self, stored: &Stored) -> Position {
        newest_rule(stored, self.stamp, [&self.tenant_slot.rules(), &self.distribution_slot.rules()])
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

enum Found {
    Hit(Response<Outgoing>),
    /// The key is there when the request may use the cache.
    Forward(Why, Option<(CachedMethod, KeyedRequest)>),
}

fn look_up(shared: &Shared, arrival: &Arrival, head: &Parts, path: &str, query: Option<&str>) -> Found {
    let Some(policy) = arrival.policy else { return Found::Forward(Why::Bypass, None) };
    let class = match freshness::request_allows(policy, &head.method, &head.headers) {
        Ok(class) => class,
        Err(why) => return Found::Forward(why, None),
    };
    let keyed =
        KeyedRequest::new(&arrival.tenant, &arrival.distribution, policy, class, path, query, &head.headers);
    let stored = match class {
        CachedMethod::Get => shared.store.get(&keyed.key),
        // RFC 9110 section 9.3.2: what a GET would get, without the content.
        CachedMethod::Head => shared.store.get(&keyed.key.with_method(CachedMethod::Get)),
    };
    let Some(stored) = stored else { return Found::Forward(Why::UriMiss, Some((class, keyed))) };
    if stored.tenant != arrival.tenant.id {
        tracing::error!(tenant = %arrival.tenant.id, found = %stored.tenant, "a stored response of another tenant");
        return Found::Forward(Why::UriMiss, Some((class, keyed)));
    }
    let fresh = freshness::at(&stored.lifetime, stored.response_time, shared.clock.wall());
    let rule = arrival.newest_rule(&stored);
    match decide(&arrival.view, shared.clock.boot(), stored.stamp, rule, fresh) {
        Lookup::Hit { age, ttl } => Found::Hit(serve(head, class, &stored, age, ttl)),
        Lookup::Forward(why) => Found::Forward(why, Some((class, keyed))),
    }
}

/// A response out of the store.
fn serve(
    head: &Parts,
    class: CachedMethod,
    stored: &Stored,
    age: Duration,
    ttl: Duration,
) -> Response<Outgoing> {
    let mut headers = stored.headers.clone();
    let mut status = stored.status;
    let mut body = Some(stored.body.clone()).filter(|body| !body.is_empty() && class == CachedMethod::Get);
    if not_modified(stored.status, &head.headers, &stored.headers) {
        status = StatusCode::NOT_MODIFIED;
        body = None;
        respond::strip_for_not_modified(&mut headers);
    }
    respond::mark_hit(&mut headers, status, age, ttl);
    let mut response = Response::new(Outgoing::Whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use recant_core::batch::Pattern;
    use recant_core::freshness::Lifetime;
    use recant_core::id::TenantId;
    use recant_core::match_uri::MatchUri;
    use recant_core::position::Era;
    use recant_core::time::WallTime;

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
            lifetime: Lifetime { lifetime: Duration::from_secs(60), initial_age: Duration::ZERO },
            response_time: WallTime::from_millis(0),
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
