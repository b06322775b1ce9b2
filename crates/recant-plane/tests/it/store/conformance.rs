//! What every store promises. Each test is generic over [`World`]; `conformance!` runs them all in one.

use std::collections::BTreeSet;

use recant_core::batch::PathCount;
use recant_core::entry::{Change, Entry, Hash, HistoryId, Scope};
use recant_core::id::{DistributionId, ETag, EdgeId, InvalidationId, TenantId};
use recant_core::ledger::TooManyInProgress;
use recant_core::limits::{API_BODY_BYTES_MAX, ENTRY_BODY_BYTES_MAX, PAGE_BYTES_MAX, PATHS_PER_BATCH_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::{Applied, Incarnation, LeaseClass, Member};
use recant_core::protocol::{MemberRecord, PlaneWrite};
use recant_core::time::WallTime;
use recant_plane::store::{
    Birth, Command, DistributionFilter, Outcome, Progress, Refusal, SnapshotPlace, Store, StoreError,
    TenantFilter, TenantKey,
};
use recant_wire::feed::body;
use tokio::task::JoinSet;

use super::World;
use super::configure::{
    a_distribution_has_invalidations_of_its_own, distributions_are_changed_and_removed,
    tenants_are_listed_by_customization, tenants_trade_their_domains_in_one_step,
    what_was_judged_by_something_else_is_refused,
};
use super::domains::{
    a_distribution_without_tenants_has_domains, a_domain_moves_in_one_step, domains_in_conflict_are_found,
};
use super::keys::{
    a_keys_changes_undo_nothing_of_each_other, a_page_of_long_records_has_fewer, keys_are_found_as_committed,
    the_audit_log_holds_together,
};
use super::policies::{
    a_changed_policy_is_told_by_the_distributions_that_carry_it, a_distribution_carries_policies_as_they_are,
    distributions_are_found_by_their_policies, policies_have_bounds,
};
use super::reads::who_does_not_take_an_answer_holds_nobody_up;
use super::resources::{
    a_change_of_too_many_tenants_is_refused, a_disabled_group_disables_its_tenants_for_edges,
    resources_are_changed_only_as_last_read, resources_are_kept_by_kind, tags_are_changed_and_nothing_else,
    the_default_group_stays,
};
use super::samples::{
    NOW, as_invalidation, configuration, create, distribution, furnish, invalidate, items, page, refused,
    tenant, update,
};

/// Makes a test out of each named function, in one world.
macro_rules! tests_in {
    ($kind:ty: $($test:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            super::$test(<$kind as crate::store::World>::new()).await;
        })*
    };
}

/// Every promise, in one world.
macro_rules! conformance {
    ($kind:ty) => {
        tests_in! {
            $kind:
            positions_are_dense_under_many_writers,
            readers_never_skip,
            one_reference_makes_one_invalidation,
            another_batch_is_a_conflict,
            replays_survive_a_reopening,
            the_chain_holds,
            who_does_not_take_an_answer_holds_nobody_up,
            an_entry_has_a_largest_size,
            entries_are_read_in_pieces,
            invalidations_are_paged_newest_first,
            distributions_and_tenants_are_paged,
            a_page_of_large_items_has_fewer,
            names_and_domains_belong_to_one,
            updates_and_deletes_need_the_current_etag,
            a_tenant_made_again_inherits_nothing,
            one_bad_command_does_not_hurt_the_others,
            completion_is_monotone_and_durable,
            what_is_in_progress_is_bounded,
            the_bound_holds_within_a_group,
            old_invalidations_go_and_their_references_stay,
            members_are_durable,
            every_start_is_a_new_term,
            records_come_back_as_given,
            a_snapshot_is_the_configuration,
            places_of_other_logs_are_told_apart,
            distributions_are_changed_and_removed,
            what_was_judged_by_something_else_is_refused,
            a_domain_moves_in_one_step,
            a_distribution_without_tenants_has_domains,
            tenants_trade_their_domains_in_one_step,
            domains_in_conflict_are_found,
            tenants_are_listed_by_customization,
            a_distribution_has_invalidations_of_its_own,
            resources_are_kept_by_kind,
            resources_are_changed_only_as_last_read,
            a_disabled_group_disables_its_tenants_for_edges,
            the_default_group_stays,
            a_changed_policy_is_told_by_the_distributions_that_carry_it,
            a_distribution_carries_policies_as_they_are,
            policies_have_bounds,
            distributions_are_found_by_their_policies,
            a_change_of_too_many_tenants_is_refused,
            tags_are_changed_and_nothing_else,
            keys_are_found_as_committed,
            a_keys_changes_undo_nothing_of_each_other,
            the_audit_log_holds_together,
            a_page_of_long_records_has_fewer,
        }
    };
}

mod sqlite {
    conformance!(crate::store::sqlite::Folder);
}

mod postgres {
    conformance!(crate::store::postgres::Database);
}

/// All entries, read in pieces of at most `limit`.
async fn whole_log<S: Store>(store: &S, limit: usize) -> Vec<Entry> {
    let mut log: Vec<Entry> = Vec::new();
    loop {
        let after = log.last().map_or(Position::ZERO, |entry| entry.position);
        let piece = store.entries(after, limit).await.unwrap();
        if piece.is_empty() {
            return log;
        }
        log.extend(piece);
    }
}

async fn positions_are_dense_under_many_writers(world: impl World) {
    const WRITERS: usize = 64;
    const EACH: usize = 20;
    let store = world.open();
    furnish(&store, &["t"]).await;
    let before = store.head().await.unwrap().0.get();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let mut positions = Vec::new();
            for n in 0..EACH {
                let name = format!("I{writer}-{n}");
                let outcome = store.commit(invalidate("t", &name, &name, &["/a*"])).await.unwrap();
                let (birth, made) = as_invalidation(outcome);
                assert_eq!(birth, Birth::New);
                assert!(
                    *store.committed().borrow() >= made.position,
                    "the head is published before the answer"
                );
                positions.push(made.position.get());
            }
            positions
        });
    }
    let positions: BTreeSet<u64> = writers.join_all().await.into_iter().flatten().collect();
    let wanted: BTreeSet<u64> = (before + 1..=before + (WRITERS * EACH) as u64).collect();
    assert_eq!(positions, wanted);
    assert_eq!(store.head().await.unwrap().0.get(), before + (WRITERS * EACH) as u64);
}

async fn readers_never_skip(world: impl World) {
    const ENTRIES: u64 = 400;
    let store = world.open();
    furnish(&store, &["t"]).await;
    let start = store.head().await.unwrap().0;
    let end = start.get() + ENTRIES;
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (store, mut committed) = (store.clone(), store.committed());
        readers.spawn(async move {
            let mut at = start;
            while at.get() < end {
                committed.wait_for(|head| *head > at).await.unwrap();
                for entry in store.entries(at, 7).await.unwrap() {
                    assert_eq!(entry.position, at.next());
                    at = entry.position;
                }
            }
        });
    }
    let mut writers = JoinSet::new();
    for n in 0..ENTRIES {
        let store = store.clone();
        let name = format!("I{n}");
        writers.spawn(async move { store.commit(invalidate("t", &name, &name, &["/"])).await.unwrap() });
    }
    writers.join_all().await;
    readers.join_all().await;
}

async fn one_reference_makes_one_invalidation(world: impl World) {
    const CALLERS: usize = 64;
    let store = world.open();
    furnish(&store, &["t"]).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            let id = format!("I{caller}");
            let (birth, made) =
                as_invalidation(store.commit(invalidate("t", &id, "same", &["/a", "/b"])).await.unwrap());
            let found = store.invalidation(&made.record.scope, &made.record.id).await.unwrap();
            assert_eq!(found.unwrap().record, made.record, "what is answered can be read");
            (birth, made.record.id, made.position)
        });
    }
    let answers = callers.join_all().await;
    let ids: BTreeSet<_> = answers.iter().map(|(_, id, position)| (id.clone(), *position)).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(answers.iter().filter(|(birth, ..)| *birth == Birth::New).count(), 1);
}

async fn another_batch_is_a_conflict(world: impl World) {
    let store = world.open();
    furnish(&store, &["t", "u"]).await;
    store.commit(invalidate("t", "I1", "ref", &["/a", "/b"])).await.unwrap();
    let earlier = InvalidationId::parse("I1").unwrap();
    let head = store.head().await.unwrap();
    assert_eq!(
        refused(&store, invalidate("t", "I2", "ref", &["/a"])).await,
        Refusal::CallerReferenceConflict { earlier: earlier.clone() }
    );
    let (birth, same) =
        as_invalidation(store.commit(invalidate("t", "I3", "ref", &["/b", "/a", "/b"])).await.unwrap());
    assert_eq!((birth, &same.record.id), (Birth::Replayed, &earlier), "the same set of paths");
    assert_eq!(same.record.items, ["/a", "/b"], "as it was typed first");
    assert_eq!(store.head().await.unwrap(), head, "neither left a trace");
    let (birth, _) = as_invalidation(store.commit(invalidate("u", "I4", "ref", &["/a"])).await.unwrap());
    assert_eq!(birth, Birth::New, "another tenant's references are its own");
    assert_eq!(refused(&store, invalidate("nobody", "I5", "ref", &["/a"])).await, Refusal::NoSuchTenant);
}

async fn replays_survive_a_reopening(world: impl World) {
    let first = {
        let store = world.open();
        furnish(&store, &["t"]).await;
        as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1
    };
    let store = world.open();
    let mut again = invalidate("t", "I2", "ref", &["/a"]);
    if let Command::CreateInvalidation { now, .. } = &mut again {
        *now = WallTime::from_millis(NOW.millis() + 1);
    }
    let (birth, replayed) = as_invalidation(store.commit(again).await.unwrap());
    assert_eq!((birth, &replayed), (Birth::Replayed, &first), "also the time is the original one");
    assert_eq!(
        refused(&store, invalidate("t", "I3", "ref", &["/b"])).await,
        Refusal::CallerReferenceConflict { earlier: first.record.id }
    );
    let next = as_invalidation(store.commit(invalidate("t", "I4", "next", &["/b"])).await.unwrap()).1;
    assert_eq!(next.position, first.position.next());
}

async fn the_chain_holds(world: impl World) {
    let store = world.open();
    furnish(&store, &["t", "u"]).await;
    for n in 0..10 {
        let name = format!("I{n}");
        store.commit(invalidate("t", &name, &name, &["/a*", "#tag"])).await.unwrap();
    }
    let log = whole_log(&store, 100).await;
    let mut hash = Hash::START;
    for (entry, position) in log.iter().zip(1..) {
        assert_eq!(entry.position, Position::new(position));
        assert_eq!(entry.prev_hash, hash);
        assert!(entry.body_is_intact());
        let change = body::decode(&entry.scope, entry.kind, &entry.body).unwrap();
        assert_eq!((change.scope(), change.kind()), (entry.scope.clone(), entry.kind));
        hash = entry.hash();
        assert_eq!(store.entry_hash(entry.position).await.unwrap(), Some(hash));
    }
    assert_eq!(store.head().await.unwrap(), (Position::new(13), hash));
    assert_eq!(store.entry_hash(Position::ZERO).await.unwrap(), Some(Hash::START));
    assert_eq!(store.entry_hash(Position::new(14)).await.unwrap(), None);
    assert_eq!(store.entry_hash(Position::new(u64::MAX)).await.unwrap(), None);
}

/// With PostgreSQL a transaction that rests for five seconds is ended: what takes this long to spell is spelled before there is one.
async fn an_entry_has_a_largest_size(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let large = |id: &str, bytes: usize| {
        let mut large = distribution(id);
        large.spec.origins[0].custom_headers = vec![("X-Large".into(), "x".repeat(bytes))];
        Command::CreateDistribution(Box::new(large))
    };
    let head = store.head().await.unwrap();
    assert_eq!(refused(&store, large("E2", ENTRY_BODY_BYTES_MAX)).await, Refusal::TooLarge);
    assert_eq!(store.head().await.unwrap(), head, "nothing of it is in the log");
    // The largest that a request can make.
    let made = store.commit(large("E3", API_BODY_BYTES_MAX)).await.unwrap();
    assert!(matches!(made, Outcome::Distribution(_)));
    let path = format!("/{}", "é".repeat(API_BODY_BYTES_MAX / PATHS_PER_BATCH_MAX / 2 - 1));
    let made = store.commit(invalidate("t", "I1", "r", &[path.as_str(); PATHS_PER_BATCH_MAX])).await.unwrap();
    assert_eq!(as_invalidation(made).0, Birth::New);
    store.commit(invalidate("t", "I2", "s", &["/a"])).await.unwrap();
    let (mut read, mut last) = (Vec::new(), head.0);
    while last < head.0.next().next().next() {
        let page = store.entries(last, 10).await.unwrap();
        last = page.last().expect("one at least, whatever its size").position;
        read.extend(page);
    }
    assert!(read[0].body.len() > API_BODY_BYTES_MAX && read[1].body.len() > API_BODY_BYTES_MAX);
    assert!(read.iter().all(Entry::body_is_intact));
    assert_eq!(read.len(), 3, "what comes after them is not held up");
}

async fn entries_are_read_in_pieces(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    for n in 0..9 {
        // About 1.5 MB each, so that not all of them fit one piece.
        let long: Vec<String> = (0..500).map(|path| format!("/{path}/{}", "x".repeat(3_000))).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let name = format!("I{n}");
        store.commit(invalidate("t", &name, &name, &long)).await.unwrap();
    }
    let piece = store.entries(Position::ZERO, 100).await.unwrap();
    assert!((1..11).contains(&piece.len()), "{} entries in one piece", piece.len());
    for limit in [1, 2, 100] {
        assert_eq!(whole_log(&store, limit).await.len(), 11);
    }
    assert!(store.entries(Position::new(u64::MAX / 2), 1).await.unwrap().is_empty());
}

async fn invalidations_are_paged_newest_first(world: impl World) {
    let store = world.open();
    furnish(&store, &["t", "u"]).await;
    for n in 0..7 {
        let name = format!("I{n}");
        store.commit(invalidate("t", &name, &name, &["/"])).await.unwrap();
        store.commit(invalidate("u", &name, &name, &["/"])).await.unwrap();
    }
    let t = Scope::Tenant(TenantId::parse("t").unwrap());
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (found, more) = items(store.invalidations(&t, page(after.as_deref(), 3)).await.unwrap());
        seen.extend(found.iter().map(|found| found.record.id.as_str().to_owned()));
        after = seen.last().cloned();
        // What is added while somebody pages through the list does not move it.
        let name = format!("J{}", seen.len());
        store.commit(invalidate("t", &name, &name, &["/"])).await.unwrap();
        if !more {
            break;
        }
    }
    assert_eq!(seen, ["I6", "I5", "I4", "I3", "I2", "I1", "I0"]);
    let (_, more) = items(store.invalidations(&t, page(Some("I3"), 3)).await.unwrap());
    assert!(!more, "a page that ends with the list has no successor");
    let unknown = store.invalidations(&t, page(Some("K0"), 3)).await.unwrap();
    assert_eq!(unknown, recant_plane::store::Listing::UnknownMarker);
}

async fn a_page_of_large_items_has_fewer(world: impl World) {
    const ITEMS: usize = 7;
    let store = world.open();
    for n in 0..ITEMS {
        let mut large = distribution(&format!("E{n}"));
        large.config = serde_json::json!({ "Comment": "x".repeat(PAGE_BYTES_MAX * 2 / 5) });
        let made = store.commit(Command::CreateDistribution(Box::new(large))).await.unwrap();
        assert!(matches!(made, Outcome::Distribution(_)), "{made:?}");
    }
    let (mut found, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let after = found.last().map(String::as_str);
        let (page, more) =
            items(store.distributions(DistributionFilter::All, page(after, 100)).await.unwrap());
        sizes.push(page.len());
        found.extend(page.iter().map(|item| item.record.id.as_str().to_owned()));
        if !more {
            break;
        }
    }
    assert_eq!(found, (0..ITEMS).map(|n| format!("E{n}")).collect::<Vec<_>>(), "each of them once");
    assert_eq!(sizes, [3, 3, 1], "as many as there is room for, and one");
}

async fn distributions_and_tenants_are_paged(world: impl World) {
    let store = world.open();
    furnish(&store, &["c", "a", "b"]).await;
    store.commit(Command::CreateDistribution(Box::new(distribution("E0")))).await.unwrap();
    let group = store.default_connection_group().await.unwrap();
    let mut other = tenant("d", &group);
    other.spec.distribution_id = DistributionId::parse("E0").unwrap();
    store.commit(create(other)).await.unwrap();

    let (first, more) = items(store.distributions(DistributionFilter::All, page(None, 1)).await.unwrap());
    assert_eq!((first[0].record.id.as_str(), more), ("E1", true), "in the order of their making");
    let (second, more) =
        items(store.distributions(DistributionFilter::All, page(Some("E1"), 1)).await.unwrap());
    assert_eq!((second[0].record.id.as_str(), more), ("E0", false));
    let unknown = store.distributions(DistributionFilter::All, page(Some("E2"), 1)).await.unwrap();
    assert_eq!(unknown, recant_plane::store::Listing::UnknownMarker);

    let check = async |filter: TenantFilter, after: Option<&str>, limit, expected: (&[&str], bool)| {
        let (found, more) = items(store.tenants(filter, page(after, limit)).await.unwrap());
        let ids: Vec<&str> = found.iter().map(|found| found.record.id.as_str()).collect();
        assert_eq!((&ids[..], more), expected);
    };
    let of = |id| TenantFilter::Distribution(DistributionId::parse(id).unwrap());
    check(TenantFilter::All, None, 3, (&["a", "b", "c"], true)).await;
    check(TenantFilter::All, Some("c"), 3, (&["d"], false)).await;
    check(of("E1"), None, 2, (&["a", "b"], true)).await;
    check(of("E1"), Some("b"), 2, (&["c"], false)).await;
    check(of("E0"), None, 2, (&["d"], false)).await;
    check(TenantFilter::ConnectionGroup(group), Some("b"), 2, (&["c", "d"], false)).await;
}

async fn names_and_domains_belong_to_one(world: impl World) {
    let store = world.open();
    furnish(&store, &["a", "b"]).await;
    let group = store.default_connection_group().await.unwrap();
    let fresh = || tenant("c", &group);

    let mut same_name = fresh();
    same_name.name = "name-a".into();
    assert_eq!(refused(&store, create(same_name)).await, Refusal::NameTaken);
    let mut same_domain = fresh();
    same_domain.spec.domains.push("b.test".into());
    let taken = Refusal::DomainTaken { domain: "b.test".into() };
    assert_eq!(refused(&store, create(same_domain)).await, taken);
    let mut orphan = fresh();
    orphan.spec.distribution_id = DistributionId::parse("E9").unwrap();
    assert_eq!(refused(&store, create(orphan)).await, Refusal::NoSuchDistribution);
    let mut lost = fresh();
    lost.connection_group_id = recant_core::id::ConnectionGroupId::parse("cg_none").unwrap();
    assert_eq!(refused(&store, create(lost)).await, Refusal::NoSuchConnectionGroup);
    let mut again = distribution("E2");
    again.caller_reference = distribution("E1").caller_reference;
    let earlier = DistributionId::parse("E1").unwrap();
    let refusal = refused(&store, Command::CreateDistribution(Box::new(again))).await;
    assert_eq!(refusal, Refusal::DistributionExists { earlier });

    // A domain can move once its owner has given it up.
    let mut a = tenant("a", &group);
    a.spec.domains = vec!["elsewhere.test".into()];
    let update = |tenant| update(Some("E1"), tenant);
    store.commit(update(a)).await.unwrap();
    let mut b = tenant("b", &group);
    b.spec.domains = vec!["b.test".into(), "a.test".into()];
    store.commit(update(b)).await.unwrap();
    let owner = async |domain: &str| {
        let found = store.tenant(TenantKey::Domain(domain.into())).await.unwrap();
        found.map(|found| found.record.id.as_str().to_owned())
    };
    assert_eq!(owner("a.test").await.as_deref(), Some("b"));
    assert_eq!(owner("b.test").await.as_deref(), Some("b"));
    assert_eq!(owner("elsewhere.test").await.as_deref(), Some("a"));
    assert_eq!(owner("c.test").await, None);
}

async fn updates_and_deletes_need_the_current_etag(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let group = store.default_connection_group().await.unwrap();
    let id = TenantId::parse("t").unwrap();
    let changed = |enabled, etag: &str| {
        let mut changed = tenant("t", &group);
        changed.name = "another name".into();
        changed.etag = ETag::parse(etag).unwrap();
        changed.spec.enabled = enabled;
        changed
    };
    let delete = |if_match: Option<&str>| Command::DeleteTenant {
        tenant: id.clone(),
        if_match: if_match.map(Into::into),
    };

    let before = store.head().await.unwrap();
    assert_eq!(refused(&store, update(None, changed(false, "E2"))).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, update(Some("E0"), changed(false, "E2"))).await, Refusal::IfMatchStale);
    assert_eq!(refused(&store, delete(None)).await, Refusal::IfMatchInvalid);
    assert_eq!(refused(&store, delete(Some("E1"))).await, Refusal::NotDisabled);
    assert_eq!(store.head().await.unwrap(), before);

    store.commit(update(Some("E1"), changed(false, "E2"))).await.unwrap();
    let stored = store.tenant(TenantKey::Id(id.clone())).await.unwrap().unwrap();
    assert_eq!(
        (stored.record.name.as_str(), stored.position),
        ("name-t", before.0.next()),
        "names do not change"
    );
    assert_eq!(refused(&store, delete(Some("E1"))).await, Refusal::IfMatchStale);
    let gone = store.commit(delete(Some("E2"))).await.unwrap();
    assert_eq!(gone, Outcome::TenantDeleted(before.0.next().next()));
    assert_eq!(store.tenant(TenantKey::Id(id.clone())).await.unwrap(), None);
    assert_eq!(store.tenant(TenantKey::Domain("t.test".into())).await.unwrap(), None);
    assert_eq!(refused(&store, delete(Some("E2"))).await, Refusal::NoSuchTenant);
    assert_eq!(refused(&store, update(Some("E2"), changed(true, "E3"))).await, Refusal::NoSuchTenant);
}

async fn a_tenant_made_again_inherits_nothing(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let group = store.default_connection_group().await.unwrap();
    store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap();
    let mut disabled = tenant("t", &group);
    disabled.spec.enabled = false;
    let if_match = Some("E1".to_owned());
    store.commit(update(Some("E1"), disabled)).await.unwrap();
    let old = TenantId::parse("t").unwrap();
    store.commit(Command::DeleteTenant { tenant: old.clone(), if_match }).await.unwrap();

    let mut again = tenant("t2", &group);
    again.name = "name-t".into();
    again.spec.domains = vec!["t.test".into()];
    assert!(matches!(store.commit(create(again)).await.unwrap(), Outcome::Tenant(_)));
    let (birth, _) = as_invalidation(store.commit(invalidate("t2", "I2", "ref", &["/other"])).await.unwrap());
    assert_eq!(birth, Birth::New, "the name's earlier bearer used this reference, not this tenant");
    let (listed, _) = items(
        store.invalidations(&Scope::Tenant(TenantId::parse("t2").unwrap()), page(None, 9)).await.unwrap(),
    );
    assert_eq!(listed.len(), 1);
    let old = Scope::Tenant(old);
    assert_eq!(store.invalidation(&old, &InvalidationId::parse("I1").unwrap()).await.unwrap(), None);
    assert!(items(store.invalidations(&old, page(None, 9)).await.unwrap()).0.is_empty());
}

async fn one_bad_command_does_not_hurt_the_others(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    store.commit(invalidate("t", "I", "taken", &["/a"])).await.unwrap();
    let before = store.head().await.unwrap().0.get();
    let mut callers = JoinSet::new();
    for n in 0..60 {
        let (store, name) = (store.clone(), format!("I{n}"));
        callers.spawn(async move {
            match n % 3 {
                0 => {
                    as_invalidation(store.commit(invalidate("t", &name, &name, &["/a"])).await.unwrap()).0
                        == Birth::New
                }
                1 => matches!(
                    store.commit(invalidate("t", &name, "taken", &["/b"])).await,
                    Ok(Outcome::Refused(Refusal::CallerReferenceConflict { .. }))
                ),
                // An id that was given out before: only a bug makes it, and it fails alone, after its entry was appended.
                _ => matches!(
                    store.commit(invalidate("t", "I", &name, &["/a"])).await,
                    Err(StoreError::Command { .. })
                ),
            }
        });
    }
    assert!(callers.join_all().await.into_iter().all(|as_expected| as_expected));
    assert_eq!(store.head().await.unwrap().0.get(), before + 20);
    assert_eq!(whole_log(&store, 512).await.len() as u64, before + 20);
    store.health().unwrap();
}

async fn completion_is_monotone_and_durable(world: impl World) {
    let id = InvalidationId::parse("I1").unwrap();
    let t = Scope::Tenant(TenantId::parse("t").unwrap());
    let complete = |position| Command::Protocol(vec![PlaneWrite::Complete(Position::new(position))]);
    {
        let store = world.open();
        furnish(&store, &["t"]).await;
        let made = as_invalidation(store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap()).1;
        assert_eq!((made.position, made.progress), (Position::new(3), Progress::InProgress));
        store.commit(complete(2)).await.unwrap();
        let distribution = store.distribution(&DistributionId::parse("E1").unwrap()).await.unwrap().unwrap();
        assert_eq!(distribution.progress, Progress::Complete);
        assert_eq!(store.invalidation(&t, &id).await.unwrap().unwrap().progress, Progress::InProgress);
        assert_eq!(store.commit(complete(3)).await.unwrap(), Outcome::Recorded);
        store.commit(complete(1)).await.unwrap();
        assert_eq!(store.completed().await.unwrap(), Position::new(3));
    }
    let store = world.open();
    assert_eq!(store.completed().await.unwrap(), Position::new(3));
    assert_eq!(store.invalidation(&t, &id).await.unwrap().unwrap().progress, Progress::Complete);
    let replayed = as_invalidation(store.commit(invalidate("t", "I2", "ref", &["/a"])).await.unwrap()).1;
    assert_eq!(replayed.progress, Progress::Complete, "a replay has the present progress");
}

/// The command with a bound on what may be in progress.
fn bounded(command: Command, paths: u64, wildcards: u64) -> Command {
    match command {
        Command::CreateInvalidation { scope, id, batch, now, .. } => {
            let in_progress_max = PathCount { paths, wildcards };
            Command::CreateInvalidation { scope, id, batch, now, in_progress_max }
        }
        other => other,
    }
}

async fn what_is_in_progress_is_bounded(world: impl World) {
    let store = world.open();
    furnish(&store, &["t", "u"]).await;
    let create =
        |tenant: &str, name: &str, items: &[&str]| bounded(invalidate(tenant, name, name, items), 3, 1);
    let accepted = async |command| as_invalidation(store.commit(command).await.unwrap());
    let first = accepted(create("t", "I1", &["/a", "#tag"])).await.1;
    let second = accepted(create("t", "I2", &["/b", "/c*"])).await.1;
    let head = store.head().await.unwrap();
    for (items, pool) in [
        (&["/d"][..], TooManyInProgress::Paths),
        (&["/d*"], TooManyInProgress::Wildcards),
        (&["/d", "/d*"], TooManyInProgress::Paths),
    ] {
        assert_eq!(refused(&store, create("t", "I3", items)).await, Refusal::TooManyInProgress(pool));
    }
    assert_eq!(store.head().await.unwrap(), head, "a refusal leaves no trace");
    // A replay adds nothing, and another tenant has room of its own.
    assert_eq!(accepted(create("t", "I2", &["/b", "/c*"])).await.0, Birth::Replayed);
    assert_eq!(accepted(create("u", "I3", &["/a", "/b", "/c", "/d*"])).await.0, Birth::New);

    // What completes makes room: two of the three paths first, then the rest.
    let complete = |position| Command::Protocol(vec![PlaneWrite::Complete(position)]);
    store.commit(complete(first.position)).await.unwrap();
    assert_eq!(
        refused(&store, create("t", "I4", &["/d", "/e", "/f"])).await,
        Refusal::TooManyInProgress(TooManyInProgress::Paths)
    );
    accepted(create("t", "I4", &["/d", "/e"])).await;
    store.commit(complete(second.position)).await.unwrap();
    accepted(create("t", "I5", &["/g", "/h*"])).await;
    let refusal = refused(&store, create("t", "I6", &["/i"])).await;
    assert_eq!(refusal, Refusal::TooManyInProgress(TooManyInProgress::Paths));
}

async fn the_bound_holds_within_a_group(world: impl World) {
    const CALLERS: u64 = 64;
    const ROOM: u64 = 10;
    let store = world.open();
    furnish(&store, &["t"]).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        let name = format!("I{caller}");
        callers.spawn(async move {
            store.commit(bounded(invalidate("t", &name, &name, &["/a*"]), 0, ROOM)).await.unwrap()
        });
    }
    let outcomes = callers.join_all().await;
    let accepted = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Invalidation { .. })).count();
    assert_eq!(accepted as u64, ROOM);
}

async fn old_invalidations_go_and_their_references_stay(world: impl World) {
    let store = world.open();
    furnish(&store, &["dt_a"]).await;
    let mut made = Vec::new();
    for number in 0_i64..6 {
        let (id, reference) = (format!("I{number}"), format!("r{number}"));
        let mut command = invalidate("dt_a", &id, &reference, &["/a", "/b"]);
        if let Command::CreateInvalidation { now, .. } = &mut command {
            *now = WallTime::from_millis(NOW.millis() + number);
        }
        made.push(as_invalidation(store.commit(command).await.unwrap()).1);
    }
    let scope = made[0].record.scope.clone();
    let listed = async || items(store.invalidations(&scope, page(None, 10)).await.unwrap()).0.len();
    let prune = async |up_to: Position, before: i64, limit| {
        let created_before = WallTime::from_millis(NOW.millis() + before);
        let over = store.over(Position::ZERO, up_to, created_before, limit).await.unwrap();
        let Some(over) = over else { return 0 };
        assert_eq!(store.over(over, over, created_before, limit).await.unwrap(), None, "nothing twice");
        match store.commit(Command::PruneInvalidations(over)).await.unwrap() {
            Outcome::Pruned(count) => count,
            other => panic!("{other:?}"),
        }
    };
    let all = made[5].position;
    let ids = store.invalidation_ids(made[1].position, made[3].position).await.unwrap();
    let expected = [&made[2], &made[3]].map(|made| (made.position, made.record.id.clone()));
    assert_eq!(ids, expected, "after the first, up to the second");
    // Nothing is complete, so all stay, however old.
    assert_eq!(prune(all, 100, 10).await, 0);
    let early = Command::PruneInvalidations(made[0].position);
    assert_eq!(store.commit(early).await.unwrap(), Outcome::Pruned(0));
    store.commit(Command::Protocol(vec![PlaneWrite::Complete(made[4].position)])).await.unwrap();
    // By time, by position, by number; the oldest first.
    assert_eq!((prune(all, 1, 10).await, listed().await), (1, 5));
    assert_eq!((prune(made[1].position, 100, 10).await, listed().await), (1, 4));
    assert_eq!((prune(all, 100, 2).await, listed().await), (2, 2));
    assert_eq!((prune(all, 100, 10).await, listed().await), (1, 1));

    let found = store.invalidation(&scope, &made[0].record.id).await.unwrap();
    assert_eq!(found, None);
    let ids = store.invalidation_ids(Position::ZERO, all).await.unwrap();
    assert_eq!(ids, [(all, made[5].record.id.clone())]);
    let (birth, replay) =
        as_invalidation(store.commit(invalidate("dt_a", "INEW", "r0", &["/b", "/a"])).await.unwrap());
    assert_eq!(
        (birth, &replay.record.id, replay.position),
        (Birth::Replayed, &made[0].record.id, made[0].position)
    );
    assert_eq!((replay.record.created, replay.progress), (NOW, Progress::Complete));
    let conflict = refused(&store, invalidate("dt_a", "INEW", "r0", &["/c"])).await;
    assert_eq!(conflict, Refusal::CallerReferenceConflict { earlier: made[0].record.id.clone() });
    // What is in progress is counted as before: 2 paths, so there is room for 1 of 3.
    let refusal = refused(&store, bounded(invalidate("dt_a", "I6", "r6", &["/a", "/b"]), 3, 0)).await;
    assert_eq!(refusal, Refusal::TooManyInProgress(TooManyInProgress::Paths));
    store.commit(bounded(invalidate("dt_a", "I6", "r6", &["/a"]), 3, 0)).await.unwrap();
}

async fn members_are_durable(world: impl World) {
    let record = |edge: &str, incarnation, embedded| MemberRecord {
        member: Member { edge: EdgeId::parse(edge).unwrap(), incarnation: Incarnation(incarnation) },
        embedded,
        lease_class: LeaseClass(0),
        hold: std::time::Duration::from_millis(incarnation % 1_000),
    };
    // Incarnations are random: also those beyond a signed number come back.
    let (old, new, embedded) = (record("e", 1, false), record("e", u64::MAX, false), record("f", 7, true));
    {
        let store = world.open();
        let add = [&old, &new, &embedded, &new].map(|record| PlaneWrite::AddMember(record.clone()));
        store.commit(Command::Protocol(add.into())).await.unwrap();
        store.commit(Command::Protocol(vec![PlaneWrite::RemoveMember(old.member.clone())])).await.unwrap();
    }
    let mut durable = world.open().durable().await.unwrap();
    durable.members.sort_by(|a, b| a.member.cmp(&b.member));
    assert_eq!(durable.members, [new, embedded]);
    assert_eq!((durable.head, durable.completed), (Position::ZERO, Position::ZERO));
}

async fn every_start_is_a_new_term(world: impl World) {
    let first = world.open().identity().clone();
    let second = world.open().identity().clone();
    assert_eq!(first.term.0, 1);
    assert_eq!(second.term.0, 2);
    assert_eq!((first.history, &first.account), (second.history, &second.account));
    assert_eq!(first.account, "000000000000");
    assert_eq!(world.open().durable().await.unwrap().term.0, 3);
}

async fn records_come_back_as_given(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let group = store.default_connection_group().await.unwrap();
    let found = store.distribution(&DistributionId::parse("E1").unwrap()).await.unwrap().unwrap();
    assert_eq!(found.record, distribution("E1"));
    assert_eq!(
        found.record.config.to_string(),
        distribution("E1").config.to_string(),
        "members keep their order"
    );
    assert_eq!(found.position, Position::new(1));
    for key in [TenantKey::Id(TenantId::parse("t").unwrap()), TenantKey::Name("name-t".into())] {
        let found = store.tenant(key).await.unwrap().unwrap();
        assert_eq!((found.record, found.position), (tenant("t", &group), Position::new(2)));
    }
    assert_eq!(store.tenant(TenantKey::Name("t".into())).await.unwrap(), None);
    assert_eq!(store.distribution(&DistributionId::parse("E2").unwrap()).await.unwrap(), None);
}

async fn a_snapshot_is_the_configuration(world: impl World) {
    let store = world.open();
    assert!(configuration(&store).await.is_empty());
    furnish(&store, &["b", "a"]).await;
    store.commit(invalidate("a", "I1", "ref", &["/a"])).await.unwrap();
    let group = store.default_connection_group().await.unwrap();
    let wanted = [
        Change::PutDistribution(distribution("E1").spec),
        Change::PutTenant(tenant("a", &group).spec),
        Change::PutTenant(tenant("b", &group).spec),
    ];
    assert_eq!(
        configuration(&store).await,
        wanted,
        "what an invalidation says is in the snapshot's position"
    );
    // Each stretch begins where the one before ended, whatever has come and gone meanwhile.
    let mut stretches = Vec::new();
    let mut from = Some(SnapshotPlace::START);
    while let Some(place) = from {
        let page = store.snapshot(place, 1).await.unwrap();
        stretches.extend(page.changes);
        from = page.next;
        if stretches.len() == 2 {
            store.commit(create(tenant("A", &group))).await.unwrap();
        }
    }
    assert_eq!(stretches, wanted);
}

async fn places_of_other_logs_are_told_apart(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let history = store.identity().history;
    let (position, hash) = store.head().await.unwrap();
    let check = async |history, position, hash, expected| {
        assert_eq!(store.is_past(Applied { history, position, hash }).await.unwrap(), expected);
    };
    check(history, position, hash, true).await;
    check(history, Position::ZERO, Hash::START, true).await;
    check(history, position, Hash::START, false).await;
    check(history, position.next(), hash, false).await;
    check(HistoryId(history.0 ^ 1), position, hash, false).await;
}
