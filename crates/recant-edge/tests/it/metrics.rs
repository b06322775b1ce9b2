//! The edge's numbers, as those read them who watch it.

use std::time::Duration;

use recant_core::entry::Change;
use recant_core::id::TenantId;
use recant_core::position::Position;
use recant_edge::{Edge, EdgeOptions};

use crate::support::{Bed, Origin, Reply, Viewer, distribution, ok};

async fn watched() -> Bed {
    let origin = Origin::start(|_, _| ok(&["Cache-Control: max-age=600"], "ok")).await;
    let spec = distribution(origin.address.port());
    Bed::with(origin, spec, |options| options.metrics = Some("127.0.0.1:0".parse().unwrap())).await
}

async fn ask(bed: &Bed, method: &str, path: &str) -> Reply {
    let mut watcher = Viewer::connect(bed.edge.metrics_address().unwrap()).await;
    watcher.write(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    watcher.read(method).await
}

#[track_caller]
fn says(page: &Reply, line: &str) {
    assert_eq!((page.status, page.is_whole), (200, true));
    assert!(page.text().lines().any(|it| it == line), "no {line:?} in\n{}", page.text());
}

#[tokio::test]
async fn an_edge_is_ready_when_it_knows_whom_it_serves() {
    let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
    options.metrics = Some("127.0.0.1:0".parse().unwrap());
    let edge = Edge::start(options).await.unwrap();
    let ask = async |address, path: &str| {
        let mut viewer = Viewer::connect(address).await;
        viewer.write(&format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
        viewer.read("GET").await
    };
    let (watched, viewer) = (edge.metrics_address().unwrap(), edge.viewer_address());
    assert_eq!(ask(watched, "/healthz").await.text(), "ok\n");
    assert_eq!(ask(watched, "/readyz").await.status, 503);
    let refused = ask(viewer, "/p").await;
    assert_eq!((refused.status, refused.header("retry-after").as_str()), (503, "1"));
    edge.world().install(Vec::new(), Position::ZERO);
    assert_eq!(ask(watched, "/readyz").await.text(), "ready\n");
    assert_eq!(ask(viewer, "/p").await.status, 404, "it is known by now that there is nobody");
}

#[tokio::test]
async fn what_happens_is_counted() {
    let mut bed = watched().await;
    for (host, path) in [("a.test", "/1"), ("a.test", "/1"), ("a.test", "/2"), ("b.test", "/1")] {
        let _ = bed.get(host, path).await;
    }
    bed.invalidate("a", &["/1"]);
    bed.edge.sweep_now().await;

    let page = ask(&bed, "GET", "/metrics").await;
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    says(&page, "# TYPE recant_edge_hits_total counter");
    for line in ["hits_total 1", "misses_total 3", "invalidated_total 1", "stored_responses 2", "tenants 2"] {
        says(&page, &format!("recant_edge_{line}"));
    }
    says(&page, &format!("recant_edge_stored_bytes {}", bed.edge.stored_bytes()));
    says(&page, "recant_edge_sweep_passes_total 1");
    says(&page, "recant_edge_has_lease 1");
    assert!(!page.text().contains("disk_is_ready"), "there is none");

    let page = ask(&bed, "GET", "/metrics/tenants").await;
    for line in
        [r#"hits_total{tenant="a"} 1"#, r#"misses_total{tenant="b"} 1"#, r#"stored_responses{tenant="a"} 1"#]
    {
        says(&page, &format!("recant_edge_tenant_{line}"));
    }

    // What is counted is counted for ever: also of a tenant that is gone.
    bed.apply(&Change::RemoveTenant(TenantId::parse("b").unwrap()));
    bed.edge.sweep_now().await;
    bed.edge.sweep_now().await;
    let page = ask(&bed, "GET", "/metrics").await;
    for line in ["hits_total 1", "misses_total 3", "tenants 1"] {
        says(&page, &format!("recant_edge_{line}"));
    }
    assert!(!ask(&bed, "GET", "/metrics/tenants").await.text().contains("\"b\""));

    bed.pass(Duration::from_secs(11));
    says(&ask(&bed, "GET", "/metrics").await, "recant_edge_has_lease 0");
}

#[tokio::test]
async fn nothing_else_is_answered() {
    let bed = watched().await;
    assert_eq!(ask(&bed, "GET", "/").await.status, 404);
    let refused = ask(&bed, "POST", "/metrics").await;
    assert_eq!((refused.status, refused.header("allow").as_str()), (405, "GET, HEAD"));
    assert_eq!(ask(&bed, "HEAD", "/metrics").await.status, 200);
    // Viewers are no watchers.
    assert_eq!(bed.get("a.test", "/metrics").await.text(), "ok");
}
