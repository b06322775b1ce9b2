//! Connections that are left for another protocol, and those that are not.

use crate::support::{Act, Bed, Viewer, ok};

const ASKING: &str = "GET /chat?room=1 HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: a=1\r\n\r\n";

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade, x-hop\r\nX-Hop: 1\r\nUpgrade: WebSocket\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

async fn left() -> (Bed, Viewer) {
    let bed = Bed::new(|_, _| Act::ReplyAndEcho(SWITCHED.into())).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write(ASKING).await;
    let reply = viewer.read_informational().await;
    assert_eq!(reply.status, 101);
    assert_eq!([reply.header("connection"), reply.header("upgrade")], ["upgrade", "WebSocket"]);
    assert_eq!(reply.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!([reply.header("x-hop"), reply.header("via")], ["", "1.1 recant"]);
    assert_eq!(reply.header("cache-status"), "recant; fwd=request; fwd-status=101");
    (bed, viewer)
}

#[tokio::test]
async fn bytes_go_both_ways_as_they_are() {
    let (bed, mut viewer) = left().await;
    let seen = bed.origin.seen().remove(0).to_ascii_lowercase();
    assert!(seen.starts_with("get /a/chat?room=1 http/1.1\r\n"), "{seen}");
    for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", "cookie: a=1"] {
        assert!(seen.contains(&format!("\r\n{line}\r\n")), "{line}: {seen}");
    }
    // Also what would be no request, and what would be one.
    for bytes in ["\n\n#\0", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", &"x".repeat(100_000)] {
        viewer.write(bytes).await;
        viewer.sees(bytes.as_bytes()).await;
    }
    assert_eq!(bed.origin.count(), 1);
    assert_eq!(bed.get("a.test", "/other").await.status, 502, "nobody asked for another protocol");
}

#[tokio::test]
async fn an_edge_that_stops_ends_it() {
    let (bed, mut viewer) = left().await;
    viewer.write("ping").await;
    viewer.sees(b"ping").await;
    bed.edge.stop().await;
    assert!(!viewer.goes_on().await);
}

#[tokio::test]
async fn what_is_not_switched_stays_http() {
    let refused = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nno";
    for (reply, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (refused, 426),
        // Another protocol, none, or two: nobody asked for that.
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 502),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", 502),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", 502),
    ] {
        let bed = Bed::new(move |_, request| match request.contains(" /a/chat") {
            true => Act::Reply(reply.into()),
            false => ok(&["Cache-Control: max-age=60"], "ok"),
        })
        .await;
        // What a viewer who takes it for granted says next is a request to the edge like any other.
        let mut viewer = Viewer::connect(bed.address()).await;
        let next = "GET /../b/secret HTTP/1.1\r\nHost: a.test\r\n\r\n";
        viewer.write(&format!("{ASKING}GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n{next}")).await;
        let reply = viewer.read("GET").await;
        assert_eq!((reply.status, reply.header("upgrade").as_str()), (status, ""));
        assert_eq!(viewer.read("GET").await.header("x-cache"), "Miss from recant");
        assert_eq!(viewer.read("GET").await.status, 400);
        assert_eq!(bed.origin.count(), 2);
        // Nothing of it is stored.
        let again = bed.raw("GET", ASKING).await;
        assert_eq!(again.status, status);
        assert!(
            again.header("cache-status").starts_with("recant; fwd=request"),
            "{}",
            again.header("cache-status")
        );
    }
}

#[tokio::test]
async fn old_viewers_and_other_versions_of_http_ask_in_vain() {
    for asking in [
        ASKING.replace("HTTP/1.1", "HTTP/1.0"),
        ASKING.replace("Upgrade: websocket", "Upgrade: h2c"),
        ASKING.replace("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: x"),
        ASKING.replace("keep-alive, Upgrade", "keep-alive"),
    ] {
        let bed = Bed::new(|_, _| ok(&[], "ok")).await;
        assert_eq!(bed.raw("GET", &asking).await.status, 200, "{asking}");
        let seen = bed.origin.seen().remove(0).to_ascii_lowercase();
        assert!(!seen.contains("upgrade"), "{seen}");
    }
}
