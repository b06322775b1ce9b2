//! The end of the log: the only place that writes entries.

use recant_core::entry::Change;
use recant_core::position::Position;
use rusqlite::{Connection, params};

use super::apply::Stop;
use super::rows;
use crate::store::spelled::SpelledChange;

/// Appends a change and gives its place.
///
/// The place comes from the one row of `head`, in the caller's transaction: a sequence would burn numbers on
/// refusals, and `max(position) + 1` would hand a number out again once the log is truncated.
pub(super) fn append(db: &Connection, change: &Change) -> Result<Position, Stop> {
    append_spelled(db, &SpelledChange::of(change)?)
}

/// Appends a change that is spelled.
pub(super) fn append_spelled(db: &Connection, change: &SpelledChange) -> Result<Position, Stop> {
    let (head, hash) = rows::head(db)?;
    let entry = change.entry(hash, head.next());
    let hash = entry.hash();
    let (scope, scope_id) = rows::scope_columns(&entry.scope);
    let position = rows::integer(entry.position.get());
    db.prepare_cached(
        "INSERT INTO log (position, prev_hash, hash, scope, scope_id, kind, body_hash, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        position,
        entry.prev_hash.0,
        hash.0,
        scope,
        scope_id,
        entry.kind.0,
        entry.body_hash.0,
        &entry.body[..],
    ])?;
    db.prepare_cached("UPDATE head SET position = ?1, hash = ?2")?.execute(params![position, hash.0])?;
    Ok(entry.position)
}
