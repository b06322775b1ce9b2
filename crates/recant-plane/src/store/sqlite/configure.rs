//! Distributions and tenants: made, changed, removed, each with its entry of the log.

use recant_core::entry::{Change, Scope};
use recant_core::id::{ConnectionGroupId, DistributionId, ETag, TenantId};
use recant_core::ledger;
use recant_core::limits::{TENANTS_JUDGED_PER_COMMIT_MAX, TENANTS_PER_CHANGE_MAX};
use recant_core::position::Position;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::apply::{Stop, exists};
use super::rows::json;
use super::{domains, log, policies, queries, rows};
use crate::store::command::{Outcome, Refusal, TenantUpdate};
use crate::store::holder::Holder;
use crate::store::judge::Judged;
use crate::store::records::{
    DistributionRecord, ResourceKey, ResourceKind, TenantKey, TenantRecord, Tracked,
};
use crate::store::spelled::SpelledDistribution;

pub(super) fn create_distribution(
    db: &Connection,
    new: &DistributionRecord,
    spelled: &SpelledDistribution,
) -> Result<Outcome, Stop> {
    // CreateDistribution: a CallerReference sent before is refused, whatever comes with it.
    let earlier = db
        .prepare_cached("SELECT id FROM distributions WHERE caller_reference = ?1")?
        .query_row([&new.caller_reference], |row| rows::word(row, 0))
        .optional()?;
    if let Some(earlier) = earlier {
        return Err(Refusal::DistributionExists { earlier }.into());
    }
    policies::are_current(db, &new.spec)?;
    let holder = Scope::Distribution(new.id.clone());
    domains::are_free(db, &holder, new.domains())?;
    domains::take(db, &holder, new.domains())?;
    let position = log::append_spelled(db, spelled.change()?)?;
    db.prepare_cached(
        "INSERT INTO distributions (id, caller_reference, etag, config, spec, tags, created, modified, born, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    )?
    .execute(params![
        new.id.as_str(),
        new.caller_reference,
        new.etag.as_str(),
        spelled.config,
        spelled.spec,
        json(&new.tags),
        new.created.millis(),
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    let stored = rows::tracked(new.clone(), position, rows::completed(db)?);
    Ok(Outcome::Distribution(Box::new(stored)))
}

pub(super) fn update_distribution(
    db: &Connection,
    if_match: Option<&str>,
    wanted: &DistributionRecord,
    spelled: &SpelledDistribution,
    judged: &Judged,
) -> Result<Outcome, Stop> {
    let current = distribution(db, &wanted.id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    tenants_fit(db, &wanted.id, judged)?;
    policies::are_current(db, &wanted.spec)?;
    let new = DistributionRecord {
        caller_reference: current.caller_reference,
        tags: current.tags,
        created: current.created,
        ..wanted.clone()
    };
    domains::are_free(db, &Scope::Distribution(new.id.clone()), new.domains())?;
    put_distribution(db, new, spelled)
}

fn put_distribution(
    db: &Connection,
    new: DistributionRecord,
    spelled: &SpelledDistribution,
) -> Result<Outcome, Stop> {
    domains::put(db, &Scope::Distribution(new.id.clone()), new.domains())?;
    let position = log::append_spelled(db, spelled.change()?)?;
    db.prepare_cached(
        "UPDATE distributions SET etag = ?2, config = ?3, spec = ?4, modified = ?5, position = ?6 WHERE id = ?1",
    )?
    .execute(params![
        new.id.as_str(),
        new.etag.as_str(),
        spelled.config,
        spelled.spec,
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    let stored = rows::tracked(new, position, rows::completed(db)?);
    Ok(Outcome::Distribution(Box::new(stored)))
}

/// Judges the tenants that have come or changed since the others were judged.
fn tenants_fit(db: &Connection, id: &DistributionId, judged: &Judged) -> Result<(), Stop> {
    let Judged::UpTo(position, judge) = judged else { return Ok(()) };
    let mut found = db.prepare_cached(
        "SELECT spec FROM tenants WHERE distribution_id = ?1 AND position > ?2 ORDER BY position",
    )?;
    let mut found = found.query(params![id.as_str(), rows::integer(position.get())])?;
    let mut count = 0;
    while let Some(row) = found.next()? {
        count += 1;
        if count > TENANTS_JUDGED_PER_COMMIT_MAX {
            return Err(Refusal::ChangedMeanwhile.into());
        }
        judge.judge(&rows::from_json(row, 0)?)?;
    }
    Ok(())
}

pub(super) fn delete_distribution(
    db: &Connection,
    id: &DistributionId,
    if_match: Option<&str>,
) -> Result<Outcome, Stop> {
    let current = distribution(db, id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.spec.enabled {
        return Err(Refusal::NotDisabled.into());
    }
    if exists(db, "SELECT 1 FROM tenants WHERE distribution_id = ?1", id.as_str())? {
        return Err(Refusal::InUse.into());
    }
    let position = log::append(db, &Change::RemoveDistribution(id.clone()))?;
    // Its invalidations and caller references stay, as a tenant's do.
    db.prepare_cached("DELETE FROM distributions WHERE id = ?1")?.execute([id.as_str()])?;
    domains::release(db, &Scope::Distribution(id.clone()))?;
    Ok(Outcome::DistributionDeleted(position))
}

pub(super) fn create_tenant(db: &Connection, new: &TenantRecord, judged_by: &ETag) -> Result<Outcome, Stop> {
    fits(db, new, judged_by)?;
    if exists(db, "SELECT 1 FROM tenants WHERE name = ?1", &new.name)? {
        return Err(Refusal::NameTaken.into());
    }
    let holder = Scope::Tenant(new.id.clone());
    domains::are_free(db, &holder, &new.spec.domains)?;
    domains::take(db, &holder, &new.spec.domains)?;
    let position = log_tenant(db, new)?;
    db.prepare_cached(
        "INSERT INTO tenants (id, name, distribution_id, connection_group_id, etag, config, spec, web_acl, certificate,
                tags, created, modified, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        new.id.as_str(),
        new.name,
        new.spec.distribution_id.as_str(),
        new.connection_group_id.as_str(),
        new.etag.as_str(),
        new.config.to_string(),
        json(&new.spec),
        new.web_acl,
        new.certificate,
        json(&new.tags),
        new.created.millis(),
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    let stored = rows::tracked(new.clone(), position, rows::completed(db)?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

pub(super) fn update_tenant(
    db: &Connection,
    if_match: Option<&str>,
    wanted: &TenantRecord,
    judged_by: &ETag,
) -> Result<Outcome, Stop> {
    let current = tenant(db, &wanted.id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    let new =
        TenantRecord { name: current.name, tags: current.tags, created: current.created, ..wanted.clone() };
    fits(db, &new, judged_by)?;
    domains::are_free(db, &Scope::Tenant(new.id.clone()), &new.spec.domains)?;
    put_tenant(db, new)
}

/// Who gives domains up has an entry for that, before the one with all that changes: so no edge ever sees two owners.
pub(super) fn update_tenants(db: &Connection, updates: &[TenantUpdate]) -> Result<Outcome, Stop> {
    if updates.len() > TENANTS_PER_CHANGE_MAX {
        return Err(Refusal::TooManyTenants.into());
    }
    for TenantUpdate { if_match, tenant: wanted, .. } in updates {
        let mut current = tenant(db, &wanted.id)?;
        ledger::precondition(if_match.as_deref(), &current.etag).map_err(Refusal::from)?;
        let before = current.spec.domains.len();
        current.spec.domains.retain(|domain| wanted.spec.domains.contains(domain));
        if current.spec.domains.len() < before {
            put_tenant(db, current)?;
        }
    }
    let mut stored = Vec::with_capacity(updates.len());
    for TenantUpdate { if_match, tenant, judged_by } in updates {
        match update_tenant(db, if_match.as_deref(), tenant, judged_by)? {
            Outcome::Tenant(tenant) => stored.push(*tenant),
            other => unreachable!("a tenant that is changed is told, not {other:?}"),
        }
    }
    Ok(Outcome::Tenants(stored))
}

pub(super) fn delete_tenant(db: &Connection, id: &TenantId, if_match: Option<&str>) -> Result<Outcome, Stop> {
    let current = tenant(db, id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.spec.enabled {
        return Err(Refusal::NotDisabled.into());
    }
    let position = log::append(db, &Change::RemoveTenant(id.clone()))?;
    // Its invalidations and caller references stay where they are: nobody can reach them any more, since the id is never
    // given out again, and removing a million rows would hold every writer up.
    db.prepare_cached("DELETE FROM tenants WHERE id = ?1")?.execute([id.as_str()])?;
    domains::release(db, &Scope::Tenant(id.clone()))?;
    Ok(Outcome::TenantDeleted(position))
}

/// Appends what edges are told of a tenant: one of a disabled connection group is disabled.
pub(super) fn log_tenant(db: &Connection, tenant: &TenantRecord) -> Result<Position, Stop> {
    let mut spec = tenant.spec.clone();
    spec.enabled &= group_is_enabled(db, &tenant.connection_group_id)?;
    log::append(db, &Change::PutTenant(spec))
}

fn put_tenant(db: &Connection, new: TenantRecord) -> Result<Outcome, Stop> {
    let position = log_tenant(db, &new)?;
    db.prepare_cached(
        "UPDATE tenants SET distribution_id = ?2, connection_group_id = ?3, etag = ?4, config = ?5, spec = ?6,
                modified = ?7, position = ?8, web_acl = ?9, certificate = ?10
         WHERE id = ?1",
    )?
    .execute(params![
        new.id.as_str(),
        new.spec.distribution_id.as_str(),
        new.connection_group_id.as_str(),
        new.etag.as_str(),
        new.config.to_string(),
        json(&new.spec),
        new.modified.millis(),
        rows::integer(position.get()),
        new.web_acl,
        new.certificate,
    ])?;
    domains::put(db, &Scope::Tenant(new.id.clone()), &new.spec.domains)?;
    let stored = rows::tracked(new, position, rows::completed(db)?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

/// What has this scope, to be changed.
pub(super) fn holder(db: &Connection, scope: &Scope) -> Result<Holder, Stop> {
    match scope {
        Scope::Tenant(id) => Ok(Holder::Tenant(Box::new(tenant(db, id)?))),
        Scope::Distribution(id) => Ok(Holder::Distribution(Box::new(distribution(db, id)?))),
    }
}

/// What has this scope, unchanged.
pub(super) fn as_it_is(db: &Connection, scope: &Scope) -> Result<Outcome, Stop> {
    Ok(match scope {
        Scope::Tenant(id) => {
            let found = queries::tenant(db, &TenantKey::Id(id.clone()))?.ok_or(Refusal::NoSuchTenant)?;
            Outcome::Tenant(Box::new(found))
        }
        Scope::Distribution(id) => {
            let found = queries::distribution(db, id)?.ok_or(Refusal::NoSuchDistribution)?;
            Outcome::Distribution(Box::new(found))
        }
    })
}

/// Puts it in the place of what it was.
pub(super) fn put(db: &Connection, changed: Holder) -> Result<Outcome, Stop> {
    match changed {
        Holder::Tenant(tenant) => put_tenant(db, *tenant),
        Holder::Distribution(distribution) => {
            let spelled = SpelledDistribution::of(&distribution);
            put_distribution(db, *distribution, &spelled)
        }
    }
}

fn distribution(db: &Connection, id: &DistributionId) -> Result<DistributionRecord, Stop> {
    let found = queries::distribution(db, id)?;
    found.map(|Tracked { record, .. }| record).ok_or(Stop::Refused(Refusal::NoSuchDistribution))
}

fn tenant(db: &Connection, id: &TenantId) -> Result<TenantRecord, Stop> {
    let found = queries::tenant(db, &TenantKey::Id(id.clone()))?;
    found.map(|Tracked { record, .. }| record).ok_or(Stop::Refused(Refusal::NoSuchTenant))
}

/// What the tenant belongs to is there, and the distribution is still the one that it was found to go with.
fn fits(db: &Connection, tenant: &TenantRecord, judged_by: &ETag) -> Result<(), Stop> {
    let etag: Option<String> = db
        .prepare_cached("SELECT etag FROM distributions WHERE id = ?1")?
        .query_row([tenant.spec.distribution_id.as_str()], |row| row.get(0))
        .optional()?;
    let etag = etag.ok_or(Refusal::NoSuchDistribution)?;
    group_is_enabled(db, &tenant.connection_group_id)?;
    if etag == judged_by.as_str() { Ok(()) } else { Err(Refusal::ChangedMeanwhile.into()) }
}

fn group_is_enabled(db: &Connection, id: &ConnectionGroupId) -> Result<bool, Stop> {
    let key = ResourceKey::Id(id.as_str().to_owned());
    let found = queries::resource(db, ResourceKind::ConnectionGroup, &key)?;
    let group = found.ok_or(Refusal::NoSuchConnectionGroup)?;
    Ok(group.record.enabled != Some(false))
}
