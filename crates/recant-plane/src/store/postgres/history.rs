//! Whose log the database holds: a history, and when another one begins.
//!
//! A copy that was restored, or moved, has forgotten what came after it was made, and would give the same positions out again to other
//! entries. So it takes a new history, by which every edge notices (PURGE.md rule 15).
//!
//! *By itself* where PostgreSQL says that it is another place: `plane.place` is the server's system identifier, the database's and the
//! table's own number, as they were when a plane last took the term. Whatever `pg_restore` makes differs in one of them. A standby that is
//! promoted has the same, and so has a physical copy of the server, which cannot be told from it: for that, and for
//! whoever wants the leases of unknown edges not to be waited for, there is [`super::restore()`].

use recant_core::entry::HistoryId;
use recant_core::limits::LEASE_MAX;
use recant_core::protocol::LeaseParams;
use recant_core::protocol::message::LeaseClass;

use super::rows;
use super::session::{Result, Session};
use crate::random;
use crate::store::{Edges, UNKNOWN_EDGES};

/// A history that nobody has seen before.
pub(super) fn new() -> HistoryId {
    HistoryId(u128::from_be_bytes(random::bytes()))
}

/// Where this is.
pub(super) async fn place(db: &Session) -> Result<String> {
    let sql = "SELECT concat_ws('/', system_identifier,
                      (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()), 'plane'::regclass::oid)
               FROM pg_catalog.pg_control_system()";
    rows::get(&db.one(sql, &[]).await?, 0)
}

/// Notes, within a transaction, where this is, and says whether it was elsewhere the last time.
pub(super) async fn has_moved(db: &Session) -> Result<bool> {
    let place = place(db).await?;
    Ok(db.execute("UPDATE plane SET place = $1 WHERE place IS DISTINCT FROM $1", &[&place]).await? > 0)
}

/// Begins a new history, within a transaction; with a member that stands for the edges that may run and are not known.
pub(super) async fn begin(db: &Session, edges: Edges) -> Result<()> {
    db.execute("UPDATE plane SET history = $1", &[&&new().0.to_be_bytes()[..]]).await?;
    match edges {
        Edges::AreStopped => db.execute("DELETE FROM members", &[]).await?,
        Edges::MayRun => {
            let hold = i64::try_from(LeaseParams::for_lease(LEASE_MAX).hold.as_millis()).unwrap_or(i64::MAX);
            db.execute(
                "INSERT INTO members (edge, incarnation, embedded, lease_class, hold_ms) VALUES ($1, 0, FALSE, $2, $3)
                 ON CONFLICT (edge, incarnation) DO UPDATE SET hold_ms = $3",
                &[&UNKNOWN_EDGES, &i16::from(LeaseClass::default().0), &hold],
            )
            .await?
        }
    };
    Ok(())
}
