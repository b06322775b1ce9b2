//! A database that was restored is made one that planes may be started on, while none runs on it.

use recant_core::limits::{TERM_LOOK_PERIOD, TERM_SILENCE};
use recant_core::position::Position;
use recant_core::time::BootTime;

use super::schema::{self, OpenError};
use super::session::{Failure, Session};
use super::term::Standing;
use super::{Server, check, history, rows};
use crate::store::Edges;

/// Why a database is not taken for a restored one.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A plane acts on it.
    #[error("a plane{} runs on this database: stop all of them first", .0.as_ref().map(|at| format!(" at {at}")).unwrap_or_default())]
    InUse(Option<String>),
}

impl From<Failure> for RestoreError {
    fn from(failure: Failure) -> Self {
        Self::Open(failure.into())
    }
}

/// Gives the restored database a new history, by which every edge notices, and forgets who held the term. Every entry of the log is
/// checked before. Where the copy says that somebody holds the term, it is watched for as long as a plane may be silent.
///
/// # Errors
/// [`RestoreError`]; the database is then as it was.
pub async fn restore(server: &Server, edges: Edges, now: fn() -> BootTime) -> Result<(), RestoreError> {
    let db = server.connect().await.map_err(OpenError::from)?;
    schema::prepare_what_is_there(&db).await?;
    let found = nobody_acts(&db, now).await?;
    check::log(&db, Position::ZERO).await?;
    db.run("BEGIN").await?;
    let forget = "UPDATE term SET number = number + 1, batch = batch + 1, holder = NULL, address = NULL
                  WHERE number = $1 AND batch = $2";
    let (number, batch) = (rows::integer(found.number), rows::integer(found.end.batch));
    if db.execute(forget, &[&number, &batch]).await? == 0 {
        db.run("ROLLBACK").await?;
        return Err(RestoreError::InUse(found.address));
    }
    history::has_moved(&db).await?;
    history::begin(&db, edges).await?;
    Ok(db.commit().await?)
}

/// The term, once whoever holds it by the record has been silent for so long that he does not act.
async fn nobody_acts(db: &Session, now: fn() -> BootTime) -> Result<Standing, RestoreError> {
    let (found, since) = (Standing::look(db).await?, now());
    while found.holder.is_some() && now().saturating_since(since) < TERM_SILENCE {
        tokio::time::sleep(TERM_LOOK_PERIOD).await;
        let standing = Standing::look(db).await?;
        if standing.holder.is_none() {
            // It was just being given back, as by a plane that stops.
            return Ok(standing);
        }
        if standing.end.batch != found.end.batch {
            return Err(RestoreError::InUse(standing.address));
        }
    }
    Ok(found)
}
