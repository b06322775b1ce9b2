//! A plane's database with as many tenants and past invalidations as one likes, in seconds for a million.
//!
//! The rows are those that the store would have written, chain and ledger included, one by one; but in one transaction, table by table and
//! in the order of the keys, into a file that nothing waits for. Through the store each would be looked up and journaled: hours for ten
//! millions. That they are right is looked at afterwards: the store opens the file, answers a replay of the oldest and the newest
//! invalidation, and accepts a further one.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::{Change, Entry, Hash, Scope};
use recant_core::id::{InvalidationId, TenantId};
use recant_core::position::Position;
use recant_core::time::WallTime;
use recant_plane::store::sqlite::SqliteStore;
use recant_plane::store::{Birth, Command, Listing, Outcome, Page, Store, TenantFilter, TenantRecord};
use recant_wire::feed::body;
use rusqlite::{Connection, Statement, params};
use tokio::runtime::Runtime;

const NOW: WallTime = WallTime::from_millis(1_700_000_000_000);
/// KiB of the database that are kept in memory meanwhile.
const CACHE_KIB: i64 = 512 * 1024;

/// How many there shall be.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) tenants: usize,
    pub(crate) invalidations: usize,
}

/// Adds tenants like the one that is there, and invalidations of it.
pub(crate) fn fill(database: &Path, rows: Rows) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let like = runtime.block_on(the_tenant(&SqliteStore::open(database, NOW)?))?;
    let connection = Connection::open(database)?;
    // What a crash would leave of it is of no use to anybody.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}; BEGIN"
    ))?;
    let mut end = LogEnd::of(&connection)?;
    tenants(&connection, &mut end, &like, rows.tenants)?;
    invalidations(&connection, &mut end, &like.id, rows.invalidations)?;
    let place = i64::try_from(end.position.get())?;
    connection
        .execute("UPDATE head SET position = ?1, hash = ?2, completed = ?1", params![place, end.hash.0])?;
    connection.execute_batch("COMMIT")?;
    drop(connection);
    is_right(&runtime, database, &like.id, rows.invalidations)
}

/// The id of the n-th tenant that was added, from 1; ids are in the order of these numbers.
pub(crate) fn tenant_id(n: usize) -> TenantId {
    TenantId::parse(&format!("dt_{n:027}")).expect("letters and digits")
}

/// The id of the n-th invalidation, from 1, which is the oldest.
pub(crate) fn invalidation_id(n: usize) -> InvalidationId {
    InvalidationId::parse(&format!("I{n:013}")).expect("letters and digits")
}

async fn the_tenant(store: &SqliteStore) -> Result<TenantRecord> {
    let page = Page { after: None, limit: NonZeroUsize::MIN };
    let Listing::Page { items, .. } = store.tenants(TenantFilter::default(), page).await? else {
        bail!("no tenants are listed")
    };
    Ok(items.into_iter().next().context("the tenant that was made")?.record)
}

/// The end of the log, as it grows.
struct LogEnd {
    position: Position,
    hash: Hash,
}

impl LogEnd {
    fn of(connection: &Connection) -> Result<Self> {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
        let (position, hash) = connection.query_row("SELECT position, hash FROM head", [], read)?;
        Ok(Self { position: Position::new(u64::try_from(position)?), hash: Hash(hash) })
    }

    fn insert(connection: &Connection) -> Result<Statement<'_>> {
        Ok(connection.prepare(
            "INSERT INTO log (position, prev_hash, hash, scope, scope_id, kind, body_hash, body)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7)",
        )?)
    }

    /// Appends a change of a tenant or of what it has stored, and gives its place.
    fn append(&mut self, insert: &mut Statement<'_>, change: &Change) -> Result<i64> {
        let entry = Entry::following(
            self.hash,
            self.position.next(),
            change.scope(),
            change.kind(),
            body::encode(change),
        );
        (self.position, self.hash) = (entry.position, entry.hash());
        let place = i64::try_from(entry.position.get())?;
        insert.execute(params![
            place,
            entry.prev_hash.0,
            self.hash.0,
            entry.scope.id(),
            entry.kind.0,
            entry.body_hash.0,
            &entry.body[..]
        ])?;
        Ok(place)
    }
}

fn tenants(connection: &Connection, end: &mut LogEnd, like: &TenantRecord, wanted: usize) -> Result<()> {
    let mut log = LogEnd::insert(connection)?;
    let mut tenant = connection.prepare(
        "INSERT INTO tenants (id, name, distribution_id, connection_group_id, etag, config, spec, web_acl, certificate,
                tags, created, modified, position)
         SELECT ?1, ?2, distribution_id, connection_group_id, etag, config, ?3, web_acl, certificate, tags, created,
                modified, ?4 FROM tenants WHERE id = ?5",
    )?;
    let mut domain = connection.prepare("INSERT INTO domains (domain, owner) VALUES (?1, ?2)")?;
    // One is there.
    for n in 1..wanted {
        let mut spec = like.spec.clone();
        spec.id = tenant_id(n);
        spec.domains = vec![format!("{n:010}.bench.example")];
        let (id, name) = (spec.id.clone(), spec.domains[0].clone());
        let json = serde_json::to_string(&spec)?;
        let place = end.append(&mut log, &Change::PutTenant(spec))?;
        tenant.execute(params![id.as_str(), format!("tenant-{n:010}"), json, place, like.id.as_str()])?;
        domain.execute([&name, id.as_str()])?;
    }
    Ok(())
}

fn invalidations(connection: &Connection, end: &mut LogEnd, owner: &TenantId, wanted: usize) -> Result<()> {
    let mut log = LogEnd::insert(connection)?;
    let mut detail = connection.prepare(
        "INSERT INTO invalidations (position, owner, id, caller_reference, items, paths, wildcards, paths_before,
                wildcards_before, created)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, 0, ?7)",
    )?;
    let mut references = Vec::with_capacity(wanted);
    for n in 1..=wanted {
        let batch = batch(n);
        let scope = Scope::Tenant(owner.clone());
        let change = Change::Invalidate { scope, patterns: batch.patterns().to_vec() };
        let place = end.append(&mut log, &change)?;
        let items = serde_json::to_string(batch.items())?;
        let before = i64::try_from(n - 1)?;
        let reference = batch.caller_reference();
        detail.execute(params![
            place,
            owner.as_str(),
            invalidation_id(n).as_str(),
            reference,
            items,
            before,
            NOW.millis()
        ])?;
        references.push((Hash::of(reference.as_bytes()).0, n, place));
    }
    references.sort_unstable();
    let mut reference = connection.prepare(
        "INSERT INTO caller_references (owner, reference_hash, fingerprint, invalidation, created, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (hash, n, place) in references {
        let fingerprint = batch(n).fingerprint().0;
        let id = invalidation_id(n);
        reference.execute(params![owner.as_str(), hash, fingerprint, id.as_str(), NOW.millis(), place])?;
    }
    Ok(())
}

/// The n-th invalidation's: one path.
fn batch(n: usize) -> InvalidationBatch {
    InvalidationBatch::new(&format!("r{n}"), &[format!("/{n}")]).expect("a path of digits")
}

/// What the store makes of it.
fn is_right(runtime: &Runtime, database: &Path, owner: &TenantId, invalidations: usize) -> Result<()> {
    runtime.block_on(async {
        let store = SqliteStore::open(database, NOW)?;
        for n in [1, invalidations, invalidations + 1] {
            let create = Command::CreateInvalidation {
                scope: Scope::Tenant(owner.clone()),
                id: invalidation_id(invalidations + 1),
                batch: Box::new(batch(n)),
                now: NOW,
                // There is room, since all before are complete.
                in_progress_max: PathCount { paths: 1, wildcards: 0 },
            };
            let Outcome::Invalidation { birth, invalidation } = store.commit(create).await? else {
                return Err(anyhow!("the {n}th invalidation is refused"));
            };
            let expected = if n > invalidations { Birth::New } else { Birth::Replayed };
            ensure!(
                birth == expected && invalidation.record.id == invalidation_id(n),
                "the {n}th: {birth:?}"
            );
        }
        Ok(())
    })
}
