//! What every store promises of resources and tags.

use recant_core::entry::Change;
use recant_core::id::{ConnectionGroupId, DistributionId, ETag, TenantId};
use recant_core::limits::TENANTS_PER_CHANGE_MAX;
use recant_core::position::Position;
use recant_core::time::WallTime;
use recant_plane::store::{
    Command, DEFAULT_CONNECTION_GROUP, Outcome, Progress, Refusal, ResourceKey, ResourceKind, ResourceRecord,
    Store, Taggable, Tags, TenantKey,
};
use recant_wire::feed::body;

use super::World;
use super::samples::{
    NOW, configuration, create, distribution, furnish, items, judged_up_to, page, refused, tenant, update,
};

fn resource(kind: ResourceKind, id: &str) -> ResourceRecord {
    ResourceRecord {
        kind,
        id: id.into(),
        name: format!("name-{id}"),
        alias: Some(format!("alias-{id}")),
        etag: ETag::parse("E1").unwrap(),
        enabled: Some(true),
        config: serde_json::json!({ "Zeta": 1, "Alpha": ["kept", "in order"] }),
        tags: Tags::from([("a".into(), "1".into())]),
        created: NOW,
        modified: NOW,
    }
}

fn make(record: ResourceRecord) -> Command {
    Command::CreateResource(Box::new(record))
}

fn change(if_match: Option<&str>, record: ResourceRecord) -> Command {
    Command::UpdateResource { if_match: if_match.map(Into::into), resource: Box::new(record) }
}

fn remove(kind: ResourceKind, id: &str, if_match: Option<&str>) -> Command {
    Command::DeleteResource { kind, id: id.into(), if_match: if_match.map(Into::into) }
}

pub(crate) async fn resources_are_kept_by_kind(world: impl World) {
    use ResourceKind::{CachePolicy, OriginRequestPolicy};
    {
        let store = world.open();
        let made = store.commit(make(resource(CachePolicy, "b"))).await.unwrap();
        let Outcome::Resource(made) = made else { panic!("a resource, not {made:?}") };
        assert_eq!(
            (made.position, made.progress),
            (Position::ZERO, Progress::Complete),
            "nobody waits for it"
        );
        store.commit(make(resource(CachePolicy, "a"))).await.unwrap();
        store.commit(make(resource(OriginRequestPolicy, "a"))).await.unwrap();
        let mut without_alias = resource(CachePolicy, "c");
        without_alias.alias = None;
        store.commit(make(without_alias.clone())).await.unwrap();
        store
            .commit(make(ResourceRecord { id: "d".into(), name: "d".into(), ..without_alias }))
            .await
            .unwrap();
    }
    let store = world.open();
    for key in [
        ResourceKey::Id("a".into()),
        ResourceKey::Name("name-a".into()),
        ResourceKey::Alias("alias-a".into()),
    ] {
        let found = store.resource(CachePolicy, key).await.unwrap().unwrap().record;
        assert_eq!(found, resource(CachePolicy, "a"));
        assert_eq!(found.config.to_string(), resource(CachePolicy, "a").config.to_string());
    }
    assert_eq!(store.resource(CachePolicy, ResourceKey::Name("a".into())).await.unwrap(), None);
    assert_eq!(store.resource(OriginRequestPolicy, ResourceKey::Id("b".into())).await.unwrap(), None);

    let mut named = resource(CachePolicy, "e");
    named.name = "name-a".into();
    assert_eq!(refused(&store, make(named)).await, Refusal::NameTaken);
    let mut aliased = resource(CachePolicy, "e");
    aliased.alias = Some("alias-a".into());
    assert_eq!(refused(&store, make(aliased)).await, Refusal::NameTaken);

    let check = async |after: Option<&str>, limit, expected: (&[&str], bool)| {
        let (found, more) = items(store.resources(CachePolicy, page(after, limit)).await.unwrap());
        let ids: Vec<&str> = found.iter().map(|found| found.record.id.as_str()).collect();
        assert_eq!((&ids[..], more), expected);
    };
    check(None, 2, (&["a", "b"], true)).await;
    check(Some("b"), 2, (&["c", "d"], false)).await;
    check(Some("bb"), 1, (&["c"], true)).await;
}

pub(crate) async fn resources_are_changed_only_as_last_read(world: impl World) {
    let kind = ResourceKind::CachePolicy;
    let store = world.open();
    store.commit(make(resource(kind, "a"))).await.unwrap();
    store.commit(make(resource(kind, "b"))).await.unwrap();
    let changed = |etag: &str| ResourceRecord {
        etag: ETag::parse(etag).unwrap(),
        name: "renamed".into(),
        alias: Some("another".into()),
        enabled: Some(false),
        config: serde_json::json!({"New": true}),
        tags: Tags::new(),
        created: WallTime::from_millis(0),
        modified: WallTime::from_millis(NOW.millis() + 1),
        ..resource(kind, "a")
    };
    assert_eq!(refused(&store, change(None, changed("E2"))).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, change(Some("E0"), changed("E2"))).await, Refusal::IfMatchStale);
    let taken = ResourceRecord { name: "name-b".into(), ..changed("E2") };
    assert_eq!(refused(&store, change(Some("E1"), taken)).await, Refusal::NameTaken);
    let nobody = ResourceRecord { id: "n".into(), ..changed("E2") };
    assert_eq!(refused(&store, change(Some("E1"), nobody)).await, Refusal::NoSuchResource(kind));
    assert_eq!(refused(&store, remove(kind, "a", Some("E1"))).await, Refusal::NotDisabled);

    store.commit(change(Some("E1"), changed("E2"))).await.unwrap();
    let found = store.resource(kind, ResourceKey::Id("a".into())).await.unwrap().unwrap().record;
    let first = resource(kind, "a");
    let stays =
        ResourceRecord { alias: first.alias, tags: first.tags, created: first.created, ..changed("E2") };
    assert_eq!(found, stays, "alias, tags and the time of making stay");

    assert_eq!(refused(&store, remove(kind, "a", None)).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, remove(kind, "a", Some("E1"))).await, Refusal::IfMatchStale);
    assert_eq!(store.commit(remove(kind, "a", Some("E2"))).await.unwrap(), Outcome::ResourceDeleted);
    assert_eq!(refused(&store, remove(kind, "a", Some("E2"))).await, Refusal::NoSuchResource(kind));
    store.commit(make(ResourceRecord { name: "renamed".into(), ..resource(kind, "a") })).await.unwrap();
}

pub(crate) async fn a_disabled_group_disables_its_tenants_for_edges(world: impl World) {
    let kind = ResourceKind::ConnectionGroup;
    let store = world.open();
    furnish(&store, &["other"]).await;
    store.commit(make(resource(kind, "cg_1"))).await.unwrap();
    let group = ConnectionGroupId::parse("cg_1").unwrap();
    store.commit(create(tenant("a", &group))).await.unwrap();
    store.commit(create(tenant("b", &group))).await.unwrap();
    let head = store.head().await.unwrap().0;

    let disabled =
        ResourceRecord { enabled: Some(false), etag: ETag::parse("E2").unwrap(), ..resource(kind, "cg_1") };
    let told = store.commit(change(Some("E1"), disabled.clone())).await.unwrap();
    let Outcome::Resource(told) = told else { panic!("a resource, not {told:?}") };
    assert_eq!((told.position, told.progress), (head.next().next(), Progress::InProgress));
    let mut said = Vec::new();
    for entry in store.entries(head, 9).await.unwrap() {
        match body::decode(&entry.scope, entry.kind, &entry.body).unwrap() {
            Change::PutTenant(spec) => said.push((spec.id.as_str().to_owned(), spec.enabled)),
            other => panic!("a tenant, not {other:?}"),
        }
    }
    assert_eq!(said, [("a".to_owned(), false), ("b".to_owned(), false)]);
    let found = store.tenant(TenantKey::Id(TenantId::parse("a").unwrap())).await.unwrap().unwrap();
    assert!(found.record.spec.enabled, "what its caller asked for stays");
    assert_eq!(found.position, head.next(), "it is deployed when edges know");

    // Whatever is said of a tenant while its group is disabled, and a snapshot, says so, too.
    store.commit(update(Some("E1"), tenant("a", &group))).await.unwrap();
    store.commit(create(tenant("c", &group))).await.unwrap();
    let enabled = async || -> Vec<(String, bool)> {
        let changes = configuration(&store).await.into_iter();
        let tenants = changes.filter_map(|change| match change {
            Change::PutTenant(spec) => Some((spec.id.as_str().to_owned(), spec.enabled)),
            _ => None,
        });
        tenants.collect()
    };
    let named = |name: &str, enabled| (name.to_owned(), enabled);
    let off = [named("a", false), named("b", false), named("c", false), named("other", true)];
    assert_eq!(enabled().await, off);
    let last = store.entries(head.next().next(), 9).await.unwrap();
    assert_eq!(last.len(), 2);
    for entry in last {
        let Change::PutTenant(spec) = body::decode(&entry.scope, entry.kind, &entry.body).unwrap() else {
            panic!("a tenant")
        };
        assert!(!spec.enabled);
    }

    assert_eq!(refused(&store, remove(kind, "cg_1", Some("E2"))).await, Refusal::InUse);
    store.commit(change(Some("E2"), resource(kind, "cg_1"))).await.unwrap();
    assert!(enabled().await.iter().all(|(_, enabled)| *enabled));
}

pub(crate) async fn the_default_group_stays(world: impl World) {
    let kind = ResourceKind::ConnectionGroup;
    let store = world.open();
    let key = ResourceKey::Name(DEFAULT_CONNECTION_GROUP.into());
    let default = store.resource(kind, key).await.unwrap().unwrap().record;
    assert_eq!(store.default_connection_group().await.unwrap().as_str(), default.id);
    assert!(default.alias.as_deref().is_some_and(|alias| !alias.is_empty()), "it has an endpoint");
    let removal = remove(kind, &default.id, Some(default.etag.as_str()));
    assert_eq!(refused(&store, removal).await, Refusal::InUse);
}

pub(crate) async fn a_change_of_too_many_tenants_is_refused(world: impl World) {
    let kind = ResourceKind::ConnectionGroup;
    let store = world.open();
    furnish(&store, &[]).await;
    store.commit(make(resource(kind, "cg_1"))).await.unwrap();
    let group = ConnectionGroupId::parse("cg_1").unwrap();
    let mut creates = tokio::task::JoinSet::new();
    for n in 0..=TENANTS_PER_CHANGE_MAX {
        let (store, record) = (store.clone(), tenant(&format!("t{n}"), &group));
        creates.spawn(async move { store.commit(create(record)).await.unwrap() });
    }
    creates.join_all().await;
    let head = store.head().await.unwrap();
    let disabled = ResourceRecord { enabled: Some(false), ..resource(kind, "cg_1") };
    assert_eq!(refused(&store, change(Some("E1"), disabled)).await, Refusal::TooManyTenants);
    assert_eq!(store.head().await.unwrap(), head, "none has changed");
    let found = store.resource(kind, ResourceKey::Id("cg_1".into())).await.unwrap().unwrap();
    assert_eq!(found.record.enabled, Some(true));
}

pub(crate) async fn tags_are_changed_and_nothing_else(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    store.commit(make(resource(ResourceKind::CachePolicy, "a"))).await.unwrap();
    let head = store.head().await.unwrap();
    let tags = |pairs: &[(&str, &str)]| -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let distribution_id = DistributionId::parse("E1").unwrap();
    let tenant_id = TenantId::parse("t").unwrap();
    for of in [
        Taggable::Distribution(distribution_id.clone()),
        Taggable::Tenant(tenant_id.clone()),
        Taggable::Resource(ResourceKind::CachePolicy, "a".into()),
    ] {
        let change = |set: Tags, unset: &[&str]| Command::ChangeTags {
            of: of.clone(),
            set,
            unset: unset.iter().map(|key| (*key).to_owned()).collect(),
            tags_max: 2,
        };
        let set = store.commit(change(tags(&[("a", "1"), ("b", "2")]), &[])).await.unwrap();
        assert_eq!(set, Outcome::Tags(tags(&[("a", "1"), ("b", "2")])));
        assert_eq!(refused(&store, change(tags(&[("c", "3")]), &[])).await, Refusal::TooManyTags);
        let replaced = store.commit(change(tags(&[("b", "3")]), &["a", "none"])).await.unwrap();
        assert_eq!(replaced, Outcome::Tags(tags(&[("b", "3")])));
    }
    assert_eq!(store.head().await.unwrap(), head, "edges are not told");
    let expected = tags(&[("b", "3")]);
    let found = store.distribution(&distribution_id).await.unwrap().unwrap().record;
    assert_eq!((found.etag.as_str(), &found.tags), ("E1", &expected));
    let found = store.tenant(TenantKey::Id(tenant_id)).await.unwrap().unwrap().record;
    assert_eq!((found.etag.as_str(), &found.tags), ("E1", &expected));
    // A change of the configuration leaves them.
    let changed = Command::UpdateDistribution {
        if_match: Some("E1".into()),
        distribution: Box::new(distribution("E1")),
        judged: judged_up_to(head.0),
    };
    let Outcome::Distribution(changed) = store.commit(changed).await.unwrap() else { panic!() };
    assert_eq!(changed.record.tags, expected);
    let nobody = |of| Command::ChangeTags { of, set: Tags::new(), unset: Vec::new(), tags_max: 2 };
    for (of, refusal) in [
        (Taggable::Distribution(DistributionId::parse("E9").unwrap()), Refusal::NoSuchDistribution),
        (Taggable::Tenant(TenantId::parse("n").unwrap()), Refusal::NoSuchTenant),
        (
            Taggable::Resource(ResourceKind::OriginRequestPolicy, "a".into()),
            Refusal::NoSuchResource(ResourceKind::OriginRequestPolicy),
        ),
    ] {
        assert_eq!(refused(&store, nobody(of)).await, refusal);
    }
}
