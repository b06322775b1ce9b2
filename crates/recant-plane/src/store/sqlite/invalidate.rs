//! The ledger of invalidations: new, replay or conflict; room; the entry and its detail.

use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::Scope;
use recant_core::id::InvalidationId;
use recant_core::ledger::{self, Decision};
use recant_core::position::Position;
use recant_core::time::WallTime;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::apply::Stop;
use super::{log, queries, rows};
use crate::store::command::{Birth, Outcome, Refusal};
use crate::store::records::InvalidationRecord;
use crate::store::spelled::SpelledInvalidation;

/// What the scope's `CallerReference` made before, if it was sent with the same paths then.
pub(super) fn find_earlier(
    db: &Connection,
    scope: &Scope,
    spelled: &SpelledInvalidation,
) -> Result<Option<Remembered>, Stop> {
    if !queries::exists(db, scope)? {
        return Err(match scope {
            Scope::Tenant(_) => Refusal::NoSuchTenant.into(),
            Scope::Distribution(_) => Refusal::NoSuchDistribution.into(),
        });
    }
    let remembered = remembered(db, spelled)?;
    let fingerprint = remembered.as_ref().map(|earlier| &earlier.fingerprint);
    match ledger::decide(fingerprint, &spelled.fingerprint) {
        Decision::New => Ok(None),
        Decision::Replay => Ok(remembered),
        Decision::Conflict => {
            let earlier = remembered.expect("only what is remembered can be in conflict").invalidation;
            Err(Refusal::CallerReferenceConflict { earlier }.into())
        }
    }
}

pub(super) fn create(
    db: &Connection,
    scope: &Scope,
    id: &InvalidationId,
    (batch, spelled): (&InvalidationBatch, &SpelledInvalidation),
    now: WallTime,
    in_progress_max: PathCount,
) -> Result<Outcome, Stop> {
    let (completed, owner, count) = (rows::completed(db)?, &spelled.owner, spelled.count);
    let before = sent_before(db, owner)?;
    let in_progress = in_progress(db, owner, before, completed)?;
    ledger::room(in_progress, count, in_progress_max).map_err(Refusal::from)?;
    let position = log::append_spelled(db, spelled.change()?)?;
    let place = rows::integer(position.get());
    db.prepare_cached(
        "INSERT INTO caller_references (owner, reference_hash, fingerprint, invalidation, created, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        owner,
        spelled.reference.0,
        spelled.fingerprint.0,
        id.as_str(),
        now.millis(),
        place
    ])?;
    db.prepare_cached(
        "INSERT INTO invalidations (position, owner, id, caller_reference, items, paths, wildcards,
                paths_before, wildcards_before, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        place,
        owner,
        id.as_str(),
        batch.caller_reference(),
        spelled.items,
        rows::integer(count.paths),
        rows::integer(count.wildcards),
        rows::integer(before.paths),
        rows::integer(before.wildcards),
        now.millis(),
    ])?;
    let record = InvalidationRecord {
        id: id.clone(),
        scope: scope.clone(),
        caller_reference: batch.caller_reference().to_owned(),
        items: batch.items().to_vec(),
        created: now,
    };
    let stored = rows::tracked(record, position, completed);
    Ok(Outcome::Invalidation { birth: Birth::New, invalidation: Box::new(stored) })
}

/// How many paths all invalidations of the scope had up to now: what the next one has before it.
fn sent_before(db: &Connection, owner: &str) -> rusqlite::Result<PathCount> {
    let newest = db
        .prepare_cached(
            "SELECT paths_before + paths, wildcards_before + wildcards FROM invalidations
             WHERE owner = ?1 ORDER BY position DESC LIMIT 1",
        )?
        .query_row([owner], rows::path_count)
        .optional()?;
    Ok(newest.unwrap_or_default())
}

/// How many of those are in progress: all but what the oldest invalidation in progress had before it.
///
/// So two look-ups tell, however many are in progress, and pruning what is complete changes nothing.
fn in_progress(
    db: &Connection,
    owner: &str,
    sent: PathCount,
    completed: Position,
) -> rusqlite::Result<PathCount> {
    let oldest = db
        .prepare_cached(
            "SELECT paths_before, wildcards_before FROM invalidations
             WHERE owner = ?1 AND position > ?2 ORDER BY position LIMIT 1",
        )?
        .query_row(params![owner, rows::integer(completed.get())], rows::path_count)
        .optional()?;
    Ok(oldest.map_or_else(PathCount::default, |before| PathCount {
        paths: sent.paths - before.paths,
        wildcards: sent.wildcards - before.wildcards,
    }))
}

/// Answers a create that was made before: the same id, the original time, the present progress.
pub(super) fn replay(
    db: &Connection,
    scope: &Scope,
    batch: &InvalidationBatch,
    earlier: Remembered,
) -> Result<Outcome, Stop> {
    let completed = rows::completed(db)?;
    let sql = format!("SELECT {} FROM invalidations WHERE position = ?1", rows::INVALIDATION);
    let detail = db
        .prepare_cached(&sql)?
        .query_row([rows::integer(earlier.position.get())], |row| rows::invalidation(row, completed))
        .optional()?;
    // Where the detail has been pruned, this batch says the same: it has the same fingerprint.
    let invalidation = detail.unwrap_or_else(|| {
        let record = InvalidationRecord {
            id: earlier.invalidation,
            scope: scope.clone(),
            caller_reference: batch.caller_reference().to_owned(),
            items: batch.items().to_vec(),
            created: earlier.created,
        };
        rows::tracked(record, earlier.position, completed)
    });
    Ok(Outcome::Invalidation { birth: Birth::Replayed, invalidation: Box::new(invalidation) })
}

/// Removes the oldest details. Sums of what is in progress are differences, so they stay right.
pub(super) fn prune(db: &Connection, up_to: Position) -> Result<Outcome, Stop> {
    let up_to = up_to.min(rows::completed(db)?);
    let pruned = db
        .prepare_cached("DELETE FROM invalidations WHERE position <= ?1")?
        .execute([rows::integer(up_to.get())])?;
    Ok(Outcome::Pruned(u64::try_from(pruned).unwrap_or(u64::MAX)))
}

/// What is kept of a `CallerReference` for ever.
pub(super) struct Remembered {
    fingerprint: recant_core::batch::Fingerprint,
    invalidation: InvalidationId,
    created: WallTime,
    position: Position,
}

fn remembered(db: &Connection, spelled: &SpelledInvalidation) -> rusqlite::Result<Option<Remembered>> {
    db.prepare_cached(
        "SELECT fingerprint, invalidation, created, position FROM caller_references
         WHERE owner = ?1 AND reference_hash = ?2",
    )?
    .query_row(params![spelled.owner, spelled.reference.0], |row| {
        Ok(Remembered {
            fingerprint: recant_core::batch::Fingerprint(row.get(0)?),
            invalidation: rows::word(row, 1)?,
            created: rows::wall_time(row, 2)?,
            position: rows::position(row, 3)?,
        })
    })
    .optional()
}
