//! Carries one command out, inside the writer's transaction and a savepoint of its own.
//!
//! Every function looks its rows up, decides, and only then writes. What it leaves half done when it stops is
//! undone by the savepoint, so a refused command cannot hurt the others of its group.

use recant_core::protocol::PlaneWrite;
use rusqlite::{Connection, params};

use super::{audit, configure, domains, invalidate, keys, policies, resources, rows};
use crate::store::command::{Command, Outcome, Refusal};
use crate::store::spelled::Spelled;

/// Why a command was not carried out to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It may not be.
    Refused(Refusal),
    /// The database failed.
    Failed(rusqlite::Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Carries out a command that is spelled.
pub(super) fn apply(db: &Connection, command: &Command, spelled: &Spelled) -> Result<Outcome, Stop> {
    match command {
        Command::CreateDistribution(distribution) => {
            configure::create_distribution(db, distribution, spelled.distribution())
        }
        Command::UpdateDistribution { if_match, distribution, judged } => configure::update_distribution(
            db,
            if_match.as_deref(),
            distribution,
            spelled.distribution(),
            judged,
        ),
        Command::DeleteDistribution { distribution, if_match } => {
            configure::delete_distribution(db, distribution, if_match.as_deref())
        }
        Command::CreateTenant { tenant, judged_by } => configure::create_tenant(db, tenant, judged_by),
        Command::UpdateTenant { if_match, tenant, judged_by } => {
            configure::update_tenant(db, if_match.as_deref(), tenant, judged_by)
        }
        Command::UpdateTenants(updates) => configure::update_tenants(db, updates),
        Command::MoveDomain { .. } => domains::change_holder(db, command),
        Command::DeleteTenant { tenant, if_match } => {
            configure::delete_tenant(db, tenant, if_match.as_deref())
        }
        Command::CreateInvalidation { scope, id, batch, now, in_progress_max } => {
            let spelled = spelled.invalidation();
            match invalidate::find_earlier(db, scope, spelled)? {
                Some(earlier) => invalidate::replay(db, scope, batch, earlier),
                None => invalidate::create(db, scope, id, (batch, spelled), *now, *in_progress_max),
            }
        }
        Command::CreateResource(resource) => resources::create(db, resource),
        Command::UpdateResource { if_match, resource } => {
            resources::update(db, if_match.as_deref(), resource)
        }
        Command::UpdatePolicy { if_match, resource, policy } => {
            policies::update(db, if_match.as_deref(), resource, policy)
        }
        Command::DeleteResource { kind, id, if_match } => {
            resources::delete(db, *kind, id, if_match.as_deref())
        }
        Command::ChangeTags { of, set, unset, tags_max } => {
            resources::change_tags(db, of, set, unset, *tags_max)
        }
        Command::CreateKey(key) => keys::create(db, key),
        Command::UpdateKey { id, change, now } => keys::update(db, id, change, *now),
        Command::DeleteKey(id) => keys::delete(db, id),
        Command::Audit { keep, .. } => audit::append(db, spelled.record(), *keep),
        Command::PruneInvalidations(up_to) => invalidate::prune(db, *up_to),
        Command::Protocol(writes) => {
            writes.iter().try_for_each(|write| record(db, write))?;
            Ok(Outcome::Recorded)
        }
    }
}

/// Writes down what the plane's half of the protocol decided.
fn record(db: &Connection, write: &PlaneWrite) -> Result<(), Stop> {
    match write {
        PlaneWrite::AddMember(record) => db
            .prepare_cached(
                "INSERT OR REPLACE INTO members (edge, incarnation, embedded, lease_class, hold_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                record.member.edge.as_str(),
                rows::integer(record.member.incarnation.0),
                record.embedded,
                record.lease_class.0,
                // Rounded up: a lease on record may be too long, never too short.
                i64::try_from(record.hold.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX),
            ])?,
        PlaneWrite::RemoveMember(member) => db
            .prepare_cached("DELETE FROM members WHERE edge = ?1 AND incarnation = ?2")?
            .execute(params![member.edge.as_str(), rows::integer(member.incarnation.0)])?,
        // Completion only grows: clients have seen it.
        PlaneWrite::Complete(position) => db
            .prepare_cached("UPDATE head SET completed = max(completed, ?1)")?
            .execute([rows::integer(position.get())])?,
    };
    Ok(())
}

/// Whether a question over one key has an answer.
pub(super) fn exists(db: &Connection, sql: &str, key: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(sql)?.exists([key])
}
