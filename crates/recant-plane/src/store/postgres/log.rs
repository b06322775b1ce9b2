//! The end of the log: the only place that writes entries.

use recant_core::entry::{Change, Entry, Hash};
use recant_core::position::Position;

use super::apply::{Stop, Tx};
use super::rows;
use crate::store::spelled::SpelledChange;

/// Appends a change and gives its place.
///
/// The place comes from the one row of `head`, which the transaction of a group reads at its beginning and writes at its
/// end: the row of the term, locked in between, lets one transaction at a time do so. A sequence would burn numbers on
/// refusals and be visible out of order; `max(position) + 1` would hand a number out again once the log is truncated.
pub(super) async fn append(tx: &Tx<'_>, change: &Change) -> Result<Position, Stop> {
    append_spelled(tx, &SpelledChange::of(change)?).await
}

/// Appends a change that is spelled.
pub(super) async fn append_spelled(tx: &Tx<'_>, change: &SpelledChange) -> Result<Position, Stop> {
    let positions = append_all(tx, &[change]).await?;
    Ok(*positions.first().expect("each change has a place"))
}

/// Appends changes, in one statement however many they are, and gives their places.
pub(super) async fn append_all(tx: &Tx<'_>, changes: &[&SpelledChange]) -> Result<Vec<Position>, Stop> {
    let (mut head, mut hash) = tx.end();
    let mut entries = Vec::with_capacity(changes.len());
    for change in changes {
        let entry = change.entry(hash, head.next());
        (head, hash) = (entry.position, entry.hash());
        entries.push((entry, hash));
    }
    insert(tx, &entries).await?;
    tx.move_end(head, hash);
    Ok(entries.iter().map(|(entry, _)| entry.position).collect())
}

async fn insert(tx: &Tx<'_>, entries: &[(Entry, Hash)]) -> Result<(), Stop> {
    /// A column of all of them.
    macro_rules! column {
        ($entry:ident, $hash:ident => $value:expr) => {
            entries.iter().map(|($entry, $hash)| $value).collect::<Vec<_>>()
        };
    }
    let (scopes, scope_ids): (Vec<_>, Vec<_>) =
        entries.iter().map(|(entry, _)| rows::scope_columns(&entry.scope)).unzip();
    tx.execute(
        "INSERT INTO log (position, prev_hash, hash, scope, scope_id, kind, body_hash, body)
         SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::smallint[], $5::text[], $6::integer[],
                $7::bytea[], $8::bytea[])",
        &[
            &column!(entry, _hash => rows::integer(entry.position.get())),
            &column!(entry, _hash => &entry.prev_hash.0[..]),
            &column!(_entry, hash => &hash.0[..]),
            &scopes,
            &scope_ids,
            &column!(entry, _hash => i32::from(entry.kind.0)),
            &column!(entry, _hash => &entry.body_hash.0[..]),
            &column!(entry, _hash => &entry.body[..]),
        ],
    )
    .await?;
    Ok(())
}
