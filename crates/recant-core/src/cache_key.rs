//! Under which key a request's response is stored, and what of the request the origin gets to see.
//!
//! Both are one decision: **what is not in the key is not forwarded**, so an origin cannot answer by something
//! that the key does not tell apart. The tenant's id comes first in every key and is checked again when a stored
//! response is served ([`CacheKey::tenant`]). The viewer's `Host` is neither in the key nor forwarded unless the
//! policy lists it; then the edge puts the origin's own name in its place.
//!
//! Only requests that may use the cache have a key ([`crate::storability::request_allows`] makes the
//! [`CachedMethod`]); all others are forwarded whole.

use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};

use crate::cache_policy::{CachePolicy, KeyParts};
use crate::match_uri::MatchUri;
use crate::spec::{DistributionSpec, TenantSpec};

/// A method whose responses are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CachedMethod {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `OPTIONS`, where the behaviour says so.
    Options,
}

impl CachedMethod {
    /// The class of a method, if its responses are stored anywhere.
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::Get),
            Method::HEAD => Some(Self::Head),
            Method::OPTIONS => Some(Self::Options),
            _ => None,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Get => b'G',
            Self::Head => b'H',
            Self::Options => b'O',
        }
    }
}

/// The key of a stored response. Cheap to clone, compare and hash; two keys are equal iff all their parts are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(Arc<[u8]>);

impl CacheKey {
    /// The id of the tenant that the stored response belongs to.
    pub fn tenant(&self) -> &[u8] {
        self.split_field(0).0
    }

    /// The key of the same request with another method: a `HEAD` may be answered from a stored `GET`
    /// (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn with_method(&self, method: CachedMethod) -> Self {
        self.with_byte(method.byte())
    }

    /// Whether it is the key of a request by this method.
    pub fn is_of(&self, method: CachedMethod) -> bool {
        self.0[self.method_at()] == method.byte()
    }

    /// The key of the parts of what is stored under this one: they never answer but for a range, so no lookup of anything
    /// else is to find them. Only memory holds them ([`CacheKey::from_bytes`] does not know it).
    #[must_use]
    pub fn for_parts(&self) -> Self {
        self.with_byte(b'P')
    }

    fn with_byte(&self, method: u8) -> Self {
        let mut bytes: Arc<[u8]> = Arc::from(&*self.0);
        let at = self.method_at();
        Arc::get_mut(&mut bytes).expect("just made, so nobody else holds it")[at] = method;
        Self(bytes)
    }

    /// What rules are compared with: the path and the keyed query; of the root object also the root's, since whoever
    /// invalidates `/` means what is served for it.
    pub fn uris(&self) -> Vec<MatchUri> {
        let text = |bytes| std::str::from_utf8(bytes).expect("paths and queries come in as text");
        let (path, at) = self.split_field(self.method_at() + 1);
        let (is_root, has_query) = (self.0[at] == 1, self.0[at + 1] == 1);
        let query = has_query.then(|| text(self.split_field(at + 2).0));
        let paths = [Some(text(path)), is_root.then_some("/")];
        paths.into_iter().flatten().map(|path| MatchUri::of(path, query)).collect()
    }

    /// The key that these bytes were; nothing when they cannot have been one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        fn skip(rest: &[u8]) -> Option<(&[u8], &[u8])> {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            rest.split_at_checked(u32::from_be_bytes(*length) as usize)
        }
        // Tenant, distribution, policy.
        let rest = (0..3).try_fold(bytes, |rest, _| skip(rest).map(|(_, rest)| rest))?;
        let (method, rest) = rest.split_first()?;
        let (path, rest) = skip(rest)?;
        let (flags, rest) = rest.split_first_chunk::<2>()?;
        let query = if flags[1] == 1 { skip(rest)?.0 } else { &[] };
        let is_text = |bytes| std::str::from_utf8(bytes).is_ok();
        let is_one = matches!(method, b'G' | b'H' | b'O') && flags.iter().all(|flag| *flag <= 1);
        (is_one && is_text(path) && is_text(query)).then(|| Self(bytes.into()))
    }

    /// All of it: for hashing it elsewhere and for accounting for memory.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stands for it where another edge is told of it: equal iff the keys are.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The method is the byte after tenant, distribution and policy.
    fn method_at(&self) -> usize {
        (0..3).fold(0, |at, _| self.split_field(at).1)
    }

    /// The field that starts at `at`, and where the next one starts.
    fn split_field(&self, at: usize) -> (&[u8], usize) {
        let (length, rest) =
            self.0[at..].split_first_chunk::<4>().expect("a key starts with length-prefixed fields");
        let length = u32::from_be_bytes(*length) as usize;
        (&rest[..length], at + 4 + length)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({})", self.0.escape_ascii())
    }
}

/// A request that may use the cache: its key, and what of it goes to the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// What its response is stored under.
    pub key: CacheKey,
    /// The query string for the origin: the keyed one.
    pub origin_query: Option<String>,
    /// The header fields for the origin: the keyed ones, `Host` only among them if the policy lists it.
    pub origin_headers: Vec<(HeaderName, HeaderValue)>,
}

impl KeyedRequest {
    /// Splits a request into what counts and what does not.
    ///
    /// `path` and `query` are the raw ones of the request's target, the path with the root object in place of the root,
    /// so that both share a stored response; `headers` are its end-to-end header fields,
    /// with the effective `Host` (RFC 9112 section 3.2.2: an absolute target's authority replaces it).
    pub fn new(
        tenant: &TenantSpec,
        distribution: &DistributionSpec,
        policy: &CachePolicy,
        method: CachedMethod,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Self {
        let query = policy.key.query.of_query(query);
        let mut key = KeyBytes(Vec::with_capacity(KEY_BYTES_EXPECTED));
        key.field(tenant.id.as_str().as_bytes());
        key.field(distribution.id.as_str().as_bytes());
        key.field(policy.id.as_bytes());
        key.0.push(method.byte());
        key.field(path.as_bytes());
        let root = distribution.default_root_object.as_deref();
        let is_root = root.is_some_and(|root| path.strip_prefix('/') == Some(root));
        // A path that becomes the root's by a change of the configuration is another one: rules for `/` that came
        // before did not look at it.
        key.0.push(u8::from(is_root));
        key.optional(query.as_deref().map(str::as_bytes));

        let mut origin_headers = Vec::new();
        for name in &policy.key.headers {
            // The name too, so that a policy whose list changes under the same id gets other keys.
            key.field(name.as_str().as_bytes());
            let values = headers.get_all(name);
            key.count(values.iter().count());
            for value in values {
                key.field(value.as_bytes());
                origin_headers.push((name.clone(), value.clone()));
            }
        }
        let accepted = accepted_codings(&policy.key, headers);
        key.optional(accepted.map(str::as_bytes));
        origin_headers.extend(accepted.map(|codings| (ACCEPT_ENCODING, HeaderValue::from_static(codings))));

        let cookies = policy.key.cookies.of_cookies(headers);
        key.optional(cookies.as_ref().map(HeaderValue::as_bytes));
        origin_headers.extend(cookies.map(|cookies| (COOKIE, cookies)));
        // What a policy said before its last change never answers for what it says now.
        if policy.variant != 0 {
            key.0.extend_from_slice(&policy.variant.to_be_bytes());
        }

        Self { key: CacheKey(key.0.into()), origin_query: query, origin_headers }
    }
}

/// Every value that `Accept-Encoding` may have in a key; the last one stands for none.
pub const CODINGS: [&str; 4] = ["br,gzip", "gzip", "br", ""];

/// The normalised `Accept-Encoding` of CloudFront's compression support: which of the codings that the policy
/// tells apart the viewer accepts, in one spelling. It is in the key and goes to the origin in place of the viewer's.
fn accepted_codings(policy: &KeyParts, headers: &HeaderMap) -> Option<&'static str> {
    let gzip = policy.gzip && accepts(headers, "gzip");
    let brotli = policy.brotli && accepts(headers, "br");
    match (brotli, gzip) {
        (true, true) => Some("br,gzip"),
        (true, false) => Some("br"),
        (false, true) => Some("gzip"),
        (false, false) => None,
    }
}

/// RFC 9110 section 12.5.3. `*` is not taken for a coding, as at CloudFront: the viewer then gets none.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|member| {
        let mut parts = member.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding)) && !parts.any(is_zero_weight)
    })
}

/// Whether a parameter is `q=0`, in any of its spellings (RFC 9110 section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// What a key has room for at first: ids, and a path of usual length. It grows where it has to.
const KEY_BYTES_EXPECTED: usize = 256;

/// A key in the making. Every part is self-delimiting, so no two different requests have the same bytes.
struct KeyBytes(Vec<u8>);

impl KeyBytes {
    fn field(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, n: usize) {
        let n = u32::try_from(n).expect("a request's head is far below 4 GiB (REQUEST_HEAD_BYTES_MAX)");
        self.0.extend_from_slice(&n.to_be_bytes());
    }

    /// Absent and empty differ: an origin can tell them apart.
    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.0.push(u8::from(bytes.is_some()));
        if let Some(bytes) = bytes {
            self.field(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::header::HOST;

    use super::*;
    use crate::cache_policy::managed;
    use crate::id::{DistributionId, TenantId};
    use crate::spec::BehaviorSpec;

    const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const ORIGIN_HEADERS: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
    const ORIGIN_HEADERS_QUERY: &str = "4cc15a8a-d715-48a4-82b8-cc0b614638fe";

    fn tenant(id: &str) -> TenantSpec {
        TenantSpec {
            id: TenantId::parse(id).unwrap(),
            distribution_id: DistributionId::parse("E1").unwrap(),
            enabled: true,
            domains: Vec::new(),
            parameters: BTreeMap::new(),
            geo: None,
        }
    }

    fn distribution(id: &str) -> DistributionSpec {
        let id = DistributionId::parse(id).unwrap();
        DistributionSpec::new(id, Vec::new(), BehaviorSpec::new("o", OPTIMIZED))
    }

    /// A request target and header lines, as `name: value`.
    fn keyed(tenant_id: &str, policy: &str, target: &str, lines: &[&str]) -> KeyedRequest {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        let (tenant, distribution, policy) =
            (tenant(tenant_id), distribution("E1"), managed(policy).unwrap());
        KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Get, path, query, &headers)
    }

    #[test]
    fn a_key_is_made_of_its_bytes_again() {
        for target in ["/", "/a", "/a?x=1&y=%20", "/caf\u{e9}"] {
            for policy in [OPTIMIZED, ORIGIN_HEADERS_QUERY] {
                let key = keyed("t", policy, target, &["accept-encoding: br"]).key;
                let again = CacheKey::from_bytes(key.as_bytes()).expect("it was one");
                assert_eq!((again.uris(), again.tenant()), (key.uris(), key.tenant()));
                assert_eq!(again, key);
                // Whatever a part of it is, it can be looked at.
                for length in 0..key.as_bytes().len() {
                    if let Some(part) = CacheKey::from_bytes(&key.as_bytes()[..length]) {
                        assert_eq!((part.uris(), part.tenant()), (key.uris(), key.tenant()));
                        assert_eq!(part.with_method(CachedMethod::Head).uris(), key.uris());
                    }
                }
            }
        }
        for wrong in [&[0xff; 64][..], &[0; 12], &[0; 20], b""] {
            assert_eq!(CacheKey::from_bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn keys_tell_apart_what_counts() {
        let check = |policy: &str, a: (&str, &[&str]), b: (&str, &[&str]), same: bool| {
            let (first, second) = (keyed("t", policy, a.0, a.1), keyed("t", policy, b.0, b.1));
            assert_eq!(first.key == second.key, same, "{a:?} {b:?}");
            if same {
                // The other half of the promise: with the same key the origin sees the same.
                assert_eq!(first, second, "{a:?} {b:?}");
            }
        };
        check(OPTIMIZED, ("/a", &[]), ("/a", &[]), true);
        check(OPTIMIZED, ("/a", &[]), ("/b", &[]), false);
        check(OPTIMIZED, ("/a", &[]), ("/A", &[]), false);
        check(OPTIMIZED, ("/a%2F", &[]), ("/a%2f", &[]), false);
        check(OPTIMIZED, ("/a?x=1", &[]), ("/a", &[]), true);
        check(OPTIMIZED, ("/a", &["host: a", "cookie: c=1", "user-agent: u"]), ("/a", &["host: b"]), true);
        check(OPTIMIZED, ("/a", &["accept-encoding: gzip"]), ("/a", &[]), false);
        check(OPTIMIZED, ("/a", &["accept-encoding: identity"]), ("/a", &[]), true);
        check(
            OPTIMIZED,
            ("/a", &["accept-encoding: GZIP;q=0.1, deflate, br, zstd"]),
            ("/a", &["accept-encoding: br", "accept-encoding: gzip"]),
            true,
        );
        check(ORIGIN_HEADERS, ("/a?x=1", &[]), ("/a", &[]), true);
        check(ORIGIN_HEADERS, ("/a", &["host: a"]), ("/a", &["host: b"]), false);
        check(ORIGIN_HEADERS, ("/a", &["origin: x"]), ("/a", &["x-http-method: x"]), false);
        check(ORIGIN_HEADERS, ("/a", &["origin: x", "origin: y"]), ("/a", &["origin: x, y"]), false);
        check(ORIGIN_HEADERS, ("/a", &["origin: "]), ("/a", &[]), false);
        check(ORIGIN_HEADERS, ("/a", &["cookie: a=1"]), ("/a", &["cookie: a=2"]), false);
        check(ORIGIN_HEADERS, ("/a", &["cookie: a=1", "cookie: b=2"]), ("/a", &["cookie: a=1; b=2"]), true);
        check(ORIGIN_HEADERS, ("/a", &["accept-language: en"]), ("/a", &["accept-language: de"]), true);
        check(ORIGIN_HEADERS_QUERY, ("/a?x=1", &[]), ("/a", &[]), false);
        check(ORIGIN_HEADERS_QUERY, ("/a?", &[]), ("/a", &[]), false);
        check(ORIGIN_HEADERS_QUERY, ("/a?x=1&y=2", &[]), ("/a?y=2&x=1", &[]), false);
        // Lengths keep neighbours apart.
        check(ORIGIN_HEADERS_QUERY, ("/ab?c", &[]), ("/a?bc", &[]), false);
    }

    #[test]
    fn tenants_distributions_and_policies_never_share() {
        let request = keyed("t1", OPTIMIZED, "/", &[]);
        assert_eq!(request.key.tenant(), b"t1");
        assert_ne!(request.key, keyed("t2", OPTIMIZED, "/", &[]).key);
        assert_ne!(request.key, keyed("t1", ORIGIN_HEADERS, "/", &[]).key);
        let policy = managed(OPTIMIZED).unwrap();
        let on = |id| {
            let (tenant, none) = (tenant("t1"), HeaderMap::new());
            KeyedRequest::new(&tenant, &distribution(id), policy, CachedMethod::Get, "/", None, &none).key
        };
        assert_eq!(request.key, on("E1"));
        assert_ne!(request.key, on("E2"));
    }

    #[test]
    fn the_other_methods_key() {
        let get = keyed("t", OPTIMIZED, "/G", &[]).key;
        let head = get.with_method(CachedMethod::Head);
        assert_ne!(get, head);
        assert_eq!(head.with_method(CachedMethod::Get), get);
        assert_eq!(get.with_method(CachedMethod::Get), get);
        let options = get.with_method(CachedMethod::Options);
        assert!(options != get && options != head && options.is_of(CachedMethod::Options));
        assert_eq!((options.uris(), CacheKey::from_bytes(options.as_bytes())), (get.uris(), Some(options)));
        let parts = get.for_parts();
        assert!(parts != get && parts != head && parts.with_method(CachedMethod::Get) == get);
        assert_eq!((parts.uris(), CacheKey::from_bytes(parts.as_bytes())), (get.uris(), None));
        let (tenant, distribution, none) = (tenant("t"), distribution("E1"), HeaderMap::new());
        let policy = managed(OPTIMIZED).unwrap();
        let made =
            KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Head, "/G", Some("q"), &none);
        assert_eq!(made.key, head);
    }

    #[test]
    fn rules_are_compared_with_what_is_keyed() {
        let check = |policy: &str, target: &str, path: &str, query: Option<&str>| {
            assert_eq!(keyed("t", policy, target, &[]).key.uris(), [MatchUri::of(path, query)], "{target}");
        };
        check(OPTIMIZED, "/a?x=1", "/a", None);
        check(ORIGIN_HEADERS_QUERY, "/a?x=1", "/a", Some("x=1"));
    }

    #[test]
    fn rules_for_the_root_concern_the_root_object() {
        let policy = managed(ORIGIN_HEADERS_QUERY).unwrap();
        let of = |root: Option<&str>, path| {
            let mut distribution = distribution("E1");
            distribution.default_root_object = root.map(Into::into);
            let (tenant, none) = (tenant("t"), HeaderMap::new());
            KeyedRequest::new(&tenant, &distribution, policy, CachedMethod::Get, path, Some("x=1"), &none)
        };
        let uri = |path| MatchUri::of(path, Some("x=1"));
        assert_eq!(of(Some("i"), "/i").key.uris(), [uri("/i"), uri("/")]);
        assert_eq!(of(Some("i"), "/i/i").key.uris(), [uri("/i/i")]);
        assert_eq!(of(None, "/i").key.uris(), [uri("/i")]);
        assert_ne!(of(Some("i"), "/i").key, of(None, "/i").key);
    }

    #[test]
    fn only_keyed_parts_go_to_the_origin() {
        let check = |policy: &str, lines: &[&str], query: Option<&str>, expected: &[(&str, &str)]| {
            let request = keyed("t", policy, "/a?x=1", lines);
            assert_eq!(request.origin_query.as_deref(), query);
            let got: Vec<_> =
                request.origin_headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
            assert_eq!(got, expected, "{lines:?}");
        };
        let viewer = [
            "host: a.example.com",
            "origin: https://x.test",
            "cookie: a=1",
            "cookie: b=2",
            "accept-encoding: gzip;q=1, br;q=0.000",
            "if-none-match: \"x\"",
            "cache-control: no-cache",
            "x-forwarded-host: evil.test",
        ];
        check(OPTIMIZED, &viewer, None, &[("accept-encoding", "gzip")]);
        check(
            ORIGIN_HEADERS_QUERY,
            &viewer,
            Some("x=1"),
            &[
                ("host", "a.example.com"),
                ("origin", "https://x.test"),
                ("accept-encoding", "gzip"),
                ("cookie", "a=1; b=2"),
            ],
        );
        assert!(!keyed("t", OPTIMIZED, "/", &viewer).origin_headers.iter().any(|(name, _)| name == HOST));
    }
}
