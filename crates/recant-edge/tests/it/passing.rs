//! What passes the edge beside a response's head and body: informational responses and trailers; and bodies in pieces.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Act, Bed, Viewer, ok};

const HINTED: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n\
                      HTTP/1.1 102 Processing\r\n\r\n\
                      HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn informational_responses_reach_the_viewer_and_are_not_stored() {
    let bed = Bed::new(|_, _| Act::Reply(HINTED.into())).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let hint = viewer.read_informational().await;
    assert_eq!((hint.status, hint.header("link")), (103, "</a.css>; rel=preload".into()));
    assert_eq!((hint.header("x-hop"), hint.header("connection")), (String::new(), String::new()));
    assert_eq!(viewer.read_informational().await.status, 102);
    let reply = viewer.read("GET").await;
    assert_eq!((reply.status, reply.text(), reply.header("link")), (200, "ok", String::new()));
    // The same connection: nothing is left over.
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let hit = viewer.read("GET").await;
    assert_eq!((hit.status, hit.header("x-cache")), (200, "Hit from recant".into()));
    // RFC 9110 section 15.2: not to a viewer of HTTP/1.0.
    let bed = Bed::new(|_, _| Act::Reply(HINTED.into())).await;
    assert_eq!(bed.raw("GET", "GET /p HTTP/1.0\r\nHost: a.test\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn an_informational_response_never_gets_into_the_middle_of_another() {
    let long = "x".repeat(4 * 1024 * 1024);
    let bed = Bed::new(move |_, request| match request.contains("/long ") {
        true => ok(&["Cache-Control: max-age=60"], &long),
        false => Act::Reply(HINTED.into()),
    })
    .await;
    assert_eq!(bed.get("a.test", "/long").await.body.len(), 4 * 1024 * 1024);
    // Both requests at once, and nothing is read before the edge is stuck with the first response.
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /long HTTP/1.1\r\nHost: a.test\r\n\r\nGET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let first = viewer.read("GET").await;
    assert!(first.is_whole && first.body.iter().all(|byte| *byte == b'x'));
    let mut second = viewer.read("HEAD").await;
    while second.status < 200 {
        second = viewer.read("HEAD").await;
    }
    assert_eq!((second.status, second.header("content-length")), (200, "2".into()));
}

#[tokio::test]
async fn a_flood_of_informational_responses_is_cut_off() {
    let flood = "HTTP/1.1 102 Processing\r\n\r\n".repeat(recant_core::limits::INFORMATIONAL_MAX + 5);
    let bed = Bed::new(move |_, _| {
        Act::Reply(format!("{flood}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").into_bytes())
    })
    .await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    for _ in 0..recant_core::limits::INFORMATIONAL_MAX {
        assert_eq!(viewer.read_informational().await.status, 102);
    }
    assert_eq!(viewer.read("GET").await.status, 200);
}

#[tokio::test]
async fn trailers_reach_a_viewer_who_asks_for_them() {
    let reply = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n";
    let bed = Bed::new(move |_, _| Act::Reply(reply.into())).await;
    let mut viewer = TcpStream::connect(bed.address()).await.unwrap();
    viewer
        .write_all(b"GET /p HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    while !text.to_ascii_lowercase().ends_with("0\r\nx-sum: 7\r\n\r\n") {
        let mut piece = [0; 1024];
        let length = viewer.read(&mut piece).await.unwrap();
        assert!(length > 0, "{text}");
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    assert!(text.to_ascii_lowercase().contains("trailer: x-sum\r\n"), "{text}");
    // Their response is not stored.
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn the_content_of_a_get_reaches_the_origin() {
    let bed = Bed::new(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
    for framed in
        ["Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"]
    {
        let reply = bed.raw("GET", &format!("GET /p HTTP/1.1\r\nHost: a.test\r\n{framed}")).await;
        assert!(reply.header("cache-status").contains("fwd=request"), "{}", reply.header("cache-status"));
        let seen = bed.origin.seen().pop().unwrap();
        assert!(seen.contains("body"), "{seen}");
    }
    assert_eq!(bed.origin.count(), 2);
}

#[tokio::test]
async fn several_ranges_come_as_one_message() {
    let bed =
        Bed::new(|_, _| ok(&["Content-Type: text/plain", "Cache-Control: max-age=60"], "0123456789")).await;
    let _ = bed.get("a.test", "/p").await;
    let reply = bed.send("GET", "a.test", "/p", &["Range: bytes=0-1,8-"]).await;
    assert_eq!((reply.status, reply.is_whole, reply.header("content-range")), (206, true, String::new()));
    let content_type = reply.header("content-type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{text}"
        )
    };
    let expected = format!("{}{}\r\n--{boundary}--\r\n", part("0-1", "01"), part("8-9", "89"));
    assert_eq!(reply.text(), expected);
    assert_eq!(bed.origin.count(), 1);
}
