//! Access keys: their rows. The table in memory is the one of every store ([`crate::store::key_table`]).

use recant_core::limits::KEYS_MAX;
use recant_core::time::WallTime;

use super::apply::{Stop, Tx};
use super::queries;
use super::rows;
use super::session::{Result, Session};
use crate::store::command::{KeyChange, Outcome, Refusal};
use crate::store::records::{KeyRecord, Listing, Page};

/// Makes a key.
pub(super) async fn create(tx: &Tx<'_>, key: &KeyRecord) -> std::result::Result<Outcome, Stop> {
    if rows::unsigned(&tx.one("SELECT count(*) FROM keys", &[]).await?, 0)? >= KEYS_MAX as u64 {
        return Err(Refusal::TooManyKeys.into());
    }
    tx.execute(
        "INSERT INTO keys (id, secret, name, policy, is_active, created, modified)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &key.id,
            &key.secret,
            &key.name,
            &rows::json(&key.policy),
            &key.is_active,
            &key.created.millis(),
            &key.modified.millis(),
        ],
    )
    .await?;
    Ok(Outcome::Key(Box::new(key.clone())))
}

/// Changes what is said of the key as it is now.
pub(super) async fn update(
    tx: &Tx<'_>,
    id: &str,
    change: &KeyChange,
    now: WallTime,
) -> std::result::Result<Outcome, Stop> {
    let sql = format!("SELECT {} FROM keys WHERE id = $1", rows::KEY);
    let found = tx.row(&sql, &[&super::sought(id)]).await?.ok_or(Refusal::NoSuchKey)?;
    let mut key = rows::key(&found)?;
    change.apply(&mut key, now);
    tx.execute(
        "UPDATE keys SET name = $2, policy = $3, is_active = $4, modified = $5 WHERE id = $1",
        &[&key.id, &key.name, &rows::json(&key.policy), &key.is_active, &key.modified.millis()],
    )
    .await?;
    Ok(Outcome::Key(Box::new(key)))
}

/// Removes a key.
pub(super) async fn delete(tx: &Tx<'_>, id: &str) -> std::result::Result<Outcome, Stop> {
    match tx.execute("DELETE FROM keys WHERE id = $1", &[&super::sought(id)]).await? {
        0 => Err(Refusal::NoSuchKey.into()),
        _ => Ok(Outcome::KeyDeleted(id.to_owned())),
    }
}

/// Every key.
pub(super) async fn all(db: &Session) -> Result<Vec<KeyRecord>> {
    let found = db.rows(&format!("SELECT {} FROM keys", rows::KEY), &[]).await?;
    found.iter().map(rows::key).collect()
}

/// Keys by id.
pub(super) async fn list(db: &Session, page: &Page) -> Result<Listing<KeyRecord>> {
    let after = page.after.as_deref().unwrap_or_default();
    let sql = format!("SELECT {} FROM keys WHERE id > $1 ORDER BY id LIMIT $2", rows::KEY);
    queries::listing(db, &sql, &[&after, &queries::one_more(page)], page, rows::key).await
}
