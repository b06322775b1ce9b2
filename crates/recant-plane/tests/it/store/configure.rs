//! What every store promises of changes of distributions, of domains that move, and of whole distributions' invalidations.

use recant_core::entry::{Change, Scope};
use recant_core::id::{DistributionId, ETag, InvalidationId, TenantId};
use recant_core::position::Position;
use recant_core::protocol::PlaneWrite;
use recant_core::spec::TenantSpec;
use recant_plane::store::{
    Birth, Command, DistributionRecord, Judged, Outcome, Refusal, Store, TenantFilter, TenantJudge,
    TenantKey, TenantUpdate,
};
use recant_wire::feed::body;

use super::World;
use super::samples::{
    as_invalidation, configuration, create, distribution, furnish, invalidate, items, judged_up_to, page,
    refused, tenant, update,
};

fn put(if_match: Option<&str>, record: DistributionRecord, judged_at: Position) -> Command {
    Command::UpdateDistribution {
        if_match: if_match.map(Into::into),
        distribution: Box::new(record),
        judged: judged_up_to(judged_at),
    }
}

fn changed(etag: &str, enabled: bool) -> DistributionRecord {
    let mut changed = distribution("E1");
    changed.etag = ETag::parse(etag).unwrap();
    changed.caller_reference = "another".into();
    changed.config = serde_json::json!({"New": true});
    changed.spec.enabled = enabled;
    changed
}

pub(crate) async fn distributions_are_changed_and_removed(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let remove = |if_match: Option<&str>| Command::DeleteDistribution {
        distribution: DistributionId::parse("E1").unwrap(),
        if_match: if_match.map(Into::into),
    };
    let (head, _) = store.head().await.unwrap();
    assert_eq!(refused(&store, put(None, changed("E2", true), head)).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, put(Some("E0"), changed("E2", true), head)).await, Refusal::IfMatchStale);
    let mut nobody = changed("E2", true);
    nobody.id = DistributionId::parse("E9").unwrap();
    assert_eq!(refused(&store, put(Some("E1"), nobody, head)).await, Refusal::NoSuchDistribution);
    assert_eq!(refused(&store, remove(Some("E1"))).await, Refusal::NotDisabled);

    store.commit(put(Some("E1"), changed("E2", false), head)).await.unwrap();
    let found = store.distribution(&DistributionId::parse("E1").unwrap()).await.unwrap().unwrap();
    let first = distribution("E1").caller_reference;
    assert_eq!(found.record, DistributionRecord { caller_reference: first, ..changed("E2", false) });
    assert_eq!(found.position, head.next());
    let entry = store.entries(head, 1).await.unwrap().remove(0);
    let said = body::decode(&entry.scope, entry.kind, &entry.body).unwrap();
    assert_eq!(said, Change::PutDistribution(changed("E2", false).spec));

    assert_eq!(refused(&store, remove(Some("E2"))).await, Refusal::InUse);
    let group = store.default_connection_group().await.unwrap();
    let mut disabled = tenant("t", &group);
    disabled.spec.enabled = false;
    let judged_by = ETag::parse("E2").unwrap();
    let disable =
        Command::UpdateTenant { if_match: Some("E1".into()), tenant: Box::new(disabled), judged_by };
    store.commit(disable).await.unwrap();
    let t = TenantId::parse("t").unwrap();
    store.commit(Command::DeleteTenant { tenant: t, if_match: Some("E1".into()) }).await.unwrap();
    assert_eq!(refused(&store, remove(None)).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, remove(Some("E1"))).await, Refusal::IfMatchStale);
    let (head, _) = store.head().await.unwrap();
    assert_eq!(store.commit(remove(Some("E2"))).await.unwrap(), Outcome::DistributionDeleted(head.next()));
    assert_eq!(refused(&store, remove(Some("E2"))).await, Refusal::NoSuchDistribution);
    let entry = store.entries(head, 1).await.unwrap().remove(0);
    let said = body::decode(&entry.scope, entry.kind, &entry.body).unwrap();
    assert_eq!(said, Change::RemoveDistribution(DistributionId::parse("E1").unwrap()));
    assert!(configuration(&store).await.is_empty());
}

pub(crate) async fn what_was_judged_by_something_else_is_refused(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let group = store.default_connection_group().await.unwrap();
    let (before, _) = store.head().await.unwrap();
    store.commit(create(tenant("u", &group))).await.unwrap();
    // A tenant came after the others were judged: it is judged with the change, and no other is.
    let judged = |unfit: &'static str| {
        let judge = move |spec: &TenantSpec| {
            if spec.id.as_str() == unfit { Err("it does not".to_owned()) } else { Ok(()) }
        };
        Command::UpdateDistribution {
            if_match: Some("E1".into()),
            distribution: Box::new(changed("E2", true)),
            judged: Judged::UpTo(before, TenantJudge::new(judge)),
        }
    };
    let u = TenantId::parse("u").unwrap();
    let unfit = Refusal::TenantUnfit { tenant: u, why: "it does not".into() };
    assert_eq!(refused(&store, judged("u")).await, unfit);
    store.commit(judged("t")).await.unwrap();
    // The distribution changed after the tenant was judged.
    assert_eq!(refused(&store, create(tenant("v", &group))).await, Refusal::ChangedMeanwhile);
    assert_eq!(refused(&store, update(Some("E1"), tenant("t", &group))).await, Refusal::ChangedMeanwhile);
}

pub(crate) async fn tenants_trade_their_domains_in_one_step(world: impl World) {
    let store = world.open();
    furnish(&store, &["a", "b", "c", "d"]).await;
    let group = store.default_connection_group().await.unwrap();
    let to = |id: &str, if_match: &str, domains: &[&str]| {
        let mut tenant = tenant(id, &group);
        tenant.etag = ETag::parse("E2").unwrap();
        tenant.spec.domains = domains.iter().map(|domain| format!("{domain}.test")).collect();
        let judged_by = ETag::parse("E1").unwrap();
        TenantUpdate { if_match: Some(if_match.into()), tenant: Box::new(tenant), judged_by }
    };
    let before = store.head().await.unwrap();
    // All or none, whichever of them it is that cannot be.
    let taken = Refusal::DomainTaken { domain: "d.test".into() };
    for (last, expected) in [
        (to("c", "E0", &["a"]), Refusal::IfMatchStale),
        (to("none", "E1", &["a"]), Refusal::NoSuchTenant),
        (to("c", "E1", &["a", "d"]), taken),
    ] {
        let all = vec![to("a", "E1", &["b"]), to("b", "E1", &["c"]), last];
        assert_eq!(refused(&store, Command::UpdateTenants(all)).await, expected);
        assert_eq!(store.head().await.unwrap(), before);
        let found = store.tenant(TenantKey::Domain("a.test".into())).await.unwrap().unwrap();
        assert_eq!(found.record, tenant("a", &group));
    }

    // A ring of three; one of them keeps a domain and gets a new one.
    let all = vec![to("a", "E1", &["b", "new"]), to("b", "E1", &["c"]), to("c", "E1", &["a"])];
    let Outcome::Tenants(stored) = store.commit(Command::UpdateTenants(all.clone())).await.unwrap() else {
        panic!("they are changed")
    };
    let told = store.entries(before.0, 100).await.unwrap();
    let domains =
        told.iter().map(|entry| match body::decode(&entry.scope, entry.kind, &entry.body).unwrap() {
            Change::PutTenant(spec) => (spec.id.as_str().to_owned(), spec.domains.join(" ")),
            other => panic!("a tenant, not {other:?}"),
        });
    let expected =
        [("a", ""), ("b", ""), ("c", ""), ("a", "b.test new.test"), ("b", "c.test"), ("c", "a.test")];
    let expected = expected.map(|(id, domains)| (id.to_owned(), domains.to_owned()));
    assert_eq!(domains.collect::<Vec<_>>(), expected, "nobody takes what another still has");
    for (at, (stored, update)) in stored.iter().zip(&all).enumerate() {
        assert_eq!(stored.record, *update.tenant);
        assert_eq!(stored.position, told[3 + at].position);
        for domain in &update.tenant.spec.domains {
            let owner = store.tenant(TenantKey::Domain(domain.clone())).await.unwrap().unwrap();
            assert_eq!(owner.record, *update.tenant);
        }
    }
}

pub(crate) async fn tenants_are_listed_by_customization(world: impl World) {
    let store = world.open();
    furnish(&store, &["plain"]).await;
    let group = store.default_connection_group().await.unwrap();
    for id in ["a", "b", "c"] {
        let mut record = tenant(id, &group);
        record.web_acl = (id != "c").then(|| "acl".into());
        record.certificate = (id != "a").then(|| "certificate".into());
        store.commit(create(record.clone())).await.unwrap();
        let found = store.tenant(TenantKey::Id(record.id.clone())).await.unwrap().unwrap();
        assert_eq!(found.record, record);
    }
    let mut without = tenant("b", &group);
    without.certificate = Some("certificate".into());
    store.commit(update(Some("E1"), without)).await.unwrap();
    let check = async |filter: TenantFilter, expected: &[&str]| {
        let (found, _) = items(store.tenants(filter, page(None, 9)).await.unwrap());
        let ids: Vec<&str> = found.iter().map(|found| found.record.id.as_str()).collect();
        assert_eq!(ids, expected);
    };
    check(TenantFilter::WebAcl("acl".into()), &["a"]).await;
    check(TenantFilter::Certificate("certificate".into()), &["b", "c"]).await;
    check(TenantFilter::Certificate("other".into()), &[]).await;
}

pub(crate) async fn a_distribution_has_invalidations_of_its_own(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let e1 = Scope::Distribution(DistributionId::parse("E1").unwrap());
    let of = |scope: &Scope, id: &str, reference: &str, paths: &[&str]| match invalidate(
        "t", id, reference, paths,
    ) {
        Command::CreateInvalidation { id, batch, now, in_progress_max, .. } => {
            Command::CreateInvalidation { scope: scope.clone(), id, batch, now, in_progress_max }
        }
        other => other,
    };
    store.commit(invalidate("t", "I1", "ref", &["/t"])).await.unwrap();
    let (birth, made) = as_invalidation(store.commit(of(&e1, "I1", "ref", &["/a*"])).await.unwrap());
    assert_eq!((birth, &made.record.scope), (Birth::New, &e1), "ids and references are its own");
    let entry = store.entries(Position::new(made.position.get() - 1), 1).await.unwrap();
    assert_eq!(entry[0].scope, e1, "one entry, however many tenants");
    let replayed = as_invalidation(store.commit(of(&e1, "I2", "ref", &["/a*"])).await.unwrap());
    assert_eq!((replayed.0, replayed.1.record.id), (Birth::Replayed, made.record.id.clone()));
    let conflict = refused(&store, of(&e1, "I3", "ref", &["/b"])).await;
    assert_eq!(conflict, Refusal::CallerReferenceConflict { earlier: made.record.id.clone() });
    store.commit(of(&e1, "I4", "next", &["/b"])).await.unwrap();

    let listed = async |scope: &Scope| -> Vec<String> {
        let (found, _) = items(store.invalidations(scope, page(None, 9)).await.unwrap());
        found.iter().map(|found| found.record.id.as_str().to_owned()).collect()
    };
    assert_eq!(listed(&e1).await, ["I4", "I1"]);
    assert_eq!(listed(&Scope::Tenant(TenantId::parse("t").unwrap())).await, ["I1"]);
    let found = store.invalidation(&e1, &InvalidationId::parse("I1").unwrap()).await.unwrap().unwrap();
    assert_eq!(found.record.items, ["/a*"]);
    assert_eq!(store.in_progress(&e1).await.unwrap(), 2);
    store.commit(Command::Protocol(vec![PlaneWrite::Complete(made.position)])).await.unwrap();
    assert_eq!(store.in_progress(&e1).await.unwrap(), 1);

    let e9 = Scope::Distribution(DistributionId::parse("E9").unwrap());
    assert_eq!(refused(&store, of(&e9, "I5", "ref", &["/a"])).await, Refusal::NoSuchDistribution);
    assert!(listed(&e9).await.is_empty());
}
