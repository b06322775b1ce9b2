//! A copy of the database while it is in use, and a database made of a copy.
//!
//! A plane that is restored from a copy has forgotten what was accepted after the copy was made, and gives the same positions out again
//! to other entries. So a restored database takes a new history id, by which every edge notices (PURGE.md rule 15): it drops what it
//! has stored and starts over.
//!
//! Until it has noticed, an edge may serve by a lease of the plane that was. Of edges that joined after the copy was made the restored plane
//! knows nothing, so it is given a member that stands for them all: nobody can be it, its lease was as long as any plane's may be,
//! and nothing completes before that has run out. Edges that lived in the other plane's process are not gone just because this
//! folder's lock is free; they become members like the others.

use std::path::Path;

use recant_core::entry::HistoryId;
use recant_core::limits::LEASE_MAX;
use recant_core::protocol::LeaseParams;
use recant_core::protocol::message::{LeaseClass, Term};
use rusqlite::{Connection, OpenFlags, params};

use super::schema::{self, OpenError};
use super::{check, rows};
use crate::random;
use crate::store::{Edges, UNKNOWN_EDGES};

/// Why a database cannot be copied or restored.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It is not one of a plane's, or a newer program's.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What was copied is damaged.
    #[error(transparent)]
    Damaged(#[from] check::Damage),
    /// SQLite failed.
    #[error("the database cannot be copied")]
    Sqlite(#[from] rusqlite::Error),
}

/// Writes a copy of the database to `to`, which must not exist: one moment of it, whole, in one file. A plane that runs on it goes on.
///
/// # Errors
/// [`CopyError`]; what was written of the copy is then no copy.
pub fn copy(from: &Path, to: &Path) -> Result<(), CopyError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(recant_core::limits::STORE_BUSY_MAX)?;
    schema::version(&source)?;
    // In one read transaction, which in a write-ahead log holds nobody up.
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    drop(source);
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(check::whole(&copy)?)
}

/// Makes the copied database at `path` one that a plane may be started on.
///
/// # Errors
/// [`CopyError`]; the database is then as it was.
pub fn adopt(path: &Path, edges: Edges) -> Result<(), CopyError> {
    let mut copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::version(&copy)?;
    check::whole(&copy)?;
    copy.pragma_update(None, "synchronous", "FULL")?;
    let transaction = copy.transaction()?;
    let history = HistoryId(u128::from_be_bytes(random::bytes()));
    transaction.execute(
        "UPDATE plane SET history = ?1, term = ?2",
        params![history.0.to_be_bytes(), rows::integer(Term::default().0)],
    )?;
    match edges {
        Edges::AreStopped => transaction.execute("DELETE FROM members", [])?,
        Edges::MayRun => {
            transaction.execute("UPDATE members SET embedded = 0", [])?;
            let hold = LeaseParams::for_lease(LEASE_MAX).hold;
            transaction.execute(
                "INSERT OR REPLACE INTO members (edge, incarnation, embedded, lease_class, hold_ms) VALUES (?1, 0, 0, ?2, ?3)",
                params![
                    UNKNOWN_EDGES,
                    LeaseClass::default().0,
                    i64::try_from(hold.as_millis()).unwrap_or(i64::MAX)
                ],
            )?
        }
    };
    Ok(transaction.commit()?)
}
