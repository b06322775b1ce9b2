//! What is stored, for how long, and how it is served.

use std::time::Duration;

use crate::support::{Act, Bed, Viewer, ok};

/// A body that tells which request made it.
fn numbered(lines: &'static [&'static str]) -> impl Fn(usize, &str) -> Act {
    move |before, request| {
        let target = request.split(' ').nth(1).unwrap();
        ok(lines, &format!("{target} #{before}"))
    }
}

#[tokio::test]
async fn a_second_request_is_a_hit_until_the_response_is_stale() {
    let bed = Bed::new(numbered(&["Cache-Control: max-age=60", "ETag: \"x\"", "X-Cache: theirs"])).await;
    let miss = bed.get("a.test", "/p").await;
    assert_eq!((miss.status, miss.text()), (200, "/a/p #0"));
    assert_eq!(miss.header("x-cache"), "Miss from recant");
    assert_eq!(miss.header("cache-status"), "recant; fwd=uri-miss; fwd-status=200; stored");
    assert_eq!(miss.header("age"), "");

    bed.pass_leased(Duration::from_millis(7_900));
    let hit = bed.get("a.test", "/p").await;
    assert_eq!((hit.status, hit.text()), (200, "/a/p #0"));
    assert_eq!(hit.header("x-cache"), "Hit from recant");
    assert_eq!(hit.header("cache-status"), "recant; hit; ttl=52");
    assert_eq!(hit.header("age"), "7");
    assert_eq!(hit.header("via"), "1.1 recant");
    assert_eq!(hit.header("etag"), "\"x\"");
    assert!(!hit.header("date").is_empty());

    bed.pass_leased(Duration::from_secs(60));
    let stale = bed.get("a.test", "/p").await;
    assert_eq!(stale.text(), "/a/p #1");
    assert_eq!(stale.header("cache-status"), "recant; fwd=stale; fwd-status=200; stored");
}

#[tokio::test]
async fn head_is_answered_from_a_stored_get_but_stores_nothing() {
    let bed = Bed::new(|_, request| {
        if request.starts_with("HEAD") {
            return Act::Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".into());
        }
        Act::Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n".into())
    })
    .await;
    let head = bed.send("HEAD", "a.test", "/p", &[]).await;
    assert_eq!(
        (head.header("x-cache"), head.header("content-length")),
        ("Miss from recant".into(), "4".into())
    );
    assert_eq!(
        bed.get("a.test", "/p").await.header("cache-status"),
        "recant; fwd=uri-miss; fwd-status=200; stored"
    );
    let head = bed.send("HEAD", "a.test", "/p", &[]).await;
    assert_eq!(
        (head.header("x-cache"), head.header("content-length")),
        ("Hit from recant".into(), "4".into())
    );
    assert_eq!(bed.origin.count(), 2);
}

#[tokio::test]
async fn a_viewers_precondition_is_answered_from_the_store() {
    let bed =
        Bed::new(numbered(&["ETag: \"x\"", "Content-Type: text/plain", "Cache-Control: max-age=9"])).await;
    let first = bed.send("GET", "a.test", "/p", &["If-None-Match: \"x\""]).await;
    assert_eq!((first.status, first.text()), (200, "/a/p #0"));
    let not_modified = bed.send("GET", "a.test", "/p", &["If-None-Match: W/\"x\""]).await;
    assert_eq!((not_modified.status, not_modified.header("etag")), (304, "\"x\"".into()));
    assert_eq!(not_modified.header("cache-control"), "max-age=9");
    assert_eq!(not_modified.header("content-type"), "");
    assert_eq!(not_modified.header("x-cache"), "Hit from recant");
    assert_eq!(bed.send("GET", "a.test", "/p", &["If-None-Match: \"y\""]).await.status, 200);
    assert_eq!(bed.origin.count(), 1);
}

#[tokio::test]
async fn tenants_share_nothing() {
    let bed = Bed::new(numbered(&[])).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "/a/p #0");
    assert_eq!(bed.get("b.test", "/p").await.text(), "/b/p #1");
    let hit = bed.get("x.b.test", "/p").await;
    assert_eq!((hit.text(), hit.header("x-cache")), ("/b/p #1", "Hit from recant".into()));
    assert_eq!(bed.get("a.test", "/p").await.text(), "/a/p #0");
}

#[tokio::test]
async fn unstorable_responses_are_passed_on_only() {
    let check = async |reply: &'static str, stored: bool| {
        let bed = Bed::new(move |_, _| Act::ReplyAndClose(reply.into())).await;
        let _ = bed.get("a.test", "/p").await;
        let again = bed.get("a.test", "/p").await;
        assert_eq!(again.header("x-cache") == "Hit from recant", stored, "{reply:?}");
    };
    check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true).await;
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true).await;
    check("HTTP/1.1 204 No Content\r\n\r\n", false).await;
    check("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nok", false).await;
    check("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok", false).await;
    // Cut off in the middle.
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", false).await;
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false).await;
    // Nobody can tell whether this was all.
    check("HTTP/1.1 200 OK\r\n\r\nok", false).await;
}

#[tokio::test]
async fn a_cut_off_body_reaches_the_viewer_as_cut_off() {
    let bed =
        Bed::new(|_, _| Act::ReplyAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".into())).await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.text(), reply.is_whole), (200, "ok", false));
}

#[tokio::test]
async fn a_body_too_long_is_streamed_and_not_stored() {
    let long = "x".repeat(recant_core::limits::STORED_BODY_BYTES_MAX + 1);
    let bed = Bed::new(move |before, _| match before {
        0 | 1 => ok(&[], &long),
        // Its length comes out on the way only.
        _ => Act::Reply(
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
                long.len()
            )
            .into_bytes(),
        ),
    })
    .await;
    for before in 0..4 {
        let reply = bed.get("a.test", "/long").await;
        assert!(reply.is_whole, "{before}");
        assert_eq!(reply.body.len(), recant_core::limits::STORED_BODY_BYTES_MAX + 1);
        assert_eq!(reply.header("x-cache"), "Miss from recant", "{before}");
    }
}

#[tokio::test]
async fn a_viewer_who_goes_away_leaves_nothing_stored() {
    let body = "y".repeat(8 * 1024 * 1024);
    let bed = Bed::new(move |_, _| ok(&[], &body)).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    drop(viewer.read("HEAD").await);
    drop(viewer);
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn a_change_through_the_edge_purges_its_target() {
    let bed = Bed::new(numbered(&[])).await;
    let _ = bed.get("a.test", "/p").await;
    let posted = bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    assert_eq!(posted.header("cache-status"), "recant; fwd=method; fwd-status=200");
    assert_eq!(bed.get("a.test", "/p").await.text(), "/a/p #2");
}
