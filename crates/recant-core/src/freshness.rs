//! Which requests may use the cache, which responses may be stored, and how long they stay fresh: RFC 9111
//! sections 3 and 4.2 with the bounds of CloudFront's cache policies.
//!
//! The order of precedence is: what the RFC forbids to store is not stored, whatever a policy's minimum TTL says;
//! what this version does not handle for a response (ranges, cookies, most of `Vary`, trailers) is forwarded and
//! not stored; then the origin's explicit lifetime, or the policy's default, kept between the policy's bounds.
//!
//! It does not look at rules, stamps or leases ([`crate::lookup`]), nor at what fits into memory.

use std::time::Duration;

use http::header::{
    AGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, DATE, EXPIRES, IF_MATCH, IF_UNMODIFIED_SINCE, RANGE,
    SET_COOKIE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::cache_control::{CacheControl, delta_seconds};
use crate::cache_key::CachedMethod;
use crate::cache_policy::{CachePolicy, CookieKey};
use crate::conditional::http_date;
use crate::lookup::{Freshness, Why};
use crate::time::WallTime;

/// Whether a request may be answered from the cache and its response stored; else why it is forwarded whole.
///
/// `CloudFront differs:` from RFC 9111 section 5.2.1, and so do we: a viewer's `Cache-Control` and `Pragma` are not
/// read, so that viewers cannot turn the cache off (Developer Guide, "Request and response behavior for custom origins").
///
/// # Errors
/// [`Why::Bypass`], [`Why::Method`] or [`Why::Request`].
pub fn request_allows(
    policy: &CachePolicy,
    method: &Method,
    headers: &HeaderMap,
) -> Result<CachedMethod, Why> {
    if policy.never_stores() {
        return Err(Why::Bypass);
    }
    // RFC 9111 section 3: the method must be understood by the cache.
    let class = CachedMethod::of(method).ok_or(Why::Method)?;
    // Authorization: section 3.5, not handled yet. Range: section 3.3, not handled yet. If-Match and
    // If-Unmodified-Since: section 4.3.2 leaves them to the origin. Upgrade: not about a representation at all.
    let origins_business = [AUTHORIZATION, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE, UPGRADE];
    if origins_business.iter().any(|name| headers.contains_key(name)) || has_content(headers) {
        return Err(Why::Request);
    }
    Ok(class)
}

/// RFC 9110 section 9.3.1: content in a GET has no defined meaning, but an origin may answer by it, and it is in no key.
fn has_content(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get_all(CONTENT_LENGTH).iter().any(|length| length.as_bytes() != b"0")
}

/// What storing a response needs to know of the request it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// Whether the viewer's request carries `Authorization`.
    pub authorization: bool,
    /// When the request was sent to the origin.
    pub request_time: WallTime,
}

impl RequestFacts {
    /// The facts of a viewer's request that went to the origin at `request_time`.
    pub fn new(headers: &HeaderMap, request_time: WallTime) -> Self {
        Self { authorization: headers.contains_key(AUTHORIZATION), request_time }
    }
}

/// How long a response stays fresh, and how old it already was when it arrived (RFC 9111 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The freshness lifetime, counted from the response's generation.
    pub lifetime: Duration,
    /// The corrected initial age: what its age was at the response time.
    pub initial_age: Duration,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotStored {
    /// The policy's maximum TTL is zero.
    #[error("the cache policy stores nothing")]
    Policy,
    /// A status that is partial, about another response, or not cached.
    #[error("responses of this status are not stored")]
    Status,
    /// `Cache-Control: no-store`.
    #[error("Cache-Control says no-store")]
    NoStore,
    /// `Cache-Control: private`.
    #[error("Cache-Control says private")]
    Private,
    /// `Cache-Control: no-cache`: it would have to be revalidated each time.
    #[error("Cache-Control says no-cache")]
    NoCache,
    /// The request was authorised.
    #[error("the request carries Authorization")]
    Authorization,
    /// The response sets a cookie.
    #[error("the response sets a cookie")]
    SetCookie,
    /// The response is part of something.
    #[error("the response is a range")]
    Range,
    /// The response announces trailers.
    #[error("the response has trailers")]
    Trailers,
    /// The response varies by what is not in the key.
    #[error("the response varies by what the cache policy does not key")]
    Vary,
    /// Neither the origin nor the policy gives it a lifetime.
    #[error("the response has no freshness lifetime")]
    NoLifetime,
    /// It is older than its lifetime already.
    #[error("the response was stale when it arrived")]
    AlreadyStale,
}

/// Decides whether a response to a request that used the cache may be stored, and for how long.
///
/// `response_time` is when its head arrived.
///
/// # Errors
/// [`NotStored`] names the first reason.
pub fn storability(
    request: &RequestFacts,
    status: StatusCode,
    headers: &HeaderMap,
    policy: &CachePolicy,
    response_time: WallTime,
) -> Result<Lifetime, NotStored> {
    if policy.never_stores() {
        return Err(NotStored::Policy);
    }
    let default_ttl = default_ttl(status, policy)?;
    let control = CacheControl::of(headers);
    // Section 5.2.2.5. CloudFront differs: a minimum TTL above zero overrules no-store, private and no-cache there.
    if control.no_store {
        return Err(NotStored::NoStore);
    }
    // Section 5.2.2.7.
    if control.private {
        return Err(NotStored::Private);
    }
    // Section 3.5 would allow some of these.
    if request.authorization {
        return Err(NotStored::Authorization);
    }
    // Section 5.2.2.4: storable, but useless without revalidation.
    if control.no_cache {
        return Err(NotStored::NoCache);
    }
    // Section 7.3 leaves this to the origin; until cookies are stripped or understood, one viewer's is not given to another.
    if headers.contains_key(SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    // Section 3.3; a Content-Range outside 206 is malformed (RFC 9110 section 14.4).
    if headers.contains_key(CONTENT_RANGE) {
        return Err(NotStored::Range);
    }
    if headers.contains_key(TRAILER) {
        return Err(NotStored::Trailers);
    }
    if !varies_by_key_only(headers, policy) {
        return Err(NotStored::Vary);
    }
    let date = single(headers, DATE).and_then(http_date);
    let lifetime = explicit_lifetime(&control, headers, date.unwrap_or(response_time))
        .or(default_ttl)
        .ok_or(NotStored::NoLifetime)?
        // CloudFront's bounds (Developer Guide, "Manage how long content stays in the cache"). They come from the
        // operator, so RFC 9111 section 4.2.2 has nothing against them.
        .clamp(policy.min_ttl, policy.max_ttl.max(policy.min_ttl));
    if lifetime.is_zero() {
        return Err(NotStored::NoLifetime);
    }
    let initial_age = initial_age(headers, date, request.request_time, response_time);
    if initial_age >= lifetime {
        return Err(NotStored::AlreadyStale);
    }
    Ok(Lifetime { lifetime, initial_age })
}

/// The age and lifetime of a stored response at `now` (RFC 9111 section 4.2.3).
pub fn at(lifetime: &Lifetime, response_time: WallTime, now: WallTime) -> Freshness {
    let resident = now.saturating_since(response_time);
    Freshness { age: lifetime.initial_age.saturating_add(resident), lifetime: lifetime.lifetime }
}

/// The lifetime of responses of this status that do not state one.
///
/// 200 and its like take the policy's default. The redirects and errors that RFC 9110 section 15.1 calls heuristically
/// cacheable, and temporary redirects, are stored only when the origin says for how long: most origins never thought
/// of caching them. CloudFront differs: it keeps errors for an error caching minimum TTL, 10 s unless configured.
/// Partial content (206), 304 and 5xx are never stored; nor is a status that is not understood (RFC 9111 section 3).
fn default_ttl(status: StatusCode, policy: &CachePolicy) -> Result<Option<Duration>, NotStored> {
    match status.as_u16() {
        200 | 203 | 204 | 300 | 301 | 308 => Ok(Some(policy.default_ttl)),
        302 | 307 | 404 | 405 | 410 | 414 => Ok(None),
        _ => Err(NotStored::Status),
    }
}

/// RFC 9111 section 4.2.1, for a shared cache: `s-maxage`, else `max-age`, else `Expires` less `Date`.
fn explicit_lifetime(control: &CacheControl, headers: &HeaderMap, date: WallTime) -> Option<Duration> {
    control.s_maxage.or(control.max_age).or_else(|| {
        let lines = headers.get_all(EXPIRES).iter();
        // Section 5.3: an invalid date, especially 0, is in the past. Of several lines the earliest counts.
        lines
            .map(|line| {
                http_date(line.as_bytes()).map_or(Duration::ZERO, |expires| expires.saturating_since(date))
            })
            .min()
    })
}

/// The corrected initial age of RFC 9111 section 4.2.3.
fn initial_age(
    headers: &HeaderMap,
    date: Option<WallTime>,
    request_time: WallTime,
    response_time: WallTime,
) -> Duration {
    let apparent_age = date.map_or(Duration::ZERO, |date| response_time.saturating_since(date));
    // Section 5.1: what is no number of seconds is ignored; of a list the first one counts.
    let age_value = headers
        .get_all(AGE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .find_map(|member| delta_seconds(member.trim_ascii()))
        .unwrap_or(Duration::ZERO);
    let response_delay = response_time.saturating_since(request_time);
    apparent_age.max(age_value.saturating_add(response_delay))
}

/// Whether every field that `Vary` names is one that the key tells apart, so that whoever shares the key has made the
/// same request in its eyes (RFC 9111 section 4.1).
///
/// Keyed: the policy's header fields, `Cookie` where cookies count, and `Accept-Encoding`, which is either in the
/// key in its normalised form or never sent to the origin. `*` and every other field is not, until variants are stored.
fn varies_by_key_only(headers: &HeaderMap, policy: &CachePolicy) -> bool {
    let keyed = |name: &[u8]| {
        name.eq_ignore_ascii_case(b"accept-encoding")
            || name.eq_ignore_ascii_case(b"cookie") && policy.cookies == CookieKey::All
            || policy.headers.iter().any(|header| name.eq_ignore_ascii_case(header.as_str().as_bytes()))
    };
    let lines = headers.get_all(VARY).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
        .all(keyed)
}

/// The value of a field that occurs exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut lines = headers.get_all(name).iter();
    let (first, None) = (lines.next()?, lines.next()) else { return None };
    Some(first.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::cache_policy::managed;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    const ORIGIN: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
    const YEAR: u64 = 31_536_000;

    /// 1994-11-06 08:49:37 UTC, the RFC's example: when the tests' responses arrive.
    const NOW: i64 = 784_111_777_000;
    const DATE_NOW: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";
    const DATE_MINUTE_AGO: &str = "date: Sun, 06 Nov 1994 08:48:37 GMT";

    fn map(lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn judge(policy: &str, status: u16, lines: &[&str], delay_millis: i64) -> Result<Lifetime, NotStored> {
        let request = RequestFacts::new(&HeaderMap::new(), WallTime::from_millis(NOW - delay_millis));
        let status = StatusCode::from_u16(status).unwrap();
        storability(&request, status, &map(lines), managed(policy).unwrap(), WallTime::from_millis(NOW))
    }

    fn check(policy: &str, status: u16, lines: &[&str], expected: Result<u64, NotStored>) {
        let got = judge(policy, status, lines, 0).map(|lifetime| lifetime.lifetime.as_secs());
        assert_eq!(got, expected, "{status} {lines:?}");
    }

    #[test]
    fn lifetimes_are_kept_between_the_policys_bounds() {
        use NotStored::{NoLifetime, Policy};
        check(OPTIMIZED, 200, &[], Ok(86_400));
        check(ORIGIN, 200, &[], Err(NoLifetime));
        check(DISABLED, 200, &["cache-control: max-age=60"], Err(Policy));
        for policy in [OPTIMIZED, ORIGIN] {
            check(policy, 200, &["cache-control: max-age=60"], Ok(60));
            check(policy, 200, &["cache-control: max-age=60, s-maxage=30"], Ok(30));
            check(policy, 200, &["cache-control: s-maxage=90", "cache-control: max-age=60"], Ok(90));
            check(policy, 200, &["cache-control: max-age=99999999999"], Ok(YEAR));
            check(
                policy,
                200,
                &["cache-control: max-age=60", "expires: Sun, 06 Nov 1994 09:49:37 GMT"],
                Ok(60),
            );
            check(policy, 200, &[DATE_NOW, "expires: Sun, 06 Nov 1994 08:50:37 GMT"], Ok(60));
            check(policy, 200, &["expires: Sun, 06 Nov 1994 08:50:37 GMT"], Ok(60));
            check(policy, 200, &[DATE_MINUTE_AGO, "expires: Sun, 06 Nov 1994 08:50:37 GMT"], Ok(120));
        }
        // The minimum TTL is the operator's word over a lifetime of nothing.
        for nothing in [
            "cache-control: max-age=0",
            "cache-control: max-age=oops",
            "cache-control: s-maxage=0, max-age=60",
            "expires: 0",
            "expires: Sun, 06 Nov 1994 08:49:36 GMT",
        ] {
            check(OPTIMIZED, 200, &[nothing], Ok(1));
            check(ORIGIN, 200, &[nothing], Err(NoLifetime));
        }
        check(ORIGIN, 200, &["expires: -1", "expires: Sun, 06 Nov 1994 09:49:37 GMT"], Err(NoLifetime));
    }

    #[test]
    fn statuses() {
        let explicit = ["cache-control: max-age=60"];
        for status in [200, 203, 204, 300, 301, 308] {
            check(OPTIMIZED, status, &[], Ok(86_400));
            check(OPTIMIZED, status, &explicit, Ok(60));
        }
        for status in [302, 307, 404, 405, 410, 414] {
            check(OPTIMIZED, status, &[], Err(NotStored::NoLifetime));
            check(OPTIMIZED, status, &explicit, Ok(60));
        }
        for status in [101, 201, 206, 303, 304, 400, 401, 403, 416, 429, 500, 501, 502, 503, 504, 599] {
            check(OPTIMIZED, status, &explicit, Err(NotStored::Status));
        }
    }

    #[test]
    fn what_forbids_storing_wins_over_any_ttl() {
        use NotStored::{NoCache, NoStore, Private, Range, SetCookie, Trailers, Vary};
        let refused = |line: &str, why| {
            for policy in [OPTIMIZED, ORIGIN] {
                check(policy, 200, &["cache-control: max-age=60", line], Err(why));
            }
        };
        refused("cache-control: no-store", NoStore);
        refused("cache-control: must-understand, no-store", NoStore);
        refused("cache-control: private", Private);
        refused("cache-control: private=\"x-a\"", Private);
        refused("cache-control: no-cache", NoCache);
        refused("cache-control: no-cache=\"x-a\"", NoCache);
        refused("set-cookie: a=1", SetCookie);
        refused("content-range: bytes 0-1/2", Range);
        refused("trailer: x-checksum", Trailers);
        refused("vary: *", Vary);
        refused("vary: accept-encoding, *", Vary);
        refused("vary: User-Agent", Vary);
    }

    #[test]
    fn vary_by_what_is_keyed_is_stored() {
        let explicit = "cache-control: max-age=60";
        check(OPTIMIZED, 200, &[explicit, "vary: Accept-Encoding"], Ok(60));
        check(OPTIMIZED, 200, &[explicit, "vary: "], Ok(60));
        check(ORIGIN, 200, &[explicit, "vary: Accept-Encoding, Origin", "vary: cookie,,host"], Ok(60));
        check(OPTIMIZED, 200, &[explicit, "vary: Origin"], Err(NotStored::Vary));
        check(OPTIMIZED, 200, &[explicit, "vary: Cookie"], Err(NotStored::Vary));
        check(ORIGIN, 200, &[explicit, "vary: Origin, Accept-Language"], Err(NotStored::Vary));
    }

    #[test]
    fn authorised_responses_are_not_stored() {
        let request = RequestFacts::new(&map(&["authorization: Basic eDp5"]), WallTime::from_millis(NOW));
        let (headers, policy) = (map(&["cache-control: public, max-age=60"]), managed(OPTIMIZED).unwrap());
        let got = storability(&request, StatusCode::OK, &headers, policy, WallTime::from_millis(NOW));
        assert_eq!(got, Err(NotStored::Authorization));
    }

    #[test]
    fn initial_ages() {
        let check = |lines: &[&str], delay_millis: i64, expected_millis: Option<u64>| {
            let lines: Vec<_> = lines.iter().copied().chain(["cache-control: max-age=100"]).collect();
            let got = judge(ORIGIN, 200, &lines, delay_millis);
            let expected = expected_millis.map(Duration::from_millis).ok_or(NotStored::AlreadyStale);
            assert_eq!(got.map(|lifetime| lifetime.initial_age), expected, "{lines:?}");
        };
        check(&[], 0, Some(0));
        check(&[], 250, Some(250));
        check(&["age: 10"], 250, Some(10_250));
        check(&[DATE_MINUTE_AGO], 250, Some(60_000));
        check(&[DATE_MINUTE_AGO, "age: 60"], 250, Some(60_250));
        // A Date from the future makes nothing younger; nor does a request time after the response.
        check(&["date: Sun, 06 Nov 1994 08:50:37 GMT"], 0, Some(0));
        check(&[], -1_000, Some(0));
        check(&["date: gibberish"], 0, Some(0));
        check(&["age: 7, 9"], 0, Some(7_000));
        check(&["age: -5"], 0, Some(0));
        check(&["age: oops, 9"], 0, Some(9_000));
        check(&["age: 100"], 0, None);
        check(&["age: 99999999999999999999"], 0, None);
    }

    #[test]
    fn ages_grow_with_time() {
        let lifetime = Lifetime { lifetime: Duration::from_secs(60), initial_age: Duration::from_secs(10) };
        let age_at = |millis| at(&lifetime, WallTime::from_millis(NOW), WallTime::from_millis(millis)).age;
        assert_eq!(age_at(NOW), Duration::from_secs(10));
        assert_eq!(age_at(NOW + 5_500), Duration::from_millis(15_500));
        assert_eq!(age_at(NOW - 5_500), Duration::from_secs(10), "a clock set back makes nothing younger");
        assert_eq!(
            at(&lifetime, WallTime::from_millis(0), WallTime::from_millis(i64::MAX)).lifetime.as_secs(),
            60
        );
    }

    #[test]
    fn requests() {
        use CachedMethod::{Get, Head};
        let check = |policy: &str, method: Method, lines: &[&str], expected: Result<CachedMethod, Why>| {
            let got = request_allows(managed(policy).unwrap(), &method, &map(lines));
            assert_eq!(got, expected, "{method} {lines:?}");
        };
        check(OPTIMIZED, Method::GET, &[], Ok(Get));
        check(OPTIMIZED, Method::HEAD, &[], Ok(Head));
        check(OPTIMIZED, Method::GET, &["cache-control: no-cache, no-store", "pragma: no-cache"], Ok(Get));
        check(OPTIMIZED, Method::GET, &["if-none-match: \"a\"", "cookie: a=1"], Ok(Get));
        check(OPTIMIZED, Method::GET, &["content-length: 0"], Ok(Get));
        check(DISABLED, Method::GET, &[], Err(Why::Bypass));
        check(DISABLED, Method::POST, &[], Err(Why::Bypass));
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            check(OPTIMIZED, method, &[], Err(Why::Method));
        }
        for line in [
            "authorization: Basic eDp5",
            "range: bytes=0-1",
            "if-match: \"a\"",
            "if-unmodified-since: Sun, 06 Nov 1994 08:49:37 GMT",
            "upgrade: websocket",
            "content-length: 3",
            "transfer-encoding: chunked",
        ] {
            check(OPTIMIZED, Method::GET, &[line], Err(Why::Request));
        }
    }
}
