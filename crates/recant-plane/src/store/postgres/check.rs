//! Whether the end of the log is what was written, looked at by whoever takes the term.

use recant_core::entry::Hash;
use recant_core::position::Position;

use super::schema::OpenError;
use super::session::Session;
use super::{queries, rows};
use crate::store::spelling::TAIL;

/// Checks the last entries.
pub(super) async fn tail(db: &Session) -> Result<(), OpenError> {
    let (head, _) = rows::head(db).await?;
    log(db, Position::new(head.get().saturating_sub(TAIL))).await
}

/// Checks that the entries after a position are dense, link to one another, have the bodies that they name, and end with the head.
pub(super) async fn log(db: &Session, after: Position) -> Result<(), OpenError> {
    let (head, head_hash) = rows::head(db).await?;
    let mut at = after;
    let mut hash = queries::entry_hash(db, at).await?.ok_or(OpenError::Damaged(at))?;
    while at < head {
        for entry in queries::entries(db, at, head, usize::try_from(TAIL).unwrap_or(usize::MAX)).await? {
            if entry.prev_hash != hash || entry.body_hash != Hash::of(&entry.body) {
                return Err(OpenError::Damaged(entry.position));
            }
            (at, hash) = (entry.position, entry.hash());
        }
    }
    if hash == head_hash { Ok(()) } else { Err(OpenError::Damaged(head)) }
}
