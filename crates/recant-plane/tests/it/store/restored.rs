//! Databases that are restored by PostgreSQL's own means, and a plane that comes back to them.

use std::collections::BTreeSet;

use recant_core::entry::Scope;
use recant_core::position::Position;
use recant_core::protocol::message::Applied;
use recant_plane::clock;
use recant_plane::store::postgres::{
    Candidate, OpenError, PostgresStore, RestoreError, UnsafeSettings, restore,
};
use recant_plane::store::{Birth, Edges, Store};

use super::samples::{NOW, as_invalidation, furnish, invalidate};
use crate::postgres::{self, PgServer};

async fn open(address: &str) -> PostgresStore {
    let candidate = Candidate::new(
        address.parse().unwrap(),
        UnsafeSettings::WithoutStandbys,
        "127.0.0.1:1".to_owned(),
        clock::boot_now,
    );
    candidate.open(NOW).await.unwrap()
}

async fn adopt(address: &str, edges: Edges) -> Result<(), RestoreError> {
    restore(&address.parse().unwrap(), edges, clock::boot_now).await
}

/// A place that an edge may have been told of.
async fn place(store: &PostgresStore) -> Applied {
    let (position, hash) = store.head().await.unwrap();
    Applied { history: store.identity().history, position, hash }
}

/// The plane has what the backup has, and no edge of before can take it for the plane that was.
async fn is_restored(store: &PostgresStore, before: Applied, members: usize) {
    assert_eq!(store.head().await.unwrap(), (before.position, before.hash));
    assert_ne!(store.identity().history, before.history);
    assert!(!store.is_past(before).await.unwrap());
    assert_eq!(store.durable().await.unwrap().members.len(), members);
    let again = store.commit(invalidate("t", "I9", "first", &["/a"])).await.unwrap();
    let (birth, found) = as_invalidation(again);
    assert_eq!((birth, found.record.id.as_str()), (Birth::Replayed, "I1"));
    let second = store.commit(invalidate("t", "I3", "second", &["/c"])).await.unwrap();
    assert_eq!(as_invalidation(second).0, Birth::New, "what came after the backup is gone");
}

/// A database with an invalidation that a backup holds, and one that it does not.
async fn furnished(address: &str, back_up: impl FnOnce()) -> Applied {
    let store = open(address).await;
    furnish(&store, &["t"]).await;
    store.commit(invalidate("t", "I1", "first", &["/a"])).await.unwrap();
    let before = place(&store).await;
    back_up();
    store.commit(invalidate("t", "I2", "second", &["/b"])).await.unwrap();
    before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pg_restore_makes_never_serves_as_the_old_history() {
    let server = postgres::shared();
    let address = server.make_database_named("dumped");
    let before = furnished(&address, || server.dump("dumped", "dumped.dump")).await;

    // Another database, and the same one again: nobody has said that it is a copy.
    let mut histories = BTreeSet::from([before.history.0]);
    let copy = server.make_database_named("copied");
    for address in [&copy, &address] {
        server.restore("dumped.dump", address.rsplit('/').next().unwrap());
        is_restored(&open(address).await, before, 1).await;
        // What has been noticed once is not noticed again.
        let history = open(address).await.identity().history;
        assert_eq!(open(address).await.identity().history, history);
        assert!(histories.insert(history.0), "each copy has a history of its own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_standby_is_the_same_place_and_a_copied_server_has_to_be_told_so() {
    let server = PgServer::start("");
    let address = server.make_database_named("planes");
    let mut copy = None;
    let before = furnished(&address, || copy = Some(server.standby(&server.primary_conninfo("copy")))).await;
    let copy = copy.unwrap();
    // Whether it has received the second one is no matter here.
    copy.promote();
    let copied = copy.address("planes");
    let history = open(&copied).await.identity().history;
    assert_eq!(history, before.history, "a fail-over begins no new history");

    // A copy of a server cannot be told from its standby, so somebody has to say what it is.
    adopt(&copied, Edges::AreStopped).await.unwrap();
    let store = open(&copied).await;
    assert_ne!(store.identity().history, history);
    assert!(!store.is_past(before).await.unwrap());
    assert_eq!(store.durable().await.unwrap().members, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_made_ready_while_no_plane_runs() {
    let server = postgres::shared();
    let address = server.make_database_named("ready");
    let before = furnished(&address, || server.dump("ready", "ready.dump")).await;
    for (edges, members) in [(Edges::MayRun, 1), (Edges::AreStopped, 0)] {
        server.restore("ready.dump", "ready");
        // The dump was taken while a plane held the term, which is not one that runs on this copy.
        adopt(&address, edges).await.unwrap();
        let store = open(&address).await;
        is_restored(&store, before, members).await;
        let running = adopt(&address, edges).await;
        assert!(matches!(&running, Err(RestoreError::InUse(Some(at))) if at == "127.0.0.1:1"), "{running:?}");
        assert_eq!(place(&store).await.history, store.identity().history);
        store.health().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_whole_copy_is_not_made_ready() {
    let server = postgres::shared();
    let address = server.make_database_named("broken");
    let nothing = adopt(&address, Edges::MayRun).await;
    assert!(matches!(nothing, Err(RestoreError::Open(OpenError::Nothing))), "{nothing:?}");
    assert_eq!(server.ask("broken", "SELECT count(*) FROM pg_namespace WHERE nspname = 'recant'"), "0");

    let before = furnished(&address, || ()).await;
    // An entry that nobody would look at when a plane starts on a long log.
    server.ask("broken", "UPDATE recant.log SET body = 'x' WHERE position = 2");
    let damaged = adopt(&address, Edges::MayRun).await;
    assert!(
        matches!(&damaged, Err(RestoreError::Open(OpenError::Damaged(at))) if *at == Position::new(2)),
        "{damaged:?}"
    );
    let history = server.ask("broken", "SELECT encode(history, 'hex') FROM recant.plane");
    assert_eq!(history, format!("{:032x}", before.history.0), "it is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_the_first_version_are_brought_up_to_date() {
    let server = postgres::shared();
    let address = server.make_database_named("older");
    furnished(&address, || ()).await;
    for back in [
        "CREATE TABLE recant.tenant_domains (domain TEXT COLLATE \"C\" PRIMARY KEY, \
             tenant_id TEXT COLLATE \"C\" NOT NULL REFERENCES recant.tenants (id) ON DELETE CASCADE)",
        "INSERT INTO recant.tenant_domains SELECT domain, owner FROM recant.domains",
        "DROP TABLE recant.domains",
        "ALTER TABLE recant.plane DROP COLUMN place",
        "UPDATE recant.plane SET version = 1",
    ] {
        server.ask("older", back);
    }
    let store = open(&address).await;
    let again = store.commit(invalidate("t", "I9", "second", &["/b"])).await.unwrap();
    assert_eq!(as_invalidation(again).0, Birth::Replayed);
    let holder = store.domain_holder("t.test").await.unwrap();
    assert_eq!(holder.as_ref().map(Scope::id), Some("t"), "domains have their holders");
    assert_eq!(server.ask("older", "SELECT version FROM recant.plane"), "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_role_will_do() {
    let server = postgres::shared();
    server.make_database_named("ordinary");
    server.ask("ordinary", "CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE ordinary TO plain");
    let address = server.address("ordinary").replace("recant@", "plain@");
    let before = furnished(&address, || ()).await;
    adopt(&address, Edges::MayRun).await.unwrap();
    assert_ne!(open(&address).await.identity().history, before.history);
}
