//! Distributions and tenants: made, changed, removed, each with its entry of the log.

use recant_core::entry::{Change, Scope};
use recant_core::id::{ConnectionGroupId, DistributionId, ETag, TenantId};
use recant_core::ledger;
use recant_core::limits::{TENANTS_JUDGED_PER_COMMIT_MAX, TENANTS_PER_CHANGE_MAX};
use recant_core::position::Position;
use tokio::{join, try_join};

use super::apply::{Stop, Tx};
use super::rows::json;
use super::session::Params;
use super::{domains, log, policies, queries, rows};
use crate::store::command::{Outcome, Refusal, TenantUpdate};
use crate::store::holder::Holder;
use crate::store::judge::Judged;
use crate::store::records::{
    DistributionRecord, ResourceKey, ResourceKind, TenantKey, TenantRecord, Tracked,
};
use crate::store::spelled::SpelledDistribution;

pub(super) async fn create_distribution(
    tx: &Tx<'_>,
    new: &DistributionRecord,
    spelled: &SpelledDistribution,
) -> Result<Outcome, Stop> {
    // CreateDistribution: a CallerReference sent before is refused, whatever comes with it.
    let sql = "SELECT id FROM distributions WHERE caller_reference = $1";
    if let Some(row) = tx.row(sql, &[&new.caller_reference]).await? {
        return Err(Refusal::DistributionExists { earlier: rows::word(&row, 0)? }.into());
    }
    policies::are_current(tx, &new.spec).await?;
    let (holder, domains) = (Scope::Distribution(new.id.clone()), Vec::from_iter(new.domains()));
    domains::are_free(tx, &holder, &domains).await?;
    domains::take(tx, &holder, &domains).await?;
    let position = log::append_spelled(tx, spelled.change()?).await?;
    tx.execute(
        "INSERT INTO distributions (id, caller_reference, etag, config, spec, tags, created, modified, born, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        &[
            &new.id.as_str(),
            &new.caller_reference,
            &new.etag.as_str(),
            &spelled.config,
            &spelled.spec,
            &json(&new.tags),
            &new.created.millis(),
            &new.modified.millis(),
            &rows::integer(position.get()),
        ],
    )
    .await?;
    let stored = rows::tracked(new.clone(), position, rows::completed(tx).await?);
    Ok(Outcome::Distribution(Box::new(stored)))
}

pub(super) async fn update_distribution(
    tx: &Tx<'_>,
    if_match: Option<&str>,
    wanted: &DistributionRecord,
    spelled: &SpelledDistribution,
    judged: &Judged,
) -> Result<Outcome, Stop> {
    let current = distribution(tx, &wanted.id).await?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    tenants_fit(tx, &wanted.id, judged).await?;
    policies::are_current(tx, &wanted.spec).await?;
    let new = DistributionRecord {
        caller_reference: current.caller_reference,
        tags: current.tags,
        created: current.created,
        ..wanted.clone()
    };
    domains::are_free(tx, &Scope::Distribution(new.id.clone()), &Vec::from_iter(new.domains())).await?;
    put_distribution(tx, new, spelled).await
}

async fn put_distribution(
    tx: &Tx<'_>,
    new: DistributionRecord,
    spelled: &SpelledDistribution,
) -> Result<Outcome, Stop> {
    domains::put(tx, &Scope::Distribution(new.id.clone()), &Vec::from_iter(new.domains())).await?;
    let position = log::append_spelled(tx, spelled.change()?).await?;
    tx.execute(
        "UPDATE distributions SET etag = $2, config = $3, spec = $4, modified = $5, position = $6 WHERE id = $1",
        &[
            &new.id.as_str(),
            &new.etag.as_str(),
            &spelled.config,
            &spelled.spec,
            &new.modified.millis(),
            &rows::integer(position.get()),
        ],
    )
    .await?;
    let stored = rows::tracked(new, position, rows::completed(tx).await?);
    Ok(Outcome::Distribution(Box::new(stored)))
}

/// Judges the tenants that have come or changed since the others were judged.
async fn tenants_fit(tx: &Tx<'_>, id: &DistributionId, judged: &Judged) -> Result<(), Stop> {
    let Judged::UpTo(position, judge) = judged else { return Ok(()) };
    let sql =
        "SELECT spec FROM tenants WHERE distribution_id = $1 AND position > $2 ORDER BY position LIMIT $3";
    let one_more = rows::limit(TENANTS_JUDGED_PER_COMMIT_MAX + 1);
    let found = tx.rows(sql, &[&id.as_str(), &rows::integer(position.get()), &one_more]).await?;
    if found.len() > TENANTS_JUDGED_PER_COMMIT_MAX {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    for row in &found {
        judge.judge(&rows::from_json(row, 0)?)?;
    }
    Ok(())
}

pub(super) async fn delete_distribution(
    tx: &Tx<'_>,
    id: &DistributionId,
    if_match: Option<&str>,
) -> Result<Outcome, Stop> {
    let current = distribution(tx, id).await?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.spec.enabled {
        return Err(Refusal::NotDisabled.into());
    }
    if tx.exists("SELECT 1 FROM tenants WHERE distribution_id = $1 LIMIT 1", &[&id.as_str()]).await? {
        return Err(Refusal::InUse.into());
    }
    let position = log::append(tx, &Change::RemoveDistribution(id.clone())).await?;
    // Its invalidations and caller references stay, as a tenant's do.
    tx.execute("DELETE FROM distributions WHERE id = $1", &[&id.as_str()]).await?;
    domains::release(tx, &Scope::Distribution(id.clone())).await?;
    Ok(Outcome::DistributionDeleted(position))
}

pub(super) async fn create_tenant(
    tx: &Tx<'_>,
    new: &TenantRecord,
    judged_by: &ETag,
) -> Result<Outcome, Stop> {
    let named: Params<'_> = &[&new.name];
    let (holder, domains) = (Scope::Tenant(new.id.clone()), Vec::from_iter(&new.spec.domains));
    let (fits, is_taken, free, completed) = join!(
        fits(tx, new, judged_by),
        tx.exists("SELECT 1 FROM tenants WHERE name = $1", named),
        domains::are_free(tx, &holder, &domains),
        rows::completed(tx),
    );
    let is_enabled = fits?;
    if is_taken? {
        return Err(Refusal::NameTaken.into());
    }
    free?;
    let position = log::append(tx, &told(new, is_enabled)).await?;
    try_join!(insert_tenant(tx, new, position), domains::take(tx, &holder, &domains))?;
    let stored = rows::tracked(new.clone(), position, completed?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

async fn insert_tenant(tx: &Tx<'_>, new: &TenantRecord, position: Position) -> Result<(), Stop> {
    tx.execute(
        "INSERT INTO tenants (id, name, distribution_id, connection_group_id, etag, config, spec, web_acl, certificate,
                tags, created, modified, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &new.id.as_str(),
            &new.name,
            &new.spec.distribution_id.as_str(),
            &new.connection_group_id.as_str(),
            &new.etag.as_str(),
            &new.config.to_string(),
            &json(&new.spec),
            &new.web_acl,
            &new.certificate,
            &json(&new.tags),
            &new.created.millis(),
            &new.modified.millis(),
            &rows::integer(position.get()),
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update_tenant(
    tx: &Tx<'_>,
    if_match: Option<&str>,
    wanted: &TenantRecord,
    judged_by: &ETag,
) -> Result<Outcome, Stop> {
    let current = tenant(tx, &wanted.id).await?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    let new =
        TenantRecord { name: current.name, tags: current.tags, created: current.created, ..wanted.clone() };
    let is_enabled = fits(tx, &new, judged_by).await?;
    domains::are_free(tx, &Scope::Tenant(new.id.clone()), &Vec::from_iter(&new.spec.domains)).await?;
    put_tenant(tx, new, is_enabled).await
}

/// Who gives domains up has an entry for that, before the one with all that changes: so no edge ever sees two owners.
pub(super) async fn update_tenants(tx: &Tx<'_>, updates: &[TenantUpdate]) -> Result<Outcome, Stop> {
    if updates.len() > TENANTS_PER_CHANGE_MAX {
        return Err(Refusal::TooManyTenants.into());
    }
    for TenantUpdate { if_match, tenant: wanted, .. } in updates {
        let mut current = tenant(tx, &wanted.id).await?;
        ledger::precondition(if_match.as_deref(), &current.etag).map_err(Refusal::from)?;
        let before = current.spec.domains.len();
        current.spec.domains.retain(|domain| wanted.spec.domains.contains(domain));
        if current.spec.domains.len() < before {
            let is_enabled = group_is_enabled(tx, &current.connection_group_id).await?;
            put_tenant(tx, current, is_enabled).await?;
        }
    }
    let mut stored = Vec::with_capacity(updates.len());
    for TenantUpdate { if_match, tenant, judged_by } in updates {
        match update_tenant(tx, if_match.as_deref(), tenant, judged_by).await? {
            Outcome::Tenant(tenant) => stored.push(*tenant),
            other => unreachable!("a tenant that is changed is told, not {other:?}"),
        }
    }
    Ok(Outcome::Tenants(stored))
}

pub(super) async fn delete_tenant(
    tx: &Tx<'_>,
    id: &TenantId,
    if_match: Option<&str>,
) -> Result<Outcome, Stop> {
    let current = tenant(tx, id).await?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.spec.enabled {
        return Err(Refusal::NotDisabled.into());
    }
    let position = log::append(tx, &Change::RemoveTenant(id.clone())).await?;
    // Its invalidations and caller references stay where they are: nobody can reach them any more, since the id is never
    // given out again, and removing a million rows would hold every writer up.
    tx.execute("DELETE FROM tenants WHERE id = $1", &[&id.as_str()]).await?;
    domains::release(tx, &Scope::Tenant(id.clone())).await?;
    Ok(Outcome::TenantDeleted(position))
}

/// What edges are told of a tenant: one of a connection group that is not enabled is disabled.
pub(super) fn told(tenant: &TenantRecord, group_is_enabled: bool) -> Change {
    let mut spec = tenant.spec.clone();
    spec.enabled &= group_is_enabled;
    Change::PutTenant(spec)
}

async fn put_tenant(tx: &Tx<'_>, new: TenantRecord, group_is_enabled: bool) -> Result<Outcome, Stop> {
    let position = log::append(tx, &told(&new, group_is_enabled)).await?;
    tx.execute(
        "UPDATE tenants SET distribution_id = $2, connection_group_id = $3, etag = $4, config = $5, spec = $6,
                modified = $7, position = $8, web_acl = $9, certificate = $10
         WHERE id = $1",
        &[
            &new.id.as_str(),
            &new.spec.distribution_id.as_str(),
            &new.connection_group_id.as_str(),
            &new.etag.as_str(),
            &new.config.to_string(),
            &json(&new.spec),
            &new.modified.millis(),
            &rows::integer(position.get()),
            &new.web_acl,
            &new.certificate,
        ],
    )
    .await?;
    domains::put(tx, &Scope::Tenant(new.id.clone()), &Vec::from_iter(&new.spec.domains)).await?;
    let stored = rows::tracked(new, position, rows::completed(tx).await?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

/// What has this scope, to be changed.
pub(super) async fn holder(tx: &Tx<'_>, scope: &Scope) -> Result<Holder, Stop> {
    match scope {
        Scope::Tenant(id) => Ok(Holder::Tenant(Box::new(tenant(tx, id).await?))),
        Scope::Distribution(id) => Ok(Holder::Distribution(Box::new(distribution(tx, id).await?))),
    }
}

/// What has this scope, unchanged.
pub(super) async fn as_it_is(tx: &Tx<'_>, scope: &Scope) -> Result<Outcome, Stop> {
    Ok(match scope {
        Scope::Tenant(id) => {
            let found = queries::tenant(tx, &TenantKey::Id(id.clone())).await?;
            Outcome::Tenant(Box::new(found.ok_or(Refusal::NoSuchTenant)?))
        }
        Scope::Distribution(id) => {
            let found = queries::distribution(tx, id).await?;
            Outcome::Distribution(Box::new(found.ok_or(Refusal::NoSuchDistribution)?))
        }
    })
}

/// Puts it in the place of what it was.
pub(super) async fn put(tx: &Tx<'_>, changed: Holder) -> Result<Outcome, Stop> {
    match changed {
        Holder::Tenant(tenant) => {
            let is_enabled = group_is_enabled(tx, &tenant.connection_group_id).await?;
            put_tenant(tx, *tenant, is_enabled).await
        }
        Holder::Distribution(distribution) => {
            let spelled = SpelledDistribution::of(&distribution);
            put_distribution(tx, *distribution, &spelled).await
        }
    }
}

async fn distribution(tx: &Tx<'_>, id: &DistributionId) -> Result<DistributionRecord, Stop> {
    let found = queries::distribution(tx, id).await?;
    found.map(|Tracked { record, .. }| record).ok_or(Stop::Refused(Refusal::NoSuchDistribution))
}

async fn tenant(tx: &Tx<'_>, id: &TenantId) -> Result<TenantRecord, Stop> {
    let found = queries::tenant(tx, &TenantKey::Id(id.clone())).await?;
    found.map(|Tracked { record, .. }| record).ok_or(Stop::Refused(Refusal::NoSuchTenant))
}

/// What the tenant belongs to is there, and the distribution is still the one that it was found to go with. Says whether the
/// connection group is enabled.
async fn fits(tx: &Tx<'_>, tenant: &TenantRecord, judged_by: &ETag) -> Result<bool, Stop> {
    let sql = "SELECT etag FROM distributions WHERE id = $1";
    let id = tenant.spec.distribution_id.as_str();
    let of_distribution: Params<'_> = &[&id];
    let (row, is_enabled) =
        join!(tx.row(sql, of_distribution), group_is_enabled(tx, &tenant.connection_group_id));
    let row = row?.ok_or(Refusal::NoSuchDistribution)?;
    let is_enabled = is_enabled?;
    let etag: &str = rows::get(&row, 0)?;
    if etag == judged_by.as_str() { Ok(is_enabled) } else { Err(Refusal::ChangedMeanwhile.into()) }
}

pub(super) async fn group_is_enabled(tx: &Tx<'_>, id: &ConnectionGroupId) -> Result<bool, Stop> {
    let key = ResourceKey::Id(id.as_str().to_owned());
    let found = queries::resource(tx, ResourceKind::ConnectionGroup, &key).await?;
    let group = found.ok_or(Refusal::NoSuchConnectionGroup)?;
    Ok(group.record.enabled != Some(false))
}
