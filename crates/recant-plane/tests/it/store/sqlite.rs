//! What the embedded store promises besides.

use std::path::PathBuf;

use recant_plane::store::sqlite::{OpenError, SqliteStore};
use recant_plane::store::{Store, StoreError};

use super::World;
use super::samples::{NOW, furnish, invalidate};

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
    assert!(message.contains("version 7") && message.contains("up to 2"), "{message}");
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
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
