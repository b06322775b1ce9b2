//! A backup taken while the plane runs, and a plane started on it.

use std::fs;
use std::path::Path;

use recant_core::protocol::message::Applied;
use recant_plane::backup::{BackupError, Edges, back_up, restore};
use recant_plane::folder::{Folder, Role};
use recant_plane::store::sqlite::{OpenError, SqliteStore};
use recant_plane::store::{Birth, Store};

use crate::store::samples::{NOW, as_invalidation, furnish, invalidate};

/// A plane's folder with a store that is in use, and a place for what is made of it.
struct Bed {
    parent: tempfile::TempDir,
    store: SqliteStore,
    _folder: Folder,
}

impl Bed {
    async fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::take(&parent.path().join("data"), Role::Plane).unwrap();
        folder.root_key().unwrap();
        folder.edge_secret().unwrap();
        let store = SqliteStore::open(&folder.database(), NOW).unwrap();
        furnish(&store, &["t"]).await;
        store.commit(invalidate("t", "I1", "first", &["/a"])).await.unwrap();
        Self { parent, store, _folder: folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.parent.path().join(name)
    }

    fn back_up(&self) {
        back_up(&self.path("data"), &self.path("backup")).unwrap();
    }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("plane.db"), NOW).unwrap()
}

#[tokio::test]
async fn what_was_accepted_before_is_there_and_edges_can_tell() {
    let bed = Bed::new().await;
    let (position, hash) = bed.store.head().await.unwrap();
    let history = bed.store.identity().history;
    bed.back_up();
    bed.store.commit(invalidate("t", "I2", "second", &["/b"])).await.unwrap();

    let restored = bed.path("restored");
    restore(&bed.path("backup"), &restored, Edges::MayRun).unwrap();
    for name in ["credentials", "edge-secret"] {
        assert_eq!(fs::read(restored.join(name)).unwrap(), fs::read(bed.path("data").join(name)).unwrap());
    }
    let store = open(&restored);
    assert_eq!(store.head().await.unwrap(), (position, hash));
    let again = store.commit(invalidate("t", "I9", "first", &["/a"])).await.unwrap();
    let (birth, found) = as_invalidation(again);
    assert_eq!((birth, found.record.id.as_str()), (Birth::Replayed, "I1"));
    // An edge of the plane that was is not on this log, though position and hash are those of its past.
    assert_ne!(store.identity().history, history);
    assert!(!store.is_past(Applied { history, position, hash }).await.unwrap());
}

#[tokio::test]
async fn edges_that_nobody_knows_are_waited_for() {
    let bed = Bed::new().await;
    bed.back_up();
    let members = |edges| {
        let place = bed.path(&format!("{edges:?}"));
        restore(&bed.path("backup"), &place, edges).unwrap();
        open(&place)
    };
    let waited_for = members(Edges::MayRun).durable().await.unwrap().members;
    assert_eq!(waited_for.len(), 1);
    assert!(waited_for[0].hold >= recant_core::limits::LEASE_MAX && !waited_for[0].embedded);
    assert_eq!(members(Edges::AreStopped).durable().await.unwrap().members, []);
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let bed = Bed::new().await;
    bed.back_up();
    let backup = bed.path("backup");
    assert!(matches!(back_up(&bed.path("data"), &backup), Err(BackupError::Exists(_))));
    let in_use = restore(&backup, &bed.path("data"), Edges::MayRun);
    assert!(matches!(in_use, Err(BackupError::Folder(_))), "{in_use:?}");
    restore(&backup, &bed.path("other"), Edges::MayRun).unwrap();
    assert!(matches!(restore(&backup, &bed.path("other"), Edges::MayRun), Err(BackupError::Exists(_))));
    assert!(matches!(back_up(&bed.path("nowhere"), &bed.path("b")), Err(BackupError::NoPlane(_))));
    assert!(!bed.path("b").exists());
}

#[tokio::test]
async fn damage_is_found_before_anything_is_done() {
    let bed = Bed::new().await;
    bed.back_up();
    let database = bed.path("backup").join("plane.db");
    let whole = fs::read(&database).unwrap();
    let refused = |what: &str| {
        let place = bed.path(what);
        let refused = restore(&bed.path("backup"), &place, Edges::MayRun);
        assert!(matches!(refused, Err(BackupError::Copy(_))), "{what}: {refused:?}");
        assert!(!place.join("plane.db").exists(), "{what}");
        let opened = SqliteStore::open(&database, NOW).map(drop);
        assert!(matches!(opened, Err(OpenError::Damaged(_) | OpenError::Sqlite(_))), "{what}: {opened:?}");
    };
    let tamper = |sql: &str| {
        fs::write(&database, &whole).unwrap();
        rusqlite::Connection::open(&database).unwrap().execute_batch(sql).unwrap();
    };
    tamper("UPDATE log SET body = x'00' WHERE position = 2");
    refused("a body");
    tamper("DELETE FROM log WHERE position = 2");
    refused("a gap");
    tamper("UPDATE head SET position = position + 1");
    refused("an end that is not there");
    fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    refused("half a file");
}
