//! Who asks the origin: each request alone, or one for all that ask for the same at the same time.
//!
//! Only a `GET` or `OPTIONS` that may use the cache, at an edge with a lease, goes together with others; not what has to be
//! validated for each viewer (RFC 9111 section 5.2.2.4), and not what could not be shared the last time. Where this edge asks shields,
//! what edges ask of it does not wait for what its viewers ask, which may be waiting for them.

use std::sync::Arc;

use http::Response;
use http::header::{AGE, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body_util::BodyExt;

use recant_core::cache_key::CachedMethod;
use recant_core::conditional::not_modified;

use crate::body::{Outgoing, Received};
use crate::flight::{Boarded, FlightKey, Landed, Phase};
use crate::forward::{Job, ask};
use crate::interim::Gate;
use crate::lookup::{Found, look_up};
use crate::origin::OriginError;
use crate::request::Shared;
use crate::respond;
use crate::shield::Shields;
use crate::tags;

/// Flights that a request follows before it asks alone.
const FLIGHTS_AWAITED_MAX: usize = 3;

/// Gets a response from the origin: by asking, or by waiting for somebody who does.
pub(crate) async fn fetch(
    shared: &Arc<Shared>,
    mut job: Job,
    head: Parts,
    body: Option<Received>,
    gate: Option<Gate>,
) -> Result<Response<Outgoing>, OriginError> {
    let Some(key) = job.joined_flight_key(shared) else {
        return ask(shared, &job, &head, body, gate, None).await;
    };
    for _ in 0..FLIGHTS_AWAITED_MAX {
        let Some(fetching) = &job.fetching else { break };
        let may_join = |stamp| job.may_join(shared, stamp);
        let boarded = shared.flights.board(key.clone(), job.arrival.stamp, fetching, may_join);
        let following = match boarded {
            Boarded::Lead(boarding) => {
                return ask(shared, &job, &head, None, gate, Some(boarding)).await;
            }
            Boarded::Follow(following) => following,
        };
        let news = following.news().await;
        // What was changed while it waited does not concern what is asked only now.
        job.fetching = job.fetching.map(|fetching| fetching.anew());
        match news {
            Some(Phase::Landed(landed)) => {
                if let Some(response) = job.share(shared, &head, &landed) {
                    return Ok(response);
                }
            }
            Some(Phase::Failed(failure, status)) => {
                if let Some(response) = job.stand_in(shared, &head, failure, status) {
                    return Ok(response);
                }
                break;
            }
            // Whoever led has gone, or takes too long: one of those who wait leads now.
            Some(Phase::Gone) | None => continue,
            Some(Phase::UnderWay | Phase::Validated) => {}
            Some(Phase::Unshared) => break,
        }
        // What was under way is stored by now, or was not for this viewer.
        match look_up(shared, &job.arrival, &head, &job.path, job.query.as_deref()).await {
            Found::Hit(response) | Found::HitAndValidate(response, _) => return Ok(response),
            Found::Forward(again) => job.ask = again,
        }
        break;
    }
    ask(shared, &job, &head, None, gate, None).await
}

/// Validates what a viewer was just served (RFC 5861 section 3), unless that is being done, or too much of it.
pub(crate) fn validate_behind(shared: &Arc<Shared>, job: Job, mut head: Parts) {
    let job = job.into_stored();
    let (Some(key), Some(fetching)) = (job.flight_key(shared), job.fetching.clone()) else { return };
    let Ok(permit) = shared.background.clone().try_acquire_owned() else { return };
    // Whoever follows is served from the store; so a flight under way is enough, whatever it brings.
    let boarded = shared.flights.board(key, job.arrival.stamp, &fetching, |_| true);
    let Boarded::Lead(boarding) = boarded else { return };
    if head.method == Method::HEAD {
        head.method = Method::GET;
    }
    let shared = shared.clone();
    tokio::spawn(async move {
        let _permit = permit;
        match ask(&shared, &job, &head, None, None, Some(boarding)).await {
            Ok(response) => {
                let mut body = response.into_body();
                while let Some(Ok(_)) = body.frame().await {}
            }
            Err(error) => tracing::debug!(%error, path = %job.path, "not validated"),
        }
    });
}

impl Job {
    /// Which requests this one is of a kind with.
    pub(crate) fn flight_key(&self, shared: &Shared) -> Option<FlightKey> {
        let is_apart = self.viewer.is_edge() && shared.shields.as_ref().is_some_and(Shields::has_any);
        self.ask.keyed.as_ref().map(|keyed| keyed.flight_key(is_apart))
    }

    /// Which requests this one may go together with, if any.
    fn joined_flight_key(&self, shared: &Shared) -> Option<FlightKey> {
        self.ask.keyed.as_ref().filter(|keyed| keyed.class != CachedMethod::Head)?;
        let must_validate = self.ask.reserve.as_ref().is_some_and(|reserve| reserve.stored.terms.no_cache);
        // Without a lease no request joins what began before it came (PURGE.md rule 6).
        if must_validate || !self.arrival.view.has_lease(shared.clock.boot()) {
            return None;
        }
        let is_shared = |key: &FlightKey| !shared.flights.is_unshared(key);
        self.flight_key(shared).filter(is_shared)
    }

    /// Before the head: by the newest rule for any tag.
    fn may_join(&self, shared: &Shared, stamp: recant_core::position::Stamp) -> bool {
        let uris = self.ask.keyed.as_ref().map(|keyed| keyed.request.key.uris()).unwrap_or_default();
        self.arrival.may_have(shared, stamp, &uris, None)
    }

    /// The response that another viewer's request has brought, if it is one for this viewer: checked again, now that its
    /// tags and its `Vary` are known.
    fn share(&self, shared: &Shared, head: &Parts, landed: &Landed) -> Option<Response<Outgoing>> {
        let facts = &landed.facts;
        let fresh = facts.terms.at(facts.response_time, shared.clock.wall());
        let is_shared = facts.tenant == self.arrival.tenant.id
            && facts.selecting.matches(&head.headers)
            && self.arrival.may_have(shared, facts.stamp, &facts.uris, Some(&facts.tags))
            && fresh.age < fresh.lifetime;
        if !is_shared {
            return None;
        }
        let mut headers = facts.headers.clone();
        let mut status = facts.status;
        let is_conditional = head.method != Method::OPTIONS;
        let body = if is_conditional && not_modified(status, &head.headers, &headers) {
            status = StatusCode::NOT_MODIFIED;
            respond::strip_for_not_modified(&mut headers);
            Outgoing::Whole(None)
        } else {
            Outgoing::Relayed(landed.source.join()?)
        };
        if headers.contains_key(AGE) || fresh.age.as_secs() > 0 {
            headers.insert(AGE, HeaderValue::from(fresh.age.as_secs()));
        }
        debug_assert!(status != StatusCode::NOT_MODIFIED || !headers.contains_key(CONTENT_LENGTH));
        tags::tell(head, &mut headers, &facts.tags);
        respond::mark_collapsed(&mut headers, status, self.ask.why);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }
}
