//! The store for several planes: a PostgreSQL that may fail over under load.
//!
//! It is the embedded store's twin, file by file, and what differs is who may write:
//!
//! | module | what it holds |
//! |---|---|
//! | [`server`], [`session`] | where the database is, TLS, time limits; statements over one connection |
//! | [`settings`] | what durability needs, and what is refused |
//! | [`schema`], [`tables`] | versions, opening; the tables |
//! | [`term`] | who may append: fencing, take-over, what a database has lost |
//! | [`tenure`] | until when whoever may append may act at all |
//! | [`rows`] | between rows and records |
//! | [`writer`] | the writer's task, its group commits, and commits that are in doubt |
//! | [`group`] | a group of commands in one transaction |
//! | [`apply`] | one command: look up, decide, write |
//! | [`configure`], [`invalidate`], [`resources`], [`policies`] | the commands, by what they are about |
//! | [`log`] | the end of the log |
//! | [`keys`], [`audit`] | access keys, and the audit log |
//! | [`readers`], [`queries`] | reads, several at a time, of the primary |
//! | [`check`] | whether the end of the log is what was written |
//!
//! A store is opened by taking the term, and lives as long as it holds it. Its [`Identity`] is fixed; a plane that has lost the term
//! opens another. Everything is read from the primary, since a standby may be behind what was acknowledged; entries of the log
//! only up to what this store has acknowledged. Why it is so: docs/design/0009-postgresql.md.

mod apply;
mod audit;
mod check;
mod configure;
mod domains;
mod group;
mod history;
mod invalidate;
mod keys;
mod log;
mod policies;
mod queries;
mod readers;
mod resources;
mod restore;
mod rows;
mod schema;
mod server;
mod session;
mod settings;
mod tables;
mod tenure;
mod term;
mod writer;

use std::num::NonZeroUsize;
use std::sync::Arc;

use recant_core::audit::{AuditEntry, AuditRecord};
use recant_core::entry::{Entry, Hash, Scope};
use recant_core::id::{DistributionId, InvalidationId};
use recant_core::position::Position;
use recant_core::protocol::PlaneDurable;
use recant_core::time::{BootTime, WallTime};
use tokio::sync::watch;

use super::key_table::KeyTable;
use super::lanes::Lane;
use super::{
    Command, DistributionFilter, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary,
    KeyRecord, Listing, Outcome, Page, ResourceKey, ResourceKind, ResourceRecord, SnapshotPage,
    SnapshotPlace, Store, StoreError, TenantFilter, TenantKey, TenantRecord, Tracked,
};
use crate::random;
use readers::Readers;
pub use restore::{RestoreError, restore};
pub use schema::OpenError;
pub use server::{Server, ServerError};
use session::Session;
pub use settings::{UnsafeSetting, UnsafeSettings};
use term::{Claim, Memory};
use writer::{Start, Writer};

/// A handle of the store in one term. When the last one is dropped, what was accepted is written and the term given back.
#[derive(Clone, Debug)]
pub struct PostgresStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    readers: Arc<Readers>,
    writer: Writer,
    keys: KeyTable,
}

/// What every plane on a database proves itself and its edges with.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecrets {
    /// The root key's id.
    pub root_key_id: String,
    /// What its signatures are made with.
    pub root_key_secret: String,
    /// What edges know, in hexadecimal digits.
    pub edge_secret: String,
}

/// A plane that wants the term: what it opens stores with, one after another.
#[derive(Debug)]
pub struct Candidate {
    server: Server,
    unsafe_settings: UnsafeSettings,
    claim: Claim,
    now: fn() -> BootTime,
    held_by: watch::Sender<Option<String>>,
}

impl Candidate {
    /// A plane that others reach at `address`. `now` reads the boot clock.
    pub fn new(
        server: Server,
        unsafe_settings: UnsafeSettings,
        address: String,
        now: fn() -> BootTime,
    ) -> Self {
        let (held_by, _) = watch::channel(None);
        let holder = format!("{:032x}", u128::from_be_bytes(random::bytes()));
        let claim = Claim { holder, address, memory: Memory::default() };
        Self { server, unsafe_settings, claim, now, held_by }
    }

    /// The address of the plane that holds the term, while this one waits for it; nothing when none is known.
    pub fn held_by(&self) -> watch::Receiver<Option<String>> {
        self.held_by.subscribe()
    }

    /// Offers secrets, and gives those of the plane that was the first to offer some. Makes or migrates the tables before.
    ///
    /// # Errors
    /// [`OpenError`]; a database of a newer version is not touched.
    pub async fn agree(
        &self,
        offered: SharedSecrets,
        wall_now: WallTime,
    ) -> Result<SharedSecrets, OpenError> {
        let db = self.prepared(wall_now).await?;
        settings::tell_of_standbys(&db).await?;
        db.run("BEGIN").await?;
        let row = db
            .one(
                "UPDATE plane SET root_key_id = coalesce(root_key_id, $1),
                        root_key_secret = coalesce(root_key_secret, $2), edge_secret = coalesce(edge_secret, $3)
                 RETURNING root_key_id, root_key_secret, edge_secret",
                &[&offered.root_key_id, &offered.root_key_secret, &offered.edge_secret],
            )
            .await?;
        db.commit().await?;
        Ok(SharedSecrets {
            root_key_id: rows::get(&row, 0)?,
            root_key_secret: rows::get(&row, 1)?,
            edge_secret: rows::get(&row, 2)?,
        })
    }

    /// A connection to a database that is safe and has the tables.
    async fn prepared(&self, wall_now: WallTime) -> Result<Session, OpenError> {
        let db = self.server.connect().await?;
        if let Some(found) = settings::find_unsafe(&db, self.unsafe_settings, true).await? {
            return Err(found.into());
        }
        schema::prepare(&db, wall_now).await?;
        Ok(db)
    }

    /// Makes or migrates the tables, checks the settings, waits for the term, and opens the store in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(&self, wall_now: WallTime) -> Result<PostgresStore, OpenError> {
        let db = self.prepared(wall_now).await?;
        let (seat, taken) = term::take(&db, &self.claim, &self.held_by, self.now).await?;
        check::tail(&db).await?;
        let keys = KeyTable::of(keys::all(&db).await?);
        let identity = seat.identity.clone();
        let writer = Writer::start(Start {
            server: self.server.clone(),
            unsafe_settings: self.unsafe_settings,
            session: db,
            seat,
            taken,
            memory: self.claim.memory.clone(),
            keys: keys.clone(),
            now: self.now,
        });
        let readers = Arc::new(Readers::new(self.server.clone()));
        Ok(PostgresStore(Arc::new(Inner { identity, readers, writer, keys })))
    }
}

impl PostgresStore {
    /// Waits until this plane may not act by its term: [`Store::may_grant`] turns false.
    pub(crate) async fn tenure_over(&self) {
        self.0.writer.tenure().over().await;
    }

    /// Waits until it may again.
    pub(crate) async fn tenure_renewed(&self) {
        self.0.writer.tenure().renewed().await;
    }
}

/// A text that is looked for. PostgreSQL's texts cannot hold the character 0, and refuse to be asked for it; no name, id, domain
/// or marker holds the character 1 either, so that this finds nothing, as it should.
fn sought(text: &str) -> String {
    text.replace('\0', "\u{1}")
}

fn sought_page(page: Page) -> Page {
    Page { after: page.after.map(|marker| sought(&marker)), ..page }
}

impl Store for PostgresStore {
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

    fn may_grant(&self) -> bool {
        self.0.writer.is_in_tenure()
    }

    fn identity(&self) -> &Identity {
        &self.0.identity
    }

    async fn distribution(
        &self,
        id: &DistributionId,
    ) -> Result<Option<Tracked<DistributionRecord>>, StoreError> {
        self.0.readers.read(id.clone(), |db, id| async move { queries::distribution(&db, &id).await }).await
    }

    async fn distributions(
        &self,
        filter: DistributionFilter,
        page: Page,
    ) -> Result<Listing<Tracked<DistributionRecord>>, StoreError> {
        let asked = (filter, sought_page(page));
        self.0
            .readers
            .read(asked, |db, asked| async move { queries::distributions(&db, &asked.0, &asked.1).await })
            .await
    }

    async fn tenant(&self, key: TenantKey) -> Result<Option<Tracked<TenantRecord>>, StoreError> {
        let key = match key {
            TenantKey::Name(name) => TenantKey::Name(sought(&name)),
            TenantKey::Domain(domain) => TenantKey::Domain(sought(&domain)),
            key => key,
        };
        self.0.readers.read(key, |db, key| async move { queries::tenant(&db, &key).await }).await
    }

    async fn tenants(
        &self,
        filter: TenantFilter,
        page: Page,
    ) -> Result<Listing<Tracked<TenantRecord>>, StoreError> {
        let filter = match filter {
            TenantFilter::WebAcl(arn) => TenantFilter::WebAcl(sought(&arn)),
            TenantFilter::Certificate(arn) => TenantFilter::Certificate(sought(&arn)),
            filter => filter,
        };
        let asked = (filter, sought_page(page));
        self.0
            .readers
            .read(asked, |db, asked| async move { queries::tenants(&db, &asked.0, &asked.1).await })
            .await
    }

    async fn domains(&self, domain: &str, page: Page) -> Result<Listing<(String, Scope)>, StoreError> {
        let asked = (sought(domain), sought_page(page));
        self.0
            .readers
            .read(asked, |db, asked| async move { queries::domains(&db, &asked.0, &asked.1).await })
            .await
    }

    async fn domain_holder(&self, domain: &str) -> Result<Option<Scope>, StoreError> {
        self.0
            .readers
            .read(sought(domain), |db, domain| async move { domains::holder(&db, &domain).await })
            .await
    }

    async fn invalidation(
        &self,
        scope: &Scope,
        id: &InvalidationId,
    ) -> Result<Option<Tracked<InvalidationRecord>>, StoreError> {
        let asked = (scope.clone(), id.clone());
        self.0
            .readers
            .read(asked, |db, asked| async move { queries::invalidation(&db, &asked.0, &asked.1).await })
            .await
    }

    async fn invalidations(
        &self,
        scope: &Scope,
        page: Page,
    ) -> Result<Listing<Tracked<InvalidationSummary>>, StoreError> {
        let asked = (scope.clone(), sought_page(page));
        self.0
            .readers
            .read(asked, |db, asked| async move { queries::invalidations(&db, &asked.0, &asked.1).await })
            .await
    }

    async fn invalidation_ids(
        &self,
        after: Position,
        up_to: Position,
    ) -> Result<Vec<(Position, InvalidationId)>, StoreError> {
        self.0
            .readers
            .read((), move |db, _| async move { queries::invalidation_ids(&db, after, up_to).await })
            .await
    }

    async fn over(
        &self,
        after: Position,
        up_to: Position,
        created_before: WallTime,
        limit: usize,
    ) -> Result<Option<Position>, StoreError> {
        let read = self.0.readers.read((), move |db, _| async move {
            queries::over(&db, after, up_to, created_before, limit).await
        });
        read.await
    }

    async fn in_progress(&self, scope: &Scope) -> Result<u64, StoreError> {
        self.0
            .readers
            .read(scope.clone(), |db, scope| async move { queries::in_progress(&db, &scope).await })
            .await
    }

    async fn resource(
        &self,
        kind: ResourceKind,
        key: ResourceKey,
    ) -> Result<Option<Tracked<ResourceRecord>>, StoreError> {
        let key = match key {
            ResourceKey::Id(id) => ResourceKey::Id(sought(&id)),
            ResourceKey::Name(name) => ResourceKey::Name(sought(&name)),
            ResourceKey::Alias(alias) => ResourceKey::Alias(sought(&alias)),
        };
        self.0.readers.read(key, move |db, key| async move { queries::resource(&db, kind, &key).await }).await
    }

    async fn resources(
        &self,
        kind: ResourceKind,
        page: Page,
    ) -> Result<Listing<Tracked<ResourceRecord>>, StoreError> {
        let page = sought_page(page);
        self.0
            .readers
            .read(page, move |db, page| async move { queries::resources(&db, kind, &page).await })
            .await
    }

    async fn key(&self, id: &str) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        Ok(self.0.keys.get(id))
    }

    async fn keys(&self, page: Page) -> Result<Listing<KeyRecord>, StoreError> {
        self.0.readers.read(sought_page(page), |db, page| async move { keys::list(&db, &page).await }).await
    }

    async fn note(&self, record: AuditRecord, keep: u64) -> Result<(), StoreError> {
        self.0.writer.queue().note(Command::Audit { record, keep }).await
    }

    async fn audited(&self, after: u64, limit: NonZeroUsize) -> Result<Listing<AuditEntry>, StoreError> {
        self.0.readers.read((), move |db, _| async move { audit::after(&db, after, limit).await }).await
    }

    async fn head(&self) -> Result<(Position, Hash), StoreError> {
        self.0.readers.read((), |db, _| async move { rows::head(&db).await }).await
    }

    async fn completed(&self) -> Result<Position, StoreError> {
        self.0.readers.read((), |db, _| async move { rows::completed(&db).await }).await
    }

    async fn entries(&self, after: Position, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let end = *self.0.writer.committed().borrow();
        self.0
            .readers
            .read((), move |db, _| async move { queries::entries(&db, after, end, limit).await })
            .await
    }

    async fn entries_for_edge(&self, after: Position, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let end = *self.0.writer.committed().borrow();
        self.0
            .readers
            .read_for(
                Lane::Feeds,
                (),
                move |db, _| async move { queries::entries(&db, after, end, limit).await },
            )
            .await
    }

    async fn entry_hash(&self, position: Position) -> Result<Option<Hash>, StoreError> {
        self.0
            .readers
            .read_for(Lane::Chain, (), move |db, _| async move { queries::entry_hash(&db, position).await })
            .await
    }

    async fn snapshot(&self, from: SnapshotPlace, limit: usize) -> Result<SnapshotPage, StoreError> {
        self.0
            .readers
            .read_for(Lane::Snapshots, from, move |db, from| async move {
                queries::snapshot(&db, &from, limit).await
            })
            .await
    }

    async fn durable(&self) -> Result<PlaneDurable, StoreError> {
        let identity = self.0.identity.clone();
        self.0
            .readers
            .read(identity, |db, identity| async move { queries::durable(&db, &identity).await })
            .await
    }
}
