//! Access keys: their rows. The table in memory is the one of every store ([`crate::store::key_table`]).

use recant_core::limits::KEYS_MAX;
use recant_core::time::WallTime;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::Stop;
use super::{queries, rows};
use crate::store::command::{KeyChange, Outcome, Refusal};
use crate::store::records::{KeyRecord, Listing, Page};
use crate::store::spelling;

const COLUMNS: &str = "id, secret, name, policy, is_active, created, modified";

/// Every key.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM keys"))?.query_map([], key)?.collect()
}

/// Makes a key.
pub(super) fn create(db: &Connection, key: &KeyRecord) -> Result<Outcome, Stop> {
    let count = db.query_row("SELECT count(*) FROM keys", [], |row| rows::unsigned(row, 0))?;
    if count >= KEYS_MAX as u64 {
        return Err(Refusal::TooManyKeys.into());
    }
    db.prepare_cached(&format!("INSERT INTO keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?
        .execute(params![
            key.id,
            key.secret,
            key.name,
            spelling::json(&key.policy),
            key.is_active,
            key.created.millis(),
            key.modified.millis(),
        ])?;
    Ok(Outcome::Key(Box::new(key.clone())))
}

/// Changes what is said of the key as it is now.
pub(super) fn update(db: &Connection, id: &str, change: &KeyChange, now: WallTime) -> Result<Outcome, Stop> {
    let mut key = get(db, id)?.ok_or(Refusal::NoSuchKey)?;
    change.apply(&mut key, now);
    db.prepare_cached("UPDATE keys SET name = ?2, policy = ?3, is_active = ?4, modified = ?5 WHERE id = ?1")?
        .execute(params![id, key.name, spelling::json(&key.policy), key.is_active, key.modified.millis()])?;
    Ok(Outcome::Key(Box::new(key)))
}

/// Removes a key.
pub(super) fn delete(db: &Connection, id: &str) -> Result<Outcome, Stop> {
    match db.prepare_cached("DELETE FROM keys WHERE id = ?1")?.execute([id])? {
        0 => Err(Refusal::NoSuchKey.into()),
        _ => Ok(Outcome::KeyDeleted(id.to_owned())),
    }
}

/// Keys by id.
pub(super) fn list(db: &Connection, page: &Page) -> rusqlite::Result<Listing<KeyRecord>> {
    let after = page.after.as_deref().unwrap_or_default();
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE id > ?1 ORDER BY id LIMIT ?2");
    queries::listing(db, &sql, params![after, queries::one_more(page)], page, key)
}

fn get(db: &Connection, id: &str) -> rusqlite::Result<Option<KeyRecord>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE id = ?1"))?.query_row([id], key).optional()
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    Ok(KeyRecord {
        id: row.get(0)?,
        secret: row.get(1)?,
        name: row.get(2)?,
        policy: rows::from_json(row, 3)?,
        is_active: row.get(4)?,
        created: rows::wall_time(row, 5)?,
        modified: rows::wall_time(row, 6)?,
    })
}
