//! Viewers in countries that are not served.

use recant_core::entry::Change;
use recant_core::geo::GeoRestriction;
use recant_edge::EdgeOptions;

use crate::support::{Bed, Origin, distribution, ok, tenant};

fn told(options: &mut EdgeOptions) {
    options.geo_header = Some(http::HeaderName::from_static("x-country"));
}

async fn restricted(geo: GeoRestriction, adjust: impl FnOnce(&mut EdgeOptions)) -> Bed {
    let origin = Origin::start(|_, _| ok(&["Cache-Control: max-age=60"], "ok")).await;
    let mut spec = distribution(origin.address.port());
    spec.geo = Some(geo);
    Bed::with(origin, spec, adjust).await
}

async fn check(bed: &Bed, host: &str, lines: &[&str], status: u16) {
    let reply = bed.send("GET", host, "/p", lines).await;
    assert_eq!(reply.status, status, "{host} {lines:?}");
    assert!(status == 200 || reply.header("cache-control") == "no-store", "{host} {lines:?}");
}

#[tokio::test]
async fn by_the_header_that_the_operator_names() {
    let only = GeoRestriction::Whitelist(vec!["DE".into()]);
    let mut bed = restricted(only.clone(), told).await;
    check(&bed, "a.test", &["X-Country: DE"], 200).await;
    check(&bed, "a.test", &["X-Country: de"], 200).await;
    // Also where it is stored by now.
    check(&bed, "a.test", &["X-Country: US"], 403).await;
    check(&bed, "a.test", &[], 403).await;
    // Two fronts that say two things say nothing.
    check(&bed, "a.test", &["X-Country: DE", "X-Country: US"], 403).await;
    check(&bed, "a.test", &["X-Country: Germany"], 403).await;
    check(&bed, "a.test", &["CloudFront-Viewer-Country: DE"], 403).await;
    assert_eq!(bed.send("POST", "a.test", "/p", &["X-Country: US", "Content-Length: 0"]).await.status, 403);
    assert_eq!(bed.origin.count(), 1);

    // A tenant has its own in the distribution's place, also none.
    let mut other = tenant("a", &["a.test"]);
    other.geo = Some(GeoRestriction::Blacklist(vec!["DE".into()]));
    bed.apply(&Change::PutTenant(other));
    check(&bed, "a.test", &["X-Country: DE"], 403).await;
    check(&bed, "a.test", &["X-Country: US"], 200).await;
    check(&bed, "a.test", &[], 200).await;
    check(&bed, "b.test", &["X-Country: US"], 403).await;
    let mut other = tenant("b", &["b.test"]);
    other.geo = Some(GeoRestriction::None);
    bed.apply(&Change::PutTenant(other));
    check(&bed, "b.test", &["X-Country: US"], 200).await;
}

#[tokio::test]
async fn an_edge_that_nobody_tells_serves_no_one_there() {
    for geo in [GeoRestriction::Whitelist(vec!["DE".into()]), GeoRestriction::Blacklist(vec!["US".into()])] {
        let bed = restricted(geo, |_| {}).await;
        check(&bed, "a.test", &["X-Country: DE"], 403).await;
        assert_eq!(bed.origin.count(), 0);
    }
    check(&restricted(GeoRestriction::None, |_| {}).await, "a.test", &[], 200).await;
}
