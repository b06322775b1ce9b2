//! The questions, each over one connection inside one read transaction.

use std::collections::BTreeSet;

use recant_core::entry::{Change, Entry, Hash, Scope};
use recant_core::id::{DistributionId, InvalidationId};
use recant_core::limits::{LOG_BYTES_PER_READ_MAX, PAGE_BYTES_MAX};
use recant_core::position::Position;
use recant_core::protocol::{MemberRecord, PlaneDurable};
use recant_core::spec::TenantSpec;
use recant_core::time::WallTime;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, params};

use super::rows;
use crate::store::records::{
    DistributionFilter, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, Listing, Page,
    ResourceKey, ResourceKind, ResourceRecord, SnapshotPage, SnapshotPlace, TenantFilter, TenantKey,
    TenantRecord, Tracked,
};
use crate::store::spelling;

pub(super) fn distribution(
    db: &Connection,
    id: &DistributionId,
) -> Result<Option<Tracked<DistributionRecord>>> {
    let completed = rows::completed(db)?;
    let sql = format!("SELECT {} FROM distributions WHERE id = ?1", rows::DISTRIBUTION);
    db.prepare_cached(&sql)?.query_row([id.as_str()], |row| rows::distribution(row, completed)).optional()
}

pub(super) fn distributions(
    db: &Connection,
    filter: &DistributionFilter,
    page: &Page,
) -> Result<Listing<Tracked<DistributionRecord>>> {
    let completed = rows::completed(db)?;
    let after: Option<i64> = match &page.after {
        None => Some(0),
        Some(marker) => db
            .prepare_cached("SELECT born FROM distributions WHERE id = ?1")?
            .query_row([marker], |row| row.get(0))
            .optional()?,
    };
    let Some(after) = after else { return Ok(Listing::UnknownMarker) };
    let (sql, of_spec) = distributions_sql(filter);
    listing(db, &sql, params![after, one_more(page), of_spec], page, |row| rows::distribution(row, completed))
}

/// The question, over the marker's birth, the limit, and what stands in the spec of the wanted ones.
fn distributions_sql(filter: &DistributionFilter) -> (String, String) {
    let (condition, of_spec) = match filter {
        DistributionFilter::All => ("?3 = ''", String::new()),
        DistributionFilter::Policy(kind, id) => ("instr(spec, ?3) > 0", spelling::policy_in_spec(*kind, id)),
        DistributionFilter::Direct => ("instr(spec, ?3) > 0", spelling::DIRECT_IN_SPEC.to_owned()),
        DistributionFilter::TenantOnly => ("instr(spec, ?3) = 0", spelling::DIRECT_IN_SPEC.to_owned()),
    };
    let columns = rows::DISTRIBUTION;
    (
        format!("SELECT {columns} FROM distributions WHERE born > ?1 AND {condition} ORDER BY born LIMIT ?2"),
        of_spec,
    )
}

pub(super) fn tenant(db: &Connection, key: &TenantKey) -> Result<Option<Tracked<TenantRecord>>> {
    let completed = rows::completed(db)?;
    let (condition, key) = match key {
        TenantKey::Id(id) => ("id = ?1", id.as_str()),
        TenantKey::Name(name) => ("name = ?1", name.as_str()),
        TenantKey::Domain(domain) => ("id = (SELECT owner FROM domains WHERE domain = ?1)", domain.as_str()),
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
    let (sql, key) = tenants_sql(filter);
    // No id is empty, so the empty text comes before them all.
    let after = page.after.as_deref().unwrap_or_default();
    listing(db, &sql, params![after, one_more(page), key], page, |row| rows::tenant(row, completed))
}

/// The question, over the marker, the limit and the key.
fn tenants_sql(filter: &TenantFilter) -> (String, &str) {
    let (condition, key) = match filter {
        TenantFilter::All => ("?3 = ''", ""),
        TenantFilter::Distribution(id) => ("distribution_id = ?3", id.as_str()),
        TenantFilter::ConnectionGroup(id) => ("connection_group_id = ?3", id.as_str()),
        TenantFilter::WebAcl(arn) => ("web_acl = ?3", arn.as_str()),
        TenantFilter::Certificate(arn) => ("certificate = ?3", arn.as_str()),
    };
    let sql =
        format!("SELECT {} FROM tenants WHERE id > ?1 AND {condition} ORDER BY id LIMIT ?2", rows::TENANT);
    (sql, key)
}

/// A domain, the wildcard above it, and what it covers: with `*.example.test` that is every name one label below.
const DOMAINS: &str = "
    SELECT domain, owner FROM domains WHERE domain IN (?1, ?2) AND domain > ?4
    UNION ALL
    SELECT domain, owner FROM domains
    WHERE substr(domain, instr(domain, '.') + 1) = ?3 AND domain <> ?1 AND domain > ?4
    ORDER BY domain LIMIT ?5";

pub(super) fn domains(db: &Connection, domain: &str, page: &Page) -> Result<Listing<(String, Scope)>> {
    let parent = domain.split_once('.').map_or("", |(_, parent)| parent);
    let above = format!("*.{parent}");
    // Only a wildcard covers others; no domain has an empty parent.
    let covered = domain.strip_prefix("*.").unwrap_or_default();
    let after = page.after.as_deref().unwrap_or_default();
    listing(db, DOMAINS, params![domain, above, covered, after, one_more(page)], page, |row| {
        Ok((row.get(0)?, rows::owner_scope(row, 1)?))
    })
}

pub(super) fn invalidation(
    db: &Connection,
    scope: &Scope,
    id: &InvalidationId,
) -> Result<Option<Tracked<InvalidationRecord>>> {
    if !exists(db, scope)? {
        return Ok(None);
    }
    let completed = rows::completed(db)?;
    let sql = format!("SELECT {} FROM invalidations WHERE owner = ?1 AND id = ?2", rows::INVALIDATION);
    db.prepare_cached(&sql)?
        .query_row([&rows::owner(scope), id.as_str()], |row| rows::invalidation(row, completed))
        .optional()
}

pub(super) fn invalidations(
    db: &Connection,
    scope: &Scope,
    page: &Page,
) -> Result<Listing<Tracked<InvalidationSummary>>> {
    let (completed, owner) = (rows::completed(db)?, rows::owner(scope));
    let before: Option<i64> = match &page.after {
        _ if !exists(db, scope)? => Some(0),
        None => Some(i64::MAX),
        Some(marker) => db
            .prepare_cached("SELECT position FROM invalidations WHERE owner = ?1 AND id = ?2")?
            .query_row([&owner, marker], |row| row.get(0))
            .optional()?,
    };
    let Some(before) = before else { return Ok(Listing::UnknownMarker) };
    listing(db, &invalidations_sql(), params![owner, before, one_more(page)], page, |row| {
        rows::invalidation_summary(row, completed)
    })
}

/// The question, over the owner, the marker's position and the limit.
fn invalidations_sql() -> String {
    format!(
        "SELECT {} FROM invalidations WHERE owner = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3",
        rows::INVALIDATION_SUMMARY
    )
}

pub(super) fn invalidation_ids(
    db: &Connection,
    after: Position,
    up_to: Position,
) -> Result<Vec<(Position, InvalidationId)>> {
    db.prepare_cached(
        "SELECT position, id FROM invalidations WHERE position > ?1 AND position <= ?2 ORDER BY position",
    )?
    .query_map([rows::integer(after.get()), rows::integer(up_to.get())], |row| {
        Ok((rows::position(row, 0)?, rows::word(row, 1)?))
    })?
    .collect()
}

/// By position alone, which is the key: nothing is read beyond the first that stays.
const OLDEST: &str = "SELECT position, created FROM invalidations WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3";

pub(super) fn over(
    db: &Connection,
    after: Position,
    up_to: Position,
    created_before: WallTime,
    limit: usize,
) -> Result<Option<Position>> {
    let up_to = up_to.min(rows::completed(db)?);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(OLDEST)?;
    let mut found =
        statement.query(params![rows::integer(after.get()), rows::integer(up_to.get()), limit])?;
    let mut over = None;
    while let Some(row) = found.next()? {
        if rows::wall_time(row, 1)? >= created_before {
            break;
        }
        over = Some(rows::position(row, 0)?);
    }
    Ok(over)
}

pub(super) fn in_progress(db: &Connection, scope: &Scope) -> Result<u64> {
    let completed = rows::integer(rows::completed(db)?.get());
    db.prepare_cached("SELECT count(*) FROM invalidations WHERE owner = ?1 AND position > ?2")?
        .query_row(params![rows::owner(scope), completed], |row| rows::unsigned(row, 0))
}

/// Whether there is such a tenant or distribution; what it had before it was removed nobody sees any more.
pub(super) fn exists(db: &Connection, scope: &Scope) -> Result<bool> {
    let table = match scope {
        Scope::Tenant(_) => "tenants",
        Scope::Distribution(_) => "distributions",
    };
    db.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?.exists([scope.id()])
}

pub(super) fn resource(
    db: &Connection,
    kind: ResourceKind,
    key: &ResourceKey,
) -> Result<Option<Tracked<ResourceRecord>>> {
    let completed = rows::completed(db)?;
    let (column, key) = match key {
        ResourceKey::Id(id) => ("id", id),
        ResourceKey::Name(name) => ("name", name),
        ResourceKey::Alias(alias) => ("alias", alias),
    };
    let sql = format!("SELECT {} FROM resources WHERE kind = ?1 AND {column} = ?2", rows::RESOURCE);
    db.prepare_cached(&sql)?.query_row([kind.as_str(), key], |row| rows::resource(row, completed)).optional()
}

pub(super) fn resources(
    db: &Connection,
    kind: ResourceKind,
    page: &Page,
) -> Result<Listing<Tracked<ResourceRecord>>> {
    let completed = rows::completed(db)?;
    let after = page.after.as_deref().unwrap_or_default();
    listing(db, &resources_sql(), params![kind.as_str(), after, one_more(page)], page, |row| {
        rows::resource(row, completed)
    })
}

/// The question, over the kind, the marker and the limit.
fn resources_sql() -> String {
    format!("SELECT {} FROM resources WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3", rows::RESOURCE)
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

const DISTRIBUTION_SPECS: &str =
    "SELECT born, spec FROM distributions WHERE born > ?1 ORDER BY born LIMIT ?2";
const TENANT_SPECS: &str =
    "SELECT id, connection_group_id, spec FROM tenants WHERE id > ?1 ORDER BY id LIMIT ?2";

pub(super) fn snapshot(db: &Connection, from: SnapshotPlace, limit: usize) -> Result<SnapshotPage> {
    let count = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut changes = Vec::new();
    let (last, following) = match from {
        SnapshotPlace::Distributions(born) => {
            let mut last = born;
            let mut found = db.prepare_cached(DISTRIBUTION_SPECS)?;
            let mut found = found.query(params![rows::integer(born), count])?;
            while let Some(row) = found.next()? {
                last = rows::unsigned(row, 0)?;
                changes.push(Change::PutDistribution(rows::from_json(row, 1)?));
            }
            (SnapshotPlace::Distributions(last), Some(SnapshotPlace::Tenants(String::new())))
        }
        SnapshotPlace::Tenants(id) => {
            let disabled = disabled_groups(db)?;
            let mut found = db.prepare_cached(TENANT_SPECS)?;
            let mut found = found.query(params![id, count])?;
            let mut last = id.clone();
            while let Some(row) = found.next()? {
                last = row.get(0)?;
                let mut spec: TenantSpec = rows::from_json(row, 2)?;
                spec.enabled &= !disabled.contains(row.get_ref(1)?.as_str()?);
                changes.push(Change::PutTenant(spec));
            }
            (SnapshotPlace::Tenants(last), None)
        }
    };
    let next = if changes.len() < limit { following } else { Some(last) };
    Ok(SnapshotPage { changes, next })
}

fn disabled_groups(db: &Connection) -> Result<BTreeSet<String>> {
    db.prepare_cached("SELECT id FROM resources WHERE kind = ?1 AND NOT enabled")?
        .query_map([ResourceKind::ConnectionGroup.as_str()], |row| row.get(0))?
        .collect()
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
pub(super) fn one_more(page: &Page) -> i64 {
    i64::try_from(page.limit.get()).unwrap_or(i64::MAX).saturating_add(1)
}

pub(super) fn listing<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    page: &Page,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Listing<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let (mut items, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if items.len() == page.limit.get() || bytes > PAGE_BYTES_MAX {
            return Ok(Listing::Page { items, more: true });
        }
        bytes += row_bytes(row)?;
        items.push(read(row)?);
    }
    Ok(Listing::Page { items, more: false })
}

/// The bytes of a row's texts and blobs.
fn row_bytes(row: &Row<'_>) -> Result<usize> {
    (0..row.as_ref().column_count()).try_fold(0, |sum, at| {
        Ok(sum
            + match row.get_ref(at)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                _ => 0,
            })
    })
}

#[cfg(test)]
mod tests {
    use recant_core::id::ConnectionGroupId;
    use recant_core::policy::PolicyKind;
    use recant_core::time::WallTime;

    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn a_page_costs_the_same_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let opened = schema::open_writer(&folder.path().join("plane.db"), WallTime::from_millis(0)).unwrap();
        let check = |sql: &str| {
            let mut plan = opened.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = plan.parameter_count();
            let steps =
                plan.query_map(rusqlite::params_from_iter(vec![""; count]), |row| row.get(3)).unwrap();
            for step in steps.map(|step: Result<String>| step.unwrap()) {
                assert!(!step.contains("SCAN") && !step.contains("TEMP B-TREE"), "{sql}: {step}");
            }
        };
        [OLDEST, DISTRIBUTION_SPECS, TENANT_SPECS].into_iter().for_each(check);
        for filter in [
            TenantFilter::All,
            TenantFilter::Distribution(DistributionId::parse("E1").unwrap()),
            TenantFilter::ConnectionGroup(ConnectionGroupId::parse("cg_1").unwrap()),
            TenantFilter::WebAcl("arn".into()),
            TenantFilter::Certificate("arn".into()),
        ] {
            check(tenants_sql(&filter).0.as_str());
        }
        for filter in [DistributionFilter::All, DistributionFilter::Policy(PolicyKind::Cache, "p".into())] {
            check(&distributions_sql(&filter).0);
        }
        check(DOMAINS);
        check(&invalidations_sql());
        check(&resources_sql());
        check("SELECT count(*) FROM invalidations WHERE owner = ?1 AND position > ?2");
    }
}
