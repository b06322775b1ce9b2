//! Cache policies: what of a request is in the cache key, and how long responses may stay.
//!
//! A policy answers two questions: which parts of a viewer's request tell stored responses apart (and so go to
//! the origin), and between which bounds a freshness lifetime is kept. It does not say whether a response may be
//! stored at all: that is [`crate::freshness`].
//!
//! There are managed ones, which edges know by id, and custom ones, which they are told of whole, in the behaviours
//! that name them ([`crate::spec::BehaviorSpec`]). A custom one may change under its id: then its [`CachePolicy::variant`]
//! changes, which is in the key, so that nothing is served under the new policy that was fetched under the old.
//!
//! Ids and settings: CloudFront Developer Guide, "Use managed cache policies"; of those whose names begin with `Amplify-`: Amplify Hosting User
//! Guide, "How Amplify applies cache configuration to an app".

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderName;
use http::header::{ACCEPT, AUTHORIZATION, HOST, ORIGIN};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::selection::{Selection, header_names};
use crate::viewer_fields::ViewerField;

/// What of a request tells stored responses apart, and the bounds of their freshness lifetimes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachePolicy {
    /// The id that a behaviour names it by.
    pub id: String,
    /// The entity tag of the configuration that this is; empty for a managed policy, which never changes.
    pub revision: String,
    /// Tells the settings of one id apart that make different keys; zero for a managed policy.
    pub variant: u64,
    /// The bounds of freshness lifetimes.
    pub ttl: TtlBounds,
    /// What is in the key.
    pub key: KeyParts,
}

/// Between which bounds a freshness lifetime is kept; none is greater than the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TtlBounds {
    /// The shortest freshness lifetime, whatever the origin says.
    pub min: Duration,
    /// The freshness lifetime when the origin says nothing.
    pub default: Duration,
    /// The longest freshness lifetime, whatever the origin says; zero: nothing is ever stored.
    pub max: Duration,
}

/// The parts of a request that are in the key (`ParametersInCacheKeyAndForwardedToOrigin`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyParts {
    /// The query parameters that count.
    pub query: Selection,
    /// The header fields that count, beside `Accept-Encoding` and `Cookie`.
    #[serde(with = "header_names")]
    pub headers: Vec<HeaderName>,
    /// The cookies that count.
    pub cookies: Selection,
    /// Whether it counts that a viewer accepts gzip (`EnableAcceptEncodingGzip`).
    pub gzip: bool,
    /// Whether it counts that a viewer accepts Brotli (`EnableAcceptEncodingBrotli`).
    pub brotli: bool,
}

impl CachePolicy {
    /// A policy that somebody has made and may change.
    pub fn custom(id: impl Into<String>, revision: impl Into<String>, ttl: TtlBounds, key: KeyParts) -> Self {
        Self { id: id.into(), revision: revision.into(), variant: key.fingerprint(), ttl, key }
    }

    /// Whether no response is ever stored under this policy.
    pub fn never_stores(&self) -> bool {
        self.ttl.max.is_zero()
    }
}

impl KeyParts {
    /// The first bytes of a hash over everything: never zero, which is the managed policies'.
    fn fingerprint(&self) -> u64 {
        let mut hasher = Sha256::new();
        let mut list = |tag: u8, names: &mut dyn Iterator<Item = &str>| {
            hasher.update([tag]);
            names.for_each(|name| {
                hasher.update((name.len() as u64).to_be_bytes());
                hasher.update(name);
            });
            // No name is so long, so a list ends here.
            hasher.update(u64::MAX.to_be_bytes());
        };
        list(
            u8::from(self.gzip) + 2 * u8::from(self.brotli),
            &mut self.headers.iter().map(HeaderName::as_str),
        );
        for selection in [&self.query, &self.cookies] {
            let (tag, names) = selection.parts();
            list(tag, &mut names.iter().map(String::as_str));
        }
        let hash = hasher.finalize();
        let first = hash.first_chunk().expect("a hash has 32 bytes");
        u64::from_be_bytes(*first).max(1)
    }
}

/// A policy that is there without anybody having made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Its public name.
    pub name: &'static str,
    /// What it says.
    pub policy: CachePolicy,
}

/// The managed policy of this id, if this version knows it.
pub fn managed(id: &str) -> Option<&'static CachePolicy> {
    MANAGED.iter().map(|managed| &managed.policy).find(|policy| policy.id == id)
}

/// Every managed policy that this version knows, in the order of their ids.
pub fn all_managed() -> &'static [Managed] {
    MANAGED.as_slice()
}

const YEAR_SECONDS: u64 = 31_536_000;
const DAY_SECONDS: u64 = 86_400;

static MANAGED: LazyLock<[Managed; 11]> = LazyLock::new(|| {
    let only = |names: &[&str]| Selection::Only(names.iter().map(ToString::to_string).collect());
    let compressed = KeyParts { gzip: true, brotli: true, ..KeyParts::default() };
    let origin_headers = KeyParts {
        headers: vec![
            HOST,
            ORIGIN,
            HeaderName::from_static("x-http-method"),
            HeaderName::from_static("x-http-method-override"),
            HeaderName::from_static("x-method-override"),
        ],
        cookies: Selection::All,
        ..compressed.clone()
    };
    let country = ViewerField::Country.name();
    let amplify = |headers: &[HeaderName], cookies, query| {
        let headers = headers.iter().cloned().chain([AUTHORIZATION, HOST]).collect();
        KeyParts { headers, cookies, query, ..compressed.clone() }
    };
    let media_package = KeyParts {
        headers: vec![ORIGIN],
        query: only(&["aws.manifestfilter", "start", "end", "m"]),
        gzip: true,
        ..KeyParts::default()
    };
    [
        fixed(
            "08627262-05a9-4f76-9ded-b50ca2e3a84f",
            "Managed-Elemental-MediaPackage",
            [0, DAY_SECONDS, YEAR_SECONDS],
            media_package,
        ),
        fixed(
            "1c6db51a-a33f-469a-8245-dae26771f530",
            "Managed-Amplify-ImageOptimization",
            [0, 0, YEAR_SECONDS],
            amplify(&[ACCEPT], Selection::None, Selection::All),
        ),
        fixed(
            "2e54312d-136d-493c-8eb9-b001f22f67d2",
            "Managed-Amplify",
            [2, 2, 600],
            amplify(std::slice::from_ref(&country), Selection::All, Selection::All),
        ),
        fixed(
            "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "Managed-CachingDisabled",
            [0, 0, 0],
            KeyParts::default(),
        ),
        fixed(
            "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
            "UseOriginCacheControlHeaders-QueryStrings",
            [0, 0, YEAR_SECONDS],
            KeyParts { query: Selection::All, ..origin_headers.clone() },
        ),
        fixed(
            "4d1d2f1d-3a71-49ad-9e08-7ea5d843a556",
            "Managed-Amplify-Default",
            [0, 0, YEAR_SECONDS],
            amplify(&[ACCEPT, country.clone()], Selection::All, Selection::All),
        ),
        fixed(
            "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "Managed-CachingOptimized",
            [1, DAY_SECONDS, YEAR_SECONDS],
            compressed.clone(),
        ),
        fixed(
            "7e5fad67-ee98-4ad0-b05a-394999eefc1a",
            "Managed-Amplify-StaticContent",
            [0, 0, YEAR_SECONDS],
            amplify(&[], Selection::None, Selection::None),
        ),
        fixed(
            "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
            "UseOriginCacheControlHeaders",
            [0, 0, YEAR_SECONDS],
            origin_headers,
        ),
        fixed(
            "a6bad946-36c3-4c33-aa98-362c74a7fb13",
            "Managed-Amplify-DefaultNoCookies",
            [0, 0, YEAR_SECONDS],
            amplify(&[ACCEPT, country.clone()], Selection::None, Selection::All),
        ),
        fixed(
            "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
            "Managed-CachingOptimizedForUncompressedObjects",
            [1, DAY_SECONDS, YEAR_SECONDS],
            KeyParts::default(),
        ),
    ]
});

fn fixed(id: &str, name: &'static str, seconds: [u64; 3], key: KeyParts) -> Managed {
    let [min, default, max] = seconds.map(Duration::from_secs);
    let ttl = TtlBounds { min, default, max };
    let policy = CachePolicy { id: id.into(), revision: String::new(), variant: 0, ttl, key };
    Managed { name, policy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_policies_are_known_by_id() {
        let check = |id: &str, name: &str, seconds: [u64; 3], query: &str, headers: usize, cookies: &str| {
            let policy = managed(id).unwrap();
            assert!(all_managed().iter().any(|managed| managed.name == name && managed.policy.id == id));
            let ttls = [policy.ttl.min, policy.ttl.default, policy.ttl.max];
            assert_eq!(ttls, seconds.map(Duration::from_secs), "{name}");
            assert_eq!(format!("{:?}", policy.key.query), query, "{name}");
            assert_eq!(format!("{:?}", policy.key.cookies), cookies, "{name}");
            assert_eq!(policy.key.headers.len(), headers, "{name}");
            assert_eq!(policy.never_stores(), seconds[2] == 0, "{name}");
            // The plane relies on it: no clamp may be upside down.
            assert!(ttls.is_sorted(), "{name}");
        };
        let (day, year) = (DAY_SECONDS, YEAR_SECONDS);
        let optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";
        check(optimized, "Managed-CachingOptimized", [1, day, year], "None", 0, "None");
        let uncompressed = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d";
        check(
            uncompressed,
            "Managed-CachingOptimizedForUncompressedObjects",
            [1, day, year],
            "None",
            0,
            "None",
        );
        check("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "Managed-CachingDisabled", [0; 3], "None", 0, "None");
        let origin = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
        check(origin, "UseOriginCacheControlHeaders", [0, 0, year], "None", 5, "All");
        let query = "4cc15a8a-d715-48a4-82b8-cc0b614638fe";
        check(query, "UseOriginCacheControlHeaders-QueryStrings", [0, 0, year], "All", 5, "All");
        check(
            "08627262-05a9-4f76-9ded-b50ca2e3a84f",
            "Managed-Elemental-MediaPackage",
            [0, day, year],
            r#"Only(["aws.manifestfilter", "start", "end", "m"])"#,
            1,
            "None",
        );
        let amplify = "2e54312d-136d-493c-8eb9-b001f22f67d2";
        check(amplify, "Managed-Amplify", [2, 2, 600], "All", 3, "All");
        let default = "4d1d2f1d-3a71-49ad-9e08-7ea5d843a556";
        check(default, "Managed-Amplify-Default", [0, 0, year], "All", 4, "All");
        let no_cookies = "a6bad946-36c3-4c33-aa98-362c74a7fb13";
        check(no_cookies, "Managed-Amplify-DefaultNoCookies", [0, 0, year], "All", 4, "None");
        let images = "1c6db51a-a33f-469a-8245-dae26771f530";
        check(images, "Managed-Amplify-ImageOptimization", [0, 0, year], "All", 3, "None");
        let content = "7e5fad67-ee98-4ad0-b05a-394999eefc1a";
        check(content, "Managed-Amplify-StaticContent", [0, 0, year], "None", 2, "None");
        for id in [amplify, default, no_cookies, images, content] {
            let headers = &managed(id).unwrap().key.headers;
            let has_country = headers.contains(&ViewerField::Country.name());
            assert_eq!(has_country, [amplify, default, no_cookies].contains(&id), "{id}");
            assert!(headers.contains(&AUTHORIZATION) && headers.contains(&HOST), "{id}");
        }
        assert!(all_managed().is_sorted_by_key(|managed| &managed.policy.id));
        assert_eq!(managed("658327EA-F89D-4FAB-A63D-7E88639E58F6"), None);
        assert_eq!(managed(""), None);
    }

    #[test]
    fn a_variant_is_what_the_key_is_made_of() {
        let ttl =
            |max| TtlBounds { min: Duration::ZERO, default: Duration::ZERO, max: Duration::from_secs(max) };
        let of = |max, key| CachePolicy::custom("p", "E1", ttl(max), key).variant;
        let plain = KeyParts::default();
        assert_eq!(of(1, plain.clone()), of(2, plain.clone()), "lifetimes make no other key");
        assert_ne!(of(1, plain.clone()), 0);
        let queried = KeyParts { query: Selection::All, ..plain.clone() };
        assert_ne!(of(1, plain), of(1, queried));
    }

    #[test]
    fn a_custom_policy_is_read_as_it_was_written() {
        let ttl = TtlBounds { min: Duration::ZERO, default: Duration::ZERO, max: Duration::from_secs(9) };
        let key = KeyParts {
            headers: vec![HeaderName::from_static("x-a")],
            cookies: Selection::AllExcept(vec!["c".into()]),
            ..KeyParts::default()
        };
        let policy = CachePolicy::custom("p", "E1", ttl, key);
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<CachePolicy>(&text).unwrap(), policy);
        let bad = text.replace("x-a", "x a");
        assert!(serde_json::from_str::<CachePolicy>(&bad).is_err());
    }
}
