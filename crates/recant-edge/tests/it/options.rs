//! Responses to OPTIONS, where the behaviour says that they are stored.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Bed, Gate, ORIGIN_HEADERS_QUERY, Origin, Reply, Viewer, distribution, ok};

const HIT: &str = "Hit from recant";
const MISS: &str = "Miss from recant";

/// Tells by whom it was asked, and how often before.
fn numbered(before: usize, request: &str) -> Act {
    let method = request.split(' ').next().unwrap();
    ok(&["Cache-Control: max-age=60", "ETag: \"e\"", "Allow: GET"], &format!("{method} #{before}"))
}

async fn caching(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Bed {
    under(script, None).await
}

async fn under(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static, policy: Option<&str>) -> Bed {
    let origin = Origin::start(script).await;
    let mut spec = distribution(origin.address.port());
    let behavior = &mut spec.default_behavior;
    behavior.cached_methods = ["GET", "HEAD", "OPTIONS"].map(String::from).into();
    behavior.cache_policy_id = policy.unwrap_or(&behavior.cache_policy_id).to_owned();
    Bed::with(origin, spec, |_| {}).await
}

fn check(reply: &Reply, body: &str, x_cache: &str) {
    let got = (reply.status, reply.text(), reply.header("x-cache"));
    assert_eq!(got, (200, body, x_cache.to_owned()), "{}", reply.header("cache-status"));
}

#[tokio::test]
async fn each_method_has_its_own_and_both_go_by_the_path() {
    let mut bed = caching(numbered).await;
    let ask = async |bed: &Bed, method: &str| bed.send(method, "a.test", "/p", &[]).await;
    check(&ask(&bed, "OPTIONS").await, "OPTIONS #0", MISS);
    check(&ask(&bed, "GET").await, "GET #1", MISS);
    bed.pass_leased(Duration::from_secs(7));
    let hit = ask(&bed, "OPTIONS").await;
    check(&hit, "OPTIONS #0", HIT);
    assert_eq!([hit.header("age"), hit.header("cache-status")], ["7", "recant; hit; ttl=53"]);
    check(&ask(&bed, "GET").await, "GET #1", HIT);
    let head = ask(&bed, "HEAD").await;
    assert_eq!((head.header("x-cache"), head.header("content-length").as_str()), (HIT.into(), "6"));

    bed.invalidate("a", &["/p"]);
    check(&ask(&bed, "GET").await, "GET #2", MISS);
    check(&ask(&bed, "OPTIONS").await, "OPTIONS #3", MISS);
    check(&ask(&bed, "OPTIONS").await, "OPTIONS #3", HIT);
    let _ = bed.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    check(&ask(&bed, "OPTIONS").await, "OPTIONS #5", MISS);
}

#[tokio::test]
async fn a_behaviour_that_does_not_say_so_stores_none() {
    let bed = Bed::new(numbered).await;
    for n in 0..2 {
        let reply = bed.send("OPTIONS", "a.test", "/p", &[]).await;
        check(&reply, &format!("OPTIONS #{n}"), MISS);
        assert_eq!(reply.header("cache-status"), "recant; fwd=method; fwd-status=200");
    }
}

#[tokio::test]
async fn what_is_stored_is_no_representation() {
    let bed = caching(numbered).await;
    let first = bed.send("OPTIONS", "a.test", "/p", &["If-None-Match: \"e\""]).await;
    check(&first, "OPTIONS #0", MISS);
    // RFC 9110 sections 13.2.1 and 14.2: neither conditions nor ranges mean anything here.
    check(&bed.send("OPTIONS", "a.test", "/p", &["If-None-Match: \"e\""]).await, "OPTIONS #0", HIT);
    check(&bed.send("OPTIONS", "a.test", "/p", &["Range: bytes=0-1"]).await, "OPTIONS #0", HIT);
    // Stale, it is asked for again, and not validated.
    bed.pass_leased(Duration::from_secs(61));
    check(&bed.send("OPTIONS", "a.test", "/p", &[]).await, "OPTIONS #1", MISS);
    let asked = bed.origin.seen().pop().unwrap().to_ascii_lowercase();
    assert!(!asked.contains("if-none-match"), "{asked}");
}

#[tokio::test]
async fn content_is_not_in_the_key() {
    let bed = caching(numbered).await;
    let with_content = "OPTIONS /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody";
    for n in 0..2 {
        let reply = bed.raw("OPTIONS", with_content).await;
        check(&reply, &format!("OPTIONS #{n}"), MISS);
        assert_eq!(reply.header("cache-status"), "recant; fwd=request; fwd-status=200");
    }
    check(&bed.send("OPTIONS", "a.test", "/p", &[]).await, "OPTIONS #2", MISS);
    assert!(bed.origin.seen()[1].ends_with("body"));
}

#[tokio::test]
async fn preflights_are_told_apart_by_what_is_in_the_key_and_by_vary() {
    let script = |before, request: &str| {
        assert!(request.starts_with("OPTIONS"), "{request}");
        let vary = "Vary: Origin, Access-Control-Request-Method";
        Act::Reply(format!("HTTP/1.1 204 x\r\n{vary}\r\nAnswer: {before}\r\n\r\n").into())
    };
    let bed = under(script, Some(ORIGIN_HEADERS_QUERY)).await;
    let ask = async |origin: &str, method: &str| {
        let lines = [&*format!("Origin: {origin}"), &*format!("Access-Control-Request-Method: {method}")];
        let reply = bed.send("OPTIONS", "a.test", "/p", &lines).await;
        assert_eq!(reply.status, 204);
        (reply.header("answer"), reply.header("x-cache"))
    };
    // This policy's default lifetime is none.
    for n in 0..2 {
        assert_eq!(ask("https://x.test", "PUT").await, (n.to_string(), MISS.into()));
    }
    let bed = caching(move |before, _| {
        let vary = "Vary: Access-Control-Request-Method";
        Act::Reply(format!("HTTP/1.1 204 x\r\n{vary}\r\nAnswer: {before}\r\n\r\n").into())
    })
    .await;
    let ask = async |method: &str| {
        let line = format!("Access-Control-Request-Method: {method}");
        let reply = bed.send("OPTIONS", "a.test", "/p", &[&line]).await;
        (reply.status, reply.header("answer"), reply.header("x-cache"))
    };
    // 204 has the policy's default lifetime here, and here alone.
    for from in [MISS, HIT] {
        assert_eq!(ask("PUT").await, (204, "0".into(), from.into()));
        assert_eq!(ask("DELETE").await, (204, "1".into(), from.into()));
    }
    let _ = bed.get("a.test", "/p").await;
    assert_eq!(bed.get("a.test", "/p").await.header("answer"), "3", "no empty response in place of a page");
}

#[tokio::test]
async fn who_asks_for_the_same_at_once_asks_once() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let bed = caching(move |before, request| match (before, numbered(before, request)) {
        (0, Act::Reply(mut bytes)) => {
            let late = bytes.split_off(bytes.len() - 2);
            Act::ThenAtGate(bytes, held.clone(), late)
        }
        (_, act) => act,
    })
    .await;
    let mut viewers = Vec::new();
    for _ in 0..2 {
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("OPTIONS /p HTTP/1.1\r\nHost: a.test\r\nIf-None-Match: \"e\"\r\n\r\n").await;
        viewer.sees(b"OPTIONS ").await;
        viewers.push(viewer);
    }
    check(&bed.get("a.test", "/p").await, "GET #1", MISS);
    gate.open.notify_one();
    for (viewer, how) in viewers.iter_mut().zip(["stored", "collapsed"]) {
        let reply = viewer.read("OPTIONS").await;
        check(&reply, "OPTIONS #0", MISS);
        assert_eq!(reply.header("cache-status"), format!("recant; fwd=uri-miss; fwd-status=200; {how}"));
    }
    assert_eq!(bed.origin.count(), 2);
}

#[tokio::test]
async fn what_is_validated_behind_the_viewers_back_is_asked_for_by_its_own_method() {
    let bed = caching(|before, request| {
        let method = request.split(' ').next().unwrap();
        ok(&["Cache-Control: max-age=5, stale-while-revalidate=60"], &format!("{method} #{before}"))
    })
    .await;
    let ask = async || bed.send("OPTIONS", "a.test", "/p", &[]).await;
    check(&ask().await, "OPTIONS #0", MISS);
    bed.pass_leased(Duration::from_secs(6));
    check(&ask().await, "OPTIONS #0", HIT);
    let renewed = async {
        while ask().await.text() != "OPTIONS #1" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("it is asked for again");
}

#[tokio::test]
async fn it_goes_as_far_as_it_may() {
    let bed = Bed::new(numbered).await;
    let ask =
        async |left: &str| bed.send("OPTIONS", "a.test", "/p", &[&format!("Max-Forwards: {left}")]).await;
    let here = ask("0").await;
    assert_eq!((here.status, here.header("allow").as_str()), (200, "GET, HEAD, OPTIONS, POST, PUT"));
    assert_eq!(bed.origin.count(), 0, "it ends here");
    assert_eq!(ask("1").await.text(), "OPTIONS #0");
    assert!(bed.origin.seen()[0].to_ascii_lowercase().contains("max-forwards: 0\r\n"));
}
