//! An edge and its shield, each at its own place in the log, in orders that chance chooses: no viewer gets what a rule that his edge has
//! applied takes away, and none gets bytes of two versions in one body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use recant_core::batch::Pattern;
use recant_core::entry::{Change, HistoryId, Scope};
use recant_core::id::TenantId;
use recant_core::position::Era;
use recant_edge::ShieldOptions;
use recant_wire::feed::EdgeSecret;

use crate::support::{Act, Bed, Chance, Origin, Reply, distribution, ok};

const RUNS: u64 = 24;
const STEPS: usize = 60;
const PATHS: [&str; 2] = ["/p", "/q"];
/// Each version is its number in four digits, over and over.
const TIMES: usize = 16;

/// An origin whose content has this version by now, and that knows conditions and ranges.
async fn versioned(version: Arc<AtomicUsize>) -> Origin {
    Origin::start(move |_, request| {
        let request = request.to_ascii_lowercase();
        let line = |name: &str| request.lines().find_map(|line| line.strip_prefix(name));
        let version = version.load(Ordering::SeqCst);
        let (body, tag) = (format!("{version:04}").repeat(TIMES), format!("\"{version}\""));
        let lines = [
            format!("ETag: {tag}"),
            "Cache-Control: max-age=60, stale-while-revalidate=90, stale-if-error=900".to_owned(),
        ];
        let lines = lines.each_ref().map(String::as_str);
        if line("if-none-match: ") == Some(&tag) {
            return Act::Reply(format!("HTTP/1.1 304 Not Modified\r\n{}\r\n\r\n", lines.join("\r\n")).into());
        }
        let range = line("range: bytes=").filter(|_| line("if-range: ").is_none_or(|it| it == tag));
        let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
            return ok(&lines, &body);
        };
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        let part = &body[first..=last];
        let (head, length) = (lines.join("\r\n"), part.len());
        let place = format!("Content-Range: bytes {first}-{last}/{}\r\nContent-Length: {length}", body.len());
        Act::Reply(format!("HTTP/1.1 206 Partial Content\r\n{head}\r\n{place}\r\n\r\n{part}").into())
    })
    .await
}

/// The one version that all of the body is of.
fn version_of(reply: &Reply, context: &str) -> usize {
    assert!(matches!(reply.status, 200 | 206) && reply.is_whole, "{context}: {}", reply.status);
    let text = reply.text();
    let of_all = &text[..4];
    assert_eq!(text, of_all.repeat(text.len() / 4), "{context}");
    let whole = 4 * TIMES;
    match reply.header("content-range").strip_prefix("bytes ") {
        None => assert_eq!(text.len(), whole, "{context}"),
        Some(range) => {
            let (first, last) = range.split_once('/').unwrap().0.split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            assert!(
                range.ends_with(&format!("/{whole}")) && last + 1 - first == text.len(),
                "{context}: {range}"
            );
        }
    }
    of_all.parse().unwrap()
}

async fn one(shield: Option<&Bed>, port: u16, origin: Origin) -> Bed {
    let mut spec = distribution(port);
    spec.origins[0].shield = Some("us-east-1".into());
    let asked = shield.and_then(|bed| bed.edge.shield_address());
    let bed = Bed::with(origin, spec, |options| {
        options.edge_secret = Some(EdgeSecret::new([7; 32]));
        options.shield = ShieldOptions {
            listen: asked.is_none().then(|| "127.0.0.1:0".parse().unwrap()),
            shields: asked
                .iter()
                .map(|it| ("us-east-1".to_owned(), it.to_string().parse().unwrap()))
                .collect(),
        };
    })
    .await;
    bed.world().follow(Era::default(), HistoryId(7));
    bed
}

#[tokio::test]
async fn no_order_of_things_brings_back_what_was_taken_away() {
    for seed in 0..RUNS {
        run(seed).await;
    }
}

async fn run(seed: u64) {
    let mut chance = Chance::new(seed);
    let version = Arc::new(AtomicUsize::new(0));
    let origin = versioned(version.clone()).await;
    let port = origin.address.port();
    let shield = one(None, port, origin).await;
    let front = one(Some(&shield), port, versioned(version.clone()).await).await;
    let mut beds = [shield, front];
    // The log: what was changed, and to which version. How far each edge is; the oldest version that each may still give.
    let mut log: Vec<(usize, usize)> = Vec::new();
    let (mut applied, mut oldest) = ([0; 2], [[0; PATHS.len()]; 2]);
    let mut done = Vec::new();
    for _ in 0..STEPS {
        let (at, path) = (chance.below(2), chance.below(PATHS.len()));
        let step = chance.below(10);
        done.push((step, at, path));
        let context = format!("seed {seed}: {done:?}");
        match step {
            0 => log.push((path, version.fetch_add(1, Ordering::SeqCst) + 1)),
            1 | 2 => {
                let Some((path, changed)) = log.get(applied[at]).copied() else { continue };
                let (scope, item) =
                    (Scope::Tenant(TenantId::parse("a").unwrap()), Pattern::parse(PATHS[path]));
                beds[at].apply(&Change::Invalidate { scope, patterns: vec![item.unwrap()] });
                applied[at] += 1;
                oldest[at][path] = changed;
            }
            3 => beds[at].publish(None),
            4 => beds.iter().for_each(|bed| bed.pass_leased(Duration::from_secs(61))),
            5 => beds[at].edge.sweep_now().await,
            6 | 7 => {
                let first = 4 * chance.below(TIMES / 2);
                let range = format!("Range: bytes={first}-{}", first + 4 * (1 + chance.below(TIMES / 2)) - 1);
                let reply = beds[at].send("GET", "a.test", PATHS[path], &[&range]).await;
                assert!(version_of(&reply, &context) >= oldest[at][path], "{context}");
            }
            _ => {
                let reply = beds[at].get("a.test", PATHS[path]).await;
                assert!(version_of(&reply, &context) >= oldest[at][path], "{context}");
            }
        }
    }
}
