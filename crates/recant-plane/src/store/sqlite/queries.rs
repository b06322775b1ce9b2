//! The questions, each over one connection inside one read transaction.

use recant_core::entry::{Change, Entry, Hash};
use recant_core::id::{DistributionId, InvalidationId, TenantId};
use recant_core::limits::LOG_BYTES_PER_READ_MAX;
use recant_core::position::Position;
use recant_core::protocol::{MemberRecord, PlaneDurable};
use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, params};

use super::rows;
use crate::store::records::{
    ConnectionGroupRecord, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, Listing,
    Page, Snapshot, TenantFilter, TenantKey, TenantRecord, Tracked,
};

pub(super) fn distribution(
    db: &Connection,
    id: &DistributionId,
) -> Result<Option<Tracked<DistributionRecord>>> {
    let completed = rows::completed(db)?;
    let sql = format!("SELECT {} FROM distributions WHERE id = ?1", rows::DISTRIBUTION);
    db.prepare_cached(&sql)?.query_row([id.as_str()], |row| rows::distribution(row, completed)).optional()
}

pub(super) fn distributions(db: &Connection, page: &Page) -> Result<Listing<Tracked<DistributionRecord>>> {
    let completed = rows::completed(db)?;
    let after: Option<i64> = match &page.after {
        None => Some(0),
        Some(marker) => db
            .prepare_cached("SELECT born FROM distributions WHERE id = ?1")?
            .query_row([marker], |row| row.get(0))
            .optional()?,
    };
    let Some(after) = after else { return Ok(Listing::UnknownMarker) };
    let sql =
        format!("SELECT {} FROM distributions WHERE born > ?1 ORDER BY born LIMIT ?2", rows::DISTRIBUTION);
    listing(db, &sql, params![after, one_more(page)], page, |row| rows::distribution(row, completed))
}

pub(super) fn tenant(db: &Connection, key: &TenantKey) -> Result<Option<Tracked<TenantRecord>>> {
    let completed = rows::completed(db)?;
    let (condition, key) = match key {
        TenantKey::Id(id) => ("id = ?1", id.as_str()),
        TenantKey::Name(name) => ("name = ?1", name.as_str()),
        TenantKey::Domain(domain) => {
            ("id = (SELECT tenant_id FROM tenant_domains WHERE domain = ?1)", domain.as_str())
        }
    };
    let sql = format!("SELECT {} FROM tenants WHERE {condition}", rows::TENANT);
    db.prepare_cached(&sql)?.query_row([key], |row| rows::tenant(row, completed)).optional()
}

pub(super) fn tenants(
    db: &Connection,
    filter: &TenantFilter,
    page: &Page,
) -> Result<Listing<Tracked<TenantRecord>>> {
    let completed = rows::completed(db)?;
    let (condition, key) = match filter {
        TenantFilter::All => ("?3 = ''", ""),
        TenantFilter::Distribution(id) => ("distribution_id = ?3", id.as_str()),
        TenantFilter::ConnectionGroup(id) => ("connection_group_id = ?3", id.as_str()),
    };
    let sql =
        format!("SELECT {} FROM tenants WHERE id > ?1 AND {condition} ORDER BY id LIMIT ?2", rows::TENANT);
    // No id is empty, so the empty text comes before them all.
    let after = page.after.as_deref().unwrap_or_default();
    listing(db, &sql, params![after, one_more(page), key], page, |row| rows::tenant(row, completed))
}

pub(super) fn invalidation(
    db: &Connection,
    tenant: &TenantId,
    id: &InvalidationId,
) -> Result<Option<Tracked<InvalidationRecord>>> {
    let completed = rows::completed(db)?;
    let sql = format!(
        "SELECT {} FROM invalidations
         WHERE tenant_id = ?1 AND id = ?2 AND EXISTS (SELECT 1 FROM tenants WHERE id = ?1)",
        rows::INVALIDATION
    );
    db.prepare_cached(&sql)?
        .query_row([tenant.as_str(), id.as_str()], |row| rows::invalidation(row, completed))
        .optional()
}

pub(super) fn invalidations(
    db: &Connection,
    tenant: &TenantId,
    page: &Page,
) -> Result<Listing<Tracked<InvalidationSummary>>> {
    let completed = rows::completed(db)?;
    let before: Option<i64> = match &page.after {
        None => Some(i64::MAX),
        Some(marker) => db
            .prepare_cached("SELECT position FROM invalidations WHERE tenant_id = ?1 AND id = ?2")?
            .query_row([tenant.as_str(), marker], |row| row.get(0))
            .optional()?,
    };
    let Some(before) = before else { return Ok(Listing::UnknownMarker) };
    let sql = format!(
        "SELECT {} FROM invalidations
         WHERE tenant_id = ?1 AND position < ?2 AND EXISTS (SELECT 1 FROM tenants WHERE id = ?1)
         ORDER BY position DESC LIMIT ?3",
        rows::INVALIDATION_SUMMARY
    );
    listing(db, &sql, params![tenant.as_str(), before, one_more(page)], page, |row| {
        rows::invalidation_summary(row, completed)
    })
}

pub(super) fn default_connection_group(db: &Connection) -> Result<ConnectionGroupRecord> {
    db.prepare_cached("SELECT id, name, etag, created, modified FROM connection_groups WHERE is_default = 1")?
        .query_row([], rows::connection_group)
}

pub(super) fn entries(db: &Connection, after: Position, limit: usize) -> Result<Vec<Entry>> {
    let sql = format!("SELECT {} FROM log WHERE position > ?1 ORDER BY position LIMIT ?2", rows::ENTRY);
    let mut statement = db.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![rows::integer(after.get()), limit])?;
    let (mut entries, mut bytes) = (Vec::<Entry>::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = rows::entry(row)?;
        bytes += entry.body.len();
        if !entries.is_empty() && bytes > LOG_BYTES_PER_READ_MAX {
            break;
        }
        let before = entries.last().map_or(after, |entry| entry.position);
        assert_eq!(entry.position, before.next(), "the log is dense");
        entries.push(entry);
    }
    Ok(entries)
}

pub(super) fn entry_hash(db: &Connection, position: Position) -> Result<Option<Hash>> {
    if position == Position::ZERO {
        return Ok(Some(Hash::START));
    }
    // A position from a frame may be any number; those past the sign are past every end.
    db.prepare_cached("SELECT hash FROM log WHERE position = ?1")?
        .query_row([rows::integer(position.get())], |row| row.get(0).map(Hash))
        .optional()
}

pub(super) fn snapshot(db: &Connection) -> Result<Snapshot> {
    let (position, hash) = rows::head(db)?;
    let mut changes = Vec::new();
    let sql = format!("SELECT {} FROM distributions ORDER BY born", rows::DISTRIBUTION);
    for found in db.prepare_cached(&sql)?.query_map([], |row| rows::distribution(row, position))? {
        changes.push(Change::PutDistribution(found?.record.spec));
    }
    let sql = format!("SELECT {} FROM tenants ORDER BY id", rows::TENANT);
    for found in db.prepare_cached(&sql)?.query_map([], |row| rows::tenant(row, position))? {
        changes.push(Change::PutTenant(found?.record.spec));
    }
    Ok(Snapshot { position, hash, changes })
}

pub(super) fn durable(db: &Connection, identity: &Identity) -> Result<PlaneDurable> {
    let members: Result<Vec<MemberRecord>> = db
        .prepare_cached("SELECT edge, incarnation, embedded, lease_class, hold_ms FROM members")?
        .query_map([], rows::member)?
        .collect();
    Ok(PlaneDurable {
        history: identity.history,
        term: identity.term,
        head: rows::head(db)?.0,
        completed: rows::completed(db)?,
        members: members?,
    })
}

/// One more than wanted, to learn whether more follow.
fn one_more(page: &Page) -> i64 {
    i64::try_from(page.limit.get()).unwrap_or(i64::MAX).saturating_add(1)
}

fn listing<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    page: &Page,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Listing<T>> {
    let mut items = db.prepare_cached(sql)?.query_map(params, read)?.collect::<Result<Vec<T>>>()?;
    let more = items.len() > page.limit.get();
    items.truncate(page.limit.get());
    Ok(Listing::Page { items, more })
}
