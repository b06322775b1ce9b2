//! The embedded store: SQLite in a file, write-ahead log, one fsync per group commit, one writer.
//!
//! | module | what it holds |
//! |---|---|
//! | [`schema`], [`tables`] | versions, opening; the tables |
//! | [`rows`] | between rows and records |
//! | [`writer`] | the writer's thread and its group commits |
//! | [`apply`] | one command: look up, decide, write |
//! | [`configure`], [`invalidate`], [`resources`] | the commands, by what they are about |
//! | [`log`] | the end of the log |
//! | [`keys`], [`audit`] | access keys, and the audit log |
//! | [`readers`], [`queries`] | reads, several at a time |
//! | [`backup`], [`check`] | copies while it is in use; whether it is what was written |
//!
//! Readers never wait for the writer and see only what is committed *and* on disk: SQLite makes a transaction
//! visible to others after the write-ahead log's fsync, not before.

mod apply;
mod audit;
pub mod backup;
mod check;
mod configure;
mod domains;
mod invalidate;
mod keys;
mod log;
mod policies;
mod queries;
mod readers;
mod resources;
mod rows;
mod schema;
mod tables;
mod writer;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use recant_core::audit::{AuditEntry, AuditRecord};
use recant_core::entry::{Entry, Hash, Scope};
use recant_core::id::{DistributionId, InvalidationId};
use recant_core::position::Position;
use recant_core::protocol::PlaneDurable;
use recant_core::time::WallTime;
use tokio::sync::watch;

use super::key_table::KeyTable;
use super::lanes::Lane;
use super::{
    Command, DistributionFilter, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary,
    KeyRecord, Listing, Outcome, Page, ResourceKey, ResourceKind, ResourceRecord, SnapshotPage,
    SnapshotPlace, Store, StoreError, TenantFilter, TenantKey, TenantRecord, Tracked,
};
pub use check::Damage;
use readers::Readers;
pub use schema::OpenError;
use writer::Writer;

/// A handle of the embedded store. When the last one is dropped, what was accepted is written and the file closed.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    // Dropped before the writer: the last connection to close empties the write-ahead log into the database, if it may
    // write.
    readers: Arc<Readers>,
    writer: Writer,
    keys: KeyTable,
}

impl SqliteStore {
    /// Opens the database at `path`, making it when there is none, and starts a new term, durably.
    ///
    /// The caller holds the data folder's lock: two writers would each believe to be the only one.
    ///
    /// # Errors
    /// [`OpenError`]; a database of a newer version is not touched.
    pub fn open(path: &Path, now: WallTime) -> Result<Self, OpenError> {
        let opened = schema::open_writer(path, now)?;
        let readers = Arc::new(Readers::open(path.to_owned())?);
        let keys = KeyTable::of(keys::all(&opened.connection)?);
        let writer =
            Writer::start(opened.connection, opened.head, keys.clone()).map_err(OpenError::Thread)?;
        Ok(Self(Arc::new(Inner { identity: opened.identity, writer, readers, keys })))
    }
}

impl Store for SqliteStore {
    async fn commit(&self, command: Command) -> Result<Outcome, StoreError> {
        self.0.writer.queue().commit(command).await
    }

    async fn commit_along(&self, command: Command) -> Result<Outcome, StoreError> {
        self.0.writer.queue().commit_along(command).await
    }

    fn committed(&self) -> watch::Receiver<Position> {
        self.0.writer.committed()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.0.writer.queue().health()
    }

    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    async fn distribution(
        &self,
        id: &DistributionId,
    ) -> Result<Option<Tracked<DistributionRecord>>, StoreError> {
        let id = id.clone();
        self.0.readers.read(move |db| queries::distribution(db, &id)).await
    }

    async fn distributions(
        &self,
        filter: DistributionFilter,
        page: Page,
    ) -> Result<Listing<Tracked<DistributionRecord>>, StoreError> {
        self.0.readers.read(move |db| queries::distributions(db, &filter, &page)).await
    }

    async fn tenant(&self, key: TenantKey) -> Result<Option<Tracked<TenantRecord>>, StoreError> {
        self.0.readers.read(move |db| queries::tenant(db, &key)).await
    }

    async fn tenants(
        &self,
        filter: TenantFilter,
        page: Page,
    ) -> Result<Listing<Tracked<TenantRecord>>, StoreError> {
        self.0.readers.read(move |db| queries::tenants(db, &filter, &page)).await
    }

    async fn domains(&self, domain: &str, page: Page) -> Result<Listing<(String, Scope)>, StoreError> {
        let domain = domain.to_owned();
        self.0.readers.read(move |db| queries::domains(db, &domain, &page)).await
    }

    async fn domain_holder(&self, domain: &str) -> Result<Option<Scope>, StoreError> {
        let domain = domain.to_owned();
        self.0.readers.read(move |db| domains::holder(db, &domain)).await
    }

    async fn invalidation(
        &self,
        scope: &Scope,
        id: &InvalidationId,
    ) -> Result<Option<Tracked<InvalidationRecord>>, StoreError> {
        let (scope, id) = (scope.clone(), id.clone());
        self.0.readers.read(move |db| queries::invalidation(db, &scope, &id)).await
    }

    async fn invalidations(
        &self,
        scope: &Scope,
        page: Page,
    ) -> Result<Listing<Tracked<InvalidationSummary>>, StoreError> {
        let scope = scope.clone();
        self.0.readers.read(move |db| queries::invalidations(db, &scope, &page)).await
    }

    async fn invalidation_ids(
        &self,
        after: Position,
        up_to: Position,
    ) -> Result<Vec<(Position, InvalidationId)>, StoreError> {
        self.0.readers.read(move |db| queries::invalidation_ids(db, after, up_to)).await
    }

    async fn over(
        &self,
        after: Position,
        up_to: Position,
        created_before: WallTime,
        limit: usize,
    ) -> Result<Option<Position>, StoreError> {
        self.0.readers.read(move |db| queries::over(db, after, up_to, created_before, limit)).await
    }

    async fn in_progress(&self, scope: &Scope) -> Result<u64, StoreError> {
        let scope = scope.clone();
        self.0.readers.read(move |db| queries::in_progress(db, &scope)).await
    }

    async fn resource(
        &self,
        kind: ResourceKind,
        key: ResourceKey,
    ) -> Result<Option<Tracked<ResourceRecord>>, StoreError> {
        self.0.readers.read(move |db| queries::resource(db, kind, &key)).await
    }

    async fn resources(
        &self,
        kind: ResourceKind,
        page: Page,
    ) -> Result<Listing<Tracked<ResourceRecord>>, StoreError> {
        self.0.readers.read(move |db| queries::resources(db, kind, &page)).await
    }

    async fn key(&self, id: &str) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        Ok(self.0.keys.get(id))
    }

    async fn keys(&self, page: Page) -> Result<Listing<KeyRecord>, StoreError> {
        self.0.readers.read(move |db| keys::list(db, &page)).await
    }

    async fn note(&self, record: AuditRecord, keep: u64) -> Result<(), StoreError> {
        self.0.writer.queue().note(Command::Audit { record, keep }).await
    }

    async fn audited(&self, after: u64, limit: NonZeroUsize) -> Result<Listing<AuditEntry>, StoreError> {
        self.0.readers.read(move |db| audit::after(db, after, limit)).await
    }

    async fn head(&self) -> Result<(Position, Hash), StoreError> {
        self.0.readers.read(rows::head).await
    }

    async fn completed(&self) -> Result<Position, StoreError> {
        self.0.readers.read(rows::completed).await
    }

    async fn entries(&self, after: Position, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.readers.read(move |db| queries::entries(db, after, limit)).await
    }

    async fn entries_for_edge(&self, after: Position, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.readers.read_for(Lane::Feeds, move |db| queries::entries(db, after, limit)).await
    }

    async fn entry_hash(&self, position: Position) -> Result<Option<Hash>, StoreError> {
        self.0.readers.read_for(Lane::Chain, move |db| queries::entry_hash(db, position)).await
    }

    async fn snapshot(&self, from: SnapshotPlace, limit: usize) -> Result<SnapshotPage, StoreError> {
        self.0.readers.read_for(Lane::Snapshots, move |db| queries::snapshot(db, from, limit)).await
    }

    async fn durable(&self) -> Result<PlaneDurable, StoreError> {
        let identity = self.0.identity.clone();
        self.0.readers.read(move |db| queries::durable(db, &identity)).await
    }
}
