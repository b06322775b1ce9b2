//! Records and commands to feed a store with.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::{Change, Scope};
use recant_core::id::{ConnectionGroupId, DistributionId, ETag, InvalidationId, TenantId};
use recant_core::position::Position;
use recant_core::spec::{
    BehaviorSpec, DistributionSpec, OriginProtocol, OriginSpec, Template, TenantSpec, ViewerProtocol,
};
use recant_core::time::WallTime;
use recant_plane::store::{
    Birth, Command, DistributionRecord, InvalidationRecord, Judged, Listing, Outcome, Page, Refusal,
    SnapshotPlace, Store, Tags, TenantJudge, TenantRecord, Tracked,
};

pub(crate) const NOW: WallTime = WallTime::from_millis(1_700_000_000_123);

pub(crate) fn distribution(id: &str) -> DistributionRecord {
    let id = DistributionId::parse(id).unwrap();
    let origin = OriginSpec {
        id: "origin".into(),
        domain_name: Template::new("{{tenant}}.origin.test"),
        path: Template::new(""),
        http_port: 80,
        https_port: 443,
        protocol: OriginProtocol::HttpsOnly,
        connection_timeout: Duration::from_secs(10),
        connection_attempts: 3,
        read_timeout: Duration::from_millis(30_500),
        custom_headers: vec![("X-From".into(), "edge".into())],
        shield: None,
    };
    let behavior = BehaviorSpec {
        viewer_protocol: ViewerProtocol::HttpsOnly,
        ..BehaviorSpec::new("origin", "658327ea-f89d-4fab-a63d-7e88639e58f6")
    };
    DistributionRecord {
        caller_reference: format!("reference of {id}"),
        etag: ETag::parse("E1").unwrap(),
        config: serde_json::json!({ "Zeta": 1, "Alpha": ["kept", "in order"] }),
        spec: DistributionSpec {
            default_root_object: Some("index.html".into()),
            parameter_defaults: BTreeMap::from([("tenant".into(), "default".into())]),
            ..DistributionSpec::new(id.clone(), vec![origin], behavior)
        },
        id,
        tags: Tags::new(),
        created: NOW,
        modified: NOW,
    }
}

/// A tenant of the distribution `E1`, named like its id and with the domain `ID.test`.
pub(crate) fn tenant(id: &str, group: &ConnectionGroupId) -> TenantRecord {
    TenantRecord {
        id: TenantId::parse(id).unwrap(),
        name: format!("name-{id}"),
        connection_group_id: group.clone(),
        etag: ETag::parse("E1").unwrap(),
        config: serde_json::json!({ "Name": format!("name-{id}") }),
        spec: TenantSpec {
            id: TenantId::parse(id).unwrap(),
            distribution_id: DistributionId::parse("E1").unwrap(),
            enabled: true,
            domains: vec![format!("{id}.test")],
            parameters: BTreeMap::new(),
            geo: None,
        },
        web_acl: None,
        certificate: None,
        tags: Tags::new(),
        created: NOW,
        modified: NOW,
    }
}

pub(crate) fn invalidate(tenant: &str, id: &str, reference: &str, items: &[&str]) -> Command {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    Command::CreateInvalidation {
        scope: Scope::Tenant(TenantId::parse(tenant).unwrap()),
        id: InvalidationId::parse(id).unwrap(),
        batch: Box::new(InvalidationBatch::new(reference, &items).unwrap()),
        now: NOW,
        in_progress_max: PathCount { paths: u64::MAX, wildcards: u64::MAX },
    }
}

/// Makes a tenant that was judged by a distribution as it was made.
pub(crate) fn create(tenant: TenantRecord) -> Command {
    Command::CreateTenant { tenant: Box::new(tenant), judged_by: ETag::parse("E1").unwrap() }
}

/// Changes a tenant that was judged by a distribution as it was made.
pub(crate) fn update(if_match: Option<&str>, tenant: TenantRecord) -> Command {
    Command::UpdateTenant {
        if_match: if_match.map(str::to_owned),
        tenant: Box::new(tenant),
        judged_by: ETag::parse("E1").unwrap(),
    }
}

/// Tenants up to here were judged, and whoever came later fits.
pub(crate) fn judged_up_to(position: Position) -> Judged {
    Judged::UpTo(position, TenantJudge::new(|_| Ok(())))
}

/// The distribution `E1` and these tenants of it.
pub(crate) async fn furnish<S: Store>(store: &S, tenants: &[&str]) {
    let group = store.default_connection_group().await.unwrap();
    let made = store.commit(Command::CreateDistribution(Box::new(distribution("E1")))).await.unwrap();
    assert!(matches!(made, Outcome::Distribution(_)), "{made:?}");
    for id in tenants {
        let made = store.commit(create(tenant(id, &group))).await.unwrap();
        assert!(matches!(made, Outcome::Tenant(_)), "{made:?}");
    }
}

/// The whole configuration, as stretches give it.
pub(crate) async fn configuration<S: Store>(store: &S) -> Vec<Change> {
    let (mut changes, mut from) = (Vec::new(), Some(SnapshotPlace::START));
    while let Some(place) = from {
        let page = store.snapshot(place, 2).await.unwrap();
        assert!(page.changes.len() <= 2);
        changes.extend(page.changes);
        from = page.next;
    }
    changes
}

pub(crate) fn page(after: Option<&str>, limit: usize) -> Page {
    Page { after: after.map(str::to_owned), limit: NonZeroUsize::new(limit).unwrap() }
}

pub(crate) fn items<T>(listing: Listing<T>) -> (Vec<T>, bool) {
    match listing {
        Listing::Page { items, more } => (items, more),
        Listing::UnknownMarker => panic!("the marker is known"),
    }
}

pub(crate) fn as_invalidation(outcome: Outcome) -> (Birth, Tracked<InvalidationRecord>) {
    match outcome {
        Outcome::Invalidation { birth, invalidation } => (birth, *invalidation),
        other => panic!("an invalidation, not {other:?}"),
    }
}

/// Commits what has to be refused.
pub(crate) async fn refused<S: Store>(store: &S, command: Command) -> Refusal {
    match store.commit(command).await.unwrap() {
        Outcome::Refused(refusal) => refusal,
        other => panic!("a refusal, not {other:?}"),
    }
}
