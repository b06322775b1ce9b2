//! Resources of every kind, and the tags of everything that can be tagged.

use recant_core::id::TenantId;
use recant_core::limits::{POLICIES_PER_KIND_MAX, TENANTS_PER_CHANGE_MAX};
use recant_core::position::Position;
use recant_core::{id::ConnectionGroupId, ledger};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::apply::{Stop, exists};
use super::rows::json;
use super::{configure, policies, queries, rows};
use crate::store::DEFAULT_CONNECTION_GROUP;
use crate::store::command::{Outcome, Refusal};
use crate::store::records::{
    Page, ResourceKey, ResourceKind, ResourceRecord, Taggable, Tags, TenantFilter, Tracked,
};
use crate::store::spelling::{TagsOf, changed_tags, tags_of};
use crate::store::{Listing, TenantRecord};

pub(super) fn create(db: &Connection, new: &ResourceRecord) -> Result<Outcome, Stop> {
    let named = ResourceKey::Name(new.name.clone());
    let aliased = new.alias.clone().map(ResourceKey::Alias);
    for key in std::iter::once(named).chain(aliased) {
        if queries::resource(db, new.kind, &key)?.is_some() {
            return Err(Refusal::NameTaken.into());
        }
    }
    if new.kind != ResourceKind::ConnectionGroup && count(db, new.kind)? >= POLICIES_PER_KIND_MAX {
        return Err(Refusal::TooManyResources(new.kind).into());
    }
    // Nothing belongs to it yet, so there is nothing that edges must be told.
    db.prepare_cached(
        "INSERT INTO resources (kind, id, name, alias, etag, enabled, config, tags, created, modified, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        new.kind.as_str(),
        new.id,
        new.name,
        new.alias,
        new.etag.as_str(),
        new.enabled,
        new.config.to_string(),
        json(&new.tags),
        new.created.millis(),
        new.modified.millis(),
        rows::integer(Position::ZERO.get()),
    ])?;
    let stored = rows::tracked(new.clone(), Position::ZERO, rows::completed(db)?);
    Ok(Outcome::Resource(Box::new(stored)))
}

pub(super) fn update(
    db: &Connection,
    if_match: Option<&str>,
    wanted: &ResourceRecord,
) -> Result<Outcome, Stop> {
    put(db, if_match, wanted, |current, new| match new.kind {
        ResourceKind::ConnectionGroup if current.enabled != new.enabled => tell_tenants(db, &new.id),
        _ => Ok(None),
    })
}

/// Puts a resource in the place of the one that is there; `tell` tells edges, and gives the last entry, if there is one.
pub(super) fn put(
    db: &Connection,
    if_match: Option<&str>,
    wanted: &ResourceRecord,
    tell: impl FnOnce(&ResourceRecord, &ResourceRecord) -> Result<Option<Position>, Stop>,
) -> Result<Outcome, Stop> {
    let Tracked { record: current, position, .. } = resource(db, wanted.kind, &wanted.id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.name != wanted.name {
        let named = ResourceKey::Name(wanted.name.clone());
        if queries::resource(db, wanted.kind, &named)?.is_some() {
            return Err(Refusal::NameTaken.into());
        }
    }
    let new = ResourceRecord {
        alias: current.alias.clone(),
        tags: current.tags.clone(),
        created: current.created,
        ..wanted.clone()
    };
    db.prepare_cached(
        "UPDATE resources SET name = ?3, etag = ?4, enabled = ?5, config = ?6, modified = ?7
         WHERE kind = ?1 AND id = ?2",
    )?
    .execute(params![
        new.kind.as_str(),
        new.id,
        new.name,
        new.etag.as_str(),
        new.enabled,
        new.config.to_string(),
        new.modified.millis(),
    ])?;
    let position = tell(&current, &new)?.unwrap_or(position);
    db.prepare_cached("UPDATE resources SET position = ?3 WHERE kind = ?1 AND id = ?2")?.execute(params![
        new.kind.as_str(),
        new.id,
        rows::integer(position.get())
    ])?;
    let stored = rows::tracked(new, position, rows::completed(db)?);
    Ok(Outcome::Resource(Box::new(stored)))
}

pub(super) fn delete(
    db: &Connection,
    kind: ResourceKind,
    id: &str,
    if_match: Option<&str>,
) -> Result<Outcome, Stop> {
    let current = resource(db, kind, id)?.record;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if in_use(db, &current)? {
        return Err(Refusal::InUse.into());
    }
    if current.enabled == Some(true) {
        return Err(Refusal::NotDisabled.into());
    }
    db.prepare_cached("DELETE FROM resources WHERE kind = ?1 AND id = ?2")?.execute([kind.as_str(), id])?;
    Ok(Outcome::ResourceDeleted)
}

fn count(db: &Connection, kind: ResourceKind) -> Result<usize, Stop> {
    let mut count = db.prepare_cached("SELECT count(*) FROM resources WHERE kind = ?1")?;
    let count: i64 = count.query_row([kind.as_str()], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether something would miss it. The default connection group is missed by every tenant to come.
fn in_use(db: &Connection, resource: &ResourceRecord) -> Result<bool, Stop> {
    match resource.kind {
        ResourceKind::ConnectionGroup => Ok(resource.name == DEFAULT_CONNECTION_GROUP
            || exists(db, "SELECT 1 FROM tenants WHERE connection_group_id = ?1", &resource.id)?),
        ResourceKind::CachePolicy
        | ResourceKind::OriginRequestPolicy
        | ResourceKind::ResponseHeadersPolicy => policies::is_used(db, &resource.id),
    }
}

pub(super) fn change_tags(
    db: &Connection,
    of: &Taggable,
    set: &Tags,
    unset: &[String],
    tags_max: usize,
) -> Result<Outcome, Stop> {
    let TagsOf { table, kind, id, missing } = tags_of(of);
    let of_kind = if kind.is_empty() { "?2 = ''" } else { "kind = ?2" };
    let current: Option<Tags> = db
        .prepare_cached(&format!("SELECT tags FROM {table} WHERE id = ?1 AND {of_kind}"))?
        .query_row([id, kind], |row| rows::from_json(row, 0))
        .optional()?;
    let current = current.ok_or(missing)?;
    let tags = changed_tags(current, set, unset, tags_max)?;
    db.prepare_cached(&format!("UPDATE {table} SET tags = ?3 WHERE id = ?1 AND {of_kind}"))?.execute([
        id,
        kind,
        &json(&tags),
    ])?;
    Ok(Outcome::Tags(tags))
}

/// Tells edges of every tenant of a connection group anew, and gives the last entry.
fn tell_tenants(db: &Connection, group: &str) -> Result<Option<Position>, Stop> {
    let id = ConnectionGroupId::parse(group).map_err(|_| Refusal::NoSuchConnectionGroup)?;
    let limit = std::num::NonZeroUsize::new(TENANTS_PER_CHANGE_MAX).expect("some may change");
    let page = Page { after: None, limit };
    let found = queries::tenants(db, &TenantFilter::ConnectionGroup(id), &page)?;
    let Listing::Page { items, more: false } = found else { return Err(Refusal::TooManyTenants.into()) };
    let mut last = None;
    for Tracked { record, .. } in items {
        last = Some(tell(db, &record)?);
    }
    Ok(last)
}

fn tell(db: &Connection, tenant: &TenantRecord) -> Result<Position, Stop> {
    let position = configure::log_tenant(db, tenant)?;
    let id: &TenantId = &tenant.id;
    db.prepare_cached("UPDATE tenants SET position = ?2 WHERE id = ?1")?
        .execute(params![id.as_str(), rows::integer(position.get())])?;
    Ok(position)
}

fn resource(db: &Connection, kind: ResourceKind, id: &str) -> Result<Tracked<ResourceRecord>, Stop> {
    let found = queries::resource(db, kind, &ResourceKey::Id(id.to_owned()))?;
    found.ok_or(Stop::Refused(Refusal::NoSuchResource(kind)))
}
