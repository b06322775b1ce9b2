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

use http::header::{CONNECTION, EXPECT, HeaderMap, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response, Version};
use tokio::sync::Semaphore;

use recant_core::cache_control::only_if_cached;
use recant_core::cache_policy::CachePolicy;
use recant_core::host::Host;
use recant_core::limits::VIA_HOPS_MAX;
use recant_core::lookup::{EdgeView, Why};
use recant_core::origin_request_policy::OriginRequestPolicy;
use recant_core::position::Stamp;
use recant_core::spec::{BehaviorSpec, DistributionSpec, TenantSpec};
use recant_wire::feed::EdgeSecret;

use crate::body::{Outgoing, Received};
use crate::clock::Clock;
use crate::collapse::{self, fetch};
use crate::error_page::{self, Asker};
use crate::fetches::Fetches;
use crate::finish::Finish;
use crate::flight::Flights;
use crate::forward::Job;
use crate::geo::Geo;
use crate::hop;
use crate::https;
use crate::interim::{Gate, Interjections};
use crate::lookup::{self, Ask, Found, look_up};
use crate::max_forwards;
use crate::origin::Origins;
use crate::recall::Recalls;
use crate::removals::Removals;
use crate::respond::Refusal;
use crate::shield::{KeyDigest, LogPlace, Shields};
use crate::store::Store;
use crate::target::{Ambiguous, Target};
use crate::upgrade;
use crate::viewer::Viewer;
use crate::viewer_fields;
use crate::world::{DistributionSlot, TenantSlot, World};

/// What every request needs; one per edge.
pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Store>,
    pub(crate) removals: Arc<Removals>,
    pub(crate) fetches: Arc<Fetches>,
    pub(crate) flights: Arc<Flights>,
    /// Who reads from the disk.
    pub(crate) recalls: Recalls,
    /// One for each stored response that may be validated behind its viewer's back at the same time.
    pub(crate) background: Arc<Semaphore>,
    /// One for each body that may be coded at the same time.
    pub(crate) coders: Arc<Semaphore>,
    pub(crate) origins: Origins,
    pub(crate) clock: Arc<dyn Clock>,
    /// The field that says where a viewer is, if one does.
    pub(crate) geo: Geo,
    /// The port that viewers without TLS are sent to, where they are.
    pub(crate) https_port: u16,
    /// Those that are asked in origins' places.
    pub(crate) shields: Option<Shields>,
    /// By what other edges are known that ask this one in an origin's place.
    pub(crate) edge_secret: Option<EdgeSecret>,
}

/// Whose request it is, and all that was known when it had arrived.
#[derive(Clone)]
pub(crate) struct Arrival {
    /// For the origin request that this one may lead to.
    pub(crate) stamp: Stamp,
    pub(crate) view: EdgeView,
    pub(crate) tenant_slot: Arc<TenantSlot>,
    pub(crate) distribution_slot: Arc<DistributionSlot>,
    pub(crate) tenant: Arc<TenantSpec>,
    pub(crate) distribution: Arc<DistributionSpec>,
    /// Which of the distribution's behaviours on paths this is about; none: its default one.
    behavior: Option<usize>,
}

/// Answers one request; `doubt` is what was noted of its bytes, and refuses it.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    interjections: &Arc<dyn Interjections>,
    viewer: &Viewer,
    request: Request<Received>,
    doubt: Option<Ambiguous>,
) -> Response<Outgoing> {
    let (head, body) = request.into_parts();
    let version = head.version;
    // Only if somebody reads them.
    let told = tracing::enabled!(tracing::Level::DEBUG).then(|| (head.method.clone(), head.uri.clone()));
    let walked = match doubt {
        Some(unclear) => Err(at_the_door(unclear.into())),
        None => walk(shared, interjections, viewer, head, body).await,
    };
    let response = match walked {
        Ok(response) => response,
        Err((refusal, why)) => {
            if let Some((method, uri)) = &told {
                tracing::debug!(%method, %uri, reason = ?refusal, "refused");
            }
            let is_unclear = matches!(refusal, Refusal::Ambiguous(_)) && version != Version::HTTP_2;
            let mut response = refusal.into_response(why);
            if is_unclear {
                // Where its body ends may be unclear, too. The version keeps hyper from adding a keep-alive to that.
                *response.version_mut() = version;
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    if let Some((method, uri)) = &told {
        tracing::debug!(%method, %uri, status = response.status().as_u16(), "answered");
    }
    response
}

/// Refusals carry why the request was forwarded at all, if it was.
pub(crate) type Refused = (Refusal, Option<Why>);

async fn walk(
    shared: &Arc<Shared>,
    interjections: &Arc<dyn Interjections>,
    viewer: &Viewer,
    mut head: Parts,
    body: Received,
) -> Result<Response<Outgoing>, Refused> {
    check_method(&head.method).map_err(at_the_door)?;
    check_expectation(&head.headers).map_err(at_the_door)?;
    let target = Target::of(&head, viewer.scheme()).map_err(|unclear| at_the_door(unclear.into()))?;
    if !viewer.may_ask_for(&target.host) {
        return Err(at_the_door(Refusal::Misdirected));
    }
    if hop::hops(&head.headers) >= VIA_HOPS_MAX {
        return Err(at_the_door(Refusal::Loop));
    }
    let arrival = Arrival::of(&shared.world, &target.host, target.path).map_err(at_the_door)?;
    if head.version == Version::HTTP_2 && !arrival.distribution.http2 {
        // The connection was opened for another host (RFC 9113 section 9.1.2), or before the configuration changed.
        return Err(at_the_door(Refusal::Misdirected));
    }
    let finish = Finish::of(&arrival, &head, &*shared.clock);
    let has_pages = arrival.distribution.custom_errors.iter().any(|error| error.page.is_some());
    let asker = has_pages.then(|| Asker {
        arrival: arrival.clone(),
        host: target.host.clone(),
        viewer: viewer.clone(),
        head: head.clone(),
    });
    let outcome = match admit(shared, &arrival, viewer, &head, &target) {
        Ok(()) => {
            let (path, query) = (arrival.object_path(target.path), target.query.map(str::to_owned));
            let target = (target.host, path, query);
            match max_forwards::ends_here(&head.method, &mut head.headers) {
                true => Ok(max_forwards::answer(&arrival.behavior().allowed_methods)),
                false => serve(shared, interjections, viewer, arrival, target, head, body).await,
            }
        }
        Err(refusal) => Err(at_the_door(refusal)),
    };
    let outcome = match asker {
        Some(asker) => Box::pin(error_page::in_place_of(outcome, shared, asker)).await,
        None => outcome,
    };
    outcome.map(|response| finish.response(response, &*shared.clock))
}

/// Answers another edge, which has judged what concerns its viewer, has applied the log up to a place, and will store what it gets under a key.
/// Nothing where this one has not come so far, takes the request for another one, or cannot tell what is meant: then the origin is to be asked
/// without it.
pub(crate) async fn answer_edge(
    shared: &Arc<Shared>,
    interjections: &Arc<dyn Interjections>,
    viewer: &Viewer,
    (asked, key): (LogPlace, KeyDigest),
    head: Parts,
    body: Received,
) -> Option<Result<Response<Outgoing>, Refused>> {
    check_method(&head.method).ok()?;
    let target = Target::of(&head, viewer.scheme()).ok()?;
    if hop::hops(&head.headers) >= VIA_HOPS_MAX {
        return None;
    }
    let arrival = Arrival::of(&shared.world, &target.host, target.path).ok()?;
    let place = shared.world.place_of(arrival.stamp)?;
    if place.history != asked.history || place.position < asked.position {
        return None;
    }
    let (path, query) = (arrival.object_path(target.path), target.query.map(str::to_owned));
    // The two may know of different configurations: another tenant's bytes are not to come under a tenant's key.
    let keyed = lookup::keyed(&arrival, &head, &path, query.as_deref()).ok()?;
    if KeyDigest::of(&keyed.request.key) != key {
        return None;
    }
    let target = (target.host, path, query);
    Some(serve(shared, interjections, viewer, arrival, target, head, body).await)
}

/// Whether the configuration lets this viewer ask for this, in this way.
fn admit(
    shared: &Shared,
    arrival: &Arrival,
    viewer: &Viewer,
    head: &Parts,
    target: &Target<'_>,
) -> Result<(), Refusal> {
    let whereabouts = || shared.geo.whereabouts(&head.headers, viewer.address.ip());
    if !arrival.distribution.admits(&arrival.tenant, whereabouts) {
        return Err(Refusal::Country);
    }
    https::check(arrival.behavior().viewer_protocol, viewer, head, target, shared.https_port)?;
    arrival.check_allowed(&head.method)
}

/// From the lookup to the response.
async fn serve(
    shared: &Arc<Shared>,
    interjections: &Arc<dyn Interjections>,
    viewer: &Viewer,
    arrival: Arrival,
    (host, path, query): (Host, String, Option<String>),
    mut head: Parts,
    body: Received,
) -> Result<Response<Outgoing>, Refused> {
    // What nobody carries on is no reason to go past the store (RFC 9110 section 7.8).
    if upgrade::asked(&head).is_none() {
        head.headers.remove(UPGRADE);
    }
    viewer_fields::settle(&mut head, &arrival, viewer, &shared.geo);
    let found = look_up(shared, &arrival, &head, &path, query.as_deref()).await;
    let job = |ask: Ask| {
        let fetching = ask.begin(&shared.fetches, arrival.stamp);
        Job { arrival, ask, host, viewer: viewer.clone(), path, query, fetching }
    };
    match found {
        Found::Hit(response) => Ok(response),
        Found::HitAndValidate(response, ask) => {
            collapse::validate_behind(shared, job(ask), head);
            Ok(response)
        }
        Found::Forward(ask) => {
            let why = Some(ask.why);
            // Of an edge's viewer the edge has judged it.
            if only_if_cached(&head.headers) && !viewer.is_edge() {
                return Err((Refusal::NotStored, why));
            }
            let gate = Some(Gate::open(interjections));
            let fetched = Box::pin(fetch(shared, job(ask), head, Some(body), gate)).await;
            fetched.map_err(|error| (error.into(), why))
        }
    }
}

fn at_the_door(refusal: Refusal) -> Refused {
    (refusal, None)
}

/// `CONNECT` and `TRACE` are about the connection, not the resource; `PURGE` and `BAN` are how other caches are told
/// to forget, and whoever sends them must not believe that it worked.
fn check_method(method: &Method) -> Result<(), Refusal> {
    match method.as_str() {
        "CONNECT" | "TRACE" | "PURGE" | "BAN" => Err(Refusal::Method),
        _ => Ok(()),
    }
}

/// The one expectation that there is (RFC 9110 section 10.1.1), said in one way. Its `100 (Continue)` is sent by hyper, and over HTTP/2
/// by the request's content.
fn check_expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut expectations = headers.get_all(EXPECT).iter();
    match (expectations.next(), expectations.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        _ => Err(Refusal::Expectation),
    }
}

impl Arrival {
    /// Reads everything that the verdict over a request that has just arrived depends on.
    pub(crate) fn of(world: &World, host: &Host, path: &str) -> Result<Self, Refusal> {
        // Before the configuration: see `world`.
        let stamp = world.stamp();
        let view = world.view();
        let unknown = || if world.is_told() { Refusal::UnknownHost } else { Refusal::NotTold };
        let tenant_slot = world.tenant_of(host).ok_or_else(unknown)?;
        let tenant = tenant_slot.spec();
        // The log creates a distribution before its tenants; without it nothing can be served.
        let distribution_slot = world.distribution(&tenant.distribution_id).ok_or(Refusal::Disabled)?;
        let distribution = distribution_slot.spec();
        if !tenant.enabled || !distribution.enabled {
            return Err(Refusal::Disabled);
        }
        // Nearly all have only the default one.
        let behavior = match distribution.path_behaviors.is_empty() {
            true => None,
            false => distribution.behavior_index(&object_path(&distribution, path)),
        };
        Ok(Self { stamp, view, tenant_slot, distribution_slot, tenant, distribution, behavior })
    }

    /// The same, about another path of the same tenant.
    #[must_use]
    pub(crate) fn about(mut self, path: &str) -> Self {
        self.behavior = self.distribution.behavior_index(&object_path(&self.distribution, path));
        self
    }

    /// Which of the distribution's behaviours that is.
    pub(crate) fn behavior_index(&self) -> Option<usize> {
        self.behavior
    }

    /// The behaviour of its path.
    pub(crate) fn behavior(&self) -> &BehaviorSpec {
        self.distribution.behavior(self.behavior)
    }

    /// The behaviour's cache policy; none if this version does not know it, and then nothing is cached.
    pub(crate) fn policy(&self) -> Option<&CachePolicy> {
        self.behavior().cache_policy()
    }

    /// The behaviour's origin request policy, if it has one.
    pub(crate) fn origin_request(&self) -> Option<&OriginRequestPolicy> {
        self.behavior().origin_request_policy()
    }

    fn check_allowed(&self, method: &Method) -> Result<(), Refusal> {
        let allowed = &self.behavior().allowed_methods;
        if allowed.iter().any(|allowed| allowed == method.as_str()) {
            Ok(())
        } else {
            Err(Refusal::MethodNotAllowed)
        }
    }

    /// The root object stands for the root from here on: in the key and at the origin. Rules for either concern it.
    pub(crate) fn object_path(&self, path: &str) -> String {
        object_path(&self.distribution, path)
    }
}

fn object_path(distribution: &DistributionSpec, path: &str) -> String {
    let root = distribution.default_root_object.as_ref().filter(|_| path == "/");
    root.map_or_else(|| path.to_owned(), |root| format!("/{root}"))
}
