//! `ListAuditRecords`: the audit log, oldest first, as it is tied together.
//!
//! `After` is the number of the last record that the caller has; `IsTruncated` says that more follow, since a page of long records has fewer than
//! `MaxItems`. Each record comes with its number, its link and its exact text, so that
//! the caller can check the chain for himself ([`recant_core::audit`]).

use recant_core::entry::Hash;
use recant_wire::document::Document;

use super::{Context, input};
use crate::error::{ApiError, excerpt};
use crate::ops::input::Names;
use crate::ops::output::{list as list_of, structure, text};
use crate::store::{Command, Listing, Store};

/// A link as 64 hexadecimal digits.
fn hex(link: Hash) -> String {
    link.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn list<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let after = input::optional_text(input, "After").unwrap_or("0");
    let after: u64 = after
        .parse()
        .map_err(|_| ApiError::InvalidArgument(format!("After: '{}' is not a number.", excerpt(after))))?;
    // No record has a number that is larger, and stores know no larger numbers.
    let after = after.min(i64::MAX.unsigned_abs());
    let page = input::page(input, Names::LookedUp)?;
    // Records are written without anybody waiting for them. This is behind all of them, so the caller finds what was decided before.
    context.commit(Command::Protocol(Vec::new())).await?;
    let Listing::Page { items, more } = context.store.audited(after, page.limit).await? else {
        unreachable!("a number is no marker");
    };
    let records = items.into_iter().map(|entry| {
        let number = i64::try_from(entry.number).unwrap_or(i64::MAX);
        structure([
            ("Number", Some(Document::Integer(number))),
            ("Link", text(hex(entry.link))),
            ("Text", text(entry.text)),
        ])
    });
    Ok(structure([("Records", list_of(records)), ("IsTruncated", Some(Document::Boolean(more)))]))
}
