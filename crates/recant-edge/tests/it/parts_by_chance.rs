//! Ranges of what keeps changing, from an origin of many moods.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{Act, Bed, Chance, Origin, Reply, distribution, ok};

const RUNS: u64 = 16;
/// How long the content is.
const LEN: usize = 50;

/// The content of a version: its number, over and over.
fn body(version: usize) -> String {
    format!("{version:04}").repeat(LEN)[..LEN].to_owned()
}

/// What the origin has now, and its mood.
struct Now {
    version: usize,
    chance: Chance,
}

/// Whole or in part, rightly framed or not quite as asked, strongly tagged or not.
fn answer(now: &Mutex<Now>, request: &str) -> Act {
    let request = request.to_ascii_lowercase();
    let mut now = now.lock().unwrap();
    if request.starts_with("post") {
        now.version += 1;
        return ok(&[], "done");
    }
    let version = now.version;
    let line = |name: &str| request.lines().find_map(|line| line.strip_prefix(name));
    let mood = now.chance.below(10);
    let (text, mut tag) = (body(version), format!("\"{version}\""));
    if line("if-none-match: ") == Some(&tag) {
        return Act::Reply(
            format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nCache-Control: max-age=60\r\n\r\n").into(),
        );
    }
    let whole = |tag: &str| {
        ok(
            &[
                &format!("ETag: {tag}"),
                "Cache-Control: max-age=60",
                "Content-Type: text/plain",
                "Cache-Tag: red",
            ],
            &text,
        )
    };
    let range = line("range: bytes=").filter(|_| line("if-range: ").is_none_or(|it| it == tag));
    let Some(range) = range.filter(|range| !range.contains(',')) else { return whole(&tag) };
    let (first, last) = range.split_once('-').unwrap();
    let (mut first, mut last) = match (first, last) {
        ("", count) => (LEN.saturating_sub(count.parse().unwrap()), LEN - 1),
        (first, "") => (first.parse().unwrap(), LEN - 1),
        (first, last) => (first.parse().unwrap(), last.parse::<usize>().unwrap().min(LEN - 1)),
    };
    if first > last {
        return Act::Reply(format!("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{LEN}\r\nContent-Length: 0\r\n\r\n").into());
    }
    match mood {
        0 => return whole(&tag),
        1 => tag = format!("W/{tag}"),
        2 => first = last,
        3 => last = first,
        4 => first = first.saturating_sub(3),
        _ => {}
    }
    let part = &text[first..=last];
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nETag: {tag}\r\nCache-Control: max-age=60\r\nContent-Range: bytes {first}-{last}/{LEN}\r\n"
    );
    let typed =
        if line("if-range: ").is_some() { "" } else { "Content-Type: text/plain\r\nCache-Tag: red\r\n" };
    Act::Reply(
        match mood {
            5 => format!(
                "{head}{typed}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{part}\r\n0\r\n\r\n",
                part.len()
            ),
            _ => format!("{head}{typed}Content-Length: {}\r\n\r\n{part}", part.len()),
        }
        .into(),
    )
}

/// That this is what it says of this version.
fn check_part(version: usize, place: &str, text: &str, context: &str) {
    let (range, length) = place.split_once('/').unwrap();
    assert_eq!(length, LEN.to_string(), "{context}");
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    assert_eq!(text, &body(version)[first..=last], "{context}");
}

/// The one version that all of it is of, if it is of one.
fn check(reply: &Reply, context: &str) -> Option<usize> {
    assert!(reply.is_whole, "{context}");
    let tag = reply.header("etag");
    let version = || tag.trim_start_matches("W/").trim_matches('"').parse::<usize>().unwrap();
    match reply.status {
        200 => {
            assert_eq!(reply.text(), body(version()), "{context}");
            assert_eq!(reply.header("content-type"), "text/plain", "{context}");
        }
        206 => match reply.header("content-range").strip_prefix("bytes ") {
            Some(place) => check_part(version(), place, reply.text(), context),
            None => {
                let kind = reply.header("content-type");
                let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect(context);
                let parts: Vec<_> = reply.text().split(&format!("--{boundary}")).collect();
                assert!(parts.len() >= 4, "{context}");
                for part in &parts[1..parts.len() - 1] {
                    let (head, text) = part.split_once("\r\n\r\n").unwrap();
                    let place =
                        head.lines().find_map(|line| line.strip_prefix("Content-Range: bytes ")).unwrap();
                    check_part(version(), place, text.strip_suffix("\r\n").unwrap(), context);
                }
            }
        },
        304 => {}
        416 => return None,
        other => panic!("{context}: {other}"),
    }
    Some(version())
}

#[tokio::test]
async fn what_is_put_together_is_of_one_version() {
    let mut hits_in_part = 0;
    for seed in 0..RUNS {
        let mut chance = Chance::new(seed * 7919 + 1);
        let now = Arc::new(Mutex::new(Now { version: 1, chance: Chance::new(seed) }));
        let told = now.clone();
        let origin = Origin::start(move |_, request| answer(&told, request)).await;
        let spec = distribution(origin.address.port());
        let mut bed = Bed::with(origin, spec, |_| {}).await;
        let mut oldest = 1;
        let mut done = Vec::new();
        for _ in 0..80 {
            match chance.below(16) {
                0 => {
                    now.lock().unwrap().version += 1;
                    done.push("changed".to_owned());
                }
                1 => {
                    let mut held = now.lock().unwrap();
                    held.version += 1;
                    oldest = held.version;
                    drop(held);
                    let item = ["/p", "/*"][chance.below(2)];
                    bed.invalidate("a", &[item]);
                    done.push(format!("invalidated {item}"));
                }
                2 => {
                    bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
                    oldest = now.lock().unwrap().version;
                    done.push("posted".to_owned());
                }
                3 => {
                    bed.pass_leased(Duration::from_secs(31));
                    done.push("31 s".to_owned());
                }
                4 => bed.edge.sweep_now().await,
                5 => bed.invalidate("a", &["/other"]),
                kind => {
                    let version = now.lock().unwrap().version;
                    let mut lines = Vec::new();
                    let (first, length) = (chance.below(LEN + 3), chance.below(LEN));
                    let (second, more) = (chance.below(LEN), chance.below(9));
                    match kind {
                        6 => {}
                        7 => lines.push(format!(
                            "Range: bytes={first}-{},{second}-{}",
                            first + length,
                            second + more
                        )),
                        8 => lines.push(format!("Range: bytes={first}-")),
                        9 => lines.push(format!("Range: bytes=-{}", length + 1)),
                        _ => lines.push(format!("Range: bytes={first}-{}", first + length)),
                    }
                    match chance.below(6) {
                        0 => lines.push(format!("If-Range: \"{}\"", version - chance.below(2))),
                        1 => lines.push(format!("If-None-Match: \"{}\"", version - chance.below(2))),
                        _ => {}
                    }
                    if chance.below(4) == 0 {
                        lines.push("Accept-Encoding: gzip".to_owned());
                    }
                    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                    let reply = bed.send("GET", "a.test", "/p", &lines).await;
                    done.push(format!(
                        "{lines:?} -> {} {} {} {}",
                        reply.status,
                        reply.header("etag"),
                        reply.header("content-range"),
                        reply.header("cache-status")
                    ));
                    let context = format!("seed {seed}: {:#?}", &done[done.len().saturating_sub(25)..]);
                    let is_hit = reply.header("x-cache").starts_with("Hit");
                    hits_in_part += usize::from(is_hit && reply.status == 206);
                    if let Some(version) = check(&reply, &context) {
                        assert!(version >= oldest, "{context}");
                    }
                }
            }
        }
    }
    assert!(hits_in_part > 10, "nothing was put together: {hits_in_part}");
}
