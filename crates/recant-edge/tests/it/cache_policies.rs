//! What custom cache policies tell apart, and how long what they keep stays.

use std::time::Duration;

use http::HeaderName;
use recant_core::cache_policy::{CachePolicy, KeyParts, TtlBounds};
use recant_core::entry::Change;
use recant_core::selection::Selection;
use recant_core::spec::DistributionSpec;

use crate::support::{Bed, Origin, distribution, ok};

fn ttl(min: u64, default: u64, max: u64) -> TtlBounds {
    let [min, default, max] = [min, default, max].map(Duration::from_secs);
    TtlBounds { min, default, max }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn with_policy(port: u16, ttl: TtlBounds, key: KeyParts) -> DistributionSpec {
    let policy = CachePolicy::custom("p", "E1", ttl, key);
    let mut spec = distribution(port);
    spec.default_behavior.cache_policy_id.clone_from(&policy.id);
    spec.default_behavior.custom_cache_policy = Some(Box::new(policy));
    spec
}

/// An edge whose one behaviour has a policy with this key.
async fn bed(key: KeyParts) -> Bed {
    let origin = Origin::start(|n, _| ok(&[], &format!("{n}"))).await;
    let spec = with_policy(origin.address.port(), ttl(0, 60, 600), key);
    Bed::with(origin, spec, |_| {}).await
}

async fn x_cache(bed: &Bed, target: &str, lines: &[&str]) -> String {
    let reply = bed.send("GET", "a.test", target, lines).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.header("x-cache")
}

/// Asks for the first, and says whether the second finds the same.
async fn shared(bed: &Bed, first: (&str, &[&str]), second: (&str, &[&str])) -> bool {
    let _ = x_cache(bed, first.0, first.1).await;
    x_cache(bed, second.0, second.1).await == "Hit from recant"
}

#[tokio::test]
async fn the_key_is_what_the_policy_lists() {
    let key = KeyParts {
        query: Selection::Only(names(&["id"])),
        headers: vec![HeaderName::from_static("x-plan")],
        cookies: Selection::AllExcept(names(&["tracking"])),
        ..KeyParts::default()
    };
    let bed = bed(key).await;
    let check = async |path: &str, first: (&str, &[&str]), second: (&str, &[&str]), expected: bool| {
        let target = |query: &str| format!("/{path}{query}");
        let (one, two) = (target(first.0), target(second.0));
        assert_eq!(shared(&bed, (&one, first.1), (&two, second.1)).await, expected, "{first:?} {second:?}");
    };
    check("1", ("?id=1&utm=x", &[]), ("?utm=y&id=1", &[]), true).await;
    check("2", ("?id=1", &[]), ("?id=2", &[]), false).await;
    check("3", ("?utm=1", &[]), ("", &[]), true).await;
    check("4", ("", &["X-Plan: gold"]), ("", &["X-Plan: tin"]), false).await;
    check("5", ("", &["X-Other: a"]), ("", &["X-Other: b"]), true).await;
    check("6", ("", &["Cookie: tracking=1; s=1"]), ("", &["Cookie: s=1; tracking=2"]), true).await;
    check("7", ("", &["Cookie: s=1"]), ("", &["Cookie: s=2"]), false).await;
    check("8", ("", &["Accept-Encoding: gzip"]), ("", &[]), true).await;

    let _ =
        x_cache(&bed, "/seen?b=1&id=7&c", &["X-Plan: tin", "Cookie: tracking=1; s=2", "X-Other: a"]).await;
    let request = bed.origin.seen().pop().unwrap().to_ascii_lowercase();
    assert!(request.starts_with("get /a/seen?id=7 http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nx-plan: tin\r\n") && request.contains("\r\ncookie: s=2\r\n"), "{request}");
    assert!(!request.contains("x-other") && !request.contains("tracking"), "{request}");
}

#[tokio::test]
async fn a_policy_that_changes_serves_nothing_of_before() {
    let mut bed = bed(KeyParts { query: Selection::None, ..KeyParts::default() }).await;
    assert!(shared(&bed, ("/p?lang=en", &[]), ("/p?lang=de", &[])).await);
    let port = bed.origin.address.port();
    let change = |ttl, key| Change::PutDistribution(with_policy(port, ttl, key));

    // Lifetimes make no other key.
    bed.apply(&change(ttl(0, 90, 600), KeyParts::default()));
    assert_eq!(x_cache(&bed, "/p?lang=de", &[]).await, "Hit from recant");
    // What is in the key does, also for a request that says nothing of it.
    bed.apply(&change(ttl(0, 90, 600), KeyParts { query: Selection::All, ..KeyParts::default() }));
    assert_eq!(x_cache(&bed, "/p", &[]).await, "Miss from recant");
    assert!(!shared(&bed, ("/p?lang=en", &[]), ("/p?lang=de", &[])).await);
}

#[tokio::test]
async fn lifetimes_are_kept_within_the_policys_bounds() {
    let check = async |ttl: TtlBounds, line: &str, fresh: u64, stale: u64| {
        let line = line.to_owned();
        let origin = Origin::start(move |_, _| ok(&[&line], "body")).await;
        let spec = with_policy(origin.address.port(), ttl, KeyParts::default());
        let bed = Bed::with(origin, spec, |_| {}).await;
        assert_eq!(x_cache(&bed, "/p", &[]).await, "Miss from recant");
        bed.pass_leased(Duration::from_secs(fresh));
        assert_eq!(x_cache(&bed, "/p", &[]).await, "Hit from recant", "{ttl:?} after {fresh} s");
        bed.pass_leased(Duration::from_secs(stale - fresh));
        assert_ne!(x_cache(&bed, "/p", &[]).await, "Hit from recant", "{ttl:?} after {stale} s");
    };
    check(ttl(0, 7, 600), "X: y", 6, 8).await;
    check(ttl(5, 7, 600), "Cache-Control: max-age=1", 4, 6).await;
    check(ttl(0, 7, 9), "Cache-Control: max-age=60", 8, 10).await;
    check(ttl(0, 7, 9), "Cache-Control: max-age=3", 2, 4).await;
}

#[tokio::test]
async fn invalidations_reach_what_a_policy_keeps_apart() {
    let mut bed = bed(KeyParts { query: Selection::Only(names(&["id", "v"])), ..KeyParts::default() }).await;
    for target in ["/p?id=1&x=1", "/p?v=2", "/p?id=1&v=2", "/p"] {
        assert_eq!(x_cache(&bed, target, &[]).await, "Miss from recant");
    }
    // A rule with a query concerns what is stored under some of its parameters (CacheKey::uris).
    bed.invalidate("a", &["/p?x=1&id=1"]);
    for (target, kept) in [("/p?id=1", false), ("/p?id=1&v=2", true), ("/p?v=2", true)] {
        assert_eq!(x_cache(&bed, target, &[]).await == "Hit from recant", kept, "{target}");
    }
    bed.invalidate("a", &["/p*"]);
    for target in ["/p?id=1", "/p?id=1&v=2", "/p?v=2", "/p"] {
        assert_ne!(x_cache(&bed, target, &[]).await, "Hit from recant", "{target}");
    }
}
