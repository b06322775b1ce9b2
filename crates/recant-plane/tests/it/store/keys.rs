//! What every store promises of access keys and of the audit log. Run by `conformance!`.

use std::num::NonZeroUsize;

use recant_core::access::Policy;
use recant_core::audit::{self, AuditEntry, AuditRecord, Verdict};
use recant_core::entry::Hash;
use recant_core::limits::PAGE_BYTES_MAX;
use recant_plane::store::{Command, KeyChange, KeyRecord, Outcome, Refusal, Store};

use super::World;
use super::samples::{NOW, items, page, refused};

fn key(id: &str, is_active: bool) -> KeyRecord {
    let policy = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    KeyRecord {
        id: id.into(),
        secret: format!("secret of {id}"),
        name: "for a test".into(),
        policy: serde_json::from_str::<Policy>(policy).unwrap(),
        is_active,
        created: NOW,
        modified: NOW,
    }
}

fn update(id: &str, change: KeyChange) -> Command {
    Command::UpdateKey { id: id.into(), change, now: NOW }
}

/// A change that was begun before another one, and comes after it, brings nothing back.
pub(super) async fn a_keys_changes_undo_nothing_of_each_other(world: impl World) {
    let store = world.open();
    store.commit(Command::CreateKey(Box::new(key("AKIA1", true)))).await.unwrap();
    let rename = || KeyChange { name: Some("renamed".into()), ..KeyChange::default() };
    let nothing = r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let nothing = serde_json::from_str::<Policy>(nothing).unwrap();
    let disable = KeyChange { is_active: Some(false), ..KeyChange::default() };
    let restrict = KeyChange { policy: Some(nothing.clone()), ..KeyChange::default() };
    for change in [disable, restrict, rename()] {
        store.commit(update("AKIA1", change)).await.unwrap();
    }
    let now = KeyRecord { name: "renamed".into(), policy: nothing, ..key("AKIA1", false) };
    assert_eq!(*store.key("AKIA1").await.unwrap().expect("there"), now);

    store.commit(Command::DeleteKey("AKIA1".into())).await.unwrap();
    assert_eq!(refused(&store, update("AKIA1", rename())).await, Refusal::NoSuchKey);
    assert_eq!(store.key("AKIA1").await.unwrap(), None);
    drop(store);
    assert_eq!(items(world.open().keys(page(None, 9)).await.unwrap()), (Vec::new(), false));
}

pub(super) async fn keys_are_found_as_committed(world: impl World) {
    let store = world.open();
    for id in ["AKIA2", "AKIA1", "AKIA3"] {
        let made = store.commit(Command::CreateKey(Box::new(key(id, true)))).await.unwrap();
        assert_eq!(made, Outcome::Key(Box::new(key(id, true))));
        assert_eq!(*store.key(id).await.unwrap().expect("made"), key(id, true));
    }
    let disable = KeyChange { is_active: Some(false), ..KeyChange::default() };
    store.commit(update("AKIA1", disable)).await.unwrap();
    assert!(!store.key("AKIA1").await.unwrap().expect("there").is_active);
    let gone = store.commit(Command::DeleteKey("AKIA3".into())).await.unwrap();
    assert_eq!(gone, Outcome::KeyDeleted("AKIA3".into()));
    assert_eq!(store.key("AKIA3").await.unwrap(), None);
    assert_eq!(refused(&store, Command::DeleteKey("AKIA3".into())).await, Refusal::NoSuchKey);
    drop(store);

    let store = world.open();
    let (first, more) = items(store.keys(page(None, 1)).await.unwrap());
    assert_eq!((first, more), (vec![key("AKIA1", false)], true));
    let (rest, more) = items(store.keys(page(Some("AKIA1"), 9)).await.unwrap());
    assert_eq!((rest, more), (vec![key("AKIA2", true)], false));
    assert_eq!(*store.key("AKIA2").await.unwrap().expect("kept"), key("AKIA2", true));
}

fn record(n: u64) -> AuditRecord {
    AuditRecord {
        time: NOW,
        request_id: n.to_string(),
        access_key_id: None,
        action: "cloudfront:ListDistributions".into(),
        resources: vec!["*".into()],
        decision: Verdict::Allowed,
        left_out: 0,
    }
}

pub(super) async fn the_audit_log_holds_together(world: impl World) {
    const KEPT: u64 = 700;
    let store = world.open();
    for n in 1..=2_500 {
        store.note(record(n), KEPT).await.unwrap();
    }
    // What is committed later is on disk later.
    store.commit(Command::CreateKey(Box::new(key("AKIA1", true)))).await.unwrap();
    drop(store);
    let store = world.open();
    let (oldest, more) = items(store.audited(0, NonZeroUsize::MIN).await.unwrap());
    assert!(more);
    let oldest = oldest.first().expect("the log is not empty");
    assert_eq!(oldest.number, 2_000 - KEPT + 1, "cut off at the last whole piece");
    let (rest, more) = items(store.audited(oldest.number, NonZeroUsize::MAX).await.unwrap());
    assert!(!more);
    assert_eq!(audit::check(oldest.number, oldest.link, &rest).map(|(number, _)| number), Ok(2_500));
    assert_eq!(serde_json::from_str::<AuditRecord>(&rest[0].text).unwrap(), record(oldest.number + 1));
}

pub(super) async fn a_page_of_long_records_has_fewer(world: impl World) {
    const RECORDS: u64 = 7;
    let store = world.open();
    for n in 1..=RECORDS {
        let long = AuditRecord { resources: vec!["x".repeat(PAGE_BYTES_MAX * 2 / 5)], ..record(n) };
        store.note(long, 1_000).await.unwrap();
    }
    // It is on disk together with what comes later.
    store.commit(Command::CreateKey(Box::new(key("AKIA1", true)))).await.unwrap();
    let (mut found, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let after = found.last().map_or(0, |entry: &AuditEntry| entry.number);
        let (page, more) = items(store.audited(after, NonZeroUsize::MAX).await.unwrap());
        sizes.push(page.len());
        found.extend(page);
        if !more {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1], "as many as there is room for, and one");
    assert_eq!(audit::check(0, Hash::START, &found).map(|(number, _)| number), Ok(RECORDS));
    let (none, more) = items(store.audited(RECORDS, NonZeroUsize::MAX).await.unwrap());
    assert_eq!((none, more), (Vec::new(), false));
}
