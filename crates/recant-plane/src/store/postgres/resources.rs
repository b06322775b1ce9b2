//! Resources of every kind, and the tags of everything that can be tagged.

use recant_core::id::ConnectionGroupId;
use recant_core::ledger;
use recant_core::limits::{POLICIES_PER_KIND_MAX, TENANTS_PER_CHANGE_MAX};
use recant_core::position::Position;

use super::apply::{Stop, Tx};
use super::rows::json;
use super::{configure, log, policies, queries, rows, sought};
use crate::store::DEFAULT_CONNECTION_GROUP;
use crate::store::command::{Outcome, Refusal};
use crate::store::records::{
    Listing, Page, ResourceKey, ResourceKind, ResourceRecord, Taggable, Tags, TenantFilter, Tracked,
};
use crate::store::spelled::SpelledChange;
use crate::store::spelling::{TagsOf, changed_tags, tags_of};

pub(super) async fn create(tx: &Tx<'_>, new: &ResourceRecord) -> Result<Outcome, Stop> {
    let named = ResourceKey::Name(new.name.clone());
    let aliased = new.alias.clone().map(ResourceKey::Alias);
    for key in std::iter::once(named).chain(aliased) {
        if queries::resource(tx, new.kind, &key).await?.is_some() {
            return Err(Refusal::NameTaken.into());
        }
    }
    if new.kind != ResourceKind::ConnectionGroup && count(tx, new.kind).await? >= POLICIES_PER_KIND_MAX as u64
    {
        return Err(Refusal::TooManyResources(new.kind).into());
    }
    // Nothing belongs to it yet, so there is nothing that edges must be told.
    tx.execute(
        "INSERT INTO resources (kind, id, name, alias, etag, enabled, config, tags, created, modified, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &new.kind.as_str(),
            &new.id,
            &new.name,
            &new.alias,
            &new.etag.as_str(),
            &new.enabled,
            &new.config.to_string(),
            &json(&new.tags),
            &new.created.millis(),
            &new.modified.millis(),
            &rows::integer(Position::ZERO.get()),
        ],
    )
    .await?;
    let stored = rows::tracked(new.clone(), Position::ZERO, rows::completed(tx).await?);
    Ok(Outcome::Resource(Box::new(stored)))
}

pub(super) async fn update(
    tx: &Tx<'_>,
    if_match: Option<&str>,
    wanted: &ResourceRecord,
) -> Result<Outcome, Stop> {
    let put = put(tx, if_match, wanted).await?;
    let position = match put.new.kind {
        ResourceKind::ConnectionGroup if put.was_enabled != put.new.enabled => {
            tell_tenants(tx, &put.new.id).await?
        }
        _ => None,
    };
    told(tx, put, position).await
}

/// A resource that has been put in the place of another, and that edges may have to be told of.
pub(super) struct Put {
    new: ResourceRecord,
    was_enabled: Option<bool>,
    /// The entry of the last change before.
    position: Position,
}

/// Puts a resource in the place of the one that is there.
pub(super) async fn put(tx: &Tx<'_>, if_match: Option<&str>, wanted: &ResourceRecord) -> Result<Put, Stop> {
    let Tracked { record: current, position, .. } = resource(tx, wanted.kind, &wanted.id).await?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.name != wanted.name {
        let named = ResourceKey::Name(wanted.name.clone());
        if queries::resource(tx, wanted.kind, &named).await?.is_some() {
            return Err(Refusal::NameTaken.into());
        }
    }
    let new = ResourceRecord {
        alias: current.alias,
        tags: current.tags,
        created: current.created,
        ..wanted.clone()
    };
    tx.execute(
        "UPDATE resources SET name = $3, etag = $4, enabled = $5, config = $6, modified = $7
         WHERE kind = $1 AND id = $2",
        &[
            &new.kind.as_str(),
            &new.id,
            &new.name,
            &new.etag.as_str(),
            &new.enabled,
            &new.config.to_string(),
            &new.modified.millis(),
        ],
    )
    .await?;
    Ok(Put { new, was_enabled: current.enabled, position })
}

/// Writes down which entry has told edges of it, if one has.
pub(super) async fn told(tx: &Tx<'_>, put: Put, entry: Option<Position>) -> Result<Outcome, Stop> {
    let position = entry.unwrap_or(put.position);
    tx.execute(
        "UPDATE resources SET position = $3 WHERE kind = $1 AND id = $2",
        &[&put.new.kind.as_str(), &put.new.id, &rows::integer(position.get())],
    )
    .await?;
    let stored = rows::tracked(put.new, position, rows::completed(tx).await?);
    Ok(Outcome::Resource(Box::new(stored)))
}

pub(super) async fn delete(
    tx: &Tx<'_>,
    kind: ResourceKind,
    id: &str,
    if_match: Option<&str>,
) -> Result<Outcome, Stop> {
    let current = resource(tx, kind, id).await?.record;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if in_use(tx, &current).await? {
        return Err(Refusal::InUse.into());
    }
    if current.enabled == Some(true) {
        return Err(Refusal::NotDisabled.into());
    }
    tx.execute("DELETE FROM resources WHERE kind = $1 AND id = $2", &[&kind.as_str(), &id]).await?;
    Ok(Outcome::ResourceDeleted)
}

async fn count(tx: &Tx<'_>, kind: ResourceKind) -> Result<u64, Stop> {
    let sql = "SELECT count(*) FROM resources WHERE kind = $1";
    Ok(rows::unsigned(&tx.one(sql, &[&kind.as_str()]).await?, 0)?)
}

/// Whether something would miss it. The default connection group is missed by every tenant to come.
async fn in_use(tx: &Tx<'_>, resource: &ResourceRecord) -> Result<bool, Stop> {
    let of_group = "SELECT 1 FROM tenants WHERE connection_group_id = $1 LIMIT 1";
    match resource.kind {
        ResourceKind::ConnectionGroup => {
            Ok(resource.name == DEFAULT_CONNECTION_GROUP || tx.exists(of_group, &[&resource.id]).await?)
        }
        ResourceKind::CachePolicy
        | ResourceKind::OriginRequestPolicy
        | ResourceKind::ResponseHeadersPolicy => policies::is_used(tx, &resource.id).await,
    }
}

pub(super) async fn change_tags(
    tx: &Tx<'_>,
    of: &Taggable,
    set: &Tags,
    unset: &[String],
    tags_max: usize,
) -> Result<Outcome, Stop> {
    let TagsOf { table, kind, id, missing } = tags_of(of);
    let id = &sought(id);
    let of_kind = if kind.is_empty() { "$2 = ''" } else { "kind = $2" };
    let current =
        tx.row(&format!("SELECT tags FROM {table} WHERE id = $1 AND {of_kind}"), &[&id, &kind]).await?;
    let current: Tags = rows::from_json(&current.ok_or(missing)?, 0)?;
    let tags = changed_tags(current, set, unset, tags_max)?;
    let sql = format!("UPDATE {table} SET tags = $3 WHERE id = $1 AND {of_kind}");
    tx.execute(&sql, &[&id, &kind, &json(&tags)]).await?;
    Ok(Outcome::Tags(tags))
}

/// Tells edges of every tenant of a connection group anew, and gives the last entry.
async fn tell_tenants(tx: &Tx<'_>, group: &str) -> Result<Option<Position>, Stop> {
    let id = ConnectionGroupId::parse(group).map_err(|_| Refusal::NoSuchConnectionGroup)?;
    let limit = std::num::NonZeroUsize::new(TENANTS_PER_CHANGE_MAX).expect("some may change");
    let page = Page { after: None, limit };
    let is_enabled = configure::group_is_enabled(tx, &id).await?;
    let found = queries::tenants(tx, &TenantFilter::ConnectionGroup(id), &page).await?;
    let Listing::Page { items, more: false } = found else { return Err(Refusal::TooManyTenants.into()) };
    let told = items.iter().map(|found| SpelledChange::of(&configure::told(&found.record, is_enabled)));
    let told = told.collect::<Result<Vec<_>, _>>()?;
    let positions = log::append_all(tx, &told.iter().collect::<Vec<_>>()).await?;
    let ids: Vec<&str> = items.iter().map(|found| found.record.id.as_str()).collect();
    let places: Vec<i64> = positions.iter().map(|position| rows::integer(position.get())).collect();
    let sql = "UPDATE tenants SET position = told.place
               FROM unnest($1::text[], $2::bigint[]) AS told (id, place) WHERE tenants.id = told.id";
    tx.execute(sql, &[&ids, &places]).await?;
    Ok(positions.last().copied())
}

async fn resource(tx: &Tx<'_>, kind: ResourceKind, id: &str) -> Result<Tracked<ResourceRecord>, Stop> {
    let found = queries::resource(tx, kind, &ResourceKey::Id(sought(id))).await?;
    found.ok_or(Stop::Refused(Refusal::NoSuchResource(kind)))
}
