//! The audit log's rows: appended at the end, tied together, and cut off at the beginning when there are too many.

use std::num::NonZeroUsize;

use recant_core::audit::{self, AuditEntry};
use recant_core::entry::Hash;
use rusqlite::{Connection, OptionalExtension, params};

use super::apply::Stop;
use super::{queries, rows};
use crate::store::command::Outcome;
use crate::store::records::{Listing, Page};

/// Records are cut off in pieces of this many, so that not every append has something to delete.
const CUT: u64 = 1_000;

/// Appends a record's text, and cuts off the oldest when there are more than `keep` and some.
pub(super) fn append(db: &Connection, text: &str, keep: u64) -> Result<Outcome, Stop> {
    let (last, before) = end(db)?;
    let number = last + 1;
    let link = audit::link(before, number, text);
    db.prepare_cached("INSERT INTO audit (number, link, record) VALUES (?1, ?2, ?3)")?.execute(params![
        rows::integer(number),
        link.0,
        text
    ])?;
    if number % CUT == 0 {
        // The newest one stays in any case: the chain goes on from it.
        let first = number.saturating_sub(keep.max(1)) + 1;
        db.prepare_cached("DELETE FROM audit WHERE number < ?1")?.execute([rows::integer(first)])?;
    }
    Ok(Outcome::Recorded)
}

/// The records after a number, in order.
pub(super) fn after(
    db: &Connection,
    number: u64,
    limit: NonZeroUsize,
) -> rusqlite::Result<Listing<AuditEntry>> {
    let sql = "SELECT number, link, record FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2";
    let page = Page { after: None, limit };
    queries::listing(db, sql, params![rows::integer(number), queries::one_more(&page)], &page, |row| {
        Ok(AuditEntry { number: rows::unsigned(row, 0)?, link: Hash(row.get(1)?), text: row.get(2)? })
    })
}

/// The number and the link of the last record.
fn end(db: &Connection) -> rusqlite::Result<(u64, Hash)> {
    let last = db
        .prepare_cached("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((rows::unsigned(row, 0)?, Hash(row.get(1)?))))
        .optional()?;
    Ok(last.unwrap_or((0, Hash::START)))
}
