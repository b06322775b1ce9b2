//! Validation and stale responses against invalidations: a 304 brings nothing back that a rule has taken away.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Bed, Gate, Viewer};

const STALE_TAGGED: &str = "Cache-Control: max-age=1, stale-if-error=60\r\nETag: \"a\"\r\nCache-Tag: red\r\n";

fn ok(lines: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn not_modified(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 304 Not Modified\r\n{lines}\r\n").into_bytes()
}

/// Something stored, and stale: the origin's later answers are the script's.
async fn stale(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Bed {
    let bed = Bed::new(move |before, request| match before {
        0 => Act::Reply(ok(STALE_TAGGED, "old")),
        _ => script(before, request),
    })
    .await;
    let _ = bed.get("a.test", "/p").await;
    bed.pass_leased(Duration::from_secs(2));
    bed
}

fn is_conditional(request: &str) -> bool {
    request.to_ascii_lowercase().contains("if-none-match: \"a\"\r\n")
}

/// Full answers to full requests, and these to conditional ones.
fn confirming(lines: &'static str) -> impl Fn(usize, &str) -> Act + Send + Sync + 'static {
    move |_, request| {
        Act::Reply(if is_conditional(request) { not_modified(lines) } else { ok(STALE_TAGGED, "new") })
    }
}

#[tokio::test]
async fn what_is_invalidated_is_not_validated_but_fetched() {
    for item in ["/p", "#red"] {
        let mut bed = stale(confirming("")).await;
        bed.invalidate("a", &[item]);
        let reply = bed.get("a.test", "/p").await;
        assert_eq!(reply.text(), "new", "{item}");
        assert_eq!(
            reply.header("cache-status"),
            "recant; fwd=miss; detail=invalidated; fwd-status=200; stored"
        );
        assert!(!is_conditional(&bed.origin.seen()[1]), "{item}");
    }
    let bed = stale(confirming("")).await;
    bed.publish(None);
    assert_eq!(
        bed.get("a.test", "/p").await.text(),
        "new",
        "without a lease nobody knows what is invalidated"
    );
    assert!(!is_conditional(&bed.origin.seen()[1]));
}

#[tokio::test]
async fn an_invalidation_between_a_validation_and_its_304_wins() {
    // By its path, by a tag that it had, by a tag that only the 304 gives it.
    for item in ["/p", "#red", "#green"] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let mut bed = stale(move |_, request| match is_conditional(request) {
            true => Act::AtGate(held.clone(), not_modified("Cache-Tag: green\r\n")),
            false => Act::Reply(ok(STALE_TAGGED, "new")),
        })
        .await;
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        gate.reached.notified().await;
        bed.invalidate("a", &[item]);
        gate.open.notify_one();
        let reply = viewer.read("GET").await;
        assert_eq!(
            (reply.text(), reply.header("cache-status")),
            ("new", "recant; fwd=stale; fwd-status=200; stored".into())
        );
        // That request began before the invalidation was seen here: what came is judged by its own tags.
        let served = if item == "#green" { "Hit from recant" } else { "Miss from recant" };
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), served, "{item}");
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant", "{item}");
    }
}

#[tokio::test]
async fn a_304_makes_nothing_newer_for_the_rules() {
    // The tag was invalidated after the bytes came and before the 304 says that they have it.
    let mut bed = stale(confirming("Cache-Tag: green\r\n")).await;
    bed.invalidate("a", &["#green"]);
    assert_eq!(bed.get("a.test", "/p").await.text(), "new");
    // Both the old and the new tags take it away from now on.
    for item in ["#red", "#green"] {
        let mut bed = stale(confirming("Cache-Tag: green\r\nCache-Control: max-age=60\r\n")).await;
        assert_eq!(bed.get("a.test", "/p").await.text(), "old");
        bed.invalidate("a", &["#blue"]);
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
        bed.invalidate("a", &[item]);
        assert_eq!(bed.get("a.test", "/p").await.text(), "new", "{item}");
    }
}

#[tokio::test]
async fn a_304_about_another_response_is_no_answer() {
    for lines in ["ETag: \"b\"\r\n", "ETag: b\r\n", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"] {
        let bed = stale(confirming(lines)).await;
        let reply = bed.get("a.test", "/p").await;
        assert_eq!(reply.text(), "new", "{lines:?}");
        assert_eq!(bed.origin.count(), 3, "{lines:?}");
    }
}

#[tokio::test]
async fn a_304_that_makes_it_private_takes_it_out() {
    let bed = stale(confirming("Cache-Control: private\r\n")).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "old");
    assert_eq!(
        bed.get("a.test", "/p").await.header("cache-status"),
        "recant; fwd=uri-miss; fwd-status=200; stored"
    );
}

#[tokio::test]
async fn what_is_invalidated_stands_in_for_nothing() {
    let fails = |_: usize, _: &str| Act::Reply(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".into());
    let breaks = |_: usize, _: &str| Act::ReplyAndClose(Vec::new());
    assert_eq!(stale(fails).await.get("a.test", "/p").await.text(), "old");
    assert_eq!(stale(breaks).await.get("a.test", "/p").await.text(), "old");
    for item in ["/p", "/*", "#red"] {
        let mut bed = stale(fails).await;
        bed.invalidate("a", &[item]);
        assert_eq!(bed.get("a.test", "/p").await.status, 503, "{item}");
        let mut bed = stale(breaks).await;
        bed.invalidate("a", &[item]);
        assert_eq!(bed.get("a.test", "/p").await.status, 502, "{item}");
    }
    let bed = stale(fails).await;
    bed.publish(None);
    assert_eq!(bed.get("a.test", "/p").await.status, 503, "without a lease");
}

#[tokio::test]
async fn an_invalidation_while_the_origin_fails_wins() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    let mut bed = stale(move |_, _| Act::AtGate(held.clone(), busy.to_vec())).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    gate.reached.notified().await;
    bed.invalidate("a", &["/p"]);
    gate.open.notify_one();
    assert_eq!(viewer.read("GET").await.status, 503);
}

#[tokio::test]
async fn what_is_validated_behind_the_viewers_back_is_there_for_the_next() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let lines = "Cache-Control: max-age=1, stale-while-revalidate=60\r\nETag: \"a\"\r\n";
    let mut bed = Bed::new(move |before, _| match before {
        0 => Act::Reply(ok(lines, "old")),
        1 => Act::AtGate(held.clone(), ok(lines, "new")),
        _ => Act::Reply(ok(lines, "newer")),
    })
    .await;
    let _ = bed.get("a.test", "/p").await;
    bed.pass_leased(Duration::from_secs(2));
    // One validation, however many viewers are served meanwhile.
    for _ in 0..3 {
        assert_eq!(
            bed.get("a.test", "/p").await.header("cache-status"),
            "recant; hit; ttl=-1; detail=stale-while-revalidate"
        );
    }
    gate.reached.notified().await;
    assert_eq!(bed.origin.count(), 2);
    assert!(is_conditional(&bed.origin.seen()[1]));
    // Whoever comes after an invalidation gets nothing stale, and nothing of what is under way.
    bed.invalidate("a", &["/p"]);
    assert_eq!(bed.get("a.test", "/p").await.text(), "newer");
    gate.open.notify_one();
    assert_eq!(bed.get("a.test", "/p").await.text(), "newer");
}
