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

/// An edge whose behaviour has the managed policy `Amplify`, in whose key the country is.
async fn keyed_by_country(adjust: impl FnOnce(&mut EdgeOptions)) -> Bed {
    let origin = Origin::start(|n, _| ok(&["Cache-Control: max-age=60"], &format!("{}", n + 1))).await;
    let mut spec = distribution(origin.address.port());
    spec.default_behavior.cache_policy_id = "2e54312d-136d-493c-8eb9-b001f22f67d2".into();
    Bed::with(origin, spec, adjust).await
}

/// The answer to a viewer who sends these lines, and what its origin was told of the country.
async fn answer(bed: &Bed, lines: &[&str]) -> (String, Option<String>) {
    let text = bed.send("GET", "a.test", "/p", lines).await.text().to_owned();
    let nth: usize = text.parse().unwrap();
    let request = bed.origin.seen().remove(nth - 1).to_ascii_lowercase();
    let told =
        request.lines().find_map(|line| line.strip_prefix("cloudfront-viewer-country: ")).map(str::to_owned);
    (text, told)
}

#[tokio::test]
async fn a_country_in_the_key() {
    let check = |got: (String, Option<String>), nth: &str, country: Option<&str>| {
        assert_eq!((&*got.0, got.1.as_deref()), (nth, country));
    };
    let bed = keyed_by_country(told).await;
    check(answer(&bed, &["X-Country: DE"]).await, "1", Some("de"));
    check(answer(&bed, &["X-Country: FR"]).await, "2", Some("fr"));
    check(answer(&bed, &["X-Country: de"]).await, "1", Some("de"));
    // What is not known is left out; what the viewer says under the edge's name does not count.
    check(answer(&bed, &[]).await, "3", None);
    check(answer(&bed, &["X-Country: 49"]).await, "3", None);
    check(answer(&bed, &["CloudFront-Viewer-Country: DE"]).await, "3", None);
    check(answer(&bed, &["CloudFront-Viewer-Country: US", "X-Country: FR"]).await, "2", Some("fr"));

    // An edge that nobody tells keys all alike, and one behind CloudFront is told by that very name.
    let bed = keyed_by_country(|_| {}).await;
    check(answer(&bed, &["X-Country: DE", "CloudFront-Viewer-Country: DE"]).await, "1", None);
    check(answer(&bed, &[]).await, "1", None);
    let name = http::HeaderName::from_static("cloudfront-viewer-country");
    let bed = keyed_by_country(|options| options.geo_header = Some(name)).await;
    check(answer(&bed, &["CloudFront-Viewer-Country: DE"]).await, "1", Some("de"));
    check(answer(&bed, &["CloudFront-Viewer-Country: US"]).await, "2", Some("us"));
}
