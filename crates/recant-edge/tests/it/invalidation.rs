//! The promise, as far as one edge keeps it: what a rule covers is not served, whatever was going on meanwhile.

use std::sync::Arc;
use std::time::Duration;

use recant_core::entry::{Change, Scope};
use recant_core::id::TenantId;
use recant_core::position::Position;

use crate::support::{Act, Bed, Gate, Viewer, distribution, ok, tenant};

const INVALIDATED: &str = "recant; fwd=miss; detail=invalidated; fwd-status=200; stored";

fn numbered(before: usize, request: &str) -> Act {
    let target = request.split(' ').nth(1).unwrap();
    let tags = if target.ends_with("tagged") { "Cache-Tag: Red, green" } else { "X-No: tags" };
    ok(&["Cache-Control: max-age=600", tags], &format!("#{before}"))
}

fn in_reply(text: &'static str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

#[tokio::test]
async fn what_a_rule_covers_is_fetched_anew_and_the_rest_stays() {
    let check = async |items: &[&str], gone: &[&str], kept: &[&str]| {
        let mut bed = Bed::new(numbered).await;
        for target in gone.iter().chain(kept) {
            let _ = bed.get("a.test", target).await;
            let _ = bed.get("b.test", target).await;
        }
        bed.invalidate("a", items);
        for target in gone {
            let reply = bed.get("a.test", target).await;
            assert_eq!(reply.header("cache-status"), INVALIDATED, "{items:?} {target}");
            assert_eq!(
                bed.get("a.test", target).await.header("x-cache"),
                "Hit from recant",
                "{items:?} {target}"
            );
        }
        for target in kept {
            assert_eq!(
                bed.get("a.test", target).await.header("x-cache"),
                "Hit from recant",
                "{items:?} {target}"
            );
        }
        for target in gone.iter().chain(kept) {
            assert_eq!(
                bed.get("b.test", target).await.header("x-cache"),
                "Hit from recant",
                "{items:?} {target}"
            );
        }
    };
    check(&["/p"], &["/p"], &["/p/q", "/pq", "/"]).await;
    check(&["/p*"], &["/p", "/p/q", "/pq"], &["/", "/x/p"]).await;
    check(&["/*"], &["/", "/p"], &[]).await;
    check(&["#RED"], &["/tagged", "/x/tagged"], &["/p"]).await;
    check(&["/x", "#green"], &["/x", "/tagged"], &["/p"]).await;
}

#[tokio::test]
async fn a_distributions_rule_covers_all_of_its_tenants() {
    let mut bed = Bed::new(numbered).await;
    for host in ["a.test", "b.test"] {
        let _ = bed.get(host, "/p").await;
        let _ = bed.get(host, "/q").await;
    }
    bed.invalidate_all_tenants(&["/p"]);
    for host in ["a.test", "b.test"] {
        assert_eq!(bed.get(host, "/p").await.header("cache-status"), INVALIDATED, "{host}");
        assert_eq!(bed.get(host, "/q").await.header("x-cache"), "Hit from recant", "{host}");
    }
}

#[tokio::test]
async fn being_found_valid_once_does_not_last() {
    let mut bed = Bed::new(numbered).await;
    let _ = bed.get("a.test", "/p").await;
    bed.invalidate("a", &["/other"]);
    bed.invalidate_all_tenants(&["/other"]);
    for _ in 0..2 {
        assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
    }
    bed.invalidate("a", &["/p"]);
    assert_eq!(bed.get("a.test", "/p").await.header("cache-status"), INVALIDATED);
    bed.invalidate_all_tenants(&["/p"]);
    assert_eq!(bed.get("a.test", "/p").await.header("cache-status"), INVALIDATED);
}

#[tokio::test]
async fn a_response_under_way_does_not_outlive_the_rule() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let mut bed = Bed::new(move |before, request| match before {
        0 => Act::AtGate(held.clone(), in_reply("old")),
        _ => numbered(before, request),
    })
    .await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    gate.reached.notified().await;
    bed.invalidate("a", &["/p"]);
    gate.open.notify_one();
    assert_eq!(viewer.read("GET").await.text(), "old");
    // The same connection: nothing that a verdict depends on may be kept on it.
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let fresh = viewer.read("GET").await;
    assert_eq!((fresh.text(), fresh.header("cache-status")), ("#1", INVALIDATED.into()));
}

#[tokio::test]
async fn a_slow_old_response_does_not_replace_a_newer_one() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let mut bed = Bed::new(move |before, request| match before {
        0 => Act::AtGate(held.clone(), in_reply("old")),
        _ => numbered(before, request),
    })
    .await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    gate.reached.notified().await;
    bed.invalidate("a", &["/p"]);
    assert_eq!(bed.get("a.test", "/p").await.text(), "#1");
    gate.open.notify_one();
    assert_eq!(viewer.read("GET").await.text(), "old");
    let hit = bed.get("a.test", "/p").await;
    assert_eq!((hit.text(), hit.header("x-cache")), ("#1", "Hit from recant".into()));
}

#[tokio::test]
async fn bytes_of_an_older_configuration_do_not_outlive_the_rule_after_its_change() {
    let mut bed = Bed::new(|_, request| ok(&[], request.split(' ').nth(1).unwrap())).await;
    // Two entries are known to be committed, and have not arrived: a change of the tenant and an invalidation.
    bed.publish_known(Some(Duration::from_secs(10)), bed.next().next());
    assert_eq!(bed.get("a.test", "/p").await.text(), "/a/p");
    let mut moved = tenant("a", &["a.test"]);
    moved.parameters.insert("name".into(), "moved".into());
    bed.apply(&Change::PutTenant(moved));
    bed.invalidate("a", &["/p"]);
    assert_eq!(bed.get("a.test", "/p").await.text(), "/moved/p");
}

#[tokio::test]
async fn without_a_lease_nothing_is_served_from_the_store() {
    let bed = Bed::new(numbered).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "#0");
    bed.pass(Duration::from_secs(10));
    let forwarded = bed.get("a.test", "/p").await;
    assert_eq!(forwarded.text(), "#1");
    assert_eq!(forwarded.header("cache-status"), "recant; fwd=miss; detail=no-lease; fwd-status=200; stored");
    assert_eq!(bed.get("a.test", "/p").await.text(), "#2");
    bed.publish(Some(Duration::from_secs(10)));
    let hit = bed.get("a.test", "/p").await;
    assert_eq!((hit.text(), hit.header("x-cache")), ("#2", "Hit from recant".into()));
    bed.publish(None);
    assert_eq!(bed.get("a.test", "/p").await.text(), "#3");
}

#[tokio::test]
async fn another_history_makes_everything_stored_unusable() {
    let mut bed = Bed::new(numbered).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "#0");
    let port = bed.origin.address.port();
    let snapshot =
        vec![Change::PutDistribution(distribution(port)), Change::PutTenant(tenant("a", &["a.test"]))];
    bed.diverge(snapshot, Position::new(2));
    let reply = bed.get("a.test", "/p").await;
    assert_eq!(
        reply.header("cache-status"),
        "recant; fwd=miss; detail=other-history; fwd-status=200; stored"
    );
    assert_eq!(bed.get("a.test", "/p").await.text(), "#1");
    assert_eq!(bed.get("b.test", "/p").await.status, 404, "the snapshot replaces everything");
}

#[tokio::test]
async fn a_snapshot_and_an_unknown_entry_raise_the_floor() {
    let mut bed = Bed::new(numbered).await;
    let snapshot =
        |port| vec![Change::PutTenant(tenant("a", &["a.test"])), Change::PutDistribution(distribution(port))];
    assert_eq!(bed.get("a.test", "/p").await.text(), "#0");
    let at = bed.next();
    bed.publish_known(Some(Duration::from_secs(10)), at);
    bed.world().install(snapshot(bed.origin.address.port()), at);
    assert_eq!(bed.get("a.test", "/p").await.header("cache-status"), INVALIDATED);
    assert_eq!(bed.get("a.test", "/p").await.text(), "#1");

    let at = at.next();
    bed.publish_known(Some(Duration::from_secs(10)), at);
    bed.world().raise_floor(&Scope::Tenant(TenantId::parse("a").unwrap()), at);
    assert_eq!(bed.get("a.test", "/p").await.header("cache-status"), INVALIDATED);
    bed.apply(&Change::RemoveTenant(TenantId::parse("a").unwrap()));
    assert_eq!(bed.get("a.test", "/p").await.status, 404);
}

#[tokio::test]
async fn a_tenant_that_moves_does_not_escape_what_its_distribution_invalidated() {
    let mut bed = Bed::new(numbered).await;
    assert_eq!(bed.get("a.test", "/p").await.text(), "#0");
    let port = bed.origin.address.port();
    let here = distribution(port).id;
    let mut other = distribution(port);
    other.id = recant_core::id::DistributionId::parse("EOTHER").unwrap();
    bed.apply(&Change::PutDistribution(other.clone()));
    let patterns = vec![recant_core::batch::Pattern::parse("/p").unwrap()];
    bed.apply(&Change::Invalidate { scope: Scope::Distribution(here), patterns });
    let mut moved = tenant("a", &["a.test"]);
    moved.distribution_id = other.id;
    bed.apply(&Change::PutTenant(moved));
    assert_eq!(bed.get("a.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn what_comes_before_a_floor_is_not_kept() {
    let mut bed = Bed::new(numbered).await;
    let before = bed.next();
    bed.apply(&Change::PutTenant(tenant("late", &["late.test"])));
    // As a request that has arrived when the snapshot with its tenant was about to come.
    bed.publish_known(Some(Duration::from_secs(10)), Position::new(before.get() - 1));
    let status = async |bed: &Bed| bed.get("late.test", "/p").await.header("cache-status");
    assert_eq!(status(&bed).await, "recant; fwd=uri-miss; fwd-status=200");
    bed.publish(Some(Duration::from_secs(10)));
    assert_eq!(
        status(&bed).await,
        "recant; fwd=uri-miss; fwd-status=200; stored",
        "nobody has invalidated anything"
    );
    assert_eq!(bed.get("late.test", "/p").await.header("x-cache"), "Hit from recant");
}
