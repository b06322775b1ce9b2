//! The way of a request to the origin, and of its response back: through to the viewer, into the store on the way, and
//! to those who wait for the same.
//!
//! What of the request goes out is `call`'s business, what a 304 means `confirm`'s.

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use recant_core::cache_key::CachedMethod;
use recant_core::compression::{self, Coding};
use recant_core::host::Host;
use recant_core::limits::{SHIELD_ANSWER_TIME_MAX, VIEWER_STALL_MAX};
use recant_core::lookup::Failure;
use recant_core::spec::OriginSpec;
use recant_core::time::WallTime;

use crate::body::{Outgoing, Paced, Received};
use crate::changed::Changed;
use crate::coded::{Coded, OriginBody};
use crate::date::note_date;
use crate::fetches::Fetching;
use crate::flight::{Boarding, Landed, Phase};
use crate::hop;
use crate::interim::Gate;
use crate::keep::Kept;
use crate::lookup::{Ask, Reserve};
use crate::origin::{Answer, Origin, OriginError, Upload};
use crate::relay::{Keeper, Source};
use crate::request::{Arrival, Shared};
use crate::respond::{self, Account};
use crate::serve::serve;
use crate::shield;
use crate::tags;
use crate::upgrade::switched;
use crate::viewer::Viewer;

/// What is known of a request that goes to the origin, besides its head.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) arrival: Arrival,
    pub(crate) ask: Ask,
    pub(crate) host: Host,
    pub(crate) viewer: Viewer,
    /// The viewer's, with the default root object filled in.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// There when the request may use the cache: what the origin sends may be stored.
    pub(crate) fetching: Option<Arc<Fetching>>,
}

/// An origin as this request's tenant and viewer have it, and what it was made of.
type Target<'d> = (Origin, &'d OriginSpec);

/// Asks the origin, and passes its response on. Whoever leads others (`boarding`) lets them know.
pub(crate) async fn ask(
    shared: &Arc<Shared>,
    job: &Job,
    head: &Parts,
    body: Option<Received>,
    mut gate: Option<Gate>,
    boarding: Option<Boarding>,
) -> Result<Response<Outgoing>, OriginError> {
    let targets = job.targets(head, body.as_ref())?;
    let mut upload = match body {
        Some(body) if !body.is_end_stream() => Upload::Viewers(Paced::new(body, VIEWER_STALL_MAX)),
        _ => Upload::Nothing,
    };
    let mut validate = job.to_validate();
    loop {
        let request_time = shared.clock.wall();
        let upload = std::mem::replace(&mut upload, Upload::Nothing);
        let answered = Box::pin(job.send(shared, &targets, head, upload, validate, gate.as_ref())).await;
        let failed = job.failed(&answered);
        if let Some((failure, status)) = failed {
            if let Some(boarding) = &boarding {
                boarding.tell(Phase::Failed(failure, status));
            }
            if let Some(response) = job.stand_in(shared, head, failure, status) {
                return Ok(response);
            }
        }
        let answer = answered?;
        let times = (request_time, shared.clock.wall());
        if let Some(reserve) = validate.filter(|_| answer.response.status() == StatusCode::NOT_MODIFIED) {
            let mut headers = answer.response.headers().clone();
            let tags = job.take_tags(&mut headers);
            hop::strip(&mut headers);
            hop::append_via(&mut headers, answer.response.version());
            note_date(&mut headers, times.1);
            answer.lent.give_back();
            if let Some(response) = job.confirm(shared, head, reserve, &headers, tags, times) {
                if let Some(boarding) = &boarding {
                    boarding.tell(Phase::Validated);
                }
                return Ok(response);
            }
            validate = None;
            continue;
        }
        // What comes now is the response itself: nothing may come in front of it any more.
        drop(gate.take());
        if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(switched(answer, job.ask.why));
        }
        let status = answer.response.status();
        if !head.method.is_safe() && (status.is_success() || status.is_redirection()) {
            job.forget_what_changed(shared, head, answer.response.headers()).await;
        }
        return Ok(job.pass_on(shared, head, answer, times, boarding));
    }
}

impl Job {
    /// The same, for a response that is stored: where a `HEAD` was asked, that to a `GET`.
    pub(crate) fn into_stored(mut self) -> Self {
        if let Some(keyed) = self.ask.keyed.as_mut().filter(|keyed| keyed.class == CachedMethod::Head) {
            keyed.request.key = keyed.request.key.with_method(CachedMethod::Get);
            keyed.class = CachedMethod::Get;
        }
        self
    }

    /// The origins to ask, one after the other: more than one only for what may be sent twice (Developer Guide, "Optimize
    /// high availability with CloudFront origin failover").
    fn targets(&self, head: &Parts, body: Option<&Received>) -> Result<Vec<Target<'_>>, OriginError> {
        let Arrival { distribution, tenant, .. } = &self.arrival;
        let id = &self.arrival.behavior().target_origin_id;
        let may_repeat = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS)
            && body.is_none_or(Body::is_end_stream);
        let mut specs = distribution.origins_of(id);
        specs.truncate(if may_repeat { specs.len() } else { 1 });
        if specs.is_empty() {
            return Err(OriginError::Unknown(id.clone()));
        }
        let with_origin = |spec| Ok((Origin::of(spec, distribution, tenant, &self.viewer)?, spec));
        specs.into_iter().map(with_origin).collect()
    }

    /// Asks the origins in their order. The last one's answer counts, whatever it is.
    async fn send(
        &self,
        shared: &Shared,
        targets: &[Target<'_>],
        head: &Parts,
        upload: Upload,
        validate: Option<&Reserve>,
        gate: Option<&Gate>,
    ) -> Result<Answer, OriginError> {
        let specs: Vec<&OriginSpec> = targets.iter().map(|(_, spec)| *spec).collect();
        if let Some(answered) = shield::ask(shared, self, &specs, head, validate, gate).await {
            return answered;
        }
        let distribution = &self.arrival.distribution;
        let ((last, spec), before) = targets.split_last().expect("there is an origin to ask");
        for (origin, spec) in before {
            let call = self.call(origin, spec, head, Upload::Nothing, validate, gate)?;
            let id = &self.arrival.behavior().target_origin_id;
            match shared.origins.send(origin, call).await {
                Ok(answer) if !distribution.fails_over(id, answer.response.status().as_u16()) => {
                    return Ok(answer);
                }
                Ok(answer) => tracing::debug!(status = %answer.response.status(), "the next origin is asked"),
                Err(error) => tracing::debug!(%error, "the next origin is asked"),
            }
        }
        let call = self.call(last, spec, head, upload, validate, gate)?;
        shared.origins.send(last, call).await
    }

    fn to_validate(&self) -> Option<&Reserve> {
        let (reserve, keyed) = (self.ask.reserve.as_ref()?, self.ask.keyed.as_ref()?);
        reserve.is_to_be_validated(keyed.class).then_some(reserve)
    }

    /// Whether the origin failed so that what is stored may stand in for it, on conditions.
    fn failed(&self, answered: &Result<Answer, OriginError>) -> Option<(Failure, Option<StatusCode>)> {
        match answered {
            Ok(answer) => {
                let status = answer.response.status();
                // RFC 5861 section 4.
                matches!(status.as_u16(), 500 | 502 | 503 | 504)
                    .then_some((Failure::Error, Some(status)))
                    .filter(|_| self.ask.reserve.is_some())
            }
            Err(error) => error.is_cut_off().then_some((Failure::CutOff, None)),
        }
    }

    /// What is stored, in place of an origin's failure: where its terms allow it, and where it could be served even now.
    pub(crate) fn stand_in(
        &self,
        shared: &Shared,
        head: &Parts,
        failure: Failure,
        status: Option<StatusCode>,
    ) -> Option<Response<Outgoing>> {
        let Reserve { stored, overdue } = self.ask.reserve.as_ref()?;
        let may = overdue.stands_in(&stored.terms.stale, failure)
            && self.arrival.may_have(shared, stored.valid_up_to(), &stored.uris(), Some(&stored.tags));
        let age = stored.terms.at(stored.response_time, shared.clock.wall()).age;
        may.then(|| serve(head, stored, age, &Account::StandIn(status)))
    }

    /// RFC 9111 section 4.4: after a request that was to change something and succeeded, what is stored of it goes: here at once,
    /// whatever becomes of the viewer. Shields are told, and he waits for a second at most until they have been.
    async fn forget_what_changed(&self, shared: &Arc<Shared>, head: &Parts, response: &HeaderMap) {
        let target = (&*self.path, self.query.as_deref());
        let changed = Changed::of(&self.arrival, &self.host, target, &head.headers, response);
        // First the shields: from here on they are not asked for it.
        let told = shield::tell(shared, self, &changed, head, response);
        changed.forget(shared);
        if let Some(told) = told {
            // It goes on when nobody waits for it any more.
            let _ = timeout(SHIELD_ANSWER_TIME_MAX, told).await;
        }
    }

    /// Turns an origin's response into the viewer's, has it stored on the way if it may be, and shares it with those who
    /// wait for it if it is for them, too.
    fn pass_on(
        &self,
        shared: &Shared,
        head: &Parts,
        answer: Answer,
        times: (WallTime, WallTime),
        boarding: Option<Boarding>,
    ) -> Response<Outgoing> {
        let Answer { response, lent, read_timeout } = answer;
        let (mut parts, body) = response.into_parts();
        let tags = self.take_tags(&mut parts.headers);
        let kept = self.facts_to_keep(head, &parts, &body, &tags, times);
        self.freshen_by_head(shared, head, &parts);
        let is_to_be_coded = kept.is_some()
            && head.method == Method::GET
            && self.arrival.behavior().compress
            && self.tells_codings_apart()
            && compression::is_eligible(parts.status, &parts.headers);

        state_length(&mut parts, &body, head.method == Method::HEAD);
        hop::strip(&mut parts.headers);
        hop::append_via(&mut parts.headers, parts.version);
        note_date(&mut parts.headers, times.1);
        let coder = is_to_be_coded.then(|| self.coder(shared)).flatten();
        if is_to_be_coded {
            compression::mark(&mut parts.headers, coder.as_ref().map(|(coding, _)| *coding));
        }
        let (facts, part) = match kept {
            None => (None, None),
            Some(Kept { mut facts, withheld, part }) => {
                facts.headers = parts.headers.clone();
                facts.is_coded_here = coder.is_some();
                for name in &withheld {
                    facts.headers.remove(name);
                }
                (Some(facts), part)
            }
        };
        tags::tell(head, &mut parts.headers, &tags);
        respond::mark_forwarded(&mut parts.headers, parts.status, self.ask.why, facts.is_some());
        let shareable = facts.as_ref().filter(|facts| facts.terms.is_fresh());
        let shareable = shareable.cloned();
        let is_head = self.ask.keyed.as_ref().is_some_and(|keyed| keyed.class == CachedMethod::Head);
        if let Some(key) = self.flight_key(shared).filter(|_| !is_head) {
            shared.flights.remember(&key, shareable.is_some());
        }
        let keys = self.ask.keyed.as_ref().zip(self.fetching.clone());
        let keeper = facts.zip(keys).map(|(facts, (keyed, fetching))| Keeper {
            store: shared.store.clone(),
            key: keyed.request.key.clone(),
            facts,
            part,
            request: head.headers.clone(),
            fetching,
        });
        let body = Paced::new(Received::Http1(body), read_timeout);
        let body = match coder {
            Some((coding, permit)) => OriginBody::Coded(Box::new(Coded::new(body, coding, permit))),
            None => OriginBody::Plain(body),
        };
        let relay = Source::open(body, lent, keeper, |source| {
            let boarding = boarding?;
            let Some(facts) = shareable else {
                boarding.tell(Phase::Unshared);
                return None;
            };
            boarding.tell(Phase::Landed(Arc::new(Landed { facts, source: source.clone() })));
            Some(boarding)
        });
        let mut response = Response::new(Outgoing::Relayed(relay));
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        response
    }

    /// Whether the policy has in the key which codings a viewer accepts.
    pub(crate) fn tells_codings_apart(&self) -> bool {
        self.arrival.policy().is_some_and(|policy| policy.key.gzip || policy.key.brotli)
    }

    /// The coding that this viewer accepts, and the right to do it, unless there is too much of it already.
    fn coder(&self, shared: &Shared) -> Option<(Coding, OwnedSemaphorePermit)> {
        let fields = &self.ask.keyed.as_ref()?.request.origin_headers;
        let (_, accepted) = fields.iter().find(|(name, _)| *name == ACCEPT_ENCODING)?;
        Some((Coding::best(accepted)?, shared.coders.clone().try_acquire_owned().ok()?))
    }

    /// RFC 9111 section 4.3.5: a `HEAD` that says of a stored response that it is another one by now. It never makes one
    /// newer.
    fn freshen_by_head(&self, shared: &Shared, head: &Parts, parts: &http::response::Parts) {
        let (Some(reserve), Some(keyed)) = (&self.ask.reserve, &self.ask.keyed) else { return };
        if head.method != Method::HEAD || parts.status != StatusCode::OK {
            return;
        }
        let mut headers = parts.headers.clone();
        if reserve.stored.is_coded_here {
            compression::weaken(&mut headers);
            headers.remove(CONTENT_LENGTH);
        }
        let stored = reserve.stored.headers();
        let is_other = [ETAG, LAST_MODIFIED, CONTENT_LENGTH]
            .iter()
            .any(|name| headers.get(name).is_some_and(|new| stored.get(name) != Some(new)));
        if is_other {
            let key = keyed.request.key.with_method(CachedMethod::Get);
            shared.store.remove_one(&key, &reserve.stored);
        }
    }
}

/// Leaves one Content-Length that says what will be sent, in one spelling, or none.
fn state_length(parts: &mut http::response::Parts, body: &Incoming, is_head: bool) {
    let has_no_content = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    match body.size_hint().exact() {
        // RFC 9110 section 8.6: the length that a GET's response would have. hyper has not looked at it.
        _ if is_head && !has_no_content && !parts.headers.contains_key(TRANSFER_ENCODING) => {
            match one_length(&parts.headers) {
                Some(length) => drop(parts.headers.insert(CONTENT_LENGTH, length.into())),
                None => drop(parts.headers.remove(CONTENT_LENGTH)),
            }
        }
        Some(length) if !has_no_content && !is_head => {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        // RFC 9112 section 6.1: beside a transfer coding the length is not to be believed.
        _ => drop(parts.headers.remove(CONTENT_LENGTH)),
    }
}

/// The length that all `Content-Length` lines agree on.
fn one_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter().map(|line| {
        let text = line.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        text.parse().ok()
    });
    let first: u64 = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}
