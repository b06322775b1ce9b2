//! One origin request for many viewers, and when it is not shared.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Bed, Gate, Reply, Viewer};

/// An origin whose first answer stops after its first bytes until the gate opens; later ones say "new".
async fn gated(lines: &'static str) -> (Bed, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = Bed::new(move |before, _| match before {
        0 => Act::ThenAtGate(head(lines, "old-", 8), held.clone(), b"body".to_vec()),
        _ => Act::Reply(head(lines, "new", 3)),
    })
    .await;
    (bed, gate)
}

fn head(lines: &str, body: &str, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A viewer that has asked, and has the head of its answer at least.
async fn asking(bed: &Bed, lines: &str) -> Viewer {
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write(&format!("GET /p HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n")).await;
    viewer.sees(b"\r\n\r\n").await;
    viewer
}

fn check(reply: &Reply, text: &str, status: &str) {
    assert_eq!((reply.text(), reply.is_whole), (text, true));
    assert_eq!(reply.header("cache-status"), status);
}

const LONG: &str = "Cache-Control: max-age=60\r\nCache-Tag: red\r\n";
const MISS: &str = "recant; fwd=uri-miss; fwd-status=200; stored";
const COLLAPSED: &str = "recant; fwd=uri-miss; fwd-status=200; collapsed";

#[tokio::test]
async fn viewers_of_one_response_share_it_as_it_comes() {
    let (bed, gate) = gated(LONG).await;
    let mut first = asking(&bed, "").await;
    let mut second = asking(&bed, "").await;
    second.sees(b"old-").await;
    gate.open.notify_one();
    check(&first.read("GET").await, "old-body", MISS);
    check(&second.read("GET").await, "old-body", COLLAPSED);
    assert_eq!(bed.origin.count(), 1);
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
}

#[tokio::test]
async fn whoever_came_first_may_go() {
    let (bed, gate) = gated(LONG).await;
    let first = asking(&bed, "").await;
    let mut second = asking(&bed, "").await;
    drop(first);
    gate.open.notify_one();
    check(&second.read("GET").await, "old-body", COLLAPSED);
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
    assert_eq!(bed.origin.count(), 1);
}

#[tokio::test]
async fn the_lead_before_the_head_passes_on() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = Bed::new(move |before, _| match before {
        0 => Act::AtGate(held.clone(), Vec::new()),
        _ => Act::Reply(head(LONG, "new", 3)),
    })
    .await;
    let mut first = Viewer::connect(bed.address()).await;
    first.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    gate.reached.notified().await;
    let second = asking(&bed, "");
    drop(first);
    check(&second.await.read("GET").await, "new", MISS);
}

#[tokio::test]
async fn a_viewer_after_an_invalidation_gets_no_bytes_from_before() {
    // Of the path; of a tag of the response; of any tag, since nobody knows the tags before the head.
    for item in ["/p", "/*", "#red", "#green"] {
        let (mut bed, gate) = gated(LONG).await;
        let mut first = asking(&bed, "").await;
        bed.invalidate("a", &[item]);
        check(&bed.get("a.test", "/p").await, "new", MISS);
        gate.open.notify_one();
        check(&first.read("GET").await, "old-body", MISS);
        let after = bed.get("a.test", "/p").await;
        assert_eq!((after.text(), after.header("x-cache")), ("new", "Hit from recant".into()), "{item}");
    }
    // What it does not concern is shared.
    let (mut bed, gate) = gated(LONG).await;
    let _first = asking(&bed, "").await;
    bed.invalidate("a", &["/q"]);
    bed.invalidate("b", &["/*", "#red"]);
    let mut second = asking(&bed, "").await;
    gate.open.notify_one();
    check(&second.read("GET").await, "old-body", COLLAPSED);
}

#[tokio::test]
async fn without_a_lease_everybody_asks() {
    let (bed, gate) = gated(LONG).await;
    let _first = asking(&bed, "").await;
    bed.pass(Duration::from_secs(10));
    let status = "recant; fwd=uri-miss; fwd-status=200; stored";
    check(&bed.get("a.test", "/p").await, "new", status);
    gate.open.notify_one();
}

#[tokio::test]
async fn what_is_not_for_everybody_is_not_waited_for() {
    for lines in [
        "Cache-Control: no-store\r\n",
        "Cache-Control: max-age=60\r\nVary: Foo\r\n",
        "Cache-Control: no-cache\r\nETag: \"a\"\r\n",
    ] {
        let (bed, gate) = gated(lines).await;
        let _first = asking(&bed, "Foo: 1\r\n").await;
        assert_eq!(bed.send("GET", "a.test", "/p", &["Foo: 2"]).await.text(), "new", "{lines:?}");
        gate.open.notify_one();
    }
}

#[tokio::test]
async fn a_response_that_becomes_stale_on_its_way_is_not_joined() {
    let (bed, gate) = gated("Cache-Control: max-age=5\r\n").await;
    let _first = asking(&bed, "").await;
    bed.pass_leased(Duration::from_secs(6));
    assert_eq!(bed.get("a.test", "/p").await.text(), "new");
    gate.open.notify_one();
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_neither_shared_nor_kept() {
    let (bed, gate) = gated(LONG).await;
    let mut first = asking(&bed, "").await;
    let _ = bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "new");
    gate.open.notify_one();
    check(&first.read("GET").await, "old-body", MISS);
    assert_eq!(bed.get("a.test", "/p").await.text(), "new");
}

#[tokio::test]
async fn a_precondition_is_answered_from_the_head() {
    let (bed, gate) = gated("Cache-Control: max-age=60\r\nETag: \"a\"\r\n").await;
    let _first = asking(&bed, "").await;
    let mut second = asking(&bed, "If-None-Match: \"a\"\r\n").await;
    assert_eq!(second.read("GET").await.status, 304);
    assert_eq!(bed.origin.count(), 1);
    gate.open.notify_one();
}

#[tokio::test]
async fn a_broken_body_is_broken_for_all() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = Bed::new(move |_, _| Act::ThenAtGateAndClose(head(LONG, "old-", 8), held.clone())).await;
    let mut first = asking(&bed, "").await;
    let mut second = asking(&bed, "").await;
    gate.open.notify_one();
    for viewer in [&mut first, &mut second] {
        let reply = viewer.read("GET").await;
        assert_eq!((reply.text(), reply.is_whole), ("old-", false));
    }
    gate.open.notify_one();
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn a_body_too_long_to_be_stored_reaches_all_of_its_viewers() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let piece = "x".repeat(recant_core::limits::STORED_BODY_BYTES_MAX / 2 + 1);
    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
    let long = format!("{chunk}{chunk}{chunk}0\r\n\r\n");
    let bed = Bed::new(move |_, _| {
        let start = format!("HTTP/1.1 200 OK\r\n{LONG}Transfer-Encoding: chunked\r\n\r\n1\r\ny\r\n");
        Act::ThenAtGate(start.into_bytes(), held.clone(), long.clone().into_bytes())
    })
    .await;
    let mut first = asking(&bed, "").await;
    let mut second = asking(&bed, "").await;
    second.sees(b"y").await;
    gate.open.notify_one();
    let (one, other) = tokio::join!(first.read("GET"), second.read("GET"));
    for reply in [one, other] {
        assert_eq!((reply.body.len(), reply.is_whole), (1 + 3 * piece.len(), true));
    }
    assert_eq!(bed.origin.count(), 1);
}

#[tokio::test]
async fn viewers_who_lag_do_not_hold_the_others_up() {
    let body = "z".repeat(4 * 1024 * 1024);
    let bed = Bed::new(move |_, _| Act::Reply(head(LONG, &body, body.len()))).await;
    let mut slow = asking(&bed, "").await;
    let mut quick = asking(&bed, "").await;
    assert!(quick.read("GET").await.is_whole);
    assert_eq!(slow.read("GET").await.body.len(), 4 * 1024 * 1024);
    assert_eq!(bed.origin.count(), 1);
}

#[tokio::test]
async fn however_many_ask_the_origin_is_asked_once() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = Arc::new(Bed::new(move |_, _| Act::AtGate(held.clone(), head(LONG, "once", 4))).await);
    let viewers: Vec<_> = (0..100)
        .map(|_| {
            let bed = bed.clone();
            tokio::spawn(async move { bed.get("a.test", "/p").await.text().to_owned() })
        })
        .collect();
    gate.reached.notified().await;
    gate.open.notify_one();
    for viewer in viewers {
        assert_eq!(viewer.await.unwrap(), "once");
    }
    assert_eq!(bed.origin.count(), 1);
}
