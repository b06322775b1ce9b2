//! The questions, each over one connection inside one read transaction.

use std::collections::BTreeSet;

use recant_core::entry::{Change, Entry, Hash, Scope};
use recant_core::id::{DistributionId, InvalidationId};
use recant_core::limits::{LOG_BYTES_PER_READ_MAX, PAGE_BYTES_MAX};
use recant_core::position::Position;
use recant_core::protocol::{MemberRecord, PlaneDurable};
use recant_core::spec::TenantSpec;
use recant_core::time::WallTime;
use tokio::try_join;
use tokio_postgres::Row;

use super::rows;
use super::session::{Failure, Params, Result, Session};
use crate::store::records::{
    DistributionFilter, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, Listing, Page,
    ResourceKey, ResourceKind, ResourceRecord, SnapshotPage, SnapshotPlace, TenantFilter, TenantKey,
    TenantRecord, Tracked,
};
use crate::store::spelling;

pub(super) async fn distribution(
    db: &Session,
    id: &DistributionId,
) -> Result<Option<Tracked<DistributionRecord>>> {
    let sql = format!("SELECT {} FROM distributions WHERE id = $1", rows::DISTRIBUTION);
    one(db, &sql, &[&id.as_str()], rows::distribution).await
}

pub(super) async fn distributions(
    db: &Session,
    filter: &DistributionFilter,
    page: &Page,
) -> Result<Listing<Tracked<DistributionRecord>>> {
    let after: Option<i64> = match &page.after {
        None => Some(0),
        Some(marker) => {
            let row = db.row("SELECT born FROM distributions WHERE id = $1", &[marker]).await?;
            row.map(|row| rows::get(&row, 0)).transpose()?
        }
    };
    let Some(after) = after else { return Ok(Listing::UnknownMarker) };
    let (sql, of_spec) = distributions_sql(filter);
    tracked_listing(db, &sql, &[&after, &one_more(page), &of_spec], page, rows::distribution).await
}

/// The question, over the marker's birth, the limit, and what stands in the spec of the wanted ones.
fn distributions_sql(filter: &DistributionFilter) -> (String, String) {
    let (condition, of_spec) = match filter {
        DistributionFilter::All => ("$3 = ''", String::new()),
        DistributionFilter::Policy(kind, id) => ("strpos(spec, $3) > 0", spelling::policy_in_spec(*kind, id)),
        DistributionFilter::Direct => ("strpos(spec, $3) > 0", spelling::DIRECT_IN_SPEC.to_owned()),
        DistributionFilter::TenantOnly => ("strpos(spec, $3) = 0", spelling::DIRECT_IN_SPEC.to_owned()),
    };
    let columns = rows::DISTRIBUTION;
    (
        format!("SELECT {columns} FROM distributions WHERE born > $1 AND {condition} ORDER BY born LIMIT $2"),
        of_spec,
    )
}

pub(super) async fn tenant(db: &Session, key: &TenantKey) -> Result<Option<Tracked<TenantRecord>>> {
    let (condition, key) = match key {
        TenantKey::Id(id) => ("id = $1", id.as_str()),
        TenantKey::Name(name) => ("name = $1", name.as_str()),
        TenantKey::Domain(domain) => ("id = (SELECT owner FROM domains WHERE domain = $1)", domain.as_str()),
    };
    let sql = format!("SELECT {} FROM tenants WHERE {condition}", rows::TENANT);
    one(db, &sql, &[&key], rows::tenant).await
}

pub(super) async fn tenants(
    db: &Session,
    filter: &TenantFilter,
    page: &Page,
) -> Result<Listing<Tracked<TenantRecord>>> {
    let (sql, key) = tenants_sql(filter);
    // No id is empty, so the empty text comes before them all.
    let after = page.after.as_deref().unwrap_or_default();
    tracked_listing(db, &sql, &[&after, &one_more(page), &key], page, rows::tenant).await
}

/// The question, over the marker, the limit and the key.
fn tenants_sql(filter: &TenantFilter) -> (String, &str) {
    let (condition, key) = match filter {
        TenantFilter::All => ("$3 = ''", ""),
        TenantFilter::Distribution(id) => ("distribution_id = $3", id.as_str()),
        TenantFilter::ConnectionGroup(id) => ("connection_group_id = $3", id.as_str()),
        TenantFilter::WebAcl(arn) => ("web_acl = $3", arn.as_str()),
        TenantFilter::Certificate(arn) => ("certificate = $3", arn.as_str()),
    };
    let sql =
        format!("SELECT {} FROM tenants WHERE id > $1 AND {condition} ORDER BY id LIMIT $2", rows::TENANT);
    (sql, key)
}

/// A domain, the wildcard above it, and what it covers: with `*.example.test` that is every name one label below.
const DOMAINS: &str = "
    SELECT domain, owner FROM domains WHERE domain IN ($1, $2) AND domain > $4
    UNION ALL
    SELECT domain, owner FROM domains
    WHERE substr(domain, strpos(domain, '.') + 1) = $3 AND domain <> $1 AND domain > $4
    ORDER BY domain LIMIT $5";

pub(super) async fn domains(db: &Session, domain: &str, page: &Page) -> Result<Listing<(String, Scope)>> {
    let parent = domain.split_once('.').map_or("", |(_, parent)| parent);
    let above = format!("*.{parent}");
    // Only a wildcard covers others; no domain has an empty parent.
    let covered = domain.strip_prefix("*.").unwrap_or_default();
    let after = page.after.as_deref().unwrap_or_default();
    listing(db, DOMAINS, &[&domain, &above, &covered, &after, &one_more(page)], page, |row| {
        Ok((rows::get(row, 0)?, rows::owner_scope(row, 1)?))
    })
    .await
}

pub(super) async fn invalidation(
    db: &Session,
    scope: &Scope,
    id: &InvalidationId,
) -> Result<Option<Tracked<InvalidationRecord>>> {
    if !exists(db, scope).await? {
        return Ok(None);
    }
    let sql = format!("SELECT {} FROM invalidations WHERE owner = $1 AND id = $2", rows::INVALIDATION);
    one(db, &sql, &[&rows::owner(scope), &id.as_str()], rows::invalidation).await
}

pub(super) async fn invalidations(
    db: &Session,
    scope: &Scope,
    page: &Page,
) -> Result<Listing<Tracked<InvalidationSummary>>> {
    let owner = rows::owner(scope);
    let before: Option<i64> = match &page.after {
        _ if !exists(db, scope).await? => Some(0),
        None => Some(i64::MAX),
        Some(marker) => {
            let sql = "SELECT position FROM invalidations WHERE owner = $1 AND id = $2";
            db.row(sql, &[&owner, marker]).await?.map(|row| rows::get(&row, 0)).transpose()?
        }
    };
    let Some(before) = before else { return Ok(Listing::UnknownMarker) };
    let params: Params<'_> = &[&owner, &before, &one_more(page)];
    tracked_listing(db, &invalidations_sql(), params, page, rows::invalidation_summary).await
}

/// The question, over the owner, the marker's position and the limit.
fn invalidations_sql() -> String {
    format!(
        "SELECT {} FROM invalidations WHERE owner = $1 AND position < $2 ORDER BY position DESC LIMIT $3",
        rows::INVALIDATION_SUMMARY
    )
}

pub(super) async fn invalidation_ids(
    db: &Session,
    after: Position,
    up_to: Position,
) -> Result<Vec<(Position, InvalidationId)>> {
    let sql =
        "SELECT position, id FROM invalidations WHERE position > $1 AND position <= $2 ORDER BY position";
    let found = db.rows(sql, &[&rows::integer(after.get()), &rows::integer(up_to.get())]).await?;
    found.iter().map(|row| Ok((rows::position(row, 0)?, rows::word(row, 1)?))).collect()
}

/// By position alone, which is the key.
const OLDEST: &str = "
    SELECT position, created FROM invalidations WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3";

pub(super) async fn over(
    db: &Session,
    after: Position,
    up_to: Position,
    created_before: WallTime,
    limit: usize,
) -> Result<Option<Position>> {
    let up_to = up_to.min(rows::completed(db).await?);
    let (from, to) = (rows::integer(after.get()), rows::integer(up_to.get()));
    let mut over = None;
    for row in db.rows(OLDEST, &[&from, &to, &rows::limit(limit)]).await? {
        if rows::wall_time(&row, 1)? >= created_before {
            break;
        }
        over = Some(rows::position(&row, 0)?);
    }
    Ok(over)
}

pub(super) async fn in_progress(db: &Session, scope: &Scope) -> Result<u64> {
    let sql =
        "SELECT count(*) FROM invalidations WHERE owner = $1 AND position > (SELECT completed FROM head)";
    rows::unsigned(&db.one(sql, &[&rows::owner(scope)]).await?, 0)
}

/// Whether there is such a tenant or distribution; what it had before it was removed nobody sees any more.
pub(super) async fn exists(db: &Session, scope: &Scope) -> Result<bool> {
    let sql = match scope {
        Scope::Tenant(_) => "SELECT 1 FROM tenants WHERE id = $1",
        Scope::Distribution(_) => "SELECT 1 FROM distributions WHERE id = $1",
    };
    db.exists(sql, &[&scope.id()]).await
}

pub(super) async fn resource(
    db: &Session,
    kind: ResourceKind,
    key: &ResourceKey,
) -> Result<Option<Tracked<ResourceRecord>>> {
    let (column, key) = match key {
        ResourceKey::Id(id) => ("id", id),
        ResourceKey::Name(name) => ("name", name),
        ResourceKey::Alias(alias) => ("alias", alias),
    };
    let sql = format!("SELECT {} FROM resources WHERE kind = $1 AND {column} = $2", rows::RESOURCE);
    one(db, &sql, &[&kind.as_str(), key], rows::resource).await
}

pub(super) async fn resources(
    db: &Session,
    kind: ResourceKind,
    page: &Page,
) -> Result<Listing<Tracked<ResourceRecord>>> {
    let after = page.after.as_deref().unwrap_or_default();
    let params: Params<'_> = &[&kind.as_str(), &after, &one_more(page)];
    tracked_listing(db, &resources_sql(), params, page, rows::resource).await
}

/// The question, over the kind, the marker and the limit.
fn resources_sql() -> String {
    format!("SELECT {} FROM resources WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3", rows::RESOURCE)
}

/// The entries after a position, up to `end`: what has been acknowledged.
///
/// A server that was restarted shows what it had written and no standby had confirmed; a promotion would take that back.
pub(super) async fn entries(
    db: &Session,
    after: Position,
    end: Position,
    limit: usize,
) -> Result<Vec<Entry>> {
    // The lengths first, so that no more is read than is kept.
    let sql =
        "SELECT length(body) FROM log WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3";
    let (from, to) = (rows::integer(after.get()), rows::integer(end.get()));
    let lengths = db.rows(sql, &[&from, &to, &rows::limit(limit)]).await?;
    let (mut count, mut bytes) = (0, 0);
    for row in &lengths {
        bytes += usize::try_from(rows::get::<i32>(row, 0)?).unwrap_or(usize::MAX);
        if count > 0 && bytes > LOG_BYTES_PER_READ_MAX {
            break;
        }
        count += 1;
    }
    let sql = format!(
        "SELECT {} FROM log WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3",
        rows::ENTRY
    );
    if count == 0 && after < end {
        return Err(gap(after.next()));
    }
    let mut entries = Vec::<Entry>::with_capacity(count);
    for row in db.rows(&sql, &[&from, &to, &rows::limit(count)]).await? {
        let entry = rows::entry(&row)?;
        let wanted = entries.last().map_or(after, |entry| entry.position).next();
        if entry.position != wanted {
            return Err(gap(wanted));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The log is dense; a row that is missing has been taken out of it by somebody else.
fn gap(position: Position) -> Failure {
    Failure::Row { column: 0, reason: format!("the log has no entry at position {}", position.get()) }
}

pub(super) async fn entry_hash(db: &Session, position: Position) -> Result<Option<Hash>> {
    if position == Position::ZERO {
        return Ok(Some(Hash::START));
    }
    // A position from a frame may be any number; those past the sign are past every end.
    let sql = "SELECT hash FROM log WHERE position = $1";
    let row = db.row(sql, &[&rows::integer(position.get())]).await?;
    row.map(|row| rows::hash(&row, 0)).transpose()
}

const DISTRIBUTION_SPECS: &str =
    "SELECT born, spec FROM distributions WHERE born > $1 ORDER BY born LIMIT $2";
const TENANT_SPECS: &str =
    "SELECT id, connection_group_id, spec FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";

pub(super) async fn snapshot(db: &Session, from: &SnapshotPlace, limit: usize) -> Result<SnapshotPage> {
    let count = rows::limit(limit);
    let mut changes = Vec::new();
    let (last, following) = match from {
        SnapshotPlace::Distributions(born) => {
            let mut last = *born;
            for row in db.rows(DISTRIBUTION_SPECS, &[&rows::integer(*born), &count]).await? {
                last = rows::unsigned(&row, 0)?;
                changes.push(Change::PutDistribution(rows::from_json(&row, 1)?));
            }
            (SnapshotPlace::Distributions(last), Some(SnapshotPlace::Tenants(String::new())))
        }
        SnapshotPlace::Tenants(id) => {
            let params: Params<'_> = &[id, &count];
            let (disabled, found) = try_join!(disabled_groups(db), db.rows(TENANT_SPECS, params))?;
            let mut last = id.clone();
            for row in found {
                last = rows::get(&row, 0)?;
                let mut spec: TenantSpec = rows::from_json(&row, 2)?;
                spec.enabled &= !disabled.contains(rows::get::<&str>(&row, 1)?);
                changes.push(Change::PutTenant(spec));
            }
            (SnapshotPlace::Tenants(last), None)
        }
    };
    let next = if changes.len() < limit { following } else { Some(last) };
    Ok(SnapshotPage { changes, next })
}

async fn disabled_groups(db: &Session) -> Result<BTreeSet<String>> {
    let sql = "SELECT id FROM resources WHERE kind = $1 AND NOT enabled";
    let found = db.rows(sql, &[&ResourceKind::ConnectionGroup.as_str()]).await?;
    found.iter().map(|row| rows::get(row, 0)).collect()
}

pub(super) async fn durable(db: &Session, identity: &Identity) -> Result<PlaneDurable> {
    let sql = "SELECT edge, incarnation, embedded, lease_class, hold_ms FROM members";
    let (members, (head, _), completed) = try_join!(db.rows(sql, &[]), rows::head(db), rows::completed(db))?;
    let members: Result<Vec<MemberRecord>> = members.iter().map(rows::member).collect();
    Ok(PlaneDurable { history: identity.history, term: identity.term, head, completed, members: members? })
}

/// One more than wanted, to learn whether more follow.
pub(super) fn one_more(page: &Page) -> i64 {
    rows::limit(page.limit.get()).saturating_add(1)
}

/// One row with its progress.
async fn one<T>(
    db: &Session,
    sql: &str,
    params: Params<'_>,
    read: impl Fn(&Row, Position) -> Result<T>,
) -> Result<Option<T>> {
    let (completed, row) = try_join!(rows::completed(db), db.row(sql, params))?;
    row.map(|row| read(&row, completed)).transpose()
}

/// A stretch of rows, each with its progress.
async fn tracked_listing<T>(
    db: &Session,
    sql: &str,
    params: Params<'_>,
    page: &Page,
    read: impl Fn(&Row, Position) -> Result<T>,
) -> Result<Listing<T>> {
    let completed = rows::completed(db).await?;
    listing(db, sql, params, page, |row| read(row, completed)).await
}

pub(super) async fn listing<T>(
    db: &Session,
    sql: &str,
    params: Params<'_>,
    page: &Page,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<Listing<T>> {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for row in &db.rows(sql, params).await? {
        if items.len() == page.limit.get() || bytes > PAGE_BYTES_MAX {
            return Ok(Listing::Page { items, more: true });
        }
        bytes += row.raw_size_bytes();
        items.push(read(row)?);
    }
    Ok(Listing::Page { items, more: false })
}
