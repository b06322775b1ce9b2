//! What viewers may send: connections kept, old versions, and requests that are refused before they go anywhere.

use recant_core::limits::{REQUEST_HEAD_BYTES_MAX, REQUEST_HEADERS_MAX, VIA_HOPS_MAX};

use crate::support::{Bed, OPTIMIZED, Viewer, ok};

#[tokio::test]
async fn requests_are_answered_in_order_over_one_connection() {
    let bed = Bed::new(|_, request| ok(&[], request.split(' ').nth(1).unwrap())).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    let requests: String =
        ["/1", "/2", "/1"].map(|target| format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n")).concat();
    viewer.write(&requests).await;
    for (body, cache) in [("/a/1", "Miss"), ("/a/2", "Miss"), ("/a/1", "Hit")] {
        let reply = viewer.read("GET").await;
        assert_eq!((reply.text(), reply.header("x-cache")), (body, format!("{cache} from recant")));
    }
    viewer.write("GET /2 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    assert_eq!(viewer.read("GET").await.text(), "/a/2");
    assert!(viewer.is_closed().await);
}

#[tokio::test]
async fn an_old_viewer_is_served() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let bed = Bed::new(move |_, _| crate::support::Act::Reply(chunked.into())).await;
    for cache in ["Miss from recant", "Hit from recant"] {
        let reply = bed.raw("GET", "GET /p HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
        assert_eq!((reply.version.as_str(), reply.status, reply.text()), ("HTTP/1.0", 200, "ok"));
        assert_eq!(
            (reply.header("x-cache"), reply.header("transfer-encoding")),
            (cache.into(), String::new())
        );
    }
    let reply = bed.raw("GET", "GET http://a.test/p HTTP/1.0\r\n\r\n").await;
    assert_eq!((reply.status, reply.header("via").as_str()), (200, "1.1 recant"));
}

#[tokio::test]
async fn a_request_for_another_version_of_http_stays_what_it_is() {
    let bed = Bed::new(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
    let lines = ["Connection: upgrade, http2-settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
    let reply = bed.send("GET", "a.test", "/p", &lines).await;
    assert_eq!((reply.status, reply.header("x-cache").as_str()), (200, "Miss from recant"));
    let reply = bed.send("GET", "a.test", "/p", &lines).await;
    assert_eq!(reply.header("x-cache"), "Hit from recant", "it uses the cache like any other");
    let seen = bed.origin.seen()[0].to_ascii_lowercase();
    assert!(!seen.contains("upgrade") && !seen.contains("h2c") && !seen.contains("settings"), "{seen}");
}

#[tokio::test]
async fn what_is_refused_never_reaches_an_origin() {
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let check = async |request: String, status: u16| {
        let reply = bed.raw("GET", &request).await;
        assert_eq!(reply.status, status, "{request:.200}");
    };
    let head = |lines: &str| format!("GET /p HTTP/1.1\r\n{lines}\r\n");
    check(head(""), 400).await;
    check(head("Host: a.test\r\nHost: a.test\r\n"), 400).await;
    check(head("Host: a.test\r\nHost: b.test\r\n"), 400).await;
    check(head("Host: \r\n"), 400).await;
    check(head("Host: a test\r\n"), 400).await;
    check("GET http://b.test/p HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), 400).await;
    // Above its root is what another tenant of the same origin may own.
    for target in ["/..", "/../b/p", "/x/../../b", "/%2e%2E/b", "/.%2e/b", "/..%2fb/p", "/x/..%5C..%5cb"] {
        check(format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n"), 400).await;
    }
    check("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), 400).await;
    check(head("Host: a.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n"), 400).await;
    check(head("Host: a.test\r\nContent-Length: +1\r\n"), 400).await;
    check(head("Host: a.test\r\nTransfer-Encoding: gzip\r\n"), 400).await;
    check(head("Host: a.test\r\nTransfer-Encoding: gzip, chunked\r\n"), 400).await;
    check("GET /p HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400).await;
    check(head("Host: a.test\r\nX : y\r\n"), 400).await;
    for method in ["PURGE", "BAN", "TRACE"] {
        check(format!("{method} /p HTTP/1.1\r\nHost: a.test\r\n\r\n"), 405).await;
    }
    check("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), 405).await;
    check("DELETE /p HTTP/1.1\r\nHost: a.test\r\n\r\n".into(), 403).await;
    check(head(&format!("Host: a.test\r\nVia: {}\r\n", ["1.1 recant"; VIA_HOPS_MAX].join(", "))), 508).await;
    let long = "x".repeat(REQUEST_HEAD_BYTES_MAX);
    check(head(&format!("Host: a.test\r\nX-Long: {long}\r\n")), 431).await;
    let many: String = (0..REQUEST_HEADERS_MAX).map(|n| format!("X-{n}: 1\r\n")).collect();
    check(head(&format!("Host: a.test\r\n{many}")), 431).await;
    assert_eq!(bed.origin.count(), 0, "under {OPTIMIZED}");
}
