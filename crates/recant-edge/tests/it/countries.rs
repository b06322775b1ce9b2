//! Viewers in countries that are not served.

use std::io::Write as _;
use std::time::Duration;

use recant_core::entry::Change;
use recant_core::failing::{CustomErrorSpec, ErrorPageSpec};
use recant_core::geo::GeoRestriction;
use recant_edge::{Edge, EdgeOptions};

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

#[tokio::test]
async fn a_page_for_those_who_are_not_served() {
    let script = |_: usize, request: &str| {
        let body = if request.contains("/not-here ") { "not in your country" } else { "ok" };
        ok(&["Cache-Control: max-age=60"], body)
    };
    let origin = Origin::start(script).await;
    let mut spec = distribution(origin.address.port());
    spec.geo = Some(GeoRestriction::Whitelist(vec!["DE".into()]));
    let page = ErrorPageSpec { path: "/not-here".into(), status: 451 };
    let error = CustomErrorSpec { status: 403, page: Some(page), caching_min_ttl: Duration::ZERO };
    spec.custom_errors = vec![error];
    let bed = Bed::with(origin, spec, told).await;
    let reply = bed.send("GET", "a.test", "/p", &["X-Country: US"]).await;
    assert_eq!((reply.status, reply.text()), (451, "not in your country"));
    let reply = bed.send("DELETE", "a.test", "/p", &["X-Country: DE"]).await;
    assert_eq!((reply.status, reply.text()), (451, "not in your country"));
    assert_eq!(bed.send("GET", "a.test", "/p", &["X-Country: DE"]).await.text(), "ok");
    let asked = bed.origin.seen();
    assert_eq!(asked.iter().filter(|request| request.contains("/p ")).count(), 1, "{asked:?}");
}

/// A database of MaxMind's form that knows one network, `127.0.0.0/8`, and says this country of it
/// (MaxMind DB File Format Specification 2.0).
fn database(kind: &str, country: &str) -> tempfile::NamedTempFile {
    const NETWORK: u8 = 127;
    const NODES: u32 = 8;
    const SEPARATOR: [u8; 16] = [0; 16];
    let text = |text: &str| [&[2 << 5 | text.len() as u8], text.as_bytes()].concat();
    let map = |entries: &[(&str, Vec<u8>)]| {
        let pairs = entries.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
        [7 << 5 | entries.len() as u8].into_iter().chain(pairs).collect::<Vec<u8>>()
    };
    let small = |value: u8| vec![5 << 5 | 1, value];

    let mut bytes = Vec::new();
    for bit in 0..NODES {
        // The way to the network leads on, or at its end to the first byte of the data; the other one leads nowhere.
        let on = if bit + 1 < NODES { bit + 1 } else { NODES + SEPARATOR.len() as u32 };
        let is_right = NETWORK >> (NODES - 1 - bit) & 1 == 1;
        for record in if is_right { [NODES, on] } else { [on, NODES] } {
            bytes.extend(&record.to_be_bytes()[1..]);
        }
    }
    bytes.extend(SEPARATOR);
    bytes.extend(map(&[("country", map(&[("iso_code", text(country))]))]));
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", small(2)),
        ("binary_format_minor_version", small(0)),
        ("build_epoch", vec![1, 2, 9]),
        ("database_type", text(kind)),
        ("description", map(&[])),
        ("ip_version", small(4)),
        ("languages", vec![0, 4]),
        ("node_count", vec![6 << 5 | 1, NODES as u8]),
        ("record_size", small(24)),
    ]));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    file
}

#[tokio::test]
async fn by_a_database_of_addresses() {
    let file = database("GeoLite2-Country", "DE");
    let only = |country: &str| GeoRestriction::Whitelist(vec![country.into()]);
    let by_address = |options: &mut EdgeOptions| options.geo_database = Some(file.path().to_owned());
    let bed = restricted(only("DE"), by_address).await;
    check(&bed, "a.test", &[], 200).await;
    check(&bed, "a.test", &["X-Country: US"], 200).await;
    let bed = restricted(only("US"), by_address).await;
    check(&bed, "a.test", &["X-Country: US"], 403).await;

    // The header counts where it is there.
    let by_both = |options: &mut EdgeOptions| {
        told(options);
        by_address(options);
    };
    let bed = restricted(only("DE"), by_both).await;
    check(&bed, "a.test", &[], 200).await;
    check(&bed, "a.test", &["X-Country: US"], 403).await;
    check(&bed, "a.test", &["X-Country: Germany"], 403).await;

    // An address that it does not know is in no list.
    let elsewhere = database("GeoLite2-Country", "");
    let bed =
        restricted(only("DE"), |options| options.geo_database = Some(elsewhere.path().to_owned())).await;
    check(&bed, "a.test", &[], 403).await;
}

#[tokio::test]
async fn a_database_without_countries_is_refused() {
    let start = async |file: &tempfile::NamedTempFile| {
        let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
        options.geo_database = Some(file.path().to_owned());
        Edge::start(options).await.err().expect("a database that is of no use").to_string()
    };
    let other = start(&database("GeoLite2-ASN", "DE")).await;
    assert!(other.contains("\"GeoLite2-ASN\" does not say countries"), "{other}");
    let mut none = tempfile::NamedTempFile::new().unwrap();
    none.write_all(b"DE").unwrap();
    let none = start(&none).await;
    assert!(none.starts_with("the database of countries /"), "{none}");
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
