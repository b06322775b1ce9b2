//! The ledger of invalidations: new, replay or conflict; room; the entry and its detail. Many at once: the look-ups of all take
//! one round trip, the writes of all another.
//!
//! Decided is one after the other, in the order of the group, over the rows that were looked up and what the ones before have
//! added to them.
//!
//! A replay's answer is as durable as a new one's: the transaction writes the row of the term in any case, so that its commit waits
//! for the standbys, and for all that was written before (PURGE.md section 5).

use std::collections::HashMap;

use recant_core::batch::{Fingerprint, InvalidationBatch, PathCount};
use recant_core::entry::{Hash, Scope};
use recant_core::id::InvalidationId;
use recant_core::ledger::{self, Decision};
use recant_core::position::Position;
use recant_core::time::WallTime;
use tokio::try_join;

use super::apply::{Stop, Tx};
use super::session::{Params, Result, Session};
use super::{log, rows};
use crate::store::command::{Birth, Command, Outcome, Refusal};
use crate::store::queue::Request;
use crate::store::records::{InvalidationRecord, Tracked};
use crate::store::spelled::{SpelledChange, SpelledInvalidation};

/// One create.
pub(super) struct Create<'c> {
    pub(super) scope: &'c Scope,
    pub(super) id: &'c InvalidationId,
    pub(super) batch: &'c InvalidationBatch,
    pub(super) spelled: &'c SpelledInvalidation,
    pub(super) now: WallTime,
    pub(super) in_progress_max: PathCount,
}

impl<'c> Create<'c> {
    /// The create that is requested, if it is one.
    pub(super) fn of(request: &'c Request) -> Option<Self> {
        match &request.command {
            Command::CreateInvalidation { scope, id, batch, now, in_progress_max } => {
                let spelled = request.spelled.invalidation();
                Some(Self { scope, id, batch, spelled, now: *now, in_progress_max: *in_progress_max })
            }
            _ => None,
        }
    }
}

/// Carries creates out, in this order.
///
/// # Errors
/// When the database fails; one create's fault among them, too, and nothing is known of whose.
pub(super) async fn create_all(
    tx: &Tx<'_>,
    creates: &[Create<'_>],
) -> std::result::Result<Vec<Outcome>, Stop> {
    let mut known = Known::look_up(tx, creates).await?;
    let mut new: Vec<New<'_>> = Vec::new();
    let mut outcomes = Vec::with_capacity(creates.len());
    let mut next = tx.end().0;
    for create in creates {
        outcomes.push(match known.decide(create) {
            Ok(Decided::Earlier(position)) => Outcome::Invalidation {
                birth: Birth::Replayed,
                invalidation: Box::new(known.replayed(create, position)),
            },
            Ok(Decided::New(change)) => {
                next = next.next();
                let stored = known.accept(create, next);
                new.push(New { create, change, position: next, before: known.before(create) });
                Outcome::Invalidation { birth: Birth::New, invalidation: Box::new(stored) }
            }
            Err(refusal) => Outcome::Refused(refusal),
        });
    }
    if !new.is_empty() {
        write(tx, &new).await?;
    }
    Ok(outcomes)
}

/// What becomes of a create.
enum Decided<'c> {
    /// The reference has made the invalidation at this place.
    Earlier(Position),
    /// There is room for it, and this is its entry.
    New(&'c SpelledChange),
}

/// An invalidation that is to be written.
struct New<'c> {
    create: &'c Create<'c>,
    change: &'c SpelledChange,
    position: Position,
    /// What its scope had sent before it.
    before: PathCount,
}

/// What is there of everything that some creates are about.
struct Known {
    completed: Position,
    /// By owner: only of those that are there.
    owners: HashMap<String, Sent>,
    references: HashMap<(String, Hash), Remembered>,
    /// By position: those that a reference has made.
    details: HashMap<Position, InvalidationRecord>,
}

/// What a scope has sent up to now.
#[derive(Clone, Copy, Default)]
struct Sent {
    /// All paths, the newest invalidation's included.
    paths: PathCount,
    /// What the newest one had before it.
    before_newest: PathCount,
    /// What the oldest invalidation in progress had before it.
    before_oldest: Option<PathCount>,
}

/// What is kept of a `CallerReference` for ever.
struct Remembered {
    fingerprint: Fingerprint,
    invalidation: InvalidationId,
    created: WallTime,
    position: Position,
}

fn key(create: &Create<'_>) -> (String, Hash) {
    (create.spelled.owner.clone(), create.spelled.reference)
}

impl Known {
    async fn look_up(db: &Session, creates: &[Create<'_>]) -> Result<Self> {
        let keys: Vec<_> = creates.iter().map(key).collect();
        let owners: Vec<&str> = keys.iter().map(|(owner, _)| owner.as_str()).collect();
        let hashes: Vec<&[u8]> = keys.iter().map(|(_, hash)| &hash.0[..]).collect();
        let ids: Vec<&str> = creates.iter().map(|create| create.scope.id()).collect();
        let (of_ids, of_owners): (Params<'_>, Params<'_>) = (&[&ids], &[&owners]);
        let of_references: Params<'_> = &[&owners, &hashes];
        let (completed, tenants, distributions, sent, references) = try_join!(
            rows::completed(db),
            db.rows("SELECT id FROM tenants WHERE id = ANY($1)", of_ids),
            db.rows("SELECT id FROM distributions WHERE id = ANY($1)", of_ids),
            db.rows(SENT, of_owners),
            db.rows(REFERENCES, of_references),
        )?;
        let sent = sent.iter().map(sent_of).collect::<Result<HashMap<_, _>>>()?;
        let there = |found: &[tokio_postgres::Row]| -> Result<Vec<String>> {
            found.iter().map(|row| rows::get(row, 0)).collect()
        };
        let (tenants, distributions) = (there(&tenants)?, there(&distributions)?);
        let mut owners = HashMap::new();
        for create in creates {
            let among = match create.scope {
                Scope::Tenant(_) => &tenants,
                Scope::Distribution(_) => &distributions,
            };
            if among.iter().any(|id| id == create.scope.id()) {
                let owner = &create.spelled.owner;
                owners.insert(owner.clone(), sent.get(owner).copied().unwrap_or_default());
            }
        }
        let references = references.iter().map(remembered).collect::<Result<HashMap<_, _>>>()?;
        let details = details(db, &references, completed).await?;
        Ok(Self { completed, owners, references, details })
    }

    /// Whether the reference has made an invalidation before, or there is room for a new one.
    fn decide<'c>(&self, create: &Create<'c>) -> std::result::Result<Decided<'c>, Refusal> {
        let sent = self.owners.get(&create.spelled.owner).ok_or(match create.scope {
            Scope::Tenant(_) => Refusal::NoSuchTenant,
            Scope::Distribution(_) => Refusal::NoSuchDistribution,
        })?;
        let remembered = self.references.get(&key(create));
        let fingerprint = remembered.map(|earlier| &earlier.fingerprint);
        match (ledger::decide(fingerprint, &create.spelled.fingerprint), remembered) {
            (Decision::Replay, Some(earlier)) => return Ok(Decided::Earlier(earlier.position)),
            (Decision::Conflict, Some(earlier)) => {
                return Err(Refusal::CallerReferenceConflict { earlier: earlier.invalidation.clone() });
            }
            (Decision::New, _) | (_, None) => {}
        }
        let in_progress = sent.before_oldest.map_or_else(PathCount::default, |oldest| PathCount {
            paths: sent.paths.paths - oldest.paths,
            wildcards: sent.paths.wildcards - oldest.wildcards,
        });
        ledger::room(in_progress, create.spelled.count, create.in_progress_max)?;
        create.spelled.change().map(Decided::New)
    }

    /// Adds a new invalidation to what is known.
    fn accept(&mut self, create: &Create<'_>, position: Position) -> Tracked<InvalidationRecord> {
        let count = create.spelled.count;
        let sent = self.owners.entry(create.spelled.owner.clone()).or_default();
        sent.before_newest = sent.paths;
        sent.before_oldest.get_or_insert(sent.paths);
        sent.paths.paths += count.paths;
        sent.paths.wildcards += count.wildcards;
        let record = InvalidationRecord {
            id: create.id.clone(),
            scope: create.scope.clone(),
            caller_reference: create.batch.caller_reference().to_owned(),
            items: create.batch.items().to_vec(),
            created: create.now,
        };
        self.references.insert(
            key(create),
            Remembered {
                fingerprint: create.spelled.fingerprint,
                invalidation: create.id.clone(),
                created: create.now,
                position,
            },
        );
        self.details.insert(position, record.clone());
        rows::tracked(record, position, self.completed)
    }

    /// What the newest invalidation of the scope had before it.
    fn before(&self, create: &Create<'_>) -> PathCount {
        self.owners.get(&create.spelled.owner).map_or_else(PathCount::default, |sent| sent.before_newest)
    }

    /// The invalidation that the reference has made: the same id, the original time, the present progress.
    fn replayed(&self, create: &Create<'_>, position: Position) -> Tracked<InvalidationRecord> {
        let earlier = self.references.get(&key(create)).expect("it was found when this was decided");
        let record = self.details.get(&position).cloned().unwrap_or_else(|| {
            // Where the detail has been pruned, this batch says the same: it has the same fingerprint.
            InvalidationRecord {
                id: earlier.invalidation.clone(),
                scope: create.scope.clone(),
                caller_reference: create.batch.caller_reference().to_owned(),
                items: create.batch.items().to_vec(),
                created: earlier.created,
            }
        });
        rows::tracked(record, position, self.completed)
    }
}

/// By owner: what the newest invalidation and those before it had, and what the oldest one in progress had before it.
const SENT: &str = "
    SELECT asked.owner, newest.paths, newest.wildcards, oldest.paths_before, oldest.wildcards_before
    FROM (SELECT DISTINCT unnest($1::text[]) AS owner) AS asked
    JOIN LATERAL (
        SELECT paths_before + paths AS paths, wildcards_before + wildcards AS wildcards FROM invalidations
        WHERE owner = asked.owner ORDER BY position DESC LIMIT 1) AS newest ON TRUE
    LEFT JOIN LATERAL (
        SELECT paths_before, wildcards_before FROM invalidations
        WHERE owner = asked.owner AND position > (SELECT completed FROM head)
        ORDER BY position LIMIT 1) AS oldest ON TRUE";

fn sent_of(row: &tokio_postgres::Row) -> Result<(String, Sent)> {
    let paths = PathCount { paths: rows::unsigned(row, 1)?, wildcards: rows::unsigned(row, 2)? };
    let before_oldest = match (rows::get::<Option<i64>>(row, 3)?, rows::get::<Option<i64>>(row, 4)?) {
        (Some(paths), Some(wildcards)) => {
            Some(PathCount { paths: paths.cast_unsigned(), wildcards: wildcards.cast_unsigned() })
        }
        _ => None,
    };
    Ok((rows::get(row, 0)?, Sent { paths, before_newest: PathCount::default(), before_oldest }))
}

const REFERENCES: &str = "
    SELECT found.owner, found.reference_hash, found.fingerprint, found.invalidation, found.created, found.position
    FROM unnest($1::text[], $2::bytea[]) AS asked (owner, hash)
    JOIN caller_references AS found ON found.owner = asked.owner AND found.reference_hash = asked.hash";

fn remembered(row: &tokio_postgres::Row) -> Result<((String, Hash), Remembered)> {
    let earlier = Remembered {
        fingerprint: Fingerprint(rows::bytes(row, 2)?),
        invalidation: rows::word(row, 3)?,
        created: rows::wall_time(row, 4)?,
        position: rows::position(row, 5)?,
    };
    Ok(((rows::get(row, 0)?, rows::hash(row, 1)?), earlier))
}

/// What references have made, where it has not been pruned.
async fn details(
    db: &Session,
    references: &HashMap<(String, Hash), Remembered>,
    completed: Position,
) -> Result<HashMap<Position, InvalidationRecord>> {
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let positions: Vec<i64> =
        references.values().map(|earlier| rows::integer(earlier.position.get())).collect();
    let sql = format!("SELECT {} FROM invalidations WHERE position = ANY($1)", rows::INVALIDATION);
    let found = db.rows(&sql, &[&positions]).await?;
    let detail = |row| rows::invalidation(row, completed).map(|found| (found.position, found.record));
    found.iter().map(detail).collect()
}

/// Writes new invalidations: their entries, their references, their details.
async fn write(tx: &Tx<'_>, new: &[New<'_>]) -> std::result::Result<(), Stop> {
    let changes: Vec<_> = new.iter().map(|new| new.change).collect();
    try_join!(log::append_all(tx, &changes), write_references(tx, new), write_details(tx, new))?;
    Ok(())
}

/// A column of all of them.
fn column<'n, T>(new: &'n [New<'n>], value: impl Fn(&'n New<'n>) -> T) -> Vec<T> {
    new.iter().map(value).collect()
}

async fn write_references(tx: &Tx<'_>, new: &[New<'_>]) -> std::result::Result<(), Stop> {
    tx.execute(
        "INSERT INTO caller_references (owner, reference_hash, fingerprint, invalidation, created, position)
         SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[])",
        &[
            &column(new, |it| it.create.spelled.owner.as_str()),
            &column(new, |it| &it.create.spelled.reference.0[..]),
            &column(new, |it| &it.create.spelled.fingerprint.0[..]),
            &column(new, |it| it.create.id.as_str()),
            &column(new, |it| it.create.now.millis()),
            &column(new, |it| rows::integer(it.position.get())),
        ],
    )
    .await?;
    Ok(())
}

async fn write_details(tx: &Tx<'_>, new: &[New<'_>]) -> std::result::Result<(), Stop> {
    tx.execute(
        "INSERT INTO invalidations (position, owner, id, caller_reference, items, paths, wildcards,
                paths_before, wildcards_before, created)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])",
        &[
            &column(new, |it| rows::integer(it.position.get())),
            &column(new, |it| it.create.spelled.owner.as_str()),
            &column(new, |it| it.create.id.as_str()),
            &column(new, |it| it.create.batch.caller_reference()),
            &column(new, |it| it.create.spelled.items.as_str()),
            &column(new, |it| rows::integer(it.create.spelled.count.paths)),
            &column(new, |it| rows::integer(it.create.spelled.count.wildcards)),
            &column(new, |it| rows::integer(it.before.paths)),
            &column(new, |it| rows::integer(it.before.wildcards)),
            &column(new, |it| it.create.now.millis()),
        ],
    )
    .await?;
    Ok(())
}

/// Removes the oldest details. Sums of what is in progress are differences, so they stay right.
pub(super) async fn prune(tx: &Tx<'_>, up_to: Position) -> std::result::Result<Outcome, Stop> {
    let up_to = up_to.min(rows::completed(tx).await?);
    let sql = "DELETE FROM invalidations WHERE position <= $1";
    Ok(Outcome::Pruned(tx.execute(sql, &[&rows::integer(up_to.get())]).await?))
}
