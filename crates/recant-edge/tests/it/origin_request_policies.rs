//! What origins are told by custom origin request policies, beside what is in the key.

use std::time::Duration;

use http::HeaderName;
use recant_core::cache_policy::{CachePolicy, KeyParts, TtlBounds};
use recant_core::origin_request_policy::{ForwardedHeaders, OriginRequestPolicy};
use recant_core::selection::Selection;

use crate::support::{Bed, Origin, distribution, ok};

fn only(names: &[&str]) -> Selection {
    Selection::Only(names.iter().map(ToString::to_string).collect())
}

fn names(names: &[&'static str]) -> Vec<HeaderName> {
    names.iter().map(|name| HeaderName::from_static(name)).collect()
}

/// An edge that keys `?id`, `X-Plan` and the cookie `s`, and tells the origin besides what the policy says.
async fn bed(headers: ForwardedHeaders, cookies: Selection, query: Selection) -> Bed {
    let origin = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
    let mut spec = distribution(origin.address.port());
    let ttl = TtlBounds { min: Duration::ZERO, default: Duration::ZERO, max: Duration::from_secs(600) };
    let key = KeyParts {
        headers: names(&["x-plan"]),
        cookies: only(&["s"]),
        query: only(&["id"]),
        ..KeyParts::default()
    };
    let behavior = &mut spec.default_behavior;
    behavior.cache_policy_id = "c".into();
    behavior.custom_cache_policy = Some(Box::new(CachePolicy::custom("c", "E1", ttl, key)));
    behavior.origin_request_policy_id = Some("o".into());
    behavior.custom_origin_request_policy = Some(Box::new(OriginRequestPolicy {
        id: "o".into(),
        revision: "E1".into(),
        headers,
        cookies,
        query,
    }));
    Bed::with(origin, spec, |_| {}).await
}

const VIEWERS: [&str; 7] = [
    "X-Plan: gold",
    "X-Other: 1",
    "Cookie: s=1; t=2; u=3",
    "User-Agent: me",
    "CloudFront-Viewer-Address: 192.0.2.1:1",
    "CloudFront-Viewer-Country: XX",
    "Accept-Encoding: gzip",
];

/// The first line, and the fields that are looked at, as the origin saw them.
async fn told(bed: &Bed, method: &str) -> (String, Vec<String>) {
    let _ = bed.send(method, "a.test", "/p?id=1&x=2&y=3", &VIEWERS).await;
    let request = bed.origin.seen().pop().unwrap().to_ascii_lowercase();
    let head = request.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().map(str::to_owned);
    let first = lines.next().unwrap();
    let mut fields: Vec<String> = lines
        .filter(|line| {
            !["via:", "x-origin-key:", "host: 127.", "content-length"].iter().any(|it| line.starts_with(it))
        })
        .collect();
    fields.sort();
    (first, fields)
}

#[tokio::test]
async fn the_origin_is_told_what_is_keyed_and_what_is_chosen() {
    let check = async |headers, cookies, query, target: &str, expected: &[&str]| {
        let shown = format!("{headers:?}");
        let bed = bed(headers, cookies, query).await;
        let (first, fields) = told(&bed, "GET").await;
        assert_eq!(first, format!("get /a/p{target} http/1.1"), "{shown}");
        assert_eq!(fields, expected, "{shown}");
        // A policy of this kind does not say what is in the key.
        let lines = ["X-Plan: gold", "Cookie: s=1; t=9", "X-Other: 9"];
        let again = bed.send("GET", "a.test", "/p?x=9&id=1", &lines).await;
        assert_eq!(again.header("x-cache"), "Hit from recant", "{shown}");
    };
    let (none, all) = (Selection::None, Selection::All);
    check(ForwardedHeaders::None, none.clone(), none.clone(), "?id=1", &["cookie: s=1", "x-plan: gold"])
        .await;
    check(
        ForwardedHeaders::Only(names(&["x-other", "host"])),
        only(&["t"]),
        only(&["y"]),
        "?id=1&y=3",
        &["cookie: s=1; t=2", "host: a.test", "x-other: 1", "x-plan: gold"],
    )
    .await;
    check(
        ForwardedHeaders::AllExcept(names(&["user-agent", "host"])),
        Selection::AllExcept(vec!["t".into()]),
        all.clone(),
        "?id=1&x=2&y=3",
        &["cookie: s=1; u=3", "x-forwarded-for: 127.0.0.1", "x-other: 1", "x-plan: gold"],
    )
    .await;
    check(
        ForwardedHeaders::AllViewer,
        all.clone(),
        none.clone(),
        "?id=1",
        &[
            "cookie: s=1; t=2; u=3",
            "host: a.test",
            "user-agent: me",
            "x-forwarded-for: 127.0.0.1",
            "x-other: 1",
            "x-plan: gold",
        ],
    )
    .await;
    check(
        ForwardedHeaders::AllViewerAnd(names(&[
            "cloudfront-forwarded-proto",
            "cloudfront-viewer-http-version",
        ])),
        none.clone(),
        none,
        "?id=1",
        &[
            "cloudfront-forwarded-proto: http",
            "cloudfront-viewer-http-version: 1.1",
            "cookie: s=1",
            "host: a.test",
            "user-agent: me",
            "x-forwarded-for: 127.0.0.1",
            "x-other: 1",
            "x-plan: gold",
        ],
    )
    .await;
}

#[tokio::test]
async fn what_a_viewer_says_in_the_edges_name_does_not_pass() {
    let address = ForwardedHeaders::Only(names(&["cloudfront-viewer-address"]));
    let bed = bed(address, Selection::None, Selection::None).await;
    let (_, fields) = told(&bed, "GET").await;
    let address = fields.iter().find_map(|field| field.strip_prefix("cloudfront-viewer-address: ")).unwrap();
    assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":1"), "{address}");
    assert!(!fields.iter().any(|field| field.contains("country")), "{fields:?}");
}

#[tokio::test]
async fn requests_that_do_not_use_the_cache_are_told_alike() {
    let headers = ForwardedHeaders::Only(names(&["x-other"]));
    let bed = bed(headers, only(&["t"]), only(&["x"])).await;
    let (first, fields) = told(&bed, "OPTIONS").await;
    assert_eq!(first, "options /a/p?id=1&x=2 http/1.1");
    let expected = ["cookie: s=1; t=2", "x-forwarded-for: 127.0.0.1", "x-other: 1", "x-plan: gold"];
    assert_eq!(fields, expected);
    // What is about the content and who sends it is not for a policy to choose.
    let lines = [
        "Content-Type: text/plain",
        "Authorization: x",
        "If-Match: \"a\"",
        "X-Secret: 1",
        "Sec-WebSocket-Version: 13",
    ];
    let _ = bed.send("POST", "a.test", "/p", &lines).await;
    let request = bed.origin.seen().pop().unwrap().to_ascii_lowercase();
    for line in
        ["content-type: text/plain", "authorization: x", "if-match: \"a\"", "sec-websocket-version: 13"]
    {
        assert!(request.contains(line), "{line}: {request}");
    }
    assert!(!request.contains("x-secret"), "{request}");
}
