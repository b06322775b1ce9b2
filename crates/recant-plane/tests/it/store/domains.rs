//! What every store promises of domains: who has them, who is in conflict, how they get to somebody else.

use recant_core::entry::Scope;
use recant_core::id::{DistributionId, ETag, TenantId};
use recant_core::spec::Direct;
use recant_plane::store::{
    Command, DistributionFilter, DistributionRecord, Judged, Outcome, Refusal, Store, TenantKey,
};

use super::World;
use super::samples::{NOW, create, distribution, furnish, items, page, refused, tenant, update};

pub(crate) async fn a_domain_moves_in_one_step(world: impl World) {
    let store = world.open();
    furnish(&store, &["a", "b"]).await;
    let group = store.default_connection_group().await.unwrap();
    let of = |id: &str| Scope::Tenant(TenantId::parse(id).unwrap());
    let (from, to) = (of("a"), of("b"));
    let step = |domain: &str, if_match: Option<&str>| Command::MoveDomain {
        domain: domain.into(),
        from: from.clone(),
        to: to.clone(),
        if_match: if_match.map(Into::into),
        from_etag: ETag::parse("E3").unwrap(),
        to_etag: ETag::parse("E4").unwrap(),
        now: NOW,
    };
    assert_eq!(refused(&store, step("a.test", None)).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, step("a.test", Some("E0"))).await, Refusal::IfMatchStale);
    assert_eq!(refused(&store, step("none.test", Some("E1"))).await, Refusal::NoSuchDomain);
    assert_eq!(refused(&store, step("a.test", Some("E1"))).await, Refusal::NotDisabled);
    assert_eq!(
        refused(&store, step("b.test", Some("E1"))).await,
        Refusal::ChangedMeanwhile,
        "it is not taken from anybody but the one that is named"
    );
    let mut disabled = tenant("a", &group);
    disabled.spec.enabled = false;
    store.commit(update(Some("E1"), disabled)).await.unwrap();

    let (head, _) = store.head().await.unwrap();
    let Outcome::Tenant(moved) = store.commit(step("a.test", Some("E1"))).await.unwrap() else { panic!() };
    assert_eq!((moved.record.etag.as_str(), moved.position), ("E4", head.next().next()));
    assert_eq!(moved.record.spec.domains, ["b.test", "a.test"]);
    let by_domain = store.tenant(TenantKey::Domain("a.test".into())).await.unwrap().unwrap();
    assert_eq!(Scope::Tenant(by_domain.record.id), to);
    assert_eq!(store.domain_holder("a.test").await.unwrap().as_ref(), Some(&to));
    let giver = store.tenant(TenantKey::Name("name-a".into())).await.unwrap().unwrap().record;
    assert_eq!((giver.etag.as_str(), giver.spec.domains.len()), ("E3", 0));
    let told: Vec<_> = store.entries(head, 9).await.unwrap().into_iter().map(|entry| entry.scope).collect();
    assert_eq!(told, [from, to], "no edge ever sees two owners");
}

pub(crate) async fn a_distribution_without_tenants_has_domains(world: impl World) {
    let store = world.open();
    furnish(&store, &["a"]).await;
    let group = store.default_connection_group().await.unwrap();
    let direct = |id: &str, aliases: &[&str]| {
        let mut record = distribution(id);
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        record.spec.direct = Some(Direct { endpoint: format!("{id}.edges.test"), aliases });
        Box::new(record)
    };
    let of = |id: &str| Scope::Distribution(DistributionId::parse(id).unwrap());
    let a = Scope::Tenant(TenantId::parse("a").unwrap());
    let taken = |domain: &str| Refusal::DomainTaken { domain: domain.into() };
    let make = |record| Command::CreateDistribution(record);
    assert_eq!(refused(&store, make(direct("E8", &["x.test", "a.test"]))).await, taken("a.test"));
    store.commit(make(direct("E8", &["x.test"]))).await.unwrap();
    store.commit(make(direct("E9", &[]))).await.unwrap();
    for (domain, holder) in [
        ("x.test", Some(of("E8"))),
        ("E8.edges.test", Some(of("E8"))),
        ("a.test", Some(a.clone())),
        ("y.test", None),
    ] {
        assert_eq!(store.domain_holder(domain).await.unwrap(), holder, "{domain}");
    }
    assert_eq!(store.tenant(TenantKey::Domain("x.test".into())).await.unwrap(), None, "it is no tenant's");
    let mut late = tenant("late", &group);
    late.spec.domains = vec!["x.test".into()];
    assert_eq!(refused(&store, create(late.clone())).await, taken("x.test"));
    let ids = async |filter| {
        let (found, _) = items(store.distributions(filter, page(None, 9)).await.unwrap());
        found.into_iter().map(|it| it.record.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(DistributionFilter::Direct).await, ["E8", "E9"]);
    assert_eq!(ids(DistributionFilter::TenantOnly).await, ["E1"]);

    // From a distribution to a tenant, and back.
    let step = |domain: &str, from: &Scope, to: &Scope, if_match: &str| Command::MoveDomain {
        domain: domain.into(),
        from: from.clone(),
        to: to.clone(),
        if_match: Some(if_match.into()),
        from_etag: ETag::parse("E5").unwrap(),
        to_etag: ETag::parse("E6").unwrap(),
        now: NOW,
    };
    assert_eq!(refused(&store, step("x.test", &of("E8"), &a, "E1")).await, Refusal::NotDisabled);
    assert_eq!(refused(&store, step("a.test", &a, &of("E1"), "E1")).await, Refusal::NotDisabled);
    // Aliases may have come to name the endpoint before that was refused.
    let mut disabled = direct("E8", &["x.test", "E8.edges.test", "z.test"]);
    disabled.spec.enabled = false;
    let change = |record: &DistributionRecord, if_match: &str| Command::UpdateDistribution {
        if_match: Some(if_match.into()),
        distribution: Box::new(record.clone()),
        judged: Judged::AsBefore,
    };
    store.commit(change(&disabled, "E1")).await.unwrap();
    assert_eq!(
        refused(&store, step("E8.edges.test", &of("E8"), &a, "E1")).await,
        Refusal::NoSuchDomain,
        "an endpoint stays"
    );
    let Outcome::Tenant(taker) = store.commit(step("x.test", &of("E8"), &a, "E1")).await.unwrap() else {
        panic!("the tenant has it")
    };
    assert_eq!(taker.record.spec.domains, ["a.test", "x.test"]);
    let giver = store.distribution(&disabled.id).await.unwrap().unwrap().record;
    assert_eq!(
        (giver.etag.as_str(), &giver.spec.direct.as_ref().unwrap().aliases[..]),
        ("E5", &["E8.edges.test".to_owned(), "z.test".to_owned()][..])
    );
    assert_eq!(
        giver.config["Aliases"],
        serde_json::json!({"Quantity": 2, "Items": ["E8.edges.test", "z.test"]})
    );

    let mut disabled = tenant("a", &group);
    disabled.spec.enabled = false;
    disabled.spec.domains = taker.record.spec.domains.clone();
    store.commit(update(Some("E6"), disabled)).await.unwrap();
    assert_eq!(refused(&store, step("x.test", &a, &of("E1"), "E1")).await, Refusal::HasTenants);
    let (head, _) = store.head().await.unwrap();
    let Outcome::Distribution(taker) = store.commit(step("x.test", &a, &of("E9"), "E1")).await.unwrap()
    else {
        panic!("the distribution has it")
    };
    assert_eq!(taker.record.spec.direct.unwrap().aliases, ["x.test"]);
    let told: Vec<_> = store.entries(head, 9).await.unwrap().into_iter().map(|entry| entry.scope).collect();
    assert_eq!(told, [a, of("E9")], "no edge ever sees two owners");

    // What is removed has none.
    store
        .commit(Command::DeleteDistribution { distribution: giver.id, if_match: Some("E5".into()) })
        .await
        .unwrap();
    assert_eq!(store.domain_holder("z.test").await.unwrap(), None);
    late.spec.domains = vec!["z.test".into()];
    assert!(matches!(store.commit(create(late)).await.unwrap(), Outcome::Tenant(_)));
}

pub(crate) async fn domains_in_conflict_are_found(world: impl World) {
    let store = world.open();
    furnish(&store, &[]).await;
    let group = store.default_connection_group().await.unwrap();
    for (id, domains) in [
        ("a", &["x.test", "a.x.test"][..]),
        ("b", &["*.x.test", "a.b.x.test"]),
        ("c", &["c.x.test", "*.y.test"]),
    ] {
        let mut record = tenant(id, &group);
        record.spec.domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        store.commit(create(record)).await.unwrap();
    }
    let check = async |domain: &str, after, limit, expected: (&[(&str, &str)], bool)| {
        let (found, more) = items(store.domains(domain, page(after, limit)).await.unwrap());
        let found: Vec<_> = found.iter().map(|(domain, holder)| (domain.as_str(), holder.id())).collect();
        assert_eq!((&found[..], more), expected, "{domain}");
    };
    check("x.test", None, 9, (&[("x.test", "a")], false)).await;
    check("a.x.test", None, 9, (&[("*.x.test", "b"), ("a.x.test", "a")], false)).await;
    check("z.x.test", None, 9, (&[("*.x.test", "b")], false)).await;
    let under = [("*.x.test", "b"), ("a.x.test", "a"), ("c.x.test", "c")];
    check("*.x.test", None, 9, (&under, false)).await;
    check("*.x.test", None, 2, (&under[..2], true)).await;
    check("*.x.test", Some("a.x.test"), 2, (&under[2..], false)).await;
    check("other.test", None, 9, (&[], false)).await;
}
