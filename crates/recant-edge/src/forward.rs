//! The way of a request to the origin, and of its response back.
//!
//! Two kinds of requests go out. One that may use the cache carries only what its key tells apart
//! (`recant_core::cache_key`), so that what comes back may be stored; a viewer's preconditions stay behind with the
//! rest, so a full response comes back and is passed on, which RFC 9110 section 13.2.1 allows. Any other goes out
//! whole: all end-to-end fields, the full query, the body as it comes; nothing of what comes back is stored.

use http::header::{
    CONTENT_LENGTH, DATE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;

use recant_core::cache_key::{CacheKey, CachedMethod, KeyedRequest};
use recant_core::freshness::{self, RequestFacts};
use recant_core::limits::{STORED_BODY_BYTES_MAX, VIEWER_STALL_MAX};
use recant_core::lookup::Why;
use recant_core::spec::OriginSpec;
use recant_core::tag;
use recant_core::time::WallTime;

use crate::body::{Outgoing, Paced};
use crate::hop;
use crate::origin::{Answer, Call, Origin, OriginError, Upload};
use crate::relay::{Keeper, Relay};
use crate::request::{Arrival, Shared};
use crate::respond;
use crate::store::Facts;
use crate::viewer::Viewer;

/// What is known of a request that goes to the origin, besides its head.
pub(crate) struct Forward<'a> {
    pub(crate) arrival: &'a Arrival,
    pub(crate) why: Why,
    /// There when the request may use the cache.
    pub(crate) keyed: Option<(CachedMethod, KeyedRequest)>,
    pub(crate) is_head: bool,
    pub(crate) viewer: &'a Viewer,
    /// The viewer's, with the default root object filled in.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

/// Asks the origin, and passes its response on.
pub(crate) async fn forward(
    shared: &Shared,
    job: Forward<'_>,
    head: Parts,
    body: Incoming,
) -> Result<Response<Outgoing>, OriginError> {
    let (origin, spec) = Origin::of(&job.arrival.distribution, &job.arrival.tenant, job.viewer)?;
    let facts = RequestFacts::new(&head.headers, shared.clock.wall());
    let changes = changes(&job, &head);
    let call = call(&job, &origin, spec, head, body)?;
    let answer = Box::pin(shared.origins.send(&origin, call)).await?;
    let response_time = shared.clock.wall();
    let status = answer.response.status();
    if let Some(key) = changes.filter(|_| status.is_success() || status.is_redirection()) {
        shared.store.remove(&key);
    }
    Ok(pass_on(shared, job, &facts, answer, response_time))
}

fn call(
    job: &Forward<'_>,
    origin: &Origin,
    spec: &OriginSpec,
    head: Parts,
    body: Incoming,
) -> Result<Call, OriginError> {
    let received = head.version;
    let viewers_host = head.headers.get(HOST).cloned();
    let (mut headers, query) = match &job.keyed {
        Some((_, keyed)) => {
            let mut headers: HeaderMap = keyed.origin_headers.iter().cloned().collect();
            hop::carry_hops(&head.headers, &mut headers);
            (headers, keyed.origin_query.as_deref())
        }
        None => (whole(head.headers, job.viewer), job.query.as_deref()),
    };
    for (name, value) in &spec.custom_headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| OriginError::Malformed)?;
        let value = HeaderValue::from_str(value).map_err(|_| OriginError::Malformed)?;
        if !hop::is_for_one_hop(&name) {
            headers.insert(name, value);
        }
    }
    // Host only if a policy says so: an origin must not answer by what the key does not tell apart.
    let keys_host = job.arrival.policy.is_some_and(|policy| policy.headers.contains(&HOST));
    let host = match viewers_host.filter(|_| keys_host) {
        Some(host) => host,
        None => HeaderValue::try_from(origin.place.host_field()).map_err(|_| OriginError::Malformed)?,
    };
    headers.insert(HOST, host);
    // The body's own length counts; hyper states it.
    headers.remove(CONTENT_LENGTH);
    hop::append_via(&mut headers, received);

    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}{}{query}", origin.path, job.path);
    let mut out = http::Request::new(()).into_parts().0;
    out.method = head.method;
    out.uri = target.parse::<PathAndQuery>().map_err(|_| OriginError::Malformed)?.into();
    out.version = Version::HTTP_11;
    out.headers = headers;
    let upload = if body.is_end_stream() {
        Upload::Nothing
    } else {
        Upload::Viewers(Paced::new(body, VIEWER_STALL_MAX))
    };
    Ok(Call { head: out, upload })
}

/// All of a viewer's fields that are for the origin. Here the origin may know the viewer: nothing is stored.
fn whole(mut headers: HeaderMap, viewer: &Viewer) -> HeaderMap {
    const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    hop::strip(&mut headers);
    // Its 100 (Continue) has been or will be sent by this edge (RFC 9110 section 10.1.1).
    headers.remove(EXPECT);
    if let Ok(viewer) = HeaderValue::from_str(&viewer.address.to_canonical().to_string()) {
        headers.append(X_FORWARDED_FOR, viewer);
    }
    headers
}

/// The key of what a request may change at the origin (RFC 9111 section 4.4).
fn changes(job: &Forward<'_>, head: &Parts) -> Option<CacheKey> {
    let policy = job.arrival.policy.filter(|_| job.why == Why::Method && !head.method.is_safe())?;
    let (tenant, distribution) = (&job.arrival.tenant, &job.arrival.distribution);
    let (class, path, query) = (CachedMethod::Get, job.path.as_str(), job.query.as_deref());
    Some(KeyedRequest::new(tenant, distribution, policy, class, path, query, &head.headers).key)
}

/// Turns an origin's response into the viewer's, and has it stored on the way if it may be.
fn pass_on(
    shared: &Shared,
    job: Forward<'_>,
    facts: &RequestFacts,
    answer: Answer,
    response_time: WallTime,
) -> Response<Outgoing> {
    let Answer { response, lent, read_timeout } = answer;
    let (mut parts, body) = response.into_parts();
    let kept = facts_to_keep(&job, facts, &parts, &body, response_time);

    state_length(&mut parts, &body, job.is_head);
    hop::strip(&mut parts.headers);
    hop::append_via(&mut parts.headers, parts.version);
    // RFC 9110 section 6.6.1: a recipient that keeps a response notes when it came.
    if let (false, Ok(date)) =
        (parts.headers.contains_key(DATE), HeaderValue::try_from(http_date(response_time)))
    {
        parts.headers.insert(DATE, date);
    }
    let keeper = match (kept, job.keyed) {
        (Some(mut kept), Some((_, keyed))) => {
            kept.headers = parts.headers.clone();
            Some(Keeper::new(&shared.store, keyed.key, kept))
        }
        _ => None,
    };
    respond::mark_forwarded(&mut parts.headers, parts.status, job.why, keeper.is_some());
    let relay = Relay::new(body, read_timeout, lent, keeper);
    let mut response = Response::new(Outgoing::Relayed(Box::new(relay)));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
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

/// What a response is stored with, if it may be; its header fields are still to come.
fn facts_to_keep(
    job: &Forward<'_>,
    facts: &RequestFacts,
    parts: &http::response::Parts,
    body: &Incoming,
    response_time: WallTime,
) -> Option<Facts> {
    let (Some((CachedMethod::Get, keyed)), Some(policy)) = (&job.keyed, job.arrival.policy) else {
        return None;
    };
    // A body that lasts until the connection closes may have been cut off without anybody knowing (RFC 9112 section 8).
    let length = body.size_hint().exact();
    if length.is_none() && !parts.headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    if length.is_some_and(|length| length > STORED_BODY_BYTES_MAX as u64) {
        return None;
    }
    let lifetime = freshness::storability(facts, parts.status, &parts.headers, policy, response_time)
        .inspect_err(|reason| tracing::debug!(%reason, path = %job.path, "not stored"))
        .ok()?;
    let tag_header = job.arrival.distribution.cache_tag_header.as_deref();
    let tags = tag_header.map_or_else(Vec::new, |name| {
        tag::parse_header_values(parts.headers.get_all(name).iter().map(HeaderValue::as_bytes))
    });
    Some(Facts {
        tenant: job.arrival.tenant.id.clone(),
        stamp: job.arrival.stamp,
        uris: keyed.key.uris(),
        tags,
        status: parts.status,
        headers: HeaderMap::new(),
        lifetime,
        response_time,
    })
}

fn http_date(at: WallTime) -> String {
    let since = std::time::Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0));
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}
