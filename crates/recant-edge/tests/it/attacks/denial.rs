//! F: errors that one viewer causes must not be what others get (CPDoS).

use recant_core::limits::REQUEST_HEAD_BYTES_MAX;

use super::under;
use crate::support::{Act, Bed, OPTIMIZED, ORIGIN_HEADERS_QUERY, Origin, ok};

/// An origin that answers with an error whatever it does not like.
async fn touchy(policy: &str) -> Bed {
    let origin = Origin::start(|_, request| {
        let lower = request.to_ascii_lowercase();
        let (status, is_bad) = match &lower {
            _ if lower.len() > 8_192 => ("431 Too Large", true),
            _ if lower.contains("x-bad") => ("400 Bad Request", true),
            _ if lower.contains("override") => ("405 Method Not Allowed", true),
            _ => ("200 OK", false),
        };
        match is_bad {
            true => Act::Reply(format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nbad").into()),
            false => ok(&["Cache-Control: max-age=60"], "ok"),
        }
    });
    under(policy, origin.await).await
}

#[tokio::test]
async fn a_field_too_long_for_the_origin() {
    for policy in [OPTIMIZED, ORIGIN_HEADERS_QUERY] {
        let bed = touchy(policy).await;
        let long = format!("X-Long: {}", "x".repeat(10_000));
        let reply = bed.send("GET", "a.test", "/p", &[&long]).await;
        assert_eq!((reply.status, reply.text()), (200, "ok"), "what is in no key does not reach it");
        // A cookie that is in the key: its error is its own, and is not kept.
        let long = format!("Cookie: {}", "x".repeat(10_000));
        let _ = bed.send("GET", "a.test", "/q", &[&long]).await;
        assert_eq!(bed.get("a.test", "/q").await.status, 200);
    }
    let bed = touchy(OPTIMIZED).await;
    let endless = format!("X-Long: {}", "x".repeat(REQUEST_HEAD_BYTES_MAX));
    assert_eq!(bed.send("GET", "a.test", "/p", &[&endless]).await.status, 431);
    assert_eq!(bed.get("a.test", "/p").await.status, 200);
}

#[tokio::test]
async fn meta_characters() {
    let bed = touchy(OPTIMIZED).await;
    for value in ["\u{7}", "\u{0}", "\u{8}x", "a\u{7f}", "\u{1b}[31m"] {
        let request = format!("GET /p HTTP/1.1\r\nHost: a.test\r\nX-Bad: {value}\r\n\r\n");
        assert_eq!(bed.raw("GET", &request).await.status, 400, "{value:?}");
    }
    assert_eq!(bed.origin.count(), 0);
    // Those that HTTP allows do not reach the origin where they are in no key.
    assert_eq!(bed.send("GET", "a.test", "/p", &["X-Bad: \u{e9}"]).await.status, 200);
}

#[tokio::test]
async fn method_overrides() {
    for policy in [OPTIMIZED, ORIGIN_HEADERS_QUERY] {
        let bed = touchy(policy).await;
        for line in ["X-HTTP-Method-Override: POST", "X-Method-Override: DELETE"] {
            let _ = bed.send("GET", "a.test", "/p", &[line]).await;
            assert_eq!(bed.get("a.test", "/p").await.status, 200, "{line}");
        }
    }
}

#[tokio::test]
async fn errors_are_not_kept_unless_the_origin_says_so() {
    for status in [400, 401, 403, 404, 405, 408, 410, 413, 414, 421, 429, 431, 500, 501, 502, 503, 504] {
        let bed = Bed::new(move |before, _| match before {
            0 => Act::Reply(format!("HTTP/1.1 {status} X\r\nContent-Length: 3\r\n\r\nbad").into()),
            _ => ok(&[], "ok"),
        })
        .await;
        assert_eq!(bed.get("a.test", "/p").await.status, status);
        assert_eq!(bed.get("a.test", "/p").await.text(), "ok", "{status}");
    }
    // Our own refusals say that nobody is to keep them.
    let bed = Bed::new(|_, _| Act::Silence).await;
    for (request, status) in [
        ("GET /p HTTP/1.1\r\nHost: nobody.test\r\n\r\n", 404),
        ("GET /../p HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        ("DELETE /p HTTP/1.1\r\nHost: a.test\r\n\r\n", 403),
    ] {
        let reply = bed.raw("GET", request).await;
        assert_eq!(
            (reply.status, reply.header("cache-control").as_str()),
            (status, "no-store"),
            "{request:?}"
        );
    }
}
