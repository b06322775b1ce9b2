//! Requests that change a resource (RFC 9111 section 4.4), and what was asked of it before: it is not to come into the store after them.
//!
//! Where others go along with what was asked: `collapsing`.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Bed, Gate, Origin, Viewer, distribution, ok};

const LONG: &str = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 8\r\n\r\n";

/// An origin that answers what `is_old` says of the number and the request with this head and a body that stops halfway until the gate opens.
async fn gated(
    head: &'static str,
    is_old: impl Fn(usize, &str) -> bool + Send + Sync + 'static,
) -> (Origin, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let origin = Origin::start(move |before, request| match is_old(before, request) {
        true => Act::ThenAtGate(format!("{head}old-").into_bytes(), held.clone(), b"body".into()),
        false => ok(&["Cache-Control: max-age=60"], "new"),
    });
    (origin.await, gate)
}

async fn bed_of(origin: Origin) -> Bed {
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cached_methods = ["GET", "HEAD", "OPTIONS"].map(String::from).into();
    Bed::with(origin, spec, |_| {}).await
}

/// Asks for what is held back halfway, has it changed, lets it come, and asks again.
async fn check(bed: &Bed, gate: &Gate, method: &str, lines: &[&str]) {
    let fields: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let mut first = Viewer::connect(bed.address()).await;
    first.write(&format!("{method} /p HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n")).await;
    first.sees(b"\r\n\r\nold-").await;
    assert_eq!(bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await.text(), "new");
    gate.open.notify_one();
    assert_eq!(first.read(method).await.text(), "old-body");
    bed.pass_leased(Duration::from_secs(1));
    let again = bed.send(method, "a.test", "/p", lines).await;
    assert_eq!(again.text(), "new", "{method} {lines:?}: {}", again.header("cache-status"));
}

#[tokio::test]
async fn a_fetch_without_a_lease() {
    for method in ["GET", "OPTIONS"] {
        let (origin, gate) = gated(LONG, |before, _| before == 0).await;
        let bed = bed_of(origin).await;
        bed.publish(None);
        check(&bed, &gate, method, &[]).await;
    }
}

#[tokio::test]
async fn a_fetch_of_a_part_without_a_lease() {
    let head = "HTTP/1.1 206 Partial Content\r\nCache-Control: max-age=60\r\nETag: \"e\"\r\nContent-Range: bytes 0-7/9\r\nContent-Length: 8\r\n\r\n";
    let (origin, gate) = gated(head, |before, _| before == 0).await;
    let bed = bed_of(origin).await;
    bed.publish(None);
    check(&bed, &gate, "GET", &["Range: bytes=0-7"]).await;
}

#[tokio::test]
async fn a_fetch_that_is_not_shared_for_the_one_before_could_not_be() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let origin = Origin::start(move |before, _| match before {
        0 => ok(&["Cache-Control: no-store"], "for one"),
        1 => Act::ThenAtGate(format!("{LONG}old-").into_bytes(), held.clone(), b"body".into()),
        _ => ok(&["Cache-Control: max-age=60"], "new"),
    })
    .await;
    let bed = bed_of(origin).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "for one");
    check(&bed, &gate, "GET", &[]).await;
}

#[tokio::test]
async fn what_is_asked_after_the_change_is_kept() {
    let (origin, gate) = gated(LONG, |before, _| before == 1).await;
    let bed = bed_of(origin).await;
    let _ = bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    bed.publish(None);
    let mut first = Viewer::connect(bed.address()).await;
    first.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    first.sees(b"\r\n\r\nold-").await;
    let _ = bed.send("POST", "a.test", "/other", &["Content-Length: 0"]).await;
    gate.open.notify_one();
    assert_eq!(first.read("GET").await.text(), "old-body");
    bed.pass_leased(Duration::from_secs(1));
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
}
