//! Custom policies and the distributions that carry them.
//!
//! Which distributions use a policy is asked of their specs: a policy's id is a UUID, which stands in no spec that does
//! not carry it but by somebody's intent. There are far fewer distributions than tenants, and policies change rarely, so the
//! question is answered by looking at every distribution, and needs no table that could come to say something else.

use recant_core::entry::Change;
use recant_core::limits::DISTRIBUTIONS_PER_POLICY_MAX;
use recant_core::policy::{Policy, PolicyInUse};
use recant_core::position::Position;
use recant_core::spec::DistributionSpec;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::apply::Stop;
use super::rows::json;
use super::{log, resources, rows};
use crate::store::command::{Outcome, Refusal};
use crate::store::records::{ResourceKind, ResourceRecord};

/// Every custom policy that a distribution is to carry is what it is now, and may be used by one more.
pub(super) fn are_current(db: &Connection, spec: &DistributionSpec) -> Result<(), Stop> {
    let mut etag = db.prepare_cached("SELECT etag FROM resources WHERE kind = ?1 AND id = ?2")?;
    for used in spec.custom_policies() {
        let key = [ResourceKind::from(used.kind).as_str(), used.id];
        let etag: Option<String> = etag.query_row(key, |row| row.get(0)).optional()?;
        if etag.as_deref() != Some(used.revision) {
            return Err(Refusal::ChangedMeanwhile.into());
        }
        let others = users(db, used.id)?;
        let others = others.iter().filter(|other| other.id != spec.id && carries(other, &used));
        if others.count() >= DISTRIBUTIONS_PER_POLICY_MAX {
            return Err(Refusal::TooManyUsers(used.kind).into());
        }
    }
    Ok(())
}

pub(super) fn update(
    db: &Connection,
    if_match: Option<&str>,
    wanted: &ResourceRecord,
    policy: &Policy,
) -> Result<Outcome, Stop> {
    resources::put(db, if_match, wanted, |_, _| tell_distributions(db, policy))
}

/// Whether a distribution carries the policy of this id.
pub(super) fn is_used(db: &Connection, id: &str) -> Result<bool, Stop> {
    let users = users(db, id)?;
    Ok(users.iter().any(|spec| spec.custom_policies().iter().any(|used| used.id == id)))
}

fn carries(spec: &DistributionSpec, policy: &PolicyInUse<'_>) -> bool {
    spec.custom_policies().iter().any(|used| (used.kind, used.id) == (policy.kind, policy.id))
}

/// Tells edges of every distribution that carries a policy, as it is now, and gives the last entry.
fn tell_distributions(db: &Connection, policy: &Policy) -> Result<Option<Position>, Stop> {
    let mut last = None;
    for mut spec in users(db, policy.id())? {
        if !spec.replace_policy(policy) {
            continue;
        }
        let position = log::append(db, &Change::PutDistribution(spec.clone()))?;
        db.prepare_cached("UPDATE distributions SET spec = ?2, position = ?3 WHERE id = ?1")?
            .execute(params![spec.id.as_str(), json(&spec), rows::integer(position.get()),])?;
        last = Some(position);
    }
    Ok(last)
}

/// The distributions whose specs have this text in them.
fn users(db: &Connection, id: &str) -> Result<Vec<DistributionSpec>, Stop> {
    let mut specs =
        db.prepare_cached("SELECT spec FROM distributions WHERE instr(spec, ?1) > 0 ORDER BY born")?;
    let specs = specs.query_map([json(id)], |row| rows::from_json(row, 0))?;
    Ok(specs.collect::<rusqlite::Result<_>>()?)
}
