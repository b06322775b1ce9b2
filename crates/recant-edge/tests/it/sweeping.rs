//! The sweep: what is gone is given back and counted, and no verdict changes when its rules go.

use std::sync::Arc;
use std::time::Duration;

use recant_core::entry::Change;
use recant_core::id::TenantId;
use recant_core::position::Position;
use recant_edge::{EdgeOptions, TenantUsage};

use crate::support::{Act, Bed, Gate, Origin, Viewer, distribution, ok, tenant};

fn numbered(before: usize, _: &str) -> Act {
    ok(&["Cache-Control: max-age=600", "Cache-Tag: red"], &format!("#{before}"))
}

async fn x_cache(bed: &Bed, host: &str, target: &str) -> String {
    bed.get(host, target).await.header("x-cache")
}

fn usage(bed: &Bed, tenant: &str) -> TenantUsage {
    let all = bed.edge.usage();
    all.into_iter().find(|usage| usage.tenant.as_str() == tenant).expect("the tenant has an account")
}

#[tokio::test]
async fn what_is_invalidated_is_given_back_and_the_rest_stays() {
    let mut bed = Bed::new(numbered).await;
    for target in ["/p/1", "/p/2", "/q"] {
        let _ = bed.get("a.test", target).await;
        let _ = bed.get("b.test", target).await;
    }
    let full = bed.edge.stored_bytes();
    bed.invalidate("a", &["/p/*"]);
    assert_eq!(bed.edge.stored_bytes(), full, "an invalidation deletes nothing");
    bed.edge.sweep_now().await;
    let (a, b) = (usage(&bed, "a"), usage(&bed, "b"));
    assert_eq!((a.stored_responses, a.invalidated, a.evicted), (1, 2, 0));
    assert_eq!((b.stored_responses, b.invalidated, b.evicted), (3, 0, 0));
    assert_eq!(bed.edge.stored_bytes(), a.bytes + b.bytes);
    let progress = bed.edge.sweep_progress();
    assert_eq!((progress.looked_at, progress.purged, progress.is_passing), (6, 2, false));
    assert_eq!(progress.swept_up_to.next(), bed.next());
    assert_eq!(x_cache(&bed, "a.test", "/q").await, "Hit from recant");
    assert_eq!(
        bed.get("a.test", "/p/1").await.header("cache-status"),
        "recant; fwd=uri-miss; fwd-status=200; stored"
    );
}

#[tokio::test]
async fn the_sweep_comes_by_itself() {
    let origin = Origin::start(numbered).await;
    let spec = distribution(origin.address.port());
    let soon = |options: &mut EdgeOptions| options.sweep_pause = Duration::from_millis(10);
    let mut bed = Bed::with(origin, spec, soon).await;
    let _ = bed.get("a.test", "/p").await;
    bed.invalidate("a", &["/*"]);
    let swept = async {
        while bed.edge.stored_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), swept).await.expect("the sweep comes");
    assert_eq!(usage(&bed, "a").invalidated, 1);
}

#[tokio::test]
async fn each_is_counted_once_whoever_finds_it_first() {
    let mut bed = Bed::new(numbered).await;
    for target in ["/found", "/swept", "/replaced"] {
        let _ = bed.get("a.test", target).await;
    }
    bed.invalidate("a", &["/*"]);
    // Found by a lookup, whose fetch replaces it; found by one that leaves it there; found by the sweep.
    let _ = bed.get("a.test", "/replaced").await;
    let _ = bed.send("GET", "a.test", "/found", &["Range: bytes=0-0,1-1"]).await;
    assert_eq!(usage(&bed, "a").invalidated, 2);
    bed.edge.sweep_now().await;
    bed.edge.sweep_now().await;
    let usage = usage(&bed, "a");
    assert_eq!((usage.invalidated, usage.stored_responses), (3, 1));
}

#[tokio::test]
async fn rules_go_with_the_sweep_and_take_no_hit_along() {
    let mut bed = Bed::new(numbered).await;
    let _ = bed.get("a.test", "/p").await;
    let _ = bed.get("b.test", "/p").await;
    for n in 0..100 {
        bed.invalidate("a", &[&format!("/other/{n}"), &format!("#tag-{n}")]);
    }
    bed.invalidate_all_tenants(&["/elsewhere"]);
    bed.edge.sweep_now().await;
    assert!(bed.edge.sweep_progress().rules_freed >= 201, "{:?}", bed.edge.sweep_progress());
    for round in 0..2 {
        for host in ["a.test", "b.test"] {
            assert_eq!(x_cache(&bed, host, "/p").await, "Hit from recant", "{round} {host}");
        }
        bed.invalidate("a", &["/other"]);
        bed.edge.sweep_now().await;
    }
    // What comes later is obeyed as ever, also by what has outlived many rules.
    bed.invalidate("a", &["#red"]);
    assert_eq!(x_cache(&bed, "a.test", "/p").await, "Miss from recant");
    assert_eq!(x_cache(&bed, "b.test", "/p").await, "Hit from recant");
}

#[tokio::test]
async fn what_is_newer_than_its_tenants_rules_outlives_their_end_too() {
    let mut bed = Bed::new(numbered).await;
    bed.invalidate("a", &["/other"]);
    let _ = bed.get("a.test", "/p").await;
    bed.invalidate("b", &["/other"]);
    bed.edge.sweep_now().await;
    assert_eq!(x_cache(&bed, "a.test", "/p").await, "Hit from recant");
    assert_eq!(bed.edge.sweep_progress().swept_up_to.next(), bed.next());
}

#[tokio::test]
async fn what_was_on_its_way_before_the_sweep_is_judged_as_without_it() {
    for (item, served) in [("/p", "Miss from recant"), ("/other", "Hit from recant")] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let mut bed = Bed::new(move |before, request| match before {
            0 => Act::AtGate(
                held.clone(),
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 3\r\n\r\nold".to_vec(),
            ),
            _ => numbered(before, request),
        })
        .await;
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        gate.reached.notified().await;
        bed.invalidate("a", &[item]);
        bed.edge.sweep_now().await;
        assert!(bed.edge.sweep_progress().swept_up_to.next() < bed.next(), "something is on its way");
        gate.open.notify_one();
        assert_eq!(viewer.read("GET").await.text(), "old");
        assert_eq!(x_cache(&bed, "a.test", "/p").await, served, "{item}");
        bed.edge.sweep_now().await;
        assert_eq!(bed.edge.sweep_progress().swept_up_to.next(), bed.next());
        assert_eq!(x_cache(&bed, "a.test", "/p").await, "Hit from recant", "{item}");
    }
}

#[tokio::test]
async fn a_304_after_the_sweep_brings_nothing_back() {
    // By the same tags the bytes are as valid as they were; a rule for a tag that they did not have has been forgotten.
    for (tags, text) in [("", "#0"), ("Cache-Tag: green\r\n", "#2")] {
        let mut bed = Bed::new(move |before, request| {
            if request.to_ascii_lowercase().contains("if-none-match") {
                Act::Reply(format!("HTTP/1.1 304 Not Modified\r\n{tags}\r\n").into_bytes())
            } else {
                ok(&["Cache-Control: max-age=1", "ETag: \"a\"", "Cache-Tag: red"], &format!("#{before}"))
            }
        })
        .await;
        let _ = bed.get("a.test", "/p").await;
        bed.invalidate("a", &["#green"]);
        bed.edge.sweep_now().await;
        assert!(bed.edge.sweep_progress().rules_freed > 0);
        bed.pass_leased(Duration::from_secs(2));
        assert_eq!(bed.get("a.test", "/p").await.text(), text, "{tags:?}");
        // Confirmed, and as obedient as before.
        bed.edge.sweep_now().await;
        bed.invalidate("a", &["#red"]);
        assert!(bed.get("a.test", "/p").await.text() > text, "{tags:?}");
    }
}

#[tokio::test]
async fn what_a_tenant_leaves_behind_is_given_back() {
    let mut bed = Bed::new(numbered).await;
    let _ = bed.get("a.test", "/p").await;
    let _ = bed.get("b.test", "/p").await;
    let id = TenantId::parse("a").expect("an id");
    bed.apply(&Change::RemoveTenant(id));
    bed.edge.sweep_now().await;
    let left: Vec<_> = bed.edge.usage().into_iter().map(|usage| usage.tenant.to_string()).collect();
    assert_eq!(left, ["b"]);
    // Another one of that name inherits nothing.
    bed.apply(&Change::PutTenant(tenant("a", &["a.test"])));
    assert_eq!(x_cache(&bed, "a.test", "/p").await, "Miss from recant");
}

#[tokio::test]
async fn another_history_is_swept_of_what_was_before() {
    let mut bed = Bed::new(numbered).await;
    let _ = bed.get("a.test", "/p").await;
    let spec = distribution(bed.origin.address.port());
    let snapshot = vec![Change::PutDistribution(spec), Change::PutTenant(tenant("a", &["a.test"]))];
    bed.diverge(snapshot, Position::new(2));
    bed.edge.sweep_now().await;
    assert_eq!((usage(&bed, "a").stored_responses, usage(&bed, "a").invalidated), (0, 0));
    assert_eq!(x_cache(&bed, "a.test", "/p").await, "Miss from recant");
    assert_eq!(bed.edge.sweep_progress().swept_up_to, Position::new(2));
}
