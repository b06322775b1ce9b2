//! The ledger of invalidations: new, replay or conflict; room; the entry and its detail.

use recant_core::batch::{Fingerprint, InvalidationBatch, PathCount};
use recant_core::entry::{Change, Hash, Scope};
use recant_core::id::InvalidationId;
use recant_core::ledger::{self, Decision};
use recant_core::position::Position;
use recant_core::time::WallTime;
use tokio::try_join;

use super::apply::{Stop, Tx};
use super::session::{Result, Session};
use super::{log, queries, rows};
use crate::store::command::{Birth, Outcome, Refusal};
use crate::store::records::InvalidationRecord;

/// Accepts an invalidation, or finds the one that the scope's `CallerReference` made before.
///
/// All look-ups are sent together, and so are all writes: this is the command that comes a thousand times a second.
pub(super) async fn create(
    tx: &Tx<'_>,
    scope: &Scope,
    id: &InvalidationId,
    batch: &InvalidationBatch,
    now: WallTime,
    in_progress_max: PathCount,
) -> std::result::Result<Outcome, Stop> {
    let owner = rows::owner(scope);
    let reference = Hash::of(batch.caller_reference().as_bytes());
    let (exists, remembered, completed, before, oldest) = try_join!(
        queries::exists(tx, scope),
        remembered(tx, &owner, &reference),
        rows::completed(tx),
        sent_before(tx, &owner),
        before_oldest_in_progress(tx, &owner),
    )?;
    if !exists {
        return Err(match scope {
            Scope::Tenant(_) => Refusal::NoSuchTenant.into(),
            Scope::Distribution(_) => Refusal::NoSuchDistribution.into(),
        });
    }
    match (
        ledger::decide(remembered.as_ref().map(|earlier| &earlier.fingerprint), &batch.fingerprint()),
        remembered,
    ) {
        (Decision::Replay, Some(earlier)) => return replay(tx, scope, batch, earlier, completed).await,
        (Decision::Conflict, Some(Remembered { invalidation: earlier, .. })) => {
            return Err(Refusal::CallerReferenceConflict { earlier }.into());
        }
        (Decision::New, _) | (_, None) => {}
    }

    let count = batch.path_count();
    // All but what the oldest invalidation in progress had before it, so that pruning what is complete changes nothing.
    let in_progress = oldest.map_or_else(PathCount::default, |oldest| PathCount {
        paths: before.paths - oldest.paths,
        wildcards: before.wildcards - oldest.wildcards,
    });
    ledger::room(in_progress, count, in_progress_max).map_err(Refusal::from)?;
    let place = rows::integer(tx.end().0.next().get());
    let change = Change::Invalidate { scope: scope.clone(), patterns: batch.patterns().to_vec() };
    let (position, ..) = try_join!(
        log::append(tx, &change),
        remember(tx, &owner, &reference, batch, id, now, place),
        write_detail(tx, &owner, id, batch, (count, before), now, place),
    )?;
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

/// Writes what is kept of a `CallerReference` for ever.
async fn remember(
    tx: &Tx<'_>,
    owner: &str,
    reference: &Hash,
    batch: &InvalidationBatch,
    id: &InvalidationId,
    now: WallTime,
    place: i64,
) -> std::result::Result<(), Stop> {
    tx.execute(
        "INSERT INTO caller_references (owner, reference_hash, fingerprint, invalidation, created, position)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[&owner, &&reference.0[..], &&batch.fingerprint().0[..], &id.as_str(), &now.millis(), &place],
    )
    .await?;
    Ok(())
}

async fn write_detail(
    tx: &Tx<'_>,
    owner: &str,
    id: &InvalidationId,
    batch: &InvalidationBatch,
    (count, before): (PathCount, PathCount),
    now: WallTime,
    place: i64,
) -> std::result::Result<(), Stop> {
    tx.execute(
        "INSERT INTO invalidations (position, owner, id, caller_reference, items, paths, wildcards,
                paths_before, wildcards_before, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &place,
            &owner,
            &id.as_str(),
            &batch.caller_reference(),
            &rows::json(batch.items()),
            &rows::integer(count.paths),
            &rows::integer(count.wildcards),
            &rows::integer(before.paths),
            &rows::integer(before.wildcards),
            &now.millis(),
        ],
    )
    .await?;
    Ok(())
}

/// How many paths all invalidations of the scope had up to now: what the next one has before it.
async fn sent_before(db: &Session, owner: &str) -> Result<PathCount> {
    let sql = "SELECT paths_before + paths, wildcards_before + wildcards FROM invalidations
               WHERE owner = $1 ORDER BY position DESC LIMIT 1";
    let newest = db.row(sql, &[&owner]).await?;
    newest.map_or_else(|| Ok(PathCount::default()), |row| rows::path_count(&row))
}

/// What the oldest invalidation in progress had before it, if any is in progress.
async fn before_oldest_in_progress(db: &Session, owner: &str) -> Result<Option<PathCount>> {
    let sql = "SELECT paths_before, wildcards_before FROM invalidations
               WHERE owner = $1 AND position > (SELECT completed FROM head) ORDER BY position LIMIT 1";
    db.row(sql, &[&owner]).await?.map(|row| rows::path_count(&row)).transpose()
}

/// Answers a create that was made before: the same id, the original time, the present progress.
///
/// The answer is as durable as a new one's: the transaction writes the row of the term in any case, so that its commit waits for
/// the standbys, and for all that was written before (PURGE.md section 5).
async fn replay(
    tx: &Tx<'_>,
    scope: &Scope,
    batch: &InvalidationBatch,
    earlier: Remembered,
    completed: Position,
) -> std::result::Result<Outcome, Stop> {
    let sql = format!("SELECT {} FROM invalidations WHERE position = $1", rows::INVALIDATION);
    let detail = tx.row(&sql, &[&rows::integer(earlier.position.get())]).await?;
    let invalidation = match detail {
        Some(row) => rows::invalidation(&row, completed)?,
        // Where the detail has been pruned, this batch says the same: it has the same fingerprint.
        None => {
            let record = InvalidationRecord {
                id: earlier.invalidation,
                scope: scope.clone(),
                caller_reference: batch.caller_reference().to_owned(),
                items: batch.items().to_vec(),
                created: earlier.created,
            };
            rows::tracked(record, earlier.position, completed)
        }
    };
    Ok(Outcome::Invalidation { birth: Birth::Replayed, invalidation: Box::new(invalidation) })
}

/// What is kept of a `CallerReference` for ever.
struct Remembered {
    fingerprint: Fingerprint,
    invalidation: InvalidationId,
    created: WallTime,
    position: Position,
}

async fn remembered(db: &Session, owner: &str, reference: &Hash) -> Result<Option<Remembered>> {
    let sql = "SELECT fingerprint, invalidation, created, position FROM caller_references
               WHERE owner = $1 AND reference_hash = $2";
    let Some(row) = db.row(sql, &[&owner, &&reference.0[..]]).await? else { return Ok(None) };
    Ok(Some(Remembered {
        fingerprint: Fingerprint(rows::bytes(&row, 0)?),
        invalidation: rows::word(&row, 1)?,
        created: rows::wall_time(&row, 2)?,
        position: rows::position(&row, 3)?,
    }))
}
