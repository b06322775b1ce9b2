//! What the origin gets to see, and what of its response the viewer gets.

use crate::support::{
    ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, Act, Bed, DISABLED, ORIGIN_HEADERS_QUERY, Origin, Viewer,
    distribution, ok,
};

async fn bed_with_policy(policy: &str) -> Bed {
    let origin = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = policy.into();
    Bed::with(origin, spec, |_| {}).await
}

/// The fields of a request that the origin saw, sorted, without those the port is in.
fn fields(request: &str) -> Vec<String> {
    let head = request.split("\r\n\r\n").next().unwrap();
    let mut fields: Vec<_> = head.lines().skip(1).map(str::to_ascii_lowercase).collect();
    fields.retain(|field| !field.starts_with("host: 127.0.0.1:"));
    fields.sort();
    fields
}

const VIEWERS: [&str; 6] = [
    "Accept-Encoding: gzip;q=1, x",
    "Cookie: a=1",
    "Connection: x-hop, x-origin-key",
    "X-Hop: 1",
    "X-Forwarded-Host: evil.test",
    "Proxy-Connection: keep-alive",
];

#[tokio::test]
async fn a_request_that_may_use_the_cache_carries_only_what_is_keyed() {
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let _ = bed.send("GET", "a.test", "/p?q=1", &VIEWERS).await;
    let request = bed.origin.seen().remove(0);
    assert!(request.starts_with("GET /a/p HTTP/1.1\r\n"), "{request}");
    assert_eq!(fields(&request), ["accept-encoding: gzip", "via: 1.1 recant", "x-origin-key: k"]);
    assert!(request.to_ascii_lowercase().contains(&format!("host: {}\r\n", bed.origin.address)), "{request}");

    let bed = bed_with_policy(ORIGIN_HEADERS_QUERY).await;
    let _ = bed.send("GET", "a.test", "/p?q=1", &VIEWERS).await;
    let request = bed.origin.seen().remove(0);
    assert!(request.starts_with("GET /a/p?q=1 HTTP/1.1\r\n"), "{request}");
    let keyed =
        ["accept-encoding: gzip", "cookie: a=1", "host: a.test", "via: 1.1 recant", "x-origin-key: k"];
    assert_eq!(fields(&request), keyed);
    assert_eq!(bed.send("GET", "a.test", "/p?q=1", &VIEWERS).await.header("x-cache"), "Hit from recant");
    assert_eq!(bed.send("GET", "a.test", "/p?q=2", &VIEWERS).await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn an_origin_request_policy_adds_the_rest() {
    let preconditions = [
        "Range: bytes=0-9",
        "If-Range: \"x\"",
        "If-None-Match: \"x\"",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    ];
    let lines: Vec<&str> = VIEWERS.into_iter().chain(preconditions).collect();
    for (id, host) in [(ALL_VIEWER, Some("host: a.test")), (ALL_VIEWER_EXCEPT_HOST, None)] {
        let origin = Origin::start(|_, _| ok(&["Cache-Control: max-age=1", "ETag: \"y\""], "ok")).await;
        let mut spec = distribution(origin.address.port());
        spec.default_behavior.origin_request_policy_id = Some(id.into());
        let bed = Bed::with(origin, spec, |_| {}).await;
        assert_eq!(bed.send("GET", "a.test", "/p?q=1", &VIEWERS).await.header("x-cache"), "Miss from recant");
        // The policy does not say what is in the key.
        assert_eq!(bed.send("GET", "a.test", "/p?q=2", &lines).await.header("x-cache"), "Hit from recant");
        let mut expect = vec![
            "accept-encoding: gzip",
            "cookie: a=1",
            "via: 1.1 recant",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: evil.test",
            "x-origin-key: k",
        ];
        expect.extend(host);
        expect.sort_unstable();
        let request = bed.origin.seen().remove(0);
        assert!(request.starts_with("GET /a/p?q=1 HTTP/1.1\r\n"), "{request}");
        assert_eq!(fields(&request), expect);
        // The edge's own preconditions take the place of the viewer's.
        bed.pass_leased(std::time::Duration::from_secs(2));
        let _ = bed.send("GET", "a.test", "/p?q=3", &lines).await;
        expect.push("if-none-match: \"y\"");
        expect.sort_unstable();
        assert_eq!(fields(&bed.origin.seen()[1]), expect);
    }
}

#[tokio::test]
async fn any_other_request_goes_out_whole() {
    let check = async |bed: &Bed, method: &str, line: &str, fwd: &str| {
        let lines: Vec<&str> = VIEWERS.into_iter().chain([line]).collect();
        for _ in 0..2 {
            let reply = bed.send(method, "a.test", "/p?q=1", &lines).await;
            assert_eq!(reply.header("cache-status"), format!("recant; fwd={fwd}; fwd-status=200"));
        }
        let request = bed.origin.seen().pop().unwrap();
        assert!(request.starts_with(&format!("{method} /a/p?q=1 HTTP/1.1\r\n")), "{request}");
        let mut expect = vec![
            "accept-encoding: gzip;q=1, x".to_owned(),
            "cookie: a=1".into(),
            line.to_ascii_lowercase(),
            "via: 1.1 recant".into(),
            "x-forwarded-for: 127.0.0.1".into(),
            "x-forwarded-host: evil.test".into(),
            "x-origin-key: k".into(),
        ];
        expect.retain(|line| !line.is_empty());
        expect.sort();
        assert_eq!(fields(&request), expect);
    };
    let bed = bed_with_policy(DISABLED).await;
    check(&bed, "GET", "If-None-Match: \"x\"", "bypass").await;
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    check(&bed, "GET", "Range: bytes=0-1,3-4", "uri-miss").await;
    check(&bed, "GET", "Authorization: Basic x", "request").await;
    check(&bed, "OPTIONS", "Accept: */*", "method").await;
}

#[tokio::test]
async fn a_body_reaches_the_origin_as_it_came() {
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let reply = bed.raw("POST", "POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody").await;
    assert_eq!((reply.status, reply.text()), (200, "ok"));
    let request = bed.origin.seen().pop().unwrap();
    assert!(request.contains("content-length: 4\r\n") && request.ends_with("\r\n\r\nbody"), "{request}");

    let chunked =
        "POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    assert_eq!(bed.raw("POST", chunked).await.status, 200);
    let request = bed.origin.seen().pop().unwrap();
    assert!(request.ends_with("4\r\nbody\r\n0\r\n\r\n"), "{request}");

    // A GET with content is not answered from the store, and its response is not stored.
    let fat = "GET /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(bed.raw("GET", fat).await.header("cache-status"), "recant; fwd=request; fwd-status=200");
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn what_is_for_one_hop_does_not_reach_the_viewer() {
    let bed = Bed::new(|_, _| {
        let lines = [
            "Connection: X-Hop",
            "X-Hop: 1",
            "Keep-Alive: timeout=5",
            "Via: 1.0 theirs",
            "Cache-Status: theirs; hit",
        ];
        ok(&lines, "ok")
    })
    .await;
    for cache in ["Miss from recant", "Hit from recant"] {
        let reply = bed.get("a.test", "/p").await;
        assert_eq!(reply.header("x-cache"), cache);
        assert_eq!(
            [reply.header("x-hop"), reply.header("keep-alive"), reply.header("connection")],
            ["", "", ""]
        );
        assert_eq!(reply.header("via"), "1.0 theirs, 1.1 recant");
        assert!(reply.header("cache-status").starts_with("theirs; hit, recant; "));
    }
}

#[tokio::test]
async fn a_response_has_one_length_or_none() {
    let check = async |method: &str, reply: &'static str, length: &str, body: &str| {
        let bed = Bed::new(move |_, _| Act::ReplyAndClose(reply.into())).await;
        let got = bed.send(method, "a.test", "/p", &["Range: bytes=0-9"]).await;
        assert!(got.is_whole, "{method} {reply:?}");
        assert_eq!((got.header("content-length").as_str(), got.text()), (length, body), "{method} {reply:?}");
    };
    check("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "2", "ok").await;
    check("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", "").await;
    check("GET", "HTTP/1.1 204 No Content\r\n\r\n", "", "").await;
    check("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0", "").await;
    check("GET", "HTTP/1.1 200 OK\r\n\r\nok", "", "ok").await;
    check("GET", "HTTP/1.0 200 OK\r\n\r\nok", "", "ok").await;
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    check("GET", both, "", "ok").await;
    check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "9", "").await;
    check("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", "").await;
    check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 9\r\n\r\n", "9", "").await;
    check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9, 8\r\n\r\n", "", "").await;
    check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: +9\r\n\r\n", "", "").await;
    check("HEAD", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", "").await;
}

#[tokio::test]
async fn an_origins_error_is_passed_on_and_named() {
    let bed = Bed::new(|_, _| Act::Reply(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".into())).await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.text()), (503, "busy"));
    assert_eq!(reply.header("x-cache"), "Error from recant");
    assert_eq!(reply.header("cache-status"), "recant; fwd=uri-miss; fwd-status=503");
}

#[tokio::test]
async fn the_root_object_stands_for_the_root() {
    let origin = Origin::start(|_, _| ok(&[], "ok")).await;
    let mut spec = distribution(origin.address.port());
    spec.default_root_object = Some("index.html".into());
    let mut bed = Bed::with(origin, spec, |_| {}).await;
    let _ = bed.get("a.test", "/").await;
    assert!(bed.origin.seen()[0].starts_with("GET /a/index.html "));
    assert_eq!(bed.get("a.test", "/index.html").await.header("x-cache"), "Hit from recant");
    // Whoever names either of them means what is served for it.
    for named in ["/index.html", "/"] {
        bed.invalidate("a", &[named]);
        assert_eq!(bed.get("a.test", "/").await.header("x-cache"), "Miss from recant", "{named}");
        assert_eq!(bed.get("a.test", "/").await.header("x-cache"), "Hit from recant", "{named}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_origin_closed_is_replaced() {
    // Answers, says nothing of closing, and closes when the next request comes.
    let bed = Bed::new(|before, _| match before {
        1 => Act::ReplyAndClose(Vec::new()),
        _ => ok(&["Cache-Control: no-store"], "ok"),
    })
    .await;
    let mut viewer = Viewer::connect(bed.address()).await;
    for _ in 0..2 {
        viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        assert_eq!(viewer.read("GET").await.status, 200);
    }
    assert_eq!(bed.origin.count(), 3);

    // A request that may have had its effect is not sent twice.
    let bed = Bed::new(|before, _| match before {
        1 => Act::ReplyAndClose(Vec::new()),
        _ => ok(&["Cache-Control: no-store"], "ok"),
    })
    .await;
    assert_eq!(bed.get("a.test", "/p").await.status, 200);
    assert_eq!(bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await.status, 502);
    assert_eq!(bed.origin.count(), 2);
}
