//! D: connections on which one side takes for a message what the other did not mean as one.

use std::sync::Arc;

use crate::support::{Act, Bed, Gate, Viewer, ok};

const SMUGGLED: &str = "GET /secret HTTP/1.1\r\nHost: a.test\r\n\r\n";

fn with_body(method: &str, host: &str) -> String {
    format!("{method} /p HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len())
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_no_request() {
    // By a request that is refused, by one for the store, and by one whose origin answers without looking.
    for (method, host, status) in [
        ("POST", "nobody.test", 404),
        ("DELETE", "a.test", 403),
        ("PURGE", "a.test", 405),
        ("GET", "a.test", 200),
    ] {
        let bed = Bed::new(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
        let _ = bed.get("a.test", "/p").await;
        let before = bed.origin.count();
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write(&format!("{}GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n", with_body(method, host))).await;
        assert_eq!(viewer.read(method).await.status, status, "{method} {host}");
        // What comes next is the answer to the next request, or the end.
        if !viewer.is_closed().await {
            assert_eq!(viewer.read("GET").await.header("x-cache"), "Hit from recant", "{method} {host}");
        }
        let seen = bed.origin.seen();
        assert!(seen.iter().all(|request| !request.contains("GET /a/secret")), "{seen:?}");
        assert_eq!(bed.origin.count() - before, usize::from(status == 200), "{seen:?}");
    }
}

#[tokio::test]
async fn an_origin_that_overlooks_a_body_poisons_nobody() {
    // It answers the request, and then the body as if that were one, when somebody else's request has come.
    for request in [with_body("POST", "a.test"), with_body("GET", "a.test"), with_body("OPTIONS", "a.test")] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let bed = Bed::new(move |before, _| match before {
            0 => {
                let first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into();
                let late = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison".into();
                Act::ThenAtGate(first, held.clone(), late)
            }
            _ => ok(&[], "ok"),
        })
        .await;
        assert_eq!(bed.raw("POST", &request).await.status, 200);
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("GET /p HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
        tokio::task::yield_now().await;
        gate.open.notify_one();
        assert_eq!(viewer.read("GET").await.text(), "ok", "{request:?}");
    }
}

#[tokio::test]
async fn fields_that_connection_lists() {
    let bed = Bed::new(|_, _| ok(&["Cache-Control: no-store"], "ok")).await;
    let lines = "Connection: content-length, host, authorization, cache-control, x-hop\r\nX-Hop: 1\r\nAuthorization: x\r\n";
    let request = format!("POST /p HTTP/1.1\r\nHost: a.test\r\n{lines}Content-Length: 4\r\n\r\nbody");
    assert_eq!(bed.raw("POST", &request).await.status, 200);
    let seen = bed.origin.seen().remove(0);
    let lower = seen.to_ascii_lowercase();
    assert!(lower.contains("content-length: 4\r\n") && lower.contains("\r\nauthorization: x\r\n"), "{seen}");
    assert!(!lower.contains("x-hop") && !lower.contains("connection"), "{seen}");
    assert!(seen.ends_with("\r\n\r\nbody"), "{seen}");
}

#[tokio::test]
async fn an_origins_response_that_could_mean_two_things_is_not_passed_on() {
    let check = async |reply: &'static str| {
        let bed = Bed::new(move |_, _| Act::ReplyAndClose(reply.into())).await;
        assert_eq!(bed.get("a.test", "/p").await.status, 502, "{reply:?}");
    };
    check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok?").await;
    check("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok").await;
    check("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok").await;
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n").await;
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n").await;
    check("HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 2\r\n\r\nok").await;
    check("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok").await;
    check("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").await;
    check("SSH-2.0-OpenSSH\r\n").await;
    check("ok").await;
}
