//! Origins that fail: who is asked instead, what the viewer gets instead, and for how long.

use std::time::Duration;

use recant_core::failing::{CustomErrorSpec, ErrorPageSpec, OriginGroupSpec};
use recant_core::spec::DistributionSpec;

use crate::support::{Act, Bed, ORIGIN_HEADERS_QUERY, Origin, distribution, ok};

fn error(status: u16, body: &str) -> Act {
    let length = body.len();
    Act::Reply(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into())
}

/// A bed with two origins in a group; the first is the bed's own.
async fn grouped(
    first: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    second: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
) -> (Bed, Origin) {
    let (first, second) = (Origin::start(first).await, Origin::start(second).await);
    let mut spec = distribution(first.address.port());
    let mut other = spec.origins[0].clone();
    other.id = "other".into();
    other.http_port = second.address.port();
    spec.origins.push(other);
    spec.origin_groups = vec![OriginGroupSpec {
        id: "both".into(),
        members: vec!["main".into(), "other".into()],
        failover_statuses: vec![404, 503],
    }];
    spec.default_behavior.target_origin_id = "both".into();
    (Bed::with(first, spec, |_| {}).await, second)
}

#[tokio::test]
async fn the_second_origin_is_asked_where_the_first_fails() {
    for act in [|| error(503, "busy"), || error(404, "none"), || Act::ReplyAndClose(Vec::new())] {
        let (bed, second) =
            grouped(move |_, _| act(), |_, _| ok(&["Cache-Control: max-age=60"], "second")).await;
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(bed.send(method, "a.test", &format!("/{method}"), &[]).await.status, 200, "{method}");
        }
        assert_eq!(bed.get("a.test", "/GET").await.header("x-cache"), "Hit from recant");
        let asked = second.seen();
        assert!(asked[0].starts_with("GET /a/GET HTTP/1.1\r\n"), "{asked:?}");
        assert!(asked[0].to_ascii_lowercase().contains("x-origin-key: k\r\n"), "{asked:?}");
        assert_eq!(asked.len(), 3);
    }
}

#[tokio::test]
async fn an_origin_where_nobody_listens_fails() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (mut bed, second) = grouped(|_, _| Act::Silence, |_, _| ok(&[], "second")).await;
    let mut spec = distribution(nobody.port());
    let mut other = spec.origins[0].clone();
    (other.id, other.http_port) = ("other".into(), second.address.port());
    spec.origins.push(other);
    let members = vec!["main".into(), "other".into()];
    spec.origin_groups = vec![OriginGroupSpec { id: "both".into(), members, failover_statuses: vec![500] }];
    spec.default_behavior.target_origin_id = "both".into();
    bed.apply(&recant_core::entry::Change::PutDistribution(spec));
    assert_eq!(bed.get("a.test", "/p").await.text(), "second");
}

#[tokio::test]
async fn other_failures_and_other_methods_stay_with_the_first() {
    let (bed, second) = grouped(|_, _| error(500, "broken"), |_, _| ok(&[], "second")).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "broken", "a status that was not named");
    let (bed, also) = grouped(|_, _| error(503, "busy"), |_, _| ok(&[], "second")).await;
    for (method, lines) in [
        ("POST", "Content-Length: 0\r\n"),
        ("PUT", "Content-Length: 1\r\n"),
        ("GET", "Content-Length: 1\r\n"),
    ] {
        let body = if lines.contains('1') { "x" } else { "" };
        let request = format!("{method} /p HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n{body}");
        assert_eq!(bed.raw(method, &request).await.text(), "busy", "{method}");
    }
    assert_eq!((second.count(), also.count()), (0, 0));
    // The last one's answer is the answer.
    let (bed, _second) = grouped(|_, _| error(503, "busy"), |_, _| error(404, "nor here")).await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.text()), (404, "nor here"));
}

/// What a distribution says of errors of this status.
fn custom(status: u16, seconds: u64, page: Option<(&str, u16)>) -> CustomErrorSpec {
    let page = page.map(|(path, status)| ErrorPageSpec { path: path.into(), status });
    CustomErrorSpec { status, caching_min_ttl: Duration::from_secs(seconds), page }
}

async fn with_errors(
    script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    errors: Vec<CustomErrorSpec>,
) -> Bed {
    let origin = Origin::start(script).await;
    let mut spec: DistributionSpec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = ORIGIN_HEADERS_QUERY.into();
    spec.custom_errors = errors;
    Bed::with(origin, spec, |_| {}).await
}

/// `/sorry` and `/app` are there, and nothing else.
fn site(_: usize, request: &str) -> Act {
    match request.split(' ').nth(1) {
        Some("/a/sorry") => {
            ok(&["Cache-Control: max-age=60", "Content-Type: text/x-sorry", "ETag: \"s\""], "sorry")
        }
        Some("/a/app") => ok(&["Cache-Control: max-age=60"], "the app"),
        Some("/a/busy") => error(503, "busy"),
        Some("/a/gone") => Act::ReplyAndClose(Vec::new()),
        _ => error(404, "not found"),
    }
}

#[tokio::test]
async fn a_page_stands_in_for_an_error() {
    let errors = vec![custom(404, 10, Some(("/sorry", 404))), custom(502, 0, Some(("/app", 200)))];
    let mut bed = with_errors(site, errors).await;
    let lines = ["If-None-Match: \"s\"", "Cookie: a=1", "Range: bytes=0-1"];
    for lines in [&lines[..0], &lines[..2], &lines] {
        let reply = bed.send("GET", "a.test", "/missing", lines).await;
        assert_eq!((reply.status, reply.text()), (404, "sorry"));
        assert_eq!(reply.header("content-type"), "text/x-sorry");
        assert_eq!(reply.header("x-cache"), "Error from recant");
    }
    let head = bed.send("HEAD", "a.test", "/missing", &["Cookie: a=1"]).await;
    assert_eq!((head.status, head.header("content-length")), (404, "5".into()));
    let reply = bed.get("a.test", "/gone").await;
    assert_eq!((reply.status, reply.text()), (200, "the app"), "the origin said nothing at all");
    // Of what no page was named for, the error itself.
    assert_eq!(bed.get("a.test", "/busy").await.text(), "busy");
    // The edge's own refusals say why.
    assert_eq!(bed.raw("GET", "GET /../x HTTP/1.1\r\nHost: a.test\r\n\r\n").await.status, 400);
    assert_eq!(bed.get("nobody.test", "/x").await.status, 404);
    assert!(!bed.get("nobody.test", "/x").await.text().contains("sorry"));

    // An invalidation of the page holds where it stands in.
    let before = bed.origin.count();
    let _ = bed.get("a.test", "/missing").await;
    bed.invalidate("a", &["/sorry"]);
    let _ = bed.get("a.test", "/missing").await;
    let asked: Vec<_> = bed.origin.seen().split_off(before);
    assert!(asked.iter().any(|request| request.starts_with("GET /a/sorry ")), "{asked:?}");
}

#[tokio::test]
async fn a_page_that_is_not_there_stands_in_for_nothing() {
    let bed = with_errors(site, vec![custom(404, 0, Some(("/nowhere", 200)))]).await;
    let reply = bed.get("a.test", "/missing").await;
    assert_eq!((reply.status, reply.text()), (404, "not found"));
    assert_eq!(bed.origin.count(), 2, "and no page is looked for in the page's place");
}

#[tokio::test]
async fn errors_are_kept_as_long_as_was_said() {
    let mut bed = with_errors(site, vec![custom(404, 10, None), custom(503, 0, None)]).await;
    for (target, status, is_kept) in [("/missing", 404, true), ("/busy", 503, false)] {
        for asked in [1, if is_kept { 0 } else { 1 }] {
            let before = bed.origin.count();
            assert_eq!(bed.get("a.test", target).await.status, status);
            assert_eq!(bed.origin.count() - before, asked, "{target}");
        }
    }
    bed.pass_leased(Duration::from_secs(9));
    let reply = bed.get("a.test", "/missing").await;
    assert_eq!(
        (reply.header("cache-status").as_str(), reply.header("age").as_str()),
        ("recant; hit; ttl=1", "9")
    );
    bed.pass_leased(Duration::from_secs(2));
    let before = bed.origin.count();
    assert_eq!(bed.get("a.test", "/missing").await.status, 404);
    assert_eq!(bed.origin.count(), before + 1);
    bed.invalidate("a", &["/missing"]);
    assert_eq!(bed.get("a.test", "/missing").await.status, 404);
    assert_eq!(bed.origin.count(), before + 2, "an error that is kept is invalidated like a page");
}

#[tokio::test]
async fn an_error_that_a_page_stands_in_for_is_kept_too() {
    let bed = with_errors(site, vec![custom(404, 10, Some(("/sorry", 404)))]).await;
    let _ = bed.get("a.test", "/missing").await;
    // It is read to its end behind the viewer's back: until that is done, the origin is asked again.
    let mut looks = 0;
    loop {
        let before = bed.origin.count();
        assert_eq!(bed.get("a.test", "/missing").await.text(), "sorry");
        if bed.origin.count() == before {
            break;
        }
        looks += 1;
        assert!(looks < 1_000);
        tokio::task::yield_now().await;
    }
}
