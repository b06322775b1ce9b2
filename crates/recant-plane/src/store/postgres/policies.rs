//! Custom policies and the distributions that carry them.
//!
//! Which distributions use a policy is asked of their specs, as in the embedded store: there are few, and policies change rarely.

use recant_core::entry::Change;
use recant_core::limits::DISTRIBUTIONS_PER_POLICY_MAX;
use recant_core::policy::{Policy, PolicyInUse};
use recant_core::position::Position;
use recant_core::spec::DistributionSpec;

use super::apply::{Stop, Tx};
use super::rows::json;
use super::{log, resources, rows};
use crate::store::command::{Outcome, Refusal};
use crate::store::records::{ResourceKind, ResourceRecord};

/// Every custom policy that a distribution is to carry is what it is now, and may be used by one more.
pub(super) async fn are_current(tx: &Tx<'_>, spec: &DistributionSpec) -> Result<(), Stop> {
    for used in spec.custom_policies() {
        let sql = "SELECT etag FROM resources WHERE kind = $1 AND id = $2";
        let row = tx.row(sql, &[&ResourceKind::from(used.kind).as_str(), &used.id]).await?;
        let etag: Option<String> = row.map(|row| rows::get(&row, 0)).transpose()?;
        if etag.as_deref() != Some(used.revision) {
            return Err(Refusal::ChangedMeanwhile.into());
        }
        let others = users(tx, used.id).await?;
        let others = others.iter().filter(|other| other.id != spec.id && carries(other, &used));
        if others.count() >= DISTRIBUTIONS_PER_POLICY_MAX {
            return Err(Refusal::TooManyUsers(used.kind).into());
        }
    }
    Ok(())
}

pub(super) async fn update(
    tx: &Tx<'_>,
    if_match: Option<&str>,
    wanted: &ResourceRecord,
    policy: &Policy,
) -> Result<Outcome, Stop> {
    let put = resources::put(tx, if_match, wanted).await?;
    let told = tell_distributions(tx, policy).await?;
    resources::told(tx, put, told).await
}

/// Whether a distribution carries the policy of this id.
pub(super) async fn is_used(tx: &Tx<'_>, id: &str) -> Result<bool, Stop> {
    let users = users(tx, id).await?;
    Ok(users.iter().any(|spec| spec.custom_policies().iter().any(|used| used.id == id)))
}

fn carries(spec: &DistributionSpec, policy: &PolicyInUse<'_>) -> bool {
    spec.custom_policies().iter().any(|used| (used.kind, used.id) == (policy.kind, policy.id))
}

/// Tells edges of every distribution that carries a policy, as it is now, and gives the last entry.
async fn tell_distributions(tx: &Tx<'_>, policy: &Policy) -> Result<Option<Position>, Stop> {
    let mut last = None;
    for mut spec in users(tx, policy.id()).await? {
        if !spec.replace_policy(policy) {
            continue;
        }
        let position = log::append(tx, &Change::PutDistribution(spec.clone())).await?;
        let sql = "UPDATE distributions SET spec = $2, position = $3 WHERE id = $1";
        tx.execute(sql, &[&spec.id.as_str(), &json(&spec), &rows::integer(position.get())]).await?;
        last = Some(position);
    }
    Ok(last)
}

/// The distributions whose specs have this text in them.
async fn users(tx: &Tx<'_>, id: &str) -> Result<Vec<DistributionSpec>, Stop> {
    let sql = "SELECT spec FROM distributions WHERE strpos(spec, $1) > 0 ORDER BY born";
    let found = tx.rows(sql, &[&json(id)]).await?;
    let specs: Result<Vec<_>, _> = found.iter().map(|row| rows::from_json(row, 0)).collect();
    Ok(specs?)
}
