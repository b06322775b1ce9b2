//! Bodies that the edge compresses, and those that it does not.

use std::time::Duration;

use crate::support::{Act, Bed, DISABLED, OPTIMIZED, Origin, Reply, distribution, ok};

const GZIP: &[&str] = &["Accept-Encoding: gzip"];
const BOTH: &[&str] = &["Accept-Encoding: gzip, deflate, br"];

async fn compressing(policy: &str, script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Bed {
    let origin = Origin::start(script).await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = policy.into();
    spec.default_behavior.compress = true;
    Bed::with(origin, spec, |_| {}).await
}

/// Long, and not all the same.
fn text() -> String {
    (0..20_000).map(|n| format!("line {n}\n")).collect()
}

fn page(lines: &[&str]) -> Act {
    ok(&[&["Content-Type: text/html", "Cache-Control: max-age=60"], lines].concat(), &text())
}

/// The text that a viewer reads in it.
fn read(reply: &Reply) -> String {
    let mut text = String::new();
    let coded: &mut dyn std::io::Read = match reply.header("content-encoding").as_str() {
        "gzip" => &mut flate2::read::GzDecoder::new(&reply.body[..]),
        "br" => &mut brotli::Decompressor::new(&reply.body[..], 4_096),
        _ => &mut &reply.body[..],
    };
    coded.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_came_uncoded_is_coded_once_and_stored_so() {
    let bed = compressing(OPTIMIZED, |_, _| page(&["ETag: \"e\"", "Accept-Ranges: bytes"])).await;
    for (lines, coding) in [(GZIP, "gzip"), (BOTH, "br"), (&["Accept-Encoding: br"][..], "br")] {
        let miss = bed.send("GET", "a.test", "/p", lines).await;
        assert_eq!(
            (miss.header("x-cache").as_str(), miss.header("content-encoding").as_str()),
            ("Miss from recant", coding)
        );
        assert_eq!(
            [miss.header("content-length"), miss.header("etag"), miss.header("vary")],
            ["", "W/\"e\"", "Accept-Encoding"]
        );
        assert!(miss.is_whole && read(&miss) == text());
        let hit = bed.send("GET", "a.test", "/p", lines).await;
        assert_eq!(
            (hit.header("x-cache").as_str(), hit.header("content-encoding").as_str()),
            ("Hit from recant", coding)
        );
        assert_eq!(hit.header("content-length"), hit.body.len().to_string());
        assert!(hit.body == miss.body && hit.body.len() < text().len() / 3, "{}", hit.body.len());
        let head = bed.send("HEAD", "a.test", "/p", lines).await;
        assert_eq!(
            (head.header("content-encoding").as_str(), head.header("content-length")),
            (coding, hit.body.len().to_string())
        );
        let same = bed.send("GET", "a.test", "/p", &[lines[0], "If-None-Match: W/\"e\""]).await;
        assert_eq!((same.status, same.header("etag").as_str()), (304, "W/\"e\""));
    }
    assert_eq!(bed.origin.count(), 3, "one for each set of codings");
}

#[tokio::test]
async fn who_accepts_no_coding_gets_none_and_leaves_none_to_others() {
    let mut bed = compressing(OPTIMIZED, |_, _| page(&["ETag: \"e\""])).await;
    for lines in
        [&[][..], &["Accept-Encoding: identity"], &["Accept-Encoding: gzip;q=0"], &["Accept-Encoding: *"]]
    {
        let reply = bed.send("GET", "a.test", "/p", lines).await;
        assert_eq!(
            [reply.header("content-encoding"), reply.header("vary")],
            ["", "Accept-Encoding"],
            "{lines:?}"
        );
        assert!(reply.header("etag") == "\"e\"" && read(&reply) == text());
    }
    assert_eq!(bed.send("GET", "a.test", "/p", GZIP).await.header("content-encoding"), "gzip");
    assert_eq!(bed.origin.count(), 2);
    // One invalidation is for all of them.
    bed.invalidate("a", &["/p"]);
    for lines in [&[][..], GZIP] {
        assert_eq!(
            bed.send("GET", "a.test", "/p", lines).await.header("x-cache"),
            "Miss from recant",
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn a_part_of_what_is_stored_uncoded_is_uncoded() {
    let bed = compressing(OPTIMIZED, |_, _| page(&[])).await;
    let _ = bed.get("a.test", "/p").await;
    let part = bed.send("GET", "a.test", "/p", &["Range: bytes=0-3"]).await;
    assert_eq!((part.status, part.text(), part.header("content-encoding").as_str()), (206, "line", ""));
}

#[tokio::test]
async fn what_is_stored_coded_is_validated_by_the_origins_own_tag() {
    let bed = compressing(OPTIMIZED, |_, request| {
        match request.to_ascii_lowercase().contains("if-none-match: w/\"e\"") {
            true => Act::Reply(
                b"HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nVary: X\r\nCache-Control: max-age=60\r\n\r\n"
                    .into(),
            ),
            false => page(&["ETag: \"e\"", "Vary: X"]),
        }
    })
    .await;
    let first = bed.send("GET", "a.test", "/p", GZIP).await;
    for _ in 0..2 {
        bed.pass_leased(Duration::from_secs(61));
        let reply = bed.send("GET", "a.test", "/p", GZIP).await;
        assert_eq!(reply.header("x-cache"), "RefreshHit from recant");
        assert_eq!([reply.header("content-encoding"), reply.header("etag")], ["gzip", "W/\"e\""]);
        assert!(reply.header("vary").contains("Accept-Encoding"), "{}", reply.header("vary"));
        assert!(reply.body == first.body);
    }
    // A HEAD that says the same of the uncoded one takes nothing away.
    bed.pass_leased(Duration::from_secs(61));
    assert_eq!(bed.send("HEAD", "a.test", "/p", GZIP).await.status, 200);
    assert_eq!(bed.send("GET", "a.test", "/p", GZIP).await.header("x-cache"), "RefreshHit from recant");
}

#[tokio::test]
async fn what_is_not_to_be_coded_passes_as_it_is() {
    let check = async |policy: &str, lines: &'static [&'static str]| {
        let bed = compressing(policy, move |_, _| ok(lines, &text())).await;
        let reply = bed.send("GET", "a.test", "/p", GZIP).await;
        let origins = if lines.contains(&"Content-Encoding: x") { "x" } else { "" };
        assert_eq!(reply.header("content-encoding"), origins, "{lines:?}");
        assert_eq!(reply.header("content-length"), text().len().to_string(), "{lines:?}");
        assert!(reply.text() == text(), "{lines:?}");
    };
    let html = "Content-Type: text/html";
    check(OPTIMIZED, &["Content-Type: image/png"]).await;
    check(OPTIMIZED, &[]).await;
    check(OPTIMIZED, &["Content-Type: text/html", "Content-Encoding: x"]).await;
    check(OPTIMIZED, &["Content-Type: text/html", "Cache-Control: max-age=60, no-transform"]).await;
    check(OPTIMIZED, &["Content-Type: text/html", "Cache-Control: no-store"]).await;
    check(DISABLED, &["Content-Type: text/html"]).await;

    let short = compressing(OPTIMIZED, move |_, _| ok(&[html], "short")).await;
    assert_eq!(short.send("GET", "a.test", "/p", GZIP).await.text(), "short");
    let chunked = compressing(OPTIMIZED, move |_, _| {
        let body = text();
        let head = format!("HTTP/1.1 200 OK\r\n{html}\r\nTransfer-Encoding: chunked\r\n\r\n");
        Act::Reply(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into())
    });
    assert!(chunked.await.send("GET", "a.test", "/p", GZIP).await.text() == text());

    // And where the behaviour does not say so.
    let origin = Origin::start(|_, _| page(&[])).await;
    let spec = distribution(origin.address.port());
    let bed = Bed::with(origin, spec, |_| {}).await;
    assert_eq!(bed.send("GET", "a.test", "/p", GZIP).await.header("content-encoding"), "");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored_coded() {
    let bed = compressing(OPTIMIZED, |before, _| match before {
        0 => Act::ReplyAndClose(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n{}",
                text()
            )
            .into(),
        ),
        _ => page(&[]),
    })
    .await;
    assert!(!bed.send("GET", "a.test", "/p", GZIP).await.is_whole);
    let again = bed.send("GET", "a.test", "/p", GZIP).await;
    assert_eq!(again.header("x-cache"), "Miss from recant");
    assert!(read(&again) == text());
}
