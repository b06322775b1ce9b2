//! Carries one command out, inside the writer's transaction and a savepoint of its own.
//!
//! Every function looks its rows up, decides, and only then writes. What it leaves half done when it stops is
//! undone by the savepoint, so a refused command cannot hurt the others of its group.

use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::{Change, Hash, Scope};
use recant_core::id::{DistributionId, InvalidationId, TenantId};
use recant_core::ledger::{self, Decision};
use recant_core::position::Position;
use recant_core::protocol::PlaneWrite;
use recant_core::time::WallTime;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{audit, keys, log, rows};
use crate::store::command::{Birth, Command, Outcome, Refusal};
use crate::store::records::{DistributionRecord, InvalidationRecord, TenantRecord};

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

/// Carries a command out.
pub(super) fn apply(db: &Connection, command: &Command) -> Result<Outcome, Stop> {
    match command {
        Command::CreateDistribution(distribution) => create_distribution(db, distribution),
        Command::CreateTenant(tenant) => create_tenant(db, tenant),
        Command::UpdateTenant { if_match, tenant } => update_tenant(db, if_match.as_deref(), tenant),
        Command::DeleteTenant { tenant, if_match } => delete_tenant(db, tenant, if_match.as_deref()),
        Command::CreateInvalidation { tenant, id, batch, now, in_progress_max } => {
            match find_earlier(db, tenant, batch)? {
                Some(earlier) => replay(db, tenant, batch, earlier),
                None => create_invalidation(db, tenant, id, batch, *now, *in_progress_max),
            }
        }
        Command::PutKey(key) => keys::put(db, key),
        Command::DeleteKey(id) => keys::delete(db, id),
        Command::Audit { record, keep } => audit::append(db, record, *keep),
        Command::Protocol(writes) => {
            writes.iter().try_for_each(|write| record(db, write))?;
            Ok(Outcome::Recorded)
        }
    }
}

fn create_distribution(db: &Connection, new: &DistributionRecord) -> Result<Outcome, Stop> {
    // CreateDistribution: a CallerReference sent before is refused, whatever comes with it.
    let earlier = db
        .prepare_cached("SELECT id FROM distributions WHERE caller_reference = ?1")?
        .query_row([&new.caller_reference], |row| rows::word(row, 0))
        .optional()?;
    if let Some(earlier) = earlier {
        return Err(Refusal::DistributionExists { earlier }.into());
    }
    let position = log::append(db, &Change::PutDistribution(new.spec.clone()))?;
    db.prepare_cached(
        "INSERT INTO distributions (id, caller_reference, etag, config, spec, created, modified, born, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    )?
    .execute(params![
        new.id.as_str(),
        new.caller_reference,
        new.etag.as_str(),
        new.config.to_string(),
        json(&new.spec),
        new.created.millis(),
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    let stored = rows::tracked(new.clone(), position, rows::completed(db)?);
    Ok(Outcome::Distribution(Box::new(stored)))
}

fn create_tenant(db: &Connection, new: &TenantRecord) -> Result<Outcome, Stop> {
    parents_exist(db, new)?;
    if exists(db, "SELECT 1 FROM tenants WHERE name = ?1", &new.name)? {
        return Err(Refusal::NameTaken.into());
    }
    domains_are_free(db, new)?;
    let position = log::append(db, &Change::PutTenant(new.spec.clone()))?;
    db.prepare_cached(
        "INSERT INTO tenants (id, name, distribution_id, connection_group_id, etag, config, spec, created, modified, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        new.id.as_str(),
        new.name,
        new.spec.distribution_id.as_str(),
        new.connection_group_id.as_str(),
        new.etag.as_str(),
        new.config.to_string(),
        json(&new.spec),
        new.created.millis(),
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    take_domains(db, new)?;
    let stored = rows::tracked(new.clone(), position, rows::completed(db)?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

fn update_tenant(db: &Connection, if_match: Option<&str>, wanted: &TenantRecord) -> Result<Outcome, Stop> {
    let current = tenant(db, &wanted.id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    let new = TenantRecord { name: current.name, created: current.created, ..wanted.clone() };
    parents_exist(db, &new)?;
    domains_are_free(db, &new)?;
    let position = log::append(db, &Change::PutTenant(new.spec.clone()))?;
    db.prepare_cached(
        "UPDATE tenants SET distribution_id = ?2, connection_group_id = ?3, etag = ?4, config = ?5, spec = ?6,
                modified = ?7, position = ?8
         WHERE id = ?1",
    )?
    .execute(params![
        new.id.as_str(),
        new.spec.distribution_id.as_str(),
        new.connection_group_id.as_str(),
        new.etag.as_str(),
        new.config.to_string(),
        json(&new.spec),
        new.modified.millis(),
        rows::integer(position.get()),
    ])?;
    db.prepare_cached("DELETE FROM tenant_domains WHERE tenant_id = ?1")?.execute([new.id.as_str()])?;
    take_domains(db, &new)?;
    let stored = rows::tracked(new, position, rows::completed(db)?);
    Ok(Outcome::Tenant(Box::new(stored)))
}

fn delete_tenant(db: &Connection, id: &TenantId, if_match: Option<&str>) -> Result<Outcome, Stop> {
    let current = tenant(db, id)?;
    ledger::precondition(if_match, &current.etag).map_err(Refusal::from)?;
    if current.spec.enabled {
        return Err(Refusal::NotDisabled.into());
    }
    let position = log::append(db, &Change::RemoveTenant(id.clone()))?;
    // Its domains go with it. Its invalidations and caller references stay where they are: nobody can reach them
    // any more, since the id is never given out again, and removing a million rows would hold every writer up.
    db.prepare_cached("DELETE FROM tenants WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(Outcome::TenantDeleted(position))
}

/// What the tenant's `CallerReference` made before, if it was sent with the same paths then.
fn find_earlier(
    db: &Connection,
    tenant: &TenantId,
    batch: &InvalidationBatch,
) -> Result<Option<Remembered>, Stop> {
    if !exists(db, "SELECT 1 FROM tenants WHERE id = ?1", tenant.as_str())? {
        return Err(Refusal::NoSuchTenant.into());
    }
    let remembered = remembered(db, tenant, &Hash::of(batch.caller_reference().as_bytes()))?;
    let fingerprint = remembered.as_ref().map(|earlier| &earlier.fingerprint);
    match ledger::decide(fingerprint, &batch.fingerprint()) {
        Decision::New => Ok(None),
        Decision::Replay => Ok(remembered),
        Decision::Conflict => {
            let earlier = remembered.expect("only what is remembered can be in conflict").invalidation;
            Err(Refusal::CallerReferenceConflict { earlier }.into())
        }
    }
}

fn create_invalidation(
    db: &Connection,
    tenant: &TenantId,
    id: &InvalidationId,
    batch: &InvalidationBatch,
    now: WallTime,
    in_progress_max: PathCount,
) -> Result<Outcome, Stop> {
    let completed = rows::completed(db)?;
    let (count, before) = (batch.path_count(), sent_before(db, tenant)?);
    let in_progress = in_progress(db, tenant, before, completed)?;
    ledger::room(in_progress, count, in_progress_max).map_err(Refusal::from)?;
    let scope = Scope::Tenant(tenant.clone());
    let position = log::append(db, &Change::Invalidate { scope, patterns: batch.patterns().to_vec() })?;
    let place = rows::integer(position.get());
    let (reference, fingerprint) = (Hash::of(batch.caller_reference().as_bytes()), batch.fingerprint());
    db.prepare_cached(
        "INSERT INTO caller_references (tenant_id, reference_hash, fingerprint, invalidation, created, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![tenant.as_str(), reference.0, fingerprint.0, id.as_str(), now.millis(), place])?;
    db.prepare_cached(
        "INSERT INTO invalidations (position, tenant_id, id, caller_reference, items, paths, wildcards,
                paths_before, wildcards_before, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        place,
        tenant.as_str(),
        id.as_str(),
        batch.caller_reference(),
        json(batch.items()),
        rows::integer(count.paths),
        rows::integer(count.wildcards),
        rows::integer(before.paths),
        rows::integer(before.wildcards),
        now.millis(),
    ])?;
    let record = InvalidationRecord {
        id: id.clone(),
        tenant_id: tenant.clone(),
        caller_reference: batch.caller_reference().to_owned(),
        items: batch.items().to_vec(),
        created: now,
    };
    let stored = rows::tracked(record, position, completed);
    Ok(Outcome::Invalidation { birth: Birth::New, invalidation: Box::new(stored) })
}

/// How many paths all invalidations of the tenant had up to now: what the next one has before it.
fn sent_before(db: &Connection, tenant: &TenantId) -> rusqlite::Result<PathCount> {
    let newest = db
        .prepare_cached(
            "SELECT paths_before + paths, wildcards_before + wildcards FROM invalidations
             WHERE tenant_id = ?1 ORDER BY position DESC LIMIT 1",
        )?
        .query_row([tenant.as_str()], rows::path_count)
        .optional()?;
    Ok(newest.unwrap_or_default())
}

/// How many of those are in progress: all but what the oldest invalidation in progress had before it.
///
/// So two look-ups tell, however many are in progress, and pruning what is complete changes nothing.
fn in_progress(
    db: &Connection,
    tenant: &TenantId,
    sent: PathCount,
    completed: Position,
) -> rusqlite::Result<PathCount> {
    let oldest = db
        .prepare_cached(
            "SELECT paths_before, wildcards_before FROM invalidations
             WHERE tenant_id = ?1 AND position > ?2 ORDER BY position LIMIT 1",
        )?
        .query_row(params![tenant.as_str(), rows::integer(completed.get())], rows::path_count)
        .optional()?;
    Ok(oldest.map_or_else(PathCount::default, |before| PathCount {
        paths: sent.paths - before.paths,
        wildcards: sent.wildcards - before.wildcards,
    }))
}

/// Answers a create that was made before: the same id, the original time, the present progress.
fn replay(
    db: &Connection,
    tenant: &TenantId,
    batch: &InvalidationBatch,
    earlier: Remembered,
) -> Result<Outcome, Stop> {
    let completed = rows::completed(db)?;
    let sql = format!("SELECT {} FROM invalidations WHERE position = ?1", rows::INVALIDATION);
    let detail = db
        .prepare_cached(&sql)?
        .query_row([rows::integer(earlier.position.get())], |row| rows::invalidation(row, completed))
        .optional()?;
    // Where the detail has been pruned, this batch says the same: it has the same fingerprint.
    let invalidation = detail.unwrap_or_else(|| {
        let record = InvalidationRecord {
            id: earlier.invalidation,
            tenant_id: tenant.clone(),
            caller_reference: batch.caller_reference().to_owned(),
            items: batch.items().to_vec(),
            created: earlier.created,
        };
        rows::tracked(record, earlier.position, completed)
    });
    Ok(Outcome::Invalidation { birth: Birth::Replayed, invalidation: Box::new(invalidation) })
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

/// What is kept of a `CallerReference` for ever.
struct Remembered {
    fingerprint: recant_core::batch::Fingerprint,
    invalidation: InvalidationId,
    created: WallTime,
    position: Position,
}

fn remembered(db: &Connection, tenant: &TenantId, reference: &Hash) -> rusqlite::Result<Option<Remembered>> {
    db.prepare_cached(
        "SELECT fingerprint, invalidation, created, position FROM caller_references
         WHERE tenant_id = ?1 AND reference_hash = ?2",
    )?
    .query_row(params![tenant.as_str(), reference.0], |row| {
        Ok(Remembered {
            fingerprint: recant_core::batch::Fingerprint(row.get(0)?),
            invalidation: rows::word(row, 1)?,
            created: rows::wall_time(row, 2)?,
            position: rows::position(row, 3)?,
        })
    })
    .optional()
}

fn tenant(db: &Connection, id: &TenantId) -> Result<TenantRecord, Stop> {
    let sql = format!("SELECT {} FROM tenants WHERE id = ?1", rows::TENANT);
    let found = db
        .prepare_cached(&sql)?
        .query_row([id.as_str()], |row| rows::tenant(row, Position::ZERO))
        .optional()?;
    found.map(|tracked| tracked.record).ok_or(Stop::Refused(Refusal::NoSuchTenant))
}

fn parents_exist(db: &Connection, tenant: &TenantRecord) -> Result<(), Stop> {
    let distribution: &DistributionId = &tenant.spec.distribution_id;
    if !exists(db, "SELECT 1 FROM distributions WHERE id = ?1", distribution.as_str())? {
        return Err(Refusal::NoSuchDistribution.into());
    }
    if !exists(db, "SELECT 1 FROM connection_groups WHERE id = ?1", tenant.connection_group_id.as_str())? {
        return Err(Refusal::NoSuchConnectionGroup.into());
    }
    Ok(())
}

/// A domain belongs to one tenant only (`CNAMEAlreadyExists`).
fn domains_are_free(db: &Connection, tenant: &TenantRecord) -> Result<(), Stop> {
    let mut owner = db.prepare_cached("SELECT tenant_id FROM tenant_domains WHERE domain = ?1")?;
    for domain in &tenant.spec.domains {
        let owner: Option<String> = owner.query_row([domain], |row| row.get(0)).optional()?;
        if owner.is_some_and(|owner| owner != tenant.id.as_str()) {
            return Err(Refusal::DomainTaken { domain: domain.clone() }.into());
        }
    }
    Ok(())
}

fn take_domains(db: &Connection, tenant: &TenantRecord) -> rusqlite::Result<()> {
    // A domain named twice by one tenant is one domain.
    let mut take =
        db.prepare_cached("INSERT OR IGNORE INTO tenant_domains (domain, tenant_id) VALUES (?1, ?2)")?;
    tenant.spec.domains.iter().try_for_each(|domain| take.execute([domain, tenant.id.as_str()]).map(drop))
}

fn exists(db: &Connection, sql: &str, key: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(sql)?.exists([key])
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("specs and lists of texts have no keys that JSON lacks")
}
