//! The audit log's rows: appended at the end, tied together, and cut off at the beginning when there are too many.

use std::num::NonZeroUsize;

use recant_core::audit::{self, AuditEntry};
use recant_core::entry::Hash;
use recant_core::limits::PAGE_BYTES_MAX;

use super::apply::Tx;
use super::session::{Result, Session};
use super::{queries, rows};
use crate::store::records::{Listing, Page};

/// Records are cut off in pieces of this many, so that not every append has something to delete.
const CUT: u64 = 1_000;

/// Appends records' texts, each with how many are kept, and cuts off the oldest when there are more than that and some.
pub(super) async fn append_all(tx: &Tx<'_>, records: &[(&str, u64)]) -> Result<()> {
    let (mut number, mut link) = end(tx).await?;
    let (mut numbers, mut links, mut texts, mut first) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (text, keep) in records {
        number += 1;
        link = audit::link(link, number, text);
        numbers.push(rows::integer(number));
        links.push(link);
        texts.push(*text);
        if number % CUT == 0 {
            // The newest one stays in any case: the chain goes on from it.
            first = Some(number.saturating_sub((*keep).max(1)) + 1);
        }
    }
    let links: Vec<&[u8]> = links.iter().map(|link| &link.0[..]).collect();
    let sql = "INSERT INTO audit (number, link, record) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[])";
    tx.execute(sql, &[&numbers, &links, &texts]).await?;
    if let Some(first) = first {
        tx.execute("DELETE FROM audit WHERE number < $1", &[&rows::integer(first)]).await?;
    }
    Ok(())
}

/// The records after a number, in order.
pub(super) async fn after(db: &Session, number: u64, limit: NonZeroUsize) -> Result<Listing<AuditEntry>> {
    let page = Page { after: None, limit };
    // The lengths first, so that no more is read than is given.
    let lengths = "SELECT octet_length(record) FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
    let lengths = db.rows(lengths, &[&rows::integer(number), &queries::one_more(&page)]).await?;
    let (mut count, mut bytes) = (0, 0);
    for row in &lengths {
        if count == limit.get() || bytes > PAGE_BYTES_MAX {
            break;
        }
        bytes += usize::try_from(rows::get::<i32>(row, 0)?).unwrap_or_default();
        count += 1;
    }
    let sql = "SELECT number, link, record FROM audit WHERE number > $1 ORDER BY number LIMIT $2";
    let found = db.rows(sql, &[&rows::integer(number), &rows::limit(count)]).await?;
    let entry = |row| {
        Ok(AuditEntry {
            number: rows::unsigned(row, 0)?,
            link: rows::hash(row, 1)?,
            text: rows::get(row, 2)?,
        })
    };
    let items = found.iter().map(entry).collect::<Result<_>>()?;
    Ok(Listing::Page { items, more: lengths.len() > count })
}

/// The number and the link of the last record.
async fn end(db: &Session) -> Result<(u64, Hash)> {
    let last = db.row("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1", &[]).await?;
    last.map_or(Ok((0, Hash::START)), |row| Ok((rows::unsigned(&row, 0)?, rows::hash(&row, 1)?)))
}
