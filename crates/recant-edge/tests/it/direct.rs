//! A distribution without tenants: served, invalidated and removed like a tenant of itself.

use recant_core::entry::Change;
use recant_core::id::DistributionId;
use recant_core::position::Position;
use recant_core::spec::{Direct, DistributionSpec};

use crate::support::{Bed, DISTRIBUTION, Origin, distribution, ok, tenant};

/// It answers to e1.edges.test and to these; the tenants of the bed are still there, as if an operator had changed his mind.
fn direct(port: u16, aliases: &[&str]) -> DistributionSpec {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    let mut spec = distribution(port);
    // What a tenant's parameter would say.
    spec.parameter_defaults.insert("name".into(), "own".into());
    spec.direct = Some(Direct { endpoint: "e1.edges.test".into(), aliases });
    spec
}

async fn bed(aliases: &[&str]) -> Bed {
    let origin = Origin::start(|before, _| ok(&["Cache-Control: max-age=600"], &format!("#{before}"))).await;
    let spec = direct(origin.address.port(), aliases);
    Bed::with(origin, spec, |_| {}).await
}

#[tokio::test]
async fn it_is_served_at_its_endpoint_and_its_aliases_from_one_store() {
    let bed = bed(&["shop.test", "*.shop.test"]).await;
    let first = bed.get("e1.edges.test", "/p").await;
    assert_eq!((first.status, first.header("x-cache").as_str()), (200, "Miss from recant"));
    for host in ["e1.edges.test", "shop.test", "www.shop.test"] {
        let again = bed.get(host, "/p").await;
        assert_eq!(
            (again.header("x-cache").as_str(), &again.body),
            ("Hit from recant", &first.body),
            "{host}"
        );
    }
    assert_eq!(bed.get("a.www.shop.test", "/p").await.status, 404, "a wildcard covers one label");
    assert_eq!(
        bed.get("a.test", "/p").await.header("x-cache"),
        "Miss from recant",
        "a tenant's store is its own"
    );
}

#[tokio::test]
async fn an_invalidation_of_it_is_one_of_the_distribution() {
    let mut bed = bed(&["shop.test"]).await;
    for target in ["/p", "/q"] {
        let _ = bed.get("shop.test", target).await;
    }
    bed.invalidate_all_tenants(&["/p"]);
    assert!(bed.get("e1.edges.test", "/p").await.header("cache-status").contains("detail=invalidated"));
    assert_eq!(bed.get("e1.edges.test", "/q").await.header("x-cache"), "Hit from recant");
}

#[tokio::test]
async fn its_hosts_come_and_go_with_it() {
    let mut bed = bed(&["shop.test", "old.test"]).await;
    let port = bed.origin.address.port();
    assert_eq!(bed.get("old.test", "/p").await.status, 200);
    bed.apply(&Change::PutDistribution(direct(port, &["shop.test", "new.test"])));
    assert_eq!(bed.get("old.test", "/p").await.status, 404);
    assert_eq!(bed.get("new.test", "/p").await.header("x-cache"), "Hit from recant");

    // An alias that a tenant takes over, told as the plane tells it: given up first.
    bed.apply(&Change::PutDistribution(direct(port, &["new.test"])));
    bed.apply(&Change::PutTenant(tenant("a", &["a.test", "shop.test"])));
    assert_eq!(bed.get("shop.test", "/p").await.header("x-cache"), "Miss from recant");

    let mut disabled = direct(port, &["new.test"]);
    disabled.enabled = false;
    bed.apply(&Change::PutDistribution(disabled));
    assert_eq!(bed.get("new.test", "/p").await.status, 403);
    bed.apply(&Change::RemoveDistribution(DistributionId::parse(DISTRIBUTION).unwrap()));
    for host in ["new.test", "e1.edges.test"] {
        assert_eq!(bed.get(host, "/p").await.status, 404, "{host}");
    }
}

#[tokio::test]
async fn a_snapshot_brings_it_with_its_hosts() {
    let mut bed = bed(&["shop.test"]).await;
    assert_eq!(bed.get("shop.test", "/p").await.status, 200);
    let spec = direct(bed.origin.address.port(), &["other.test"]);
    bed.diverge(vec![Change::PutDistribution(spec)], Position::new(9));
    assert_eq!(bed.get("shop.test", "/p").await.status, 404);
    assert_eq!(bed.get("other.test", "/p").await.header("x-cache"), "Miss from recant", "of another history");
}
