//! E: what one viewer sends must not become what others get.

use recant_core::limits::REQUEST_HEADERS_MAX;

use super::{echoing, under};
use crate::support::{Act, Bed, OPTIMIZED, ORIGIN_HEADERS_QUERY, Origin, ok};

const HIT: &str = "Hit from recant";
const MISS: &str = "Miss from recant";

#[tokio::test]
async fn fields_that_are_in_no_key_stay_behind() {
    let lines = [
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Scheme: http",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Port: 1",
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Prefix: /evil",
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-Host: evil.test",
        "Forwarded: host=evil.test",
        "X-HTTP-Host-Override: evil.test",
        "True-Client-IP: 6.6.6.6",
        "Range: bytes=0-1",
        "Via: 1.1 evil",
        "RSC: 1",
        "X-Middleware-Prefetch: 1",
    ];
    assert!(lines.len() < REQUEST_HEADERS_MAX);
    for policy in [OPTIMIZED, ORIGIN_HEADERS_QUERY] {
        let bed = echoing(policy).await;
        // Without the range, which would not be stored.
        let first: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with("Range")).collect();
        assert_eq!(bed.send("GET", "a.test", "/p", &first).await.header("x-cache"), MISS);
        let seen = bed.origin.seen().remove(0).to_ascii_lowercase();
        assert!(!seen.contains("evil") && !seen.contains("6.6.6.6") && !seen.contains("rsc"), "{seen}");
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), HIT, "one key for both");
    }
}

#[tokio::test]
async fn what_the_origin_sees_of_query_cookies_and_method_overrides_is_in_the_key() {
    let bed = echoing(ORIGIN_HEADERS_QUERY).await;
    let targets =
        ["/p", "/p?", "/p?a=1", "/p?a=1&a=2", "/p?a=2&a=1", "/p?a=1;a=2", "/p?a=1&b", "/p?A=1", "/p?%61=1"];
    for target in targets {
        let reply = bed.get("a.test", target).await;
        assert_eq!(reply.header("x-cache"), MISS, "{target}");
        assert!(reply.text().starts_with(&format!("GET /a{target} ")), "{target}: {}", reply.text());
    }
    for line in [
        "Cookie: a=1",
        "Cookie: a=1; b=2",
        "Cookie: b=2; a=1",
        "X-HTTP-Method-Override: POST",
        "X-HTTP-Method: POST",
        "X-Method-Override: POST",
        "Origin: https://evil.test",
    ] {
        let reply = bed.send("GET", "a.test", "/p", &[line]).await;
        assert_eq!(reply.header("x-cache"), MISS, "{line}");
        assert!(reply.text().to_ascii_lowercase().contains(&line.to_ascii_lowercase()), "{line}");
    }
    // A port that the policy has the origin see is in the key with its host.
    assert_eq!(bed.get("a.test:1337", "/p").await.header("x-cache"), MISS);
    let reply = bed.get("a.test", "/p").await;
    assert_eq!(reply.header("x-cache"), HIT);
    assert!(reply.text().to_ascii_lowercase().contains("\r\nhost: a.test\r\n"), "{}", reply.text());

    // Where the policy has none of them in the key, the origin sees none.
    let bed = echoing(OPTIMIZED).await;
    let lines = ["Cookie: a=1", "X-HTTP-Method-Override: POST", "Origin: https://evil.test"];
    let reply = bed.send("GET", "a.test:1337", "/p?evil", &lines).await;
    let text = reply.text().to_ascii_lowercase();
    assert!(
        text.starts_with("get /a/p http/1.1") && !text.contains("evil") && !text.contains("1337"),
        "{text}"
    );
    assert!(!text.contains("cookie") && !text.contains("override"), "{text}");
    assert_eq!(bed.get("a.test", "/p?other").await.header("x-cache"), HIT);
}

#[tokio::test]
async fn content_in_a_get_neither_comes_from_the_store_nor_goes_into_it() {
    let bed = echoing(OPTIMIZED).await;
    for fat in [
        "GET /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nevil",
        "GET /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
    ] {
        assert_eq!(bed.raw("GET", fat).await.header("cache-status"), "recant; fwd=request; fwd-status=200");
    }
    let reply = bed.get("a.test", "/p").await;
    assert_eq!(reply.header("x-cache"), MISS);
    assert!(!reply.text().contains("evil"));
}

#[tokio::test]
async fn paths_are_keyed_as_the_origin_sees_them() {
    let bed = echoing(OPTIMIZED).await;
    let targets = [
        "/p",
        "/p/",
        "//p",
        "/P",
        "/%70",
        "/./p",
        "/x/../p",
        "/x/%2e%2e/p",
        "/p;x",
        "/p%00",
        "/p%23",
        "/p%3f",
        "/p\\",
    ];
    for target in targets {
        let reply = bed.get("a.test", target).await;
        assert_eq!(reply.header("x-cache"), MISS, "{target}");
        assert!(reply.text().starts_with(&format!("GET /a{target} ")), "{target}: {}", reply.text());
    }
    // Parts of a key cannot be shifted into each other.
    let bed = echoing(ORIGIN_HEADERS_QUERY).await;
    for (target, line) in
        [("/p?a", "Origin: b"), ("/p", "Origin: ?ab"), ("/p?a", "Cookie: b"), ("/p?ab", "X: y")]
    {
        assert_eq!(
            bed.send("GET", "a.test", target, &[line]).await.header("x-cache"),
            MISS,
            "{target} {line}"
        );
    }
}

#[tokio::test]
async fn what_varies_is_not_given_to_others() {
    let origin = Origin::start(|_, request| {
        let vary = if request.contains(" /a/star ") { "Vary: *" } else { "Vary: X-Theme" };
        ok(&["Cache-Control: max-age=60", vary], request)
    });
    let bed = under(OPTIMIZED, origin.await).await;
    assert_eq!(bed.send("GET", "a.test", "/p", &["X-Theme: dark"]).await.header("x-cache"), MISS);
    assert_eq!(bed.send("GET", "a.test", "/p", &["X-Theme: light"]).await.header("x-cache"), MISS);
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), MISS);
    for _ in 0..2 {
        assert_eq!(bed.get("a.test", "/star").await.header("x-cache"), MISS);
    }
}

#[tokio::test]
async fn a_part_is_not_taken_for_the_whole() {
    let reply = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok";
    let bed = Bed::new(move |before, _| match before {
        0 | 1 => Act::Reply(reply.into()),
        _ => ok(&["Cache-Control: max-age=60", "ETag: \"new\""], "the whole"),
    })
    .await;
    assert_eq!(bed.send("GET", "a.test", "/p", &["Range: bytes=0-1"]).await.status, 206);
    assert_eq!(bed.get("a.test", "/p").await.status, 206, "of an origin that cuts unasked");
    assert_eq!(bed.get("a.test", "/p").await.text(), "the whole");
    // An If-Range of another version has the whole, never a part of it beside parts of the other.
    for (line, status) in
        [("If-Range: \"old\"", 200), ("If-Range: W/\"new\"", 200), ("If-Range: \"new\"", 206)]
    {
        let reply = bed.send("GET", "a.test", "/p", &["Range: bytes=0-1", line]).await;
        assert_eq!((reply.status, reply.header("x-cache").as_str()), (status, HIT), "{line}");
    }
}

#[tokio::test]
async fn redirects_and_cors_answers_are_for_whom_they_were_made() {
    let origin = Origin::start(|_, request| {
        let from = |name: &str| {
            let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
            line.and_then(|line| line.split_once(": "))
                .map_or("none".to_owned(), |(_, value)| value.to_owned())
        };
        let (host, origin) = (from("x-forwarded-host"), from("origin"));
        let lines = format!("Location: https://{host}/\r\nAccess-Control-Allow-Origin: {origin}\r\n");
        Act::Reply(
            format!("HTTP/1.1 301 Moved Permanently\r\nCache-Control: max-age=60\r\n{lines}Content-Length: 0\r\n\r\n").into(),
        )
    });
    let lines = ["X-Forwarded-Host: evil.test", "Origin: https://evil.test"];
    let bed = under(OPTIMIZED, origin.await).await;
    let _ = bed.send("GET", "a.test", "/p", &lines).await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.header("x-cache").as_str()), (301, HIT));
    assert_eq!(reply.header("location"), "https://none/");
    assert_eq!(reply.header("access-control-allow-origin"), "none");
}

#[tokio::test]
async fn an_empty_response_does_not_lie_down_over_a_page() {
    let bed = Bed::new(|before, _| match before {
        0 => Act::Reply(b"HTTP/1.1 204 No Content\r\n\r\n".into()),
        _ => ok(&[], "the page"),
    })
    .await;
    assert_eq!(bed.get("a.test", "/p").await.status, 204);
    assert_eq!(bed.get("a.test", "/p").await.text(), "the page");
}
