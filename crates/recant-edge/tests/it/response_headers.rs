//! What a response headers policy makes of responses, from the origin and from the store.

use http::{HeaderName, HeaderValue};
use recant_core::entry::Change;
use recant_core::response_headers_policy::{Cors, ResponseHeadersPolicy, SetField};
use recant_core::spec::DistributionSpec;

use crate::support::{Bed, Origin, distribution, ok};

fn policy() -> ResponseHeadersPolicy {
    let set = |name: &'static str, value: &'static str, overrides| SetField {
        name: HeaderName::from_static(name),
        value: HeaderValue::from_static(value),
        overrides,
    };
    ResponseHeadersPolicy {
        id: "r".into(),
        revision: "E1".into(),
        cors: Some(Cors {
            origins: vec!["https://*.shop.test".into()],
            credentials: false,
            headers: "X-A".into(),
            methods: "GET".into(),
            expose: "X-B".into(),
            max_age: None,
            overrides: true,
        }),
        set: vec![set("cache-control", "no-store", true), set("x-frame-options", "DENY", false)],
        remove: vec![HeaderName::from_static("x-powered-by")],
        server_timing: Some(0),
    }
}

fn with(port: u16, policy: ResponseHeadersPolicy) -> DistributionSpec {
    let mut spec = distribution(port);
    spec.default_behavior.response_headers_policy = Some(Box::new(policy));
    spec
}

const ORIGINS: [&str; 3] = ["Cache-Control: max-age=60", "X-Powered-By: x", "X-Frame-Options: SAMEORIGIN"];

async fn bed() -> Bed {
    let origin = Origin::start(|_, _| ok(&ORIGINS, "body")).await;
    let spec = with(origin.address.port(), policy());
    Bed::with(origin, spec, |_| {}).await
}

#[tokio::test]
async fn hits_and_misses_are_told_alike_and_stored_as_they_came() {
    let mut bed = bed().await;
    for x_cache in ["Miss from recant", "Hit from recant"] {
        let reply = bed.get("a.test", "/p").await;
        assert_eq!((reply.header("x-cache"), reply.text()), (x_cache.to_owned(), "body"));
        // What the viewer is told about caching is not what the edge keeps to.
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("x-frame-options"), "SAMEORIGIN");
        assert_eq!(reply.header("x-powered-by"), "");
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    // A policy that changes, or goes, is about what is stored already, too.
    let mut changed = policy();
    changed.remove.clear();
    bed.apply(&Change::PutDistribution(with(bed.origin.address.port(), changed)));
    let reply = bed.get("a.test", "/p").await;
    assert_eq!(
        (reply.header("x-cache").as_str(), reply.header("x-powered-by").as_str()),
        ("Hit from recant", "x")
    );
    bed.apply(&Change::PutDistribution(distribution(bed.origin.address.port())));
    assert_eq!(bed.get("a.test", "/p").await.header("cache-control"), "max-age=60");
}

#[tokio::test]
async fn each_viewer_of_a_stored_response_is_told_of_its_own_origin() {
    let bed = bed().await;
    for (origin, allowed) in [
        ("https://a.shop.test", true),
        ("https://b.shop.test", true),
        ("https://evil.test", false),
        ("https://a.shop.test", true),
    ] {
        let reply = bed.send("GET", "a.test", "/p", &[&format!("Origin: {origin}")]).await;
        let expected = if allowed { origin } else { "" };
        assert_eq!(reply.header("access-control-allow-origin"), expected);
        assert_eq!(reply.header("vary"), if allowed { "Origin" } else { "" });
    }
    assert_eq!(bed.origin.count(), 1, "the origin of the page is not in the key");
    let preflight = ["Origin: https://a.shop.test", "Access-Control-Request-Method: GET"];
    let reply = bed.send("OPTIONS", "a.test", "/p", &preflight).await;
    assert_eq!(reply.header("access-control-allow-methods"), "GET");
    assert_eq!(reply.header("access-control-allow-headers"), "X-A");
}

#[tokio::test]
async fn timing_is_told_to_who_asks() {
    let bed = bed().await;
    assert_eq!(bed.get("a.test", "/p").await.header("server-timing"), "");
    let timing = bed.send("GET", "a.test", "/p", &["Pragma: server-timing"]).await.header("server-timing");
    assert!(
        timing.starts_with("cdn-cache-hit,cdn-hit-layer;desc=\"EDGE\",cdn-downstream-fbl;dur="),
        "{timing}"
    );
    let timing = bed.send("GET", "a.test", "/q", &["Pragma: server-timing"]).await.header("server-timing");
    assert!(timing.starts_with("cdn-cache-miss,"), "{timing}");
}
