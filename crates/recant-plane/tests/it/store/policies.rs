//! What every store promises of custom policies.

use std::time::Duration;

use recant_core::cache_policy::{CachePolicy, KeyParts, TtlBounds};
use recant_core::entry::Change;
use recant_core::id::{DistributionId, ETag};
use recant_core::limits::{DISTRIBUTIONS_PER_POLICY_MAX, POLICIES_PER_KIND_MAX};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::selection::Selection;
use recant_plane::store::{
    Command, DistributionFilter, DistributionRecord, Outcome, Progress, Refusal, ResourceKind,
    ResourceRecord, Store, Tags,
};
use recant_wire::feed::body;

use super::World;
use super::samples::{NOW, configuration, distribution, items, judged_up_to, page, refused};

const KIND: ResourceKind = ResourceKind::CachePolicy;

fn resource(id: &str, etag: &str) -> ResourceRecord {
    ResourceRecord {
        kind: KIND,
        id: id.into(),
        name: format!("name-{id}"),
        alias: None,
        etag: ETag::parse(etag).unwrap(),
        enabled: None,
        config: serde_json::json!({}),
        tags: Tags::new(),
        created: NOW,
        modified: NOW,
    }
}

fn policy(id: &str, etag: &str, query: Selection) -> CachePolicy {
    let ttl = TtlBounds { min: Duration::ZERO, default: Duration::ZERO, max: Duration::from_secs(9) };
    CachePolicy::custom(id, etag, ttl, KeyParts { query, ..KeyParts::default() })
}

fn carrying(id: &str, policy: CachePolicy) -> DistributionRecord {
    let mut record = distribution(id);
    record.spec.default_behavior.cache_policy_id.clone_from(&policy.id);
    record.spec.default_behavior.custom_cache_policy = Some(Box::new(policy));
    record
}

fn make(record: DistributionRecord) -> Command {
    Command::CreateDistribution(Box::new(record))
}

fn change(if_match: &str, etag: &str, query: Selection) -> Command {
    let policy = Policy::Cache(policy("p", etag, query));
    let resource = Box::new(resource("p", etag));
    Command::UpdatePolicy { if_match: Some(if_match.into()), resource, policy: Box::new(policy) }
}

fn remove(id: &str, etag: &str) -> Command {
    Command::DeleteResource { kind: KIND, id: id.into(), if_match: Some(etag.into()) }
}

pub(crate) async fn a_changed_policy_is_told_by_the_distributions_that_carry_it(world: impl World) {
    let store = world.open();
    store.commit(Command::CreateResource(Box::new(resource("p", "E1")))).await.unwrap();
    store.commit(make(carrying("E1", policy("p", "E1", Selection::None)))).await.unwrap();
    store.commit(make(distribution("E2"))).await.unwrap();
    let (before, _) = store.head().await.unwrap();

    assert_eq!(refused(&store, change("ESTALE", "E2", Selection::All)).await, Refusal::IfMatchStale);
    assert_eq!(store.head().await.unwrap().0, before, "nothing was told");
    let made = store.commit(change("E1", "E2", Selection::All)).await.unwrap();
    let Outcome::Resource(made) = made else { panic!("{made:?}") };
    assert_eq!((made.position, made.progress), (before.next(), Progress::InProgress));

    let entries = store.entries(before, 9).await.unwrap();
    assert_eq!(entries.len(), 1, "only who carries it");
    let told = body::decode(&entries[0].scope, entries[0].kind, &entries[0].body).unwrap();
    let expected = carrying("E1", policy("p", "E2", Selection::All)).spec;
    assert_eq!(told, Change::PutDistribution(expected.clone()));
    let id = DistributionId::parse("E1").unwrap();
    let found = store.distribution(&id).await.unwrap().unwrap();
    assert_eq!((&found.record.spec, found.position), (&expected, before.next()));
    assert_eq!(found.progress, Progress::InProgress, "until edges have it");
    assert_eq!(found.record.etag.as_str(), "E1", "its own configuration is what it was");
    assert!(configuration(&store).await.contains(&Change::PutDistribution(expected)));
}

pub(crate) async fn a_distribution_carries_policies_as_they_are(world: impl World) {
    let store = world.open();
    let unknown = make(carrying("E1", policy("p", "E1", Selection::None)));
    assert_eq!(refused(&store, unknown.clone()).await, Refusal::ChangedMeanwhile);
    store.commit(Command::CreateResource(Box::new(resource("p", "E1")))).await.unwrap();
    store.commit(change("E1", "E2", Selection::All)).await.unwrap();
    assert_eq!(refused(&store, unknown).await, Refusal::ChangedMeanwhile);

    let current = carrying("E1", policy("p", "E2", Selection::All));
    store.commit(make(current.clone())).await.unwrap();
    assert_eq!(refused(&store, remove("p", "E2")).await, Refusal::InUse);
    let update = |record: DistributionRecord, judged_at| Command::UpdateDistribution {
        if_match: Some("E1".into()),
        distribution: Box::new(record),
        judged: judged_up_to(judged_at),
    };
    let (head, _) = store.head().await.unwrap();
    let old = update(carrying("E1", policy("p", "E1", Selection::None)), head);
    assert_eq!(refused(&store, old).await, Refusal::ChangedMeanwhile);
    store.commit(update(current, head)).await.unwrap();
    store.commit(update(distribution("E1"), head)).await.unwrap();
    assert_eq!(store.commit(remove("p", "E2")).await.unwrap(), Outcome::ResourceDeleted);
}

pub(crate) async fn distributions_are_found_by_their_policies(world: impl World) {
    let store = world.open();
    store.commit(Command::CreateResource(Box::new(resource("p", "E1")))).await.unwrap();
    for id in ["E3", "E1", "E2"] {
        store.commit(make(carrying(id, policy("p", "E1", Selection::None)))).await.unwrap();
        store.commit(make(distribution(&format!("{id}0")))).await.unwrap();
    }
    let find = async |kind, id: &str, after, limit| {
        let filter = DistributionFilter::Policy(kind, id.to_owned());
        let (found, more) = items(store.distributions(filter, page(after, limit)).await.unwrap());
        (found.into_iter().map(|it| it.record.id.as_str().to_owned()).collect::<Vec<_>>(), more)
    };
    let kind = PolicyKind::Cache;
    assert_eq!(find(kind, "p", None, 2).await, (vec!["E3".to_owned(), "E1".to_owned()], true));
    assert_eq!(find(kind, "p", Some("E1"), 2).await, (vec!["E2".to_owned()], false));
    // Any distribution is a place to go on from.
    assert_eq!(find(kind, "p", Some("E30"), 1).await, (vec!["E1".to_owned()], true));
    for (kind, id) in [(PolicyKind::OriginRequest, "p"), (PolicyKind::ResponseHeaders, "p"), (kind, "q")] {
        assert_eq!(find(kind, id, None, 9).await, (Vec::new(), false));
    }
}

pub(crate) async fn policies_have_bounds(world: impl World) {
    let store = world.open();
    for n in 0..POLICIES_PER_KIND_MAX {
        let id = if n == 0 { "p".to_owned() } else { format!("p{n}") };
        store.commit(Command::CreateResource(Box::new(resource(&id, "E1")))).await.unwrap();
    }
    let one_more = Command::CreateResource(Box::new(resource("q", "E1")));
    assert_eq!(refused(&store, one_more).await, Refusal::TooManyResources(KIND));

    for n in 0..DISTRIBUTIONS_PER_POLICY_MAX {
        let made =
            store.commit(make(carrying(&format!("E{n}"), policy("p", "E1", Selection::None)))).await.unwrap();
        assert!(matches!(made, Outcome::Distribution(_)), "{made:?}");
    }
    let one_more = make(carrying("EX", policy("p", "E1", Selection::None)));
    assert_eq!(refused(&store, one_more).await, Refusal::TooManyUsers(PolicyKind::Cache));
    let other = make(carrying("EX", policy("p1", "E1", Selection::None)));
    assert!(matches!(store.commit(other).await.unwrap(), Outcome::Distribution(_)));
}
