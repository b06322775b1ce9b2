//! Whether a database is what was written: pages, rows, and the chain of the log.

use recant_core::entry::Hash;
use recant_core::position::Position;
use rusqlite::Connection;

use super::{queries, rows};
use crate::store::spelling::TAIL;

/// What is wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// SQLite finds its pages damaged.
    #[error("the database is damaged: {0}")]
    Pages(String),
    /// The log is not dense, or its links do not hold.
    #[error("the log is damaged at position {}", .0.get())]
    Log(Position),
    /// It cannot be read.
    #[error("the database cannot be read")]
    Read(#[from] rusqlite::Error),
}

/// Checks every page, and that the end of the log is what was written. Costs one reading of the file.
///
/// # Errors
/// [`Damage`] names the first that is found.
pub(super) fn at_start(db: &Connection) -> Result<(), Damage> {
    pages(db)?;
    let (head, _) = rows::head(db)?;
    log(db, Position::new(head.get().saturating_sub(TAIL)))
}

/// Checks every page and every entry of the log.
///
/// # Errors
/// [`Damage`] names the first that is found.
pub(super) fn whole(db: &Connection) -> Result<(), Damage> {
    pages(db)?;
    log(db, Position::ZERO)
}

fn pages(db: &Connection) -> Result<(), Damage> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Damage::Pages(found)) }
}

/// Checks that the entries after a position are dense, link to one another, have the bodies that they name, and end with the head.
fn log(db: &Connection, after: Position) -> Result<(), Damage> {
    let (head, head_hash) = rows::head(db)?;
    let mut hash = queries::entry_hash(db, after)?.ok_or(Damage::Log(after))?;
    let mut at = after;
    let sql = format!("SELECT {} FROM log WHERE position > ?1 ORDER BY position", rows::ENTRY);
    let mut entries = db.prepare(&sql)?;
    for entry in entries.query_map([rows::integer(after.get())], rows::entry)? {
        let entry = entry?;
        let fits = entry.position == at.next()
            && entry.prev_hash == hash
            && entry.body_hash == Hash::of(&entry.body);
        if !fits {
            return Err(Damage::Log(at.next()));
        }
        (at, hash) = (entry.position, entry.hash());
    }
    if (at, hash) == (head, head_hash) { Ok(()) } else { Err(Damage::Log(at.next())) }
}
