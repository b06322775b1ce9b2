//! The managed cache policies: what of a request is in the cache key, and how long responses may stay.
//!
//! A policy answers two questions: which parts of a viewer's request tell stored responses apart (and so go to
//! the origin), and between which bounds a freshness lifetime is kept. It does not say whether a response may be
//! stored at all: that is [`crate::freshness`].
//!
//! Ids and settings: CloudFront Developer Guide, "Use managed cache policies".

use std::time::Duration;

use http::HeaderName;
use http::header::{HOST, ORIGIN};

/// What of a request tells stored responses apart, and the bounds of their freshness lifetimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// The id that a behaviour names it by.
    pub id: &'static str,
    /// Its public name.
    pub name: &'static str,
    /// The shortest freshness lifetime, whatever the origin says.
    pub min_ttl: Duration,
    /// The freshness lifetime when the origin says nothing.
    pub default_ttl: Duration,
    /// The longest freshness lifetime, whatever the origin says; zero: nothing is ever stored.
    pub max_ttl: Duration,
    /// The part of the query string that counts.
    pub query: QueryKey,
    /// The header fields that count, beside `Accept-Encoding` and `Cookie`.
    pub headers: &'static [HeaderName],
    /// The cookies that count.
    pub cookies: CookieKey,
    /// Whether it counts that a viewer accepts gzip (`EnableAcceptEncodingGzip`).
    pub gzip: bool,
    /// Whether it counts that a viewer accepts Brotli (`EnableAcceptEncodingBrotli`).
    pub brotli: bool,
}

/// The part of a query string that is in the cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKey {
    /// Nothing of it.
    None,
    /// All of it, as it stands.
    All,
}

/// The cookies that are in the cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieKey {
    /// None.
    None,
    /// All, as they stand.
    All,
}

impl CachePolicy {
    /// Whether no response is ever stored under this policy.
    pub fn never_stores(&self) -> bool {
        self.max_ttl.is_zero()
    }
}

/// The managed policy of this id, if this version knows it.
pub fn managed(id: &str) -> Option<&'static CachePolicy> {
    MANAGED.iter().find(|policy| policy.id == id)
}

const YEAR: Duration = Duration::from_secs(31_536_000);

static MANAGED: [CachePolicy; 4] = [
    CachePolicy {
        id: "658327ea-f89d-4fab-a63d-7e88639e58f6",
        name: "Managed-CachingOptimized",
        min_ttl: Duration::from_secs(1),
        default_ttl: Duration::from_secs(86_400),
        max_ttl: YEAR,
        query: QueryKey::None,
        headers: &[],
        cookies: CookieKey::None,
        gzip: true,
        brotli: true,
    },
    CachePolicy {
        id: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        name: "Managed-CachingDisabled",
        min_ttl: Duration::ZERO,
        default_ttl: Duration::ZERO,
        max_ttl: Duration::ZERO,
        query: QueryKey::None,
        headers: &[],
        cookies: CookieKey::None,
        gzip: false,
        brotli: false,
    },
    use_origin_headers(
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        "UseOriginCacheControlHeaders",
        QueryKey::None,
    ),
    use_origin_headers(
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
        "UseOriginCacheControlHeaders-QueryStrings",
        QueryKey::All,
    ),
];

static ORIGIN_HEADERS: [HeaderName; 5] = [
    HOST,
    ORIGIN,
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];

const fn use_origin_headers(id: &'static str, name: &'static str, query: QueryKey) -> CachePolicy {
    CachePolicy {
        id,
        name,
        min_ttl: Duration::ZERO,
        default_ttl: Duration::ZERO,
        max_ttl: YEAR,
        query,
        headers: &ORIGIN_HEADERS,
        cookies: CookieKey::All,
        gzip: true,
        brotli: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_policies_are_known_by_id() {
        let check = |id: &str, name: &str, seconds: [u64; 3], query, headers: usize, cookies| {
            let policy = managed(id).unwrap();
            assert_eq!(policy.name, name);
            let ttls = [policy.min_ttl, policy.default_ttl, policy.max_ttl];
            assert_eq!(ttls, seconds.map(Duration::from_secs), "{name}");
            assert_eq!(
                (policy.query, policy.headers.len(), policy.cookies),
                (query, headers, cookies),
                "{name}"
            );
            assert_eq!(policy.never_stores(), seconds[2] == 0, "{name}");
            // The plane relies on it: no clamp may be upside down.
            assert!(policy.min_ttl <= policy.default_ttl && policy.default_ttl <= policy.max_ttl, "{name}");
        };
        check(
            "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "Managed-CachingOptimized",
            [1, 86_400, 31_536_000],
            QueryKey::None,
            0,
            CookieKey::None,
        );
        check(
            "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "Managed-CachingDisabled",
            [0, 0, 0],
            QueryKey::None,
            0,
            CookieKey::None,
        );
        check(
            "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
            "UseOriginCacheControlHeaders",
            [0, 0, 31_536_000],
            QueryKey::None,
            5,
            CookieKey::All,
        );
        check(
            "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
            "UseOriginCacheControlHeaders-QueryStrings",
            [0, 0, 31_536_000],
            QueryKey::All,
            5,
            CookieKey::All,
        );
        assert_eq!(managed("658327EA-F89D-4FAB-A63D-7E88639E58F6"), None);
        assert_eq!(managed(""), None);
    }
}
