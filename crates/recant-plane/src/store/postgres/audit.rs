//! The audit log's rows: appended at the end, tied together, and cut off at the beginning when there are too many.

use recant_core::audit::{self, AuditEntry, AuditRecord};
use recant_core::entry::Hash;

use super::apply::{Stop, Tx};
use super::rows;
use super::session::{Result, Session};
use crate::store::command::Outcome;

/// Records are cut off in pieces of this many, so that not every append has something to delete.
const CUT: u64 = 1_000;

/// Appends a record, and cuts off the oldest when there are more than `keep` and some.
pub(super) async fn append(
    tx: &Tx<'_>,
    record: &AuditRecord,
    keep: u64,
) -> std::result::Result<Outcome, Stop> {
    let text = rows::json(record);
    let (last, before) = end(tx).await?;
    let number = last + 1;
    let link = audit::link(before, number, &text);
    tx.execute(
        "INSERT INTO audit (number, link, record) VALUES ($1, $2, $3)",
        &[&rows::integer(number), &&link.0[..], &text],
    )
    .await?;
    if number % CUT == 0 {
        // The newest one stays in any case: the chain goes on from it.
        let first = number.saturating_sub(keep.max(1)) + 1;
        tx.execute("DELETE FROM audit WHERE number < $1", &[&rows::integer(first)]).await?;
    }
    Ok(Outcome::Recorded)
}

/// The records after a number, in order.
pub(super) async fn after(db: &Session, number: u64, limit: usize) -> Result<Vec<AuditEntry>> {
    let sql = "SELECT number, link, record FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
    let found = db.rows(sql, &[&rows::integer(number), &rows::limit(limit)]).await?;
    let entry = |row| {
        Ok(AuditEntry {
            number: rows::unsigned(row, 0)?,
            link: rows::hash(row, 1)?,
            text: rows::get(row, 2)?,
        })
    };
    found.iter().map(entry).collect()
}

/// The number and the link of the last record.
async fn end(db: &Session) -> Result<(u64, Hash)> {
    let last = db.row("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1", &[]).await?;
    last.map_or(Ok((0, Hash::START)), |row| Ok((rows::unsigned(&row, 0)?, rows::hash(&row, 1)?)))
}
