//! Carries one command out, inside the writer's transaction and a savepoint of its own.
//!
//! Every function looks its rows up, decides, and only then writes. What it leaves half done when it stops is
//! undone by the savepoint, so a refused command cannot hurt the others of its group.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use recant_core::entry::Hash;
use recant_core::position::Position;
use recant_core::protocol::PlaneWrite;

use super::invalidate::Create;
use super::session::{Failure, Session};
use super::{audit, configure, domains, invalidate, keys, policies, resources, rows};
use crate::store::command::{Command, Outcome, Refusal};
use crate::store::queue::Request;

/// Why a command was not carried out to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It may not be.
    Refused(Refusal),
    /// The database failed.
    Failed(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The transaction of a group: the connection, and the end of the log as this transaction has moved it.
pub(super) struct Tx<'s> {
    session: &'s Session,
    /// Locked only to read or replace it: the commands of a group take turns.
    end: Mutex<(Position, Hash)>,
}

impl<'s> Tx<'s> {
    /// A transaction in which the log ends there, so far.
    pub(super) fn new(session: &'s Session, end: (Position, Hash)) -> Self {
        Self { session, end: Mutex::new(end) }
    }

    /// The end of the log, with what this transaction has appended.
    pub(super) fn end(&self) -> (Position, Hash) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn move_end(&self, position: Position, hash: Hash) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = (position, hash);
    }

    /// Writes the end of the log down.
    pub(super) async fn write_end(&self) -> Result<(), Failure> {
        let (position, hash) = self.end();
        let sql = "UPDATE head SET position = $1, hash = $2 WHERE position <> $1";
        self.execute(sql, &[&rows::integer(position.get()), &&hash.0[..]]).await.map(drop)
    }
}

impl Deref for Tx<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

/// Carries a command out.
pub(super) async fn apply(tx: &Tx<'_>, request: &Request) -> Result<Outcome, Stop> {
    let Request { command, spelled, .. } = request;
    match command {
        Command::CreateDistribution(distribution) => {
            configure::create_distribution(tx, distribution, spelled.distribution()).await
        }
        Command::UpdateDistribution { if_match, distribution, judged } => {
            let spelled = spelled.distribution();
            configure::update_distribution(tx, if_match.as_deref(), distribution, spelled, judged).await
        }
        Command::DeleteDistribution { distribution, if_match } => {
            configure::delete_distribution(tx, distribution, if_match.as_deref()).await
        }
        Command::CreateTenant { tenant, judged_by } => configure::create_tenant(tx, tenant, judged_by).await,
        Command::UpdateTenant { if_match, tenant, judged_by } => {
            configure::update_tenant(tx, if_match.as_deref(), tenant, judged_by).await
        }
        Command::UpdateTenants(updates) => configure::update_tenants(tx, updates).await,
        Command::MoveDomain { .. } => domains::change_holder(tx, command).await,
        Command::DeleteTenant { tenant, if_match } => {
            configure::delete_tenant(tx, tenant, if_match.as_deref()).await
        }
        Command::CreateInvalidation { .. } => {
            let create = Create::of(request).expect("it is one");
            let outcomes = invalidate::create_all(tx, &[create]).await?;
            Ok(outcomes.into_iter().next().expect("each create has an outcome"))
        }
        Command::CreateResource(resource) => resources::create(tx, resource).await,
        Command::UpdateResource { if_match, resource } => {
            resources::update(tx, if_match.as_deref(), resource).await
        }
        Command::UpdatePolicy { if_match, resource, policy } => {
            policies::update(tx, if_match.as_deref(), resource, policy).await
        }
        Command::DeleteResource { kind, id, if_match } => {
            resources::delete(tx, *kind, id, if_match.as_deref()).await
        }
        Command::ChangeTags { of, set, unset, tags_max } => {
            resources::change_tags(tx, of, set, unset, *tags_max).await
        }
        Command::CreateKey(key) => keys::create(tx, key).await,
        Command::UpdateKey { id, change, now } => keys::update(tx, id, change, *now).await,
        Command::DeleteKey(id) => keys::delete(tx, id).await,
        Command::Audit { keep, .. } => {
            audit::append_all(tx, &[(spelled.record(), *keep)]).await?;
            Ok(Outcome::Recorded)
        }
        Command::PruneInvalidations(up_to) => invalidate::prune(tx, *up_to).await,
        Command::Protocol(writes) => {
            for write in writes {
                record(tx, write).await?;
            }
            Ok(Outcome::Recorded)
        }
    }
}

/// Writes down what the plane's half of the protocol decided.
async fn record(tx: &Tx<'_>, write: &PlaneWrite) -> Result<(), Stop> {
    match write {
        PlaneWrite::AddMember(record) => {
            // Rounded up: a lease on record may be too long, never too short.
            let hold = i64::try_from(record.hold.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
            tx.execute(
                "INSERT INTO members (edge, incarnation, embedded, lease_class, hold_ms) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (edge, incarnation) DO UPDATE SET embedded = $3, lease_class = $4, hold_ms = $5",
                &[
                    &record.member.edge.as_str(),
                    &rows::integer(record.member.incarnation.0),
                    &record.embedded,
                    &i16::from(record.lease_class.0),
                    &hold,
                ],
            )
            .await?
        }
        PlaneWrite::RemoveMember(member) => {
            tx.execute(
                "DELETE FROM members WHERE edge = $1 AND incarnation = $2",
                &[&member.edge.as_str(), &rows::integer(member.incarnation.0)],
            )
            .await?
        }
        PlaneWrite::Complete(position) => {
            // What is complete has been appended, perhaps by this very group.
            tx.write_end().await?;
            // Completion only grows: clients have seen it.
            tx.execute(
                "UPDATE head SET completed = greatest(completed, $1)",
                &[&rows::integer(position.get())],
            )
            .await?
        }
    };
    Ok(())
}
