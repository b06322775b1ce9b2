//! Who may append: the holder of the term, one row.
//!
//! ```text
//!   term:  number │ batch │ holder │ address
//!            │        │
//!            │        └─ one more with every transaction of the holder's, renewals included
//!            └─ one more with every holder
//! ```
//!
//! * **Fencing.** Every transaction of the holder's begins with `UPDATE term … WHERE number = MINE`. That locks the row until
//!   its commit, so there is one such transaction at a time; where another plane has taken the term, it changes nothing, and
//!   the holder knows that it is none.
//! * **Tenure.** What the holder says without writing (a lease it grants) is bound by time instead: it acts for
//!   [`TERM_TENURE`](recant_core::limits::TERM_TENURE) after it *sent* the last renewal that was committed. Another plane takes the term when it has seen `batch`
//!   unchanged for [`TERM_SILENCE`] by its own clock, which began later and lasts longer. No two clocks are compared.
//!   So when the new holder starts, every lease that the old one granted was asked for before, and the new holder waits for
//!   as long as any of them may last (PURGE.md rule 11): a take-over is a restart on another machine.
//! * **Doubt.** A holder whose commit got no answer reads `batch` over another connection, in its next `UPDATE`, which waits for
//!   the transaction that is in doubt: `batch` says whether that was committed.
//! * **Lost tail.** `batch` and the log only grow. Where they are behind what a plane remembers of the same history, the database
//!   has lost what it had acknowledged (a standby was promoted that did not have it). Whoever takes the term then begins a new
//!   history, by which every edge notices, and waits out the leases of edges that it does not know, as a restored copy does.
//! * **Another place.** A copy that `pg_restore` has made is noticed, too ([`history`]).

use std::sync::{Arc, Mutex, PoisonError};

use recant_core::entry::{Hash, HistoryId};
use recant_core::limits::{TERM_LOOK_PERIOD, TERM_SILENCE};
use recant_core::position::Position;
use recant_core::protocol::message::Term;
use recant_core::time::BootTime;
use tokio::sync::watch;

use super::schema::OpenError;
use super::session::{Result, Session};
use super::{history, rows};
use crate::store::Edges;
use crate::store::records::Identity;

/// The end of what was acknowledged, as one plane knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) history: HistoryId,
    pub(super) batch: u64,
    pub(super) head: Position,
    pub(super) hash: Hash,
}

/// What one plane has seen acknowledged, by itself or by others: shared by whoever learns of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Option<Remembered>>>);

impl Memory {
    /// Learns a later end, or that of another history.
    pub(super) fn learn(&self, end: Remembered) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some(known) if known.history == end.history && known.batch > end.batch => {}
            _ => *known = Some(end),
        }
    }

    fn recall(&self) -> Option<Remembered> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a plane wants the term with.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Its name in the row, like no other plane's.
    pub(super) holder: String,
    /// Where the others reach it.
    pub(super) address: String,
    pub(super) memory: Memory,
}

/// The row of the term, and what else is looked at with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) number: u64,
    pub(super) holder: Option<String>,
    pub(super) address: Option<String>,
    pub(super) end: Remembered,
}

impl Standing {
    pub(super) async fn look(db: &Session) -> Result<Self> {
        let sql = "SELECT number, batch, holder, address, history, position, hash FROM term, plane, head";
        let row = db.one(sql, &[]).await?;
        Ok(Self {
            number: rows::unsigned(&row, 0)?,
            holder: rows::get(&row, 2)?,
            address: rows::get(&row, 3)?,
            end: Remembered {
                history: rows::history(&row, 4)?,
                batch: rows::unsigned(&row, 1)?,
                head: rows::position(&row, 5)?,
                hash: rows::hash(&row, 6)?,
            },
        })
    }
}

/// What a plane has to know of the term that it holds.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) identity: Identity,
    /// This store's name in the row.
    pub(super) holder: String,
    pub(super) end: Remembered,
}

/// Waits until the term is nobody's, or its holder has been silent for too long, and takes it.
///
/// Gives the seat and when its transaction was begun. What this plane held before, and does not any more, is as good as free: its own
/// writer has ended.
pub(super) async fn take(
    db: &Session,
    claim: &Claim,
    held_by: &watch::Sender<Option<String>>,
    now: fn() -> BootTime,
) -> std::result::Result<(Seat, BootTime), OpenError> {
    let mut seen: Option<(Standing, BootTime)> = None;
    loop {
        let standing = Standing::look(db).await?;
        let is_free = standing.holder.as_ref().is_none_or(|holder| *holder == claim.holder);
        let silent_since = match &seen {
            Some((before, since)) if before.end.batch == standing.end.batch => *since,
            _ => now(),
        };
        if is_free || now().saturating_since(silent_since) >= TERM_SILENCE {
            held_by.send_replace(None);
            let has_lost = has_lost(db, &standing, claim.memory.recall()).await?;
            let begun = now();
            if let Some(seat) = take_at_once(db, &standing, claim, has_lost).await? {
                claim.memory.learn(seat.end);
                return Ok((seat, begun));
            }
            seen = None;
            continue;
        }
        claim.memory.learn(standing.end);
        let address = standing.address.clone();
        held_by.send_if_modified(|known| std::mem::replace(known, address.clone()) != address);
        seen = Some((standing, silent_since));
        tokio::time::sleep(TERM_LOOK_PERIOD).await;
    }
}

/// Whether something is missing that was acknowledged.
async fn has_lost(db: &Session, standing: &Standing, remembered: Option<Remembered>) -> Result<bool> {
    let Some(known) = remembered.filter(|known| known.history == standing.end.history) else {
        return Ok(false);
    };
    let found = super::queries::entry_hash(db, known.head).await?;
    Ok(standing.end.batch < known.batch || found != Some(known.hash))
}

/// Takes the term, unless somebody was faster.
async fn take_at_once(db: &Session, found: &Standing, claim: &Claim, has_lost: bool) -> Result<Option<Seat>> {
    db.run("BEGIN").await?;
    let sql = "UPDATE term SET number = number + 1, batch = batch + 1, holder = $1, address = $2
               WHERE number = $3 AND batch = $4";
    let (number, batch) = (rows::integer(found.number), rows::integer(found.end.batch));
    if db.execute(sql, &[&claim.holder, &claim.address, &number, &batch]).await? == 0 {
        db.run("ROLLBACK").await?;
        return Ok(None);
    }
    let has_moved = history::has_moved(db).await?;
    if has_moved {
        tracing::warn!(
            "the database is not where a plane was last on it, as after a restore: a new history begins, and edges start over"
        );
    }
    if has_lost {
        tracing::error!(
            "the database has lost what it had acknowledged: a new history begins, and edges start over"
        );
    }
    if has_moved || has_lost {
        history::begin(db, Edges::MayRun).await?;
    }
    let account = rows::get(&db.one("SELECT account FROM plane", &[]).await?, 0)?;
    let standing = Standing::look(db).await?;
    db.commit().await?;
    Ok(Some(Seat {
        identity: Identity { history: standing.end.history, term: Term(standing.number), account },
        holder: claim.holder.clone(),
        end: standing.end,
    }))
}

/// Gives the term back: nobody acts by it any more.
pub(super) async fn release(db: &Session, seat: &Seat) -> Result<()> {
    let sql =
        "UPDATE term SET holder = NULL, address = NULL, batch = batch + 1 WHERE number = $1 AND holder = $2";
    db.execute(sql, &[&rows::integer(seat.identity.term.0), &seat.holder]).await.map(drop)
}
