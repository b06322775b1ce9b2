//! Parts that are stored: what answers a range, what is put together, and what is not.

use std::sync::Arc;

use crate::support::{
    Act, Bed, Gate, OPTIMIZED, ORIGIN_HEADERS_QUERY, Origin, Reply, Viewer, distribution, ok,
};

const WHOLE: &str = "0123456789";
const HIT: &str = "Hit from recant";
const MISS: &str = "Miss from recant";

/// A 206 with these bytes of ten, and these further lines.
fn part(range: &str, body: &str, lines: &[&str]) -> Act {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    Act::Reply(
        format!(
            "HTTP/1.1 206 Partial Content\r\nCache-Control: max-age=60\r\nContent-Range: bytes {range}\r\n\
             Content-Length: {}\r\n{lines}\r\n{body}",
            body.len()
        )
        .into(),
    )
}

/// What a request's field says.
fn field<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

/// What an origin with ten bytes, or others in their place, sends of them.
fn send(whole: &str, lines: &[&str], request: &str) -> Act {
    let lines = [&["Content-Type: text/plain"], lines].concat();
    let Some(range) = field(request, "range") else {
        return ok(&[&lines[..], &["Cache-Control: max-age=60"]].concat(), whole);
    };
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let end = whole.len();
    let (start, end) = match (first, last) {
        ("", count) => (end - count.parse::<usize>().unwrap(), end),
        (first, "") => (first.parse().unwrap(), end),
        (first, last) => (first.parse().unwrap(), last.parse::<usize>().unwrap() + 1),
    };
    part(&format!("{start}-{}/{}", end - 1, whole.len()), &whole[start..end], &lines)
}

async fn cutting() -> Bed {
    Bed::new(|_, request| send(WHOLE, &["ETag: \"a\""], request)).await
}

async fn get(bed: &Bed, range: &str) -> Reply {
    bed.send("GET", "a.test", "/p", &[&format!("Range: bytes={range}")]).await
}

/// A range, what it is, and whence it comes.
async fn check(bed: &Bed, range: &str, body: &str, x_cache: &str) {
    let reply = get(bed, range).await;
    let got = (reply.status, reply.text(), reply.is_whole, reply.header("x-cache"));
    assert_eq!(got, (206, body, true, x_cache.to_owned()), "{range}: {}", reply.header("cache-status"));
    let start = WHOLE.find(&body[..1]).unwrap_or(0);
    if body.chars().next().is_some_and(|first| first.is_ascii_digit()) {
        let content_range = format!("bytes {start}-{}/10", start + body.len() - 1);
        assert_eq!(reply.header("content-range"), content_range, "{range}");
    }
    assert_eq!(reply.header("content-length"), body.len().to_string());
}

#[tokio::test]
async fn a_range_within_a_stored_part_is_a_hit() {
    let bed = cutting().await;
    let miss = bed.send("GET", "a.test", "/p?x=1", &["Range: bytes=02-6", "Cookie: a=1"]).await;
    assert_eq!(miss.header("cache-status"), "recant; fwd=uri-miss; fwd-status=206; stored");
    let asked = bed.origin.seen().concat();
    assert_eq!((field(&asked, "range"), field(&asked, "cookie")), (Some("bytes=2-6"), None), "{asked}");
    assert!(asked.starts_with("GET /a/p HTTP/1.1"), "what is in no key is not told: {asked}");

    bed.pass_leased(std::time::Duration::from_secs(7));
    let hit = get(&bed, "2-6").await;
    assert_eq!((hit.status, hit.text(), hit.header("age").as_str()), (206, "23456", "7"));
    assert_eq!(hit.header("cache-status"), "recant; hit; ttl=53");
    assert_eq!([hit.header("etag"), hit.header("content-type")], ["\"a\"", "text/plain"]);
    check(&bed, "3-5", "345", HIT).await;
    check(&bed, "-4", "6789", MISS).await;
    check(&bed, "-4", "6789", HIT).await;
    check(&bed, "7-", "789", HIT).await;
    // Both parts.
    check(&bed, "4-8", "45678", HIT).await;
    let several = get(&bed, "2-3,8-9").await;
    assert_eq!((several.status, several.header("x-cache").as_str()), (206, HIT));
    assert!(several.text().contains("bytes 8-9/10\r\n\r\n89\r\n"), "{}", several.text());
    let behind = get(&bed, "10-").await;
    assert_eq!((behind.status, behind.header("content-range").as_str()), (416, "bytes */10"));
    for (tag, status) in [("\"a\"", 304), ("\"b\"", 206)] {
        let lines = ["Range: bytes=2-6", &format!("If-None-Match: {tag}")];
        let reply = bed.send("GET", "a.test", "/p", &lines).await;
        assert_eq!((reply.status, reply.header("x-cache").as_str()), (status, HIT), "{tag}");
    }
    assert_eq!(bed.origin.count(), 2);
}

#[tokio::test]
async fn what_asks_for_more_than_there_is_goes_to_the_origin() {
    let bed = cutting().await;
    check(&bed, "2-6", "23456", MISS).await;
    check(&bed, "1-3", "123", MISS).await;
    check(&bed, "1-6", "123456", HIT).await;
    check(&bed, "0-8", "012345678", MISS).await;
    let head = bed.send("HEAD", "a.test", "/p", &[]).await;
    assert_eq!(head.header("x-cache"), MISS, "a part is nothing to somebody who asks for the whole");
    let whole = bed.get("a.test", "/p").await;
    assert_eq!((whole.status, whole.text(), whole.header("x-cache").as_str()), (200, WHOLE, MISS));
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), HIT);
}

#[tokio::test]
async fn parts_that_make_up_the_whole_are_a_complete_response() {
    let bed = cutting().await;
    for (range, body) in [("6-", "6789"), ("0-2", "012"), ("2-7", "234567")] {
        check(&bed, range, body, MISS).await;
    }
    let whole = bed.get("a.test", "/p").await;
    assert_eq!((whole.status, whole.text(), whole.header("x-cache").as_str()), (200, WHOLE, HIT));
    assert_eq!([whole.header("content-length"), whole.header("content-range")], ["10", ""]);
    assert_eq!(bed.send("HEAD", "a.test", "/p", &[]).await.header("x-cache"), HIT);
    check(&bed, "1-8", "12345678", HIT).await;
    assert_eq!(bed.edge.usage()[0].stored_responses, 1, "in the place of the parts");
    // All of it in one part is the whole at once.
    let all = bed.send("GET", "a.test", "/all", &["Range: bytes=0-"]).await;
    assert_eq!((all.status, all.text()), (206, WHOLE));
    let whole = bed.get("a.test", "/all").await;
    assert_eq!((whole.status, whole.text(), whole.header("x-cache").as_str()), (200, WHOLE, HIT));
}

#[tokio::test]
async fn an_invalidation_between_two_parts_takes_all_of_them() {
    let mut bed = cutting().await;
    check(&bed, "0-4", "01234", MISS).await;
    bed.invalidate("a", &["/p"]);
    let again = get(&bed, "5-9").await;
    assert_eq!(again.header("cache-status"), "recant; fwd=miss; detail=invalidated; fwd-status=206; stored");
    check(&bed, "5-9", "56789", HIT).await;
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), MISS, "half of it is gone");
    assert_eq!(bed.edge.usage()[0].invalidated, 1);

    // Of another path, of another tenant.
    let bed = &mut cutting().await;
    check(bed, "0-4", "01234", MISS).await;
    bed.invalidate("a", &["/q*"]);
    bed.invalidate("b", &["/*"]);
    check(bed, "5-7", "567", MISS).await;
    check(bed, "0-7", "01234567", HIT).await;
}

#[tokio::test]
async fn what_was_asked_for_before_an_invalidation_is_no_newer_beside_a_part_that_came_after() {
    for late_first in [true, false] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let mut bed = Bed::new(move |_, request| {
            match (field(request, "range"), send(WHOLE, &["ETag: \"a\""], request)) {
                (Some("bytes=0-4"), Act::Reply(bytes)) => Act::AtGate(held.clone(), bytes),
                (_, act) => act,
            }
        })
        .await;
        if late_first {
            check(&bed, "5-7", "567", MISS).await;
        }
        let mut slow = Viewer::connect(bed.address()).await;
        slow.write("GET /p HTTP/1.1\r\nHost: a.test\r\nRange: bytes=0-4\r\n\r\n").await;
        gate.reached.notified().await;
        bed.invalidate("a", &["/p"]);
        if !late_first {
            check(&bed, "5-7", "567", MISS).await;
        }
        gate.open.notify_one();
        assert_eq!(slow.read("GET").await.text(), "01234");
        let reply = get(&bed, "5-7").await;
        assert_eq!((reply.text(), reply.header("x-cache").as_str()), ("567", MISS), "with what is older");
        assert!(reply.header("cache-status").contains("detail=invalidated"), "{reply:?}");
        check(&bed, "5-7", "567", HIT).await;
        // Never the old bytes.
        let before = bed.origin.count();
        gate.open.notify_one();
        check(&bed, "0-4", "01234", MISS).await;
        assert_eq!(bed.origin.count(), before + 1);
    }
}

#[tokio::test]
async fn without_a_lease_no_part_is_served() {
    let bed = cutting().await;
    check(&bed, "0-4", "01234", MISS).await;
    bed.publish(None);
    let reply = get(&bed, "0-4").await;
    assert_eq!(reply.header("cache-status"), "recant; fwd=miss; detail=no-lease; fwd-status=206; stored");
}

/// Two answers to ranges, and whether the first is there after the second.
async fn after(first: Act, second: Act, is_there: bool, case: &str) {
    let answers = std::sync::Mutex::new(vec![second, first]);
    let bed =
        Bed::new(move |_, _| answers.lock().unwrap().pop().unwrap_or_else(|| part("0-3/10", "late", &[])))
            .await;
    assert_eq!(get(&bed, "0-3").await.text(), "0123", "{case}");
    let _ = get(&bed, "6-7").await;
    let reply = get(&bed, "0-3").await;
    let expected = if is_there { ("0123", HIT) } else { ("late", MISS) };
    assert_eq!((reply.text(), reply.header("x-cache").as_str()), expected, "{case}");
}

#[tokio::test]
async fn only_parts_of_one_version_are_put_together() {
    let first = || part("0-3/10", "0123", &["ETag: \"a\""]);
    let of = |range, body, lines: &[&str]| part(range, body, lines);
    after(first(), of("6-7/10", "67", &["ETag: \"a\""]), true, "the same").await;
    after(first(), of("6-7/10", "67", &["ETag: \"b\""]), false, "another entity-tag").await;
    after(first(), of("6-7/11", "67", &["ETag: \"a\""]), false, "another length of the whole").await;
    after(first(), of("6-7/10", "67", &["ETag: \"a\"", "Content-Encoding: gzip"]), false, "another coding")
        .await;
    // The same entity-tag for other bytes: nothing says what belongs together.
    after(first(), of("3-7/10", "x4567", &["ETag: \"a\""]), false, "other bytes").await;
    after(first(), of("3-7/10", "34567", &["ETag: \"a\""]), true, "the same bytes twice").await;
    // What is not kept changes nothing.
    after(first(), of("6-7/10", "67", &["ETag: W/\"a\""]), true, "a weak entity-tag").await;
    after(first(), of("6-7/10", "67", &["ETag: W/\"b\""]), true, "another weak entity-tag").await;
    after(first(), of("6-7/10", "67", &[]), true, "no validator").await;
    after(first(), of("6-7/*", "67", &["ETag: \"b\""]), true, "of unknown length").await;
    after(first(), of("6-9/10", "67", &["ETag: \"b\""]), true, "shorter than it says").await;
    after(first(), of("6-6/10", "67", &["ETag: \"b\""]), true, "longer than it says").await;
    let gone = || {
        Act::Reply(b"HTTP/1.1 206 x\r\nCache-Control: no-store\r\nETag: \"b\"\r\nContent-Range: bytes 6-7/10\r\nContent-Length: 2\r\n\r\n67".into())
    };
    after(first(), gone(), true, "what may not be stored").await;

    let (day, later) =
        ("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Date: Fri, 15 Jan 2027 08:00:00 GMT");
    let dated = || part("0-3/10", "0123", &[day, later]);
    after(dated(), of("6-7/10", "67", &[day, later]), true, "the same date").await;
    let other = "Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT";
    after(dated(), of("6-7/10", "67", &[other, later]), false, "another date").await;
    after(dated(), of("6-7/10", "67", &[day, later, "ETag: \"a\""]), false, "another validator").await;
}

#[tokio::test]
async fn what_does_not_say_clearly_what_it_is_is_not_stored() {
    let check = |case: &'static str, first: fn() -> Act| async move {
        let bed = Bed::new(move |before, request| match before {
            0 => first(),
            _ => send(WHOLE, &["ETag: \"new\""], request),
        })
        .await;
        let _ = get(&bed, "0-1").await;
        for _ in 0..2 {
            let reply = get(&bed, "0-1").await;
            assert_eq!((reply.status, reply.text()), (206, "01"), "{case}");
        }
        let whole = bed.get("a.test", "/p").await;
        assert_eq!((whole.status, whole.text(), bed.origin.count()), (200, WHOLE, 3), "{case}");
    };
    fn raw(head: &str, body: &str) -> Act {
        let length = body.len();
        Act::Reply(
            format!("HTTP/1.1 {head}Cache-Control: max-age=60\r\nContent-Length: {length}\r\n\r\n{body}")
                .into(),
        )
    }
    check("weak", || part("0-1/10", "xx", &["ETag: W/\"a\""])).await;
    check("no validator", || part("0-1/10", "xx", &[])).await;
    check("of unknown length", || part("0-1/*", "xx", &["ETag: \"a\""])).await;
    check("too short", || part("0-1/10", "x", &["ETag: \"a\""])).await;
    check("too long", || part("0-1/10", "xxx", &["ETag: \"a\""])).await;
    check("behind the end", || part("9-10/10", "xx", &["ETag: \"a\""])).await;
    check("two places", || part("0-1/10", "xx", &["ETag: \"a\"", "Content-Range: bytes 2-3/10"])).await;
    check("several parts", || {
        part("0-1/10", "xx", &["ETag: \"a\"", "Content-Type: multipart/byteranges; boundary=x"])
    })
    .await;
    check("a cookie", || part("0-1/10", "xx", &["ETag: \"a\"", "Set-Cookie: a=1"])).await;
    check("every request is another one", || part("0-1/10", "xx", &["ETag: \"a\"", "Vary: *"])).await;
    check("chunked and too short", || {
        Act::Reply(b"HTTP/1.1 206 x\r\nETag: \"a\"\r\nCache-Control: max-age=60\r\nContent-Range: bytes 0-1/10\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".into())
    }).await;
    // What a range may lead to is not for those who ask for none.
    check("416", || raw("416 x\r\nETag: \"a\"\r\nContent-Range: bytes */1\r\n", "xx")).await;
    check("404", || raw("404 x\r\n", "xx")).await;
    check("a redirect", || raw("301 x\r\nLocation: /x\r\n", "xx")).await;
    check("a whole that says that it is a part", || {
        raw("200 x\r\nETag: \"a\"\r\nContent-Range: bytes 0-1/10\r\n", "xx")
    })
    .await;
    check("not fresh", || {
        Act::Reply(b"HTTP/1.1 206 x\r\nETag: \"a\"\r\nCache-Control: max-age=60, no-cache\r\nContent-Range: bytes 0-1/10\r\nContent-Length: 2\r\n\r\nxx".into())
    }).await;
}

#[tokio::test]
async fn a_part_that_nobody_asked_for_is_not_stored() {
    let bed = Bed::new(|before, request| match before {
        0 => part("0-1/10", "xx", &["ETag: \"a\""]),
        _ => send(WHOLE, &["ETag: \"a\""], request),
    })
    .await;
    assert_eq!(bed.get("a.test", "/p").await.status, 206);
    check(&bed, "0-1", "01", MISS).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), WHOLE);
}

#[tokio::test]
async fn a_whole_response_to_a_range_is_stored_as_such() {
    let bed = Bed::new(|_, _| ok(&["Cache-Control: max-age=60", "ETag: \"a\""], WHOLE)).await;
    let reply = get(&bed, "0-1").await;
    assert_eq!((reply.status, reply.text()), (200, WHOLE));
    assert_eq!(reply.header("cache-status"), "recant; fwd=uri-miss; fwd-status=200; stored");
    check(&bed, "0-1", "01", HIT).await;
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), HIT);
}

#[tokio::test]
async fn a_complete_response_takes_the_place_of_parts() {
    let bed = Bed::new(|before, request| match before {
        0 => send(WHOLE, &["ETag: \"a\""], request),
        _ => send("abcdefghij", &["ETag: \"b\""], request),
    })
    .await;
    check(&bed, "0-3", "0123", MISS).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "abcdefghij");
    assert_eq!(bed.edge.usage()[0].stored_responses, 1);
    check(&bed, "0-3", "abcd", HIT).await;
}

#[tokio::test]
async fn a_range_of_another_version_gets_the_whole() {
    let bed = Bed::new(|_, request| match field(request, "if-range") {
        Some(tag) if tag != "\"a\"" => ok(&["Cache-Control: max-age=60", "ETag: \"a\""], WHOLE),
        _ => send(WHOLE, &["ETag: \"a\""], request),
    })
    .await;
    check(&bed, "0-3", "0123", MISS).await;
    let ask = async |condition: &str| {
        let lines = ["Range: bytes=1-2", &format!("If-Range: {condition}")];
        let reply = bed.send("GET", "a.test", "/p", &lines).await;
        (reply.status, reply.text().to_owned(), reply.header("x-cache"))
    };
    assert_eq!(ask("\"a\"").await, (206, "12".into(), HIT.into()));
    assert_eq!(ask("\"b\"").await, (200, WHOLE.into(), MISS.into()));
    assert_eq!(ask("\"b\"").await, (200, WHOLE.into(), HIT.into()), "stored as what it is");
    assert_eq!(ask("\"a\"").await, (206, "12".into(), HIT.into()));
    assert_eq!(field(&bed.origin.seen()[1], "if-range"), Some("\"b\""));
}

#[tokio::test]
async fn what_answers_if_range_is_of_use_only_beside_what_has_all_fields() {
    // RFC 9110 section 15.3.7: such a part leaves out what the viewer has.
    let bed = Bed::new(|_, request| match field(request, "if-range") {
        Some(_) => part("5-7/10", "567", &["ETag: \"a\""]),
        None => send(WHOLE, &["ETag: \"a\""], request),
    })
    .await;
    let conditional =
        async || bed.send("GET", "a.test", "/p", &["Range: bytes=5-7", "If-Range: \"a\""]).await;
    for _ in 0..2 {
        assert_eq!(conditional().await.header("x-cache"), MISS);
    }
    check(&bed, "0-4", "01234", MISS).await;
    assert_eq!(conditional().await.header("x-cache"), MISS);
    let hit = get(&bed, "2-7").await;
    assert_eq!((hit.text(), hit.header("x-cache").as_str()), ("234567", HIT));
    assert_eq!(hit.header("content-type"), "text/plain");
}

#[tokio::test]
async fn parts_of_variants_lie_side_by_side() {
    let origin = Origin::start(|_, request| {
        let (whole, tag) = match field(request, "origin") {
            Some("https://x.test") => ("abcdefghij", "ETag: \"x\""),
            _ => (WHOLE, "ETag: \"a\""),
        };
        send(whole, &[tag, "Vary: X-Who, Origin"], request)
    });
    let origin = origin.await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = ORIGIN_HEADERS_QUERY.into();
    let bed = Bed::with(origin, spec, |_| {}).await;
    let ask = async |lines: &[&str]| {
        let reply = bed.send("GET", "a.test", "/p", &[&["Range: bytes=0-3"], lines].concat()).await;
        (reply.text().to_owned(), reply.header("x-cache"))
    };
    for from in [MISS, HIT] {
        assert_eq!(ask(&[]).await, ("0123".into(), from.into()));
        assert_eq!(ask(&["Origin: https://x.test"]).await, ("abcd".into(), from.into()));
        assert_eq!(
            ask(&["X-Who: me"]).await,
            ("0123".into(), from.into()),
            "it says that it would be another one"
        );
    }
}

#[tokio::test]
async fn where_the_edge_codes_the_whole_parts_stay_parts() {
    let whole: String = (0..200).map(|n| format!("line {n:05}\n")).collect();
    let (sent, lines) = (whole.clone(), &["ETag: \"a\"", "Content-Type: text/html"]);
    let origin = Origin::start(move |_, request| {
        let lines = if request.contains("/raw") {
            &[lines[0], lines[1], "Cache-Control: no-transform"][..]
        } else {
            &lines[..]
        };
        match field(request, "range") {
            None => ok(&[lines, &["Cache-Control: max-age=60"]].concat(), &sent),
            Some("bytes=0-999") => part("0-999/2200", &sent[..1000], lines),
            Some(_) => part("1000-2199/2200", &sent[1000..], lines),
        }
    });
    let origin = origin.await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = OPTIMIZED.into();
    spec.default_behavior.compress = true;
    let bed = Bed::with(origin, spec, |_| {}).await;
    for (path, is_coded) in [("/p", true), ("/raw", false)] {
        let ask = async |range: &str| {
            bed.send("GET", "a.test", path, &["Accept-Encoding: gzip", &format!("Range: bytes={range}")])
                .await
        };
        for (range, from) in [("0-999", MISS), ("1000-", MISS), ("500-1500", HIT)] {
            let reply = ask(range).await;
            assert_eq!((reply.status, reply.header("x-cache").as_str()), (206, from), "{path} {range}");
            assert_eq!([reply.header("content-encoding"), reply.header("etag")], ["", "\"a\""], "{path}");
        }
        assert_eq!(ask("500-1500").await.text(), &whole[500..=1500]);
        let reply = bed.send("GET", "a.test", path, &["Accept-Encoding: gzip"]).await;
        let (from, coding) = if is_coded { (MISS, "gzip") } else { (HIT, "") };
        assert_eq!([reply.header("x-cache"), reply.header("content-encoding")], [from, coding], "{path}");
        // Of what the edge has coded there are ranges, too, under a validator that joins them to nothing else.
        let cut = ask("0-3").await;
        let tag = if is_coded { "W/\"a\"" } else { "\"a\"" };
        assert_eq!([cut.header("x-cache"), cut.header("etag")], [HIT, tag], "{path}");
    }
}

#[tokio::test]
async fn viewers_of_one_range_share_it_and_others_do_not() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = Bed::new(move |before, request| match (before, send(WHOLE, &["ETag: \"a\""], request)) {
        (0, Act::Reply(mut bytes)) => {
            let late = bytes.split_off(bytes.len() - 2);
            Act::ThenAtGate(bytes, held.clone(), late)
        }
        (_, act) => act,
    })
    .await;
    let ask = async || {
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\nRange: bytes=0-4\r\n\r\n").await;
        viewer.sees(b"012").await;
        viewer
    };
    let mut viewers = [ask().await, ask().await];
    assert_eq!(bed.origin.count(), 1);
    // Another range, another condition, the whole: each is asked for.
    check(&bed, "0-3", "0123", MISS).await;
    let other = bed.send("GET", "a.test", "/p", &["Range: bytes=0-4", "If-Range: \"a\""]).await;
    assert_eq!((other.status, other.header("x-cache").as_str()), (206, MISS));
    assert_eq!(bed.get("a.test", "/p").await.text(), WHOLE);
    assert_eq!(bed.origin.count(), 4);
    gate.open.notify_one();
    for (viewer, how) in viewers.iter_mut().zip(["stored", "collapsed"]) {
        let reply = viewer.read("GET").await;
        let content_range = reply.header("content-range");
        assert_eq!((reply.status, reply.text(), content_range.as_str()), (206, "01234", "bytes 0-4/10"));
        assert_eq!(reply.header("cache-status"), format!("recant; fwd=uri-miss; fwd-status=206; {how}"));
    }
    assert_eq!(bed.origin.count(), 4);
}

#[tokio::test]
async fn a_part_that_breaks_off_is_not_stored() {
    let bed = Bed::new(|before, request| match before {
        0 => Act::ReplyAndClose(b"HTTP/1.1 206 x\r\nETag: \"a\"\r\nCache-Control: max-age=60\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\n012".into()),
        _ => send(WHOLE, &["ETag: \"a\""], request),
    })
    .await;
    assert!(!get(&bed, "0-4").await.is_whole);
    check(&bed, "0-1", "01", MISS).await;
}

#[tokio::test]
async fn what_changes_a_resource_takes_its_parts_out() {
    let bed = Bed::new(|_, request| match request.starts_with("POST") {
        true => ok(&[], "done"),
        false => send(WHOLE, &["ETag: \"a\""], request),
    })
    .await;
    check(&bed, "0-4", "01234", MISS).await;
    let _ = bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    check(&bed, "0-4", "01234", MISS).await;
}

#[tokio::test]
async fn the_sweep_gives_the_memory_of_parts_back() {
    let mut bed = cutting().await;
    check(&bed, "0-4", "01234", MISS).await;
    let _ = bed.send("GET", "b.test", "/p", &["Range: bytes=0-4"]).await;
    bed.invalidate("a", &["/p"]);
    bed.edge.sweep_now().await;
    let usage = bed.edge.usage();
    let of = |tenant: &str| usage.iter().find(|usage| usage.tenant.as_str() == tenant).unwrap();
    assert_eq!((of("a").stored_responses, of("a").bytes, of("a").invalidated), (0, 0, 1));
    assert_eq!((of("b").stored_responses, of("b").bytes), (1, bed.edge.stored_bytes()));
    // What is put together with what was there before the sweep is still good: rules have gone meanwhile.
    let reply = bed.send("GET", "b.test", "/p", &["Range: bytes=5-7"]).await;
    assert_eq!(reply.header("x-cache"), MISS);
    let reply = bed.send("GET", "b.test", "/p", &["Range: bytes=2-7"]).await;
    assert_eq!((reply.text(), reply.header("x-cache").as_str()), ("234567", HIT));
}

#[tokio::test]
async fn a_part_of_another_version_takes_a_complete_response_out() {
    for (tag, from) in [("\"a\"", HIT), ("\"b\"", MISS)] {
        let bed = Bed::new(move |before, request| match before {
            0 => send(WHOLE, &["ETag: \"a\""], request),
            _ => send(WHOLE, &[&format!("ETag: {tag}")], request),
        })
        .await;
        assert_eq!(bed.get("a.test", "/p").await.text(), WHOLE);
        // Without a lease it is not asked what is stored.
        bed.publish(None);
        check(&bed, "0-3", "0123", MISS).await;
        bed.publish(Some(std::time::Duration::from_secs(10)));
        assert_eq!(bed.edge.usage()[0].stored_responses, 1, "one of the two is of no use: {tag}");
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), from, "{tag}");
    }
}
