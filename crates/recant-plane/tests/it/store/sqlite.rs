//! What the embedded store promises besides.

use std::path::PathBuf;

use recant_core::entry::Scope;
use recant_plane::store::sqlite::{OpenError, SqliteStore};
use recant_plane::store::{Birth, Store, StoreError, Tags, TenantFilter, TenantKey};

use super::World;
use super::samples::{NOW, as_invalidation, furnish, invalidate, items, page};

/// A temporary folder with one database in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    fn path(&self) -> PathBuf {
        self.0.path().join("plane.db")
    }

    /// Works on the file behind the store's back.
    pub(crate) fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

impl Folder {
    /// Every table and index, as SQLite keeps them.
    fn schema(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.path()).unwrap();
        let mut sql =
            db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        sql.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// How many rows name a row that is not there.
    fn orphans(&self) -> usize {
        let db = rusqlite::Connection::open(self.path()).unwrap();
        db.prepare("PRAGMA foreign_key_check").unwrap().query_map([], |_| Ok(())).unwrap().count()
    }
}

impl World for Folder {
    type Store = SqliteStore;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), NOW).unwrap()
    }
}

#[tokio::test]
async fn a_newer_version_is_refused_untouched() {
    let folder = Folder::new();
    drop(folder.open());
    folder.tamper("PRAGMA user_version = 7");
    let before = std::fs::read(folder.path()).unwrap();
    let error = SqliteStore::open(&folder.path(), NOW).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 7 }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("version 7") && message.contains("up to 4"), "{message}");
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[tokio::test]
async fn version_1_is_migrated_with_everything_in_it() {
    let folder = Folder::new();
    folder.tamper(include_str!("version_1.sql"));
    let store = folder.open();
    let (found, _) = items(store.tenants(TenantFilter::All, page(None, 9)).await.unwrap());
    let tenants: Vec<_> = found.iter().map(|found| found.record.clone()).collect();
    let names: Vec<_> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    assert_eq!(names, ["one", "three"]);
    assert_eq!(tenants[0].spec.domains, ["one.example", "*.two.example"]);
    let tags = [("empty".to_owned(), String::new()), ("plan".to_owned(), "gold".to_owned())];
    assert_eq!(tenants[0].tags, Tags::from(tags));
    assert_eq!(tenants[0].config.get("Tags"), None);
    assert_eq!(tenants[0].config["Name"], "one");
    let default = store.default_connection_group().await.unwrap();
    assert!(tenants.iter().all(|tenant| tenant.tags.is_empty() || tenant.connection_group_id == default));
    for domain in ["one.example", "*.two.example", "three.example"] {
        let found = store.tenant(TenantKey::Domain(domain.into())).await.unwrap();
        assert!(found.is_some(), "{domain}");
    }
    let (distributions, _) = items(
        store.distributions(recant_plane::store::DistributionFilter::All, page(None, 9)).await.unwrap(),
    );
    assert_eq!(distributions[0].record.caller_reference, "before");
    assert!(distributions[0].record.tags.is_empty());

    // What was accepted is still there, and its reference is still known.
    let scope = Scope::Tenant(tenants[0].id.clone());
    let (invalidations, _) = items(store.invalidations(&scope, page(None, 9)).await.unwrap());
    let id = invalidations[0].record.id.clone();
    let found = store.invalidation(&scope, &id).await.unwrap().unwrap();
    assert_eq!((found.record.items.len(), &found.record.scope), (2, &scope));
    let again = invalidate(tenants[0].id.as_str(), "I9", "r1", &["#tag", "/a*"]);
    let (birth, replayed) = as_invalidation(store.commit(again).await.unwrap());
    assert_eq!((birth, replayed.record.id), (Birth::Replayed, id));
    assert_eq!(store.head().await.unwrap().0.get(), 4);

    // A migrated one is like a new one, and is not migrated again.
    drop(store);
    let store = folder.open();
    assert_eq!(items(store.tenants(TenantFilter::All, page(None, 9)).await.unwrap()).0.len(), 2);
    drop(store);
    let fresh = Folder::new();
    drop(fresh.open());
    assert_eq!(folder.schema(), fresh.schema());
    assert_eq!(folder.orphans(), 0);
}

#[tokio::test]
async fn a_foreign_database_is_refused() {
    let folder = Folder::new();
    folder.tamper("CREATE TABLE somebody_elses (row TEXT)");
    assert!(matches!(SqliteStore::open(&folder.path(), NOW), Err(OpenError::Foreign)));
    std::fs::write(folder.path(), "not a database at all, but long enough to be taken for one, perhaps")
        .unwrap();
    assert!(matches!(SqliteStore::open(&folder.path(), NOW), Err(OpenError::Sqlite(_))));
}

#[tokio::test]
async fn a_failed_commit_stops_the_writer_for_good() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    store.health().unwrap();
    folder.tamper("ALTER TABLE log RENAME TO hidden");
    let failed = store.commit(invalidate("t", "I1", "ref", &["/a"])).await;
    assert!(matches!(failed, Err(StoreError::WriterStopped { .. })), "{failed:?}");
    // The cause is gone, but what is on disk is not known: only a new start may tell.
    folder.tamper("ALTER TABLE hidden RENAME TO log");
    let later = store.commit(invalidate("t", "I1", "ref", &["/a"])).await;
    assert!(matches!(later, Err(StoreError::WriterStopped { .. })), "{later:?}");
    let reason = store.health().unwrap_err().to_string();
    assert!(reason.contains("a commit failed"), "{reason}");
    drop(store);
    let store = folder.open();
    store.health().unwrap();
    store.commit(invalidate("t", "I1", "ref", &["/a"])).await.unwrap();
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    store.head().await.unwrap();
    drop(store);
    let names: Vec<_> =
        std::fs::read_dir(folder.0.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["plane.db"]);
}

#[tokio::test]
async fn who_stops_waiting_undoes_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    furnish(&store, &["t"]).await;
    let mut committed = store.committed();
    committed.mark_unchanged();
    let before = *committed.borrow();
    {
        let mut commit = std::pin::pin!(store.commit(invalidate("t", "I1", "ref", &["/a"])));
        let waker = std::task::Waker::noop();
        assert!(commit.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    assert_eq!(*committed.wait_for(|head| *head > before).await.unwrap(), before.next());
}
