//! The data folder: its lock, its small files, their modes.

use std::fs;
use std::path::Path;

use recant_plane::folder::{Addresses, Folder, FolderError, Role, read_addresses, read_root_key};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn one_process_at_a_time() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let folder = Folder::take(&path, Role::Plane).unwrap();
    // A lock belongs to the open file, so a second one in this process stands for another process.
    let error = Folder::take(&path, Role::Plane).unwrap_err();
    assert!(matches!(error, FolderError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    drop(folder);
    Folder::take(&path, Role::Plane).unwrap();
}

#[test]
fn secrets_are_made_once() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("new/data");
    assert_eq!(read_root_key(&path).unwrap(), None);
    let folder = Folder::take(&path, Role::Plane).unwrap();
    let (key, secret) = (folder.root_key().unwrap(), folder.edge_secret().unwrap());
    assert_eq!((key.access_key_id.len(), key.secret_access_key.len()), (20, 40));
    assert!(key.access_key_id.starts_with("AKIA"));
    assert!(!format!("{key:?}").contains(&key.secret_access_key), "no log shows it");
    drop(folder);
    let folder = Folder::take(&path, Role::Plane).unwrap();
    assert_eq!(folder.root_key().unwrap(), key);
    assert_eq!(read_root_key(&path).unwrap(), Some(key.clone()));
    assert_eq!(folder.edge_secret().unwrap().to_hex(), secret.to_hex());
    let ini = fs::read_to_string(path.join("credentials")).unwrap();
    let expected = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.access_key_id, key.secret_access_key
    );
    assert_eq!(ini, expected);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let folder = Folder::take(&path, Role::Plane).unwrap();
    folder.root_key().unwrap();
    folder.edge_secret().unwrap();
    folder.publish_addresses(&Addresses::default()).unwrap();
    assert_eq!(mode(&path), 0o700);
    let store = recant_plane::store::sqlite::SqliteStore::open(
        &folder.database(),
        recant_core::time::WallTime::from_millis(0),
    )
    .unwrap();
    let mut names: Vec<String> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            path.file_name().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "addresses.json",
            "credentials",
            "edge-secret",
            "plane.db",
            "plane.db-shm",
            "plane.db-wal",
            "plane.lock"
        ]
    );
    drop(store);
}

#[test]
fn keys_that_cannot_be_read_are_not_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::take(parent.path(), Role::Plane).unwrap();
    let check = |text: &str, reason: &str| {
        fs::write(parent.path().join("credentials"), text).unwrap();
        let error = folder.root_key().unwrap_err().to_string();
        assert!(error.contains("credentials") && error.contains(reason), "{error}");
        assert_eq!(fs::read_to_string(parent.path().join("credentials")).unwrap(), text);
    };
    check("", "[default] has no aws_access_key_id");
    check("[default]\naws_access_key_id = A\n", "no aws_secret_access_key");
    check("[other]\naws_access_key_id = A\naws_secret_access_key = B\n", "no aws_access_key_id");
    fs::write(parent.path().join("edge-secret"), "short").unwrap();
    assert!(matches!(folder.edge_secret(), Err(FolderError::Malformed { .. })));
}

#[test]
fn addresses_come_and_go() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::take(parent.path(), Role::Plane).unwrap();
    assert_eq!(read_addresses(parent.path()).unwrap(), None);
    let addresses = Addresses {
        shield: None,
        api: Some("127.0.0.1:4580".into()),
        viewer: Some("127.0.0.1:8080".into()),
        viewer_tls: None,
        metrics: None,
    };
    folder.publish_addresses(&addresses).unwrap();
    folder.publish_addresses(&addresses).unwrap();
    assert_eq!(read_addresses(parent.path()).unwrap(), Some(addresses));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(parent.path().join("addresses.json")).unwrap()).unwrap();
    assert_eq!(json, serde_json::json!({ "api": "127.0.0.1:4580", "viewer": "127.0.0.1:8080" }));
    folder.withdraw_addresses().unwrap();
    folder.withdraw_addresses().unwrap();
    assert_eq!(read_addresses(parent.path()).unwrap(), None);
}
