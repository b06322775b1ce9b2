//! Which requests may use the cache, and which responses may be stored on which terms: RFC 9111 section 3 with the
//! bounds of CloudFront's cache policies.
//!
//! The order of precedence is: what the RFC forbids to store is not stored, whatever a policy's minimum TTL says;
//! what this version does not handle for a response (cookies, trailers) is forwarded and not stored; then the origin's
//! explicit lifetime, or the policy's default, kept between the policy's bounds. The default takes the place of the
//! heuristics of section 4.2.2. What has no lifetime is stored if it can be validated, for the bytes that this saves.
//!
//! It does not look at rules, stamps or leases ([`crate::lookup`]), nor at what fits into memory.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, IF_MATCH, IF_UNMODIFIED_SINCE, SET_COOKIE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::cache_control::CacheControl;
use crate::cache_key::CachedMethod;
use crate::cache_policy::CachePolicy;
use crate::freshen::can_be_validated;
use crate::freshness::{Stale, Terms, date, explicit_lifetime, initial_age};
use crate::lookup::Why;
use crate::targeted::targeted;
use crate::time::WallTime;
use crate::vary::Selecting;

/// Whether a request may be answered from the cache and its response stored; else why it is forwarded whole.
/// `cached_methods` are those of the behaviour.
///
/// `CloudFront differs:` from RFC 9111 section 5.2.1, and so do we: a viewer's `Cache-Control` and `Pragma` are not
/// read here, so that viewers cannot turn the cache off (Developer Guide, "Request and response behavior for custom origins").
///
/// # Errors
/// [`Why::Bypass`], [`Why::Method`] or [`Why::Request`].
pub fn request_allows(
    policy: &CachePolicy,
    cached_methods: &[String],
    method: &Method,
    headers: &HeaderMap,
) -> Result<CachedMethod, Why> {
    if policy.never_stores() {
        return Err(Why::Bypass);
    }
    // RFC 9111 section 3: the method must be understood by the cache. Responses to OPTIONS are not cacheable of themselves
    // (RFC 9110 section 9.3.7), but an operator may say that his are.
    let is_cached = |_: &CachedMethod| cached_methods.iter().any(|cached| cached == method.as_str());
    let class = CachedMethod::of(method).filter(is_cached).ok_or(Why::Method)?;
    // Authorization: section 3.5 would allow some; the origin is to see all of such a request. If-Match and
    // If-Unmodified-Since: section 4.3.2 leaves them to the origin. Upgrade: not about a representation at all.
    let origins_business = [AUTHORIZATION, IF_MATCH, IF_UNMODIFIED_SINCE, UPGRADE];
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

/// How a response may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storable {
    /// On which terms it may be used again.
    pub terms: Terms,
    /// Which requests select it.
    pub selecting: Selecting,
    /// Fields of it that are not to be used again, and so not to be stored.
    pub withheld: Vec<HeaderName>,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotStored {
    /// The policy's maximum TTL is zero.
    #[error("the cache policy stores nothing")]
    Policy,
    /// A status that is partial, about another response, or not understood where it has to be.
    #[error("responses of this status are not stored")]
    Status,
    /// `Cache-Control: no-store`.
    #[error("Cache-Control says no-store")]
    NoStore,
    /// `Cache-Control: private`.
    #[error("Cache-Control says private")]
    Private,
    /// It has to be validated each time, and has nothing to be validated by.
    #[error("the response is to be validated each time, and has no validator")]
    NoValidator,
    /// The request was authorised.
    #[error("the request carries Authorization")]
    Authorization,
    /// The response sets a cookie.
    #[error("the response sets a cookie")]
    SetCookie,
    /// The response announces trailers.
    #[error("the response has trailers")]
    Trailers,
    /// No request ever selects it again.
    #[error("the response varies by everything")]
    Vary,
    /// Neither the origin nor the policy gives it a lifetime.
    #[error("the response has no freshness lifetime")]
    NoLifetime,
    /// It is older than its lifetime already.
    #[error("the response was stale when it arrived")]
    AlreadyStale,
}

/// Decides whether a response to a request that used the cache may be stored, and on which terms.
///
/// `error_min_ttl` is how long errors of this status are kept at least, if that was said of them;
/// `request` are the fields of the viewer's request, `request_time` is when it went to the origin, `response_time` when
/// the response's head arrived.
///
/// # Errors
/// [`NotStored`] names the first reason.
pub fn storability(
    request: &HeaderMap,
    status: StatusCode,
    headers: &HeaderMap,
    policy: &CachePolicy,
    error_min_ttl: Option<Duration>,
    request_time: WallTime,
    response_time: WallTime,
) -> Result<Storable, NotStored> {
    if policy.never_stores() {
        return Err(NotStored::Policy);
    }
    // Section 3: a final status. 206 is a part; 304 is about what is stored already.
    if status.is_informational() || matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED) {
        return Err(NotStored::Status);
    }
    // RFC 9213 section 2.2: what is said to caches at the edge alone counts alone, beside Expires, too.
    let targeted = targeted(headers);
    let is_targeted = targeted.is_some();
    let control = targeted.unwrap_or_else(|| CacheControl::of(headers));
    // Section 5.2.2.3: it takes no-store away where the status is understood, and says no where it is not.
    if control.must_understand && !is_understood(status) {
        return Err(NotStored::Status);
    }
    // Section 5.2.2.5. CloudFront differs: a minimum TTL above zero overrules no-store, private and no-cache there.
    if control.no_store && !control.must_understand {
        return Err(NotStored::NoStore);
    }
    // Section 5.2.2.7.
    if control.private {
        return Err(NotStored::Private);
    }
    // Section 3.5.
    let is_for_everybody = control.public || control.must_revalidate || control.s_maxage.is_some();
    if request.contains_key(AUTHORIZATION) && !is_for_everybody {
        return Err(NotStored::Authorization);
    }
    // Section 7.3 leaves this to the origin; most origins never thought of one viewer's cookie being given to another.
    if headers.contains_key(SET_COOKIE) && !control.withheld.contains(&SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    if headers.contains_key(TRAILER) {
        return Err(NotStored::Trailers);
    }
    // Section 4.1.
    let selecting = Selecting::of(headers, request, policy).ok_or(NotStored::Vary)?;
    let date = date(headers);
    let explicit = if is_targeted {
        control.s_maxage.or(control.max_age)
    } else {
        explicit_lifetime(&control, headers, date.unwrap_or(response_time))
    };
    let lifetime = explicit
        .or(default_ttl(status, policy))
        .or(error_min_ttl)
        .ok_or(NotStored::NoLifetime)?
        // CloudFront's bounds (Developer Guide, "Manage how long content stays in the cache"). They come from the
        // operator, so RFC 9111 section 4.2.2 has nothing against them.
        .clamp(policy.ttl.min, policy.ttl.max.max(policy.ttl.min))
        // The longer of the two counts (Developer Guide, "How CloudFront caches HTTP 4xx and 5xx status codes").
        .max(error_min_ttl.unwrap_or_default());
    let terms = Terms {
        lifetime,
        initial_age: initial_age(headers, date, request_time, response_time),
        no_cache: control.no_cache,
        stale: Stale::allowed(&control, lifetime),
    };
    check_use(&terms, can_be_validated(status, headers))?;
    Ok(Storable { terms, selecting, withheld: control.withheld })
}

/// What would never be served as it is must at least be good for validating.
fn check_use(terms: &Terms, can_be_validated: bool) -> Result<(), NotStored> {
    if can_be_validated {
        Ok(())
    } else if terms.no_cache {
        Err(NotStored::NoValidator)
    } else if terms.lifetime.is_zero() {
        Err(NotStored::NoLifetime)
    } else if terms.initial_age >= terms.lifetime {
        Err(NotStored::AlreadyStale)
    } else {
        Ok(())
    }
}

/// The statuses whose caching requirements are known here (RFC 9110 section 15).
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 302 | 303 | 307 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// The lifetime of responses of this status that do not state one.
///
/// 200 and its like take the policy's default. All others, and 204 (an empty response in place of a page is
/// CVE-2025-49826), are stored only when the origin says for how long: most origins never thought of caching errors and redirects, although RFC 9110 section 15.1 calls some of them
/// heuristically cacheable. CloudFront differs: it keeps errors for an error caching minimum TTL, 10 s unless configured.
fn default_ttl(status: StatusCode, policy: &CachePolicy) -> Option<Duration> {
    matches!(status.as_u16(), 200 | 203 | 300 | 301 | 308).then_some(policy.ttl.default)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::cache_policy::managed;
    use crate::fixtures::map;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    const ORIGIN: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
    const YEAR: u64 = 31_536_000;

    /// 1994-11-06 08:49:37 UTC, the RFC's example: when the tests' responses arrive.
    const NOW: i64 = 784_111_777_000;
    const DATE_NOW: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";
    const DATE_MINUTE_AGO: &str = "date: Sun, 06 Nov 1994 08:48:37 GMT";

    fn judge(policy: &str, status: u16, lines: &[&str], delay_millis: i64) -> Result<Storable, NotStored> {
        let (request, status) = (HeaderMap::new(), StatusCode::from_u16(status).unwrap());
        let (sent, came) = (WallTime::from_millis(NOW - delay_millis), WallTime::from_millis(NOW));
        storability(&request, status, &map(lines), managed(policy).unwrap(), None, sent, came)
    }

    fn check(policy: &str, status: u16, lines: &[&str], expected: Result<u64, NotStored>) {
        let got = judge(policy, status, lines, 0).map(|storable| storable.terms.lifetime.as_secs());
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
        for status in [200, 203, 300, 301, 308] {
            check(OPTIMIZED, status, &[], Ok(86_400));
        }
        for status in [
            201, 204, 299, 302, 303, 307, 400, 403, 404, 405, 410, 414, 416, 499, 500, 501, 502, 503, 504,
            599,
        ] {
            check(OPTIMIZED, status, &[], Err(NotStored::NoLifetime));
            check(OPTIMIZED, status, &explicit, Ok(60));
            check(ORIGIN, status, &["expires: Sun, 06 Nov 1994 08:50:37 GMT"], Ok(60));
        }
        for status in [101, 103, 206, 304] {
            check(OPTIMIZED, status, &explicit, Err(NotStored::Status));
        }
    }

    #[test]
    fn errors_are_kept_for_as_long_as_was_said_of_them() {
        let now = WallTime::from_millis(NOW);
        let check = |policy: &str, seconds: u64, line: &str, expected: Result<u64, NotStored>| {
            let (policy, ttl) = (managed(policy).unwrap(), Some(Duration::from_secs(seconds)));
            let status = StatusCode::NOT_FOUND;
            let got = storability(&HeaderMap::new(), status, &map(&[line]), policy, ttl, now, now);
            assert_eq!(got.map(|storable| storable.terms.lifetime.as_secs()), expected, "{line}");
        };
        check(ORIGIN, 10, "x: y", Ok(10));
        check(ORIGIN, 10, "cache-control: max-age=5", Ok(10));
        check(ORIGIN, 10, "cache-control: max-age=60", Ok(60));
        check(ORIGIN, 0, "x: y", Err(NotStored::NoLifetime));
        check(ORIGIN, 0, "cache-control: max-age=60", Ok(60));
        check(ORIGIN, 10, "cache-control: no-store", Err(NotStored::NoStore));
        check(OPTIMIZED, 10, "cache-control: private", Err(NotStored::Private));
        check(DISABLED, 10, "x: y", Err(NotStored::Policy));
    }

    #[test]
    fn what_forbids_storing_wins_over_any_ttl() {
        use NotStored::{NoStore, NoValidator, Private, SetCookie, Status, Trailers, Vary};
        let refused = |line: &str, why| {
            for policy in [OPTIMIZED, ORIGIN] {
                check(policy, 200, &["cache-control: max-age=60", line], Err(why));
            }
        };
        refused("cache-control: no-store", NoStore);
        refused("cache-control: private", Private);
        refused("cache-control: no-cache", NoValidator);
        refused("set-cookie: a=1", SetCookie);
        refused("trailer: x-checksum", Trailers);
        refused("vary: *", Vary);
        refused("vary: accept-encoding, *", Vary);
        // Only a cache that knows the status may overlook no-store.
        let must_understand = ["cache-control: max-age=60, no-store, must-understand"];
        check(ORIGIN, 200, &must_understand, Ok(60));
        check(ORIGIN, 599, &must_understand, Err(Status));
        check(ORIGIN, 206, &must_understand, Err(Status));
    }

    #[test]
    fn what_has_no_lifetime_is_kept_for_its_validator() {
        use NotStored::{AlreadyStale, NoLifetime, NoValidator};
        let terms = |lines: &[&str]| judge(ORIGIN, 200, lines, 0).unwrap().terms;
        let tag = "etag: \"a\"";
        check(ORIGIN, 200, &[tag], Ok(0));
        check(
            ORIGIN,
            200,
            &["last-modified: Sun, 06 Nov 1994 08:00:00 GMT", "cache-control: max-age=0"],
            Ok(0),
        );
        check(ORIGIN, 200, &["etag: a"], Err(NoLifetime));
        check(ORIGIN, 404, &[tag], Err(NoLifetime));
        check(ORIGIN, 404, &[tag, "cache-control: max-age=0"], Err(NoLifetime));
        check(ORIGIN, 200, &[tag, "cache-control: max-age=9", "age: 10"], Ok(9));
        check(ORIGIN, 200, &["cache-control: max-age=9", "age: 10"], Err(AlreadyStale));
        check(ORIGIN, 200, &["cache-control: max-age=9, no-cache"], Err(NoValidator));
        assert!(terms(&[tag, "cache-control: max-age=9, no-cache"]).no_cache);
        assert!(!terms(&[tag, "cache-control: max-age=9, no-cache=\"x-a\""]).no_cache);
    }

    #[test]
    fn named_fields_are_left_out() {
        let withheld = |line: &str| {
            let lines = [line, "cache-control: max-age=60", "set-cookie: a=1"];
            judge(ORIGIN, 200, &lines, 0).map(|storable| storable.withheld)
        };
        assert_eq!(withheld("cache-control: private=\"set-cookie\""), Ok(vec![SET_COOKIE]));
        assert_eq!(withheld("cache-control: no-cache=\"set-cookie\""), Ok(vec![SET_COOKIE]));
        assert_eq!(withheld("cache-control: no-cache=\"x-a\""), Err(NotStored::SetCookie));
    }

    #[test]
    fn what_is_said_to_the_edge_counts_alone() {
        use NotStored::{AlreadyStale, NoLifetime, NoStore, NoValidator, Private};
        let (cdn, day) = ("cdn-cache-control: max-age=60", "expires: Mon, 07 Nov 1994 08:49:37 GMT");
        check(ORIGIN, 200, &[cdn], Ok(60));
        check(ORIGIN, 200, &[cdn, "cache-control: no-store"], Ok(60));
        check(ORIGIN, 200, &[cdn, "cache-control: max-age=5"], Ok(60));
        check(ORIGIN, 200, &[cdn, "expires: 0"], Ok(60));
        check(ORIGIN, 200, &[cdn, "age: 60"], Err(AlreadyStale));
        check(ORIGIN, 200, &["cdn-cache-control: max-age=0", day], Err(NoLifetime));
        check(ORIGIN, 200, &["cdn-cache-control: public", day], Err(NoLifetime));
        for (directive, why) in [("no-store", NoStore), ("private", Private), ("no-cache", NoValidator)] {
            let line = format!("cdn-cache-control: {directive}, max-age=60");
            check(ORIGIN, 200, &[&line, "cache-control: max-age=60", day], Err(why));
        }
        check(ORIGIN, 200, &["cdn-cache-control: max-age=\"60\"", "cache-control: no-store"], Err(NoStore));
        check(ORIGIN, 200, &["cdn-cache-control: max-age=60, &&&", "cache-control: max-age=5"], Ok(5));
    }

    #[test]
    fn authorised_responses_are_stored_when_they_are_for_everybody() {
        let request = map(&["authorization: Basic eDp5"]);
        let now = WallTime::from_millis(NOW);
        let check = |line: &str, expected: Result<(), NotStored>| {
            let policy = managed(ORIGIN).unwrap();
            let got = storability(&request, StatusCode::OK, &map(&[line]), policy, None, now, now);
            assert_eq!(got.map(|_| ()), expected, "{line}");
        };
        check("cache-control: max-age=60", Err(NotStored::Authorization));
        check("expires: Mon, 07 Nov 1994 08:49:37 GMT", Err(NotStored::Authorization));
        check("cache-control: proxy-revalidate, max-age=60", Err(NotStored::Authorization));
        check("cache-control: public, max-age=60", Ok(()));
        check("cache-control: must-revalidate, max-age=60", Ok(()));
        check("cache-control: s-maxage=60", Ok(()));
    }

    #[test]
    fn initial_ages() {
        let check = |lines: &[&str], delay_millis: i64, expected_millis: Option<u64>| {
            let lines: Vec<_> = lines.iter().copied().chain(["cache-control: max-age=100"]).collect();
            let got = judge(ORIGIN, 200, &lines, delay_millis);
            let expected = expected_millis.map(Duration::from_millis).ok_or(NotStored::AlreadyStale);
            assert_eq!(got.map(|storable| storable.terms.initial_age), expected, "{lines:?}");
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
    fn requests() {
        use CachedMethod::{Get, Head, Options};
        let cached = ["GET", "HEAD"].map(str::to_owned);
        let check = |policy: &str, method: Method, lines: &[&str], expected: Result<CachedMethod, Why>| {
            let got = request_allows(managed(policy).unwrap(), &cached, &method, &map(lines));
            assert_eq!(got, expected, "{method} {lines:?}");
        };
        check(OPTIMIZED, Method::GET, &[], Ok(Get));
        check(OPTIMIZED, Method::HEAD, &[], Ok(Head));
        check(OPTIMIZED, Method::GET, &["cache-control: no-cache, no-store", "pragma: no-cache"], Ok(Get));
        check(OPTIMIZED, Method::GET, &["if-none-match: \"a\"", "cookie: a=1"], Ok(Get));
        check(OPTIMIZED, Method::GET, &["content-length: 0"], Ok(Get));
        check(OPTIMIZED, Method::GET, &["range: bytes=0-1"], Ok(Get));
        check(DISABLED, Method::GET, &[], Err(Why::Bypass));
        check(DISABLED, Method::POST, &[], Err(Why::Bypass));
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            check(OPTIMIZED, method, &[], Err(Why::Method));
        }
        let cached = ["GET", "HEAD", "OPTIONS"].map(str::to_owned);
        let options = |lines: &[&str]| {
            request_allows(managed(OPTIMIZED).unwrap(), &cached, &Method::OPTIONS, &map(lines))
        };
        assert_eq!(options(&["origin: https://x.test"]), Ok(Options));
        assert_eq!(options(&["content-length: 3"]), Err(Why::Request));
        assert_eq!(
            request_allows(managed(OPTIMIZED).unwrap(), &cached, &Method::POST, &map(&[])),
            Err(Why::Method)
        );
        for line in [
            "authorization: Basic eDp5",
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
