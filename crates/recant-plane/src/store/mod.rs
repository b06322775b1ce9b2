//! The plane's memory: the ordered log, the configuration, the ledger, the members.
//!
//! [`Store`] is shaped by what the domain asks, not by what a database offers, so that a second store can be run
//! through the same conformance tests (`tests/it/store`). What every store promises:
//!
//! * **Durable before any answer.** [`Store::commit`] resolves when the outcome survives a crash, refusals and
//!   replays included: an answer speaks of rows that are on disk.
//! * **One dense log.** Positions are 1, 2, 3, …, each entry names the hash of the one before it, and an entry is
//!   appended in the same transaction as the row it speaks of. A reader that sees a position has seen, or can
//!   read, every lower one.
//! * **Decisions over rows.** A command is decided by [`recant_core::ledger`] over rows looked up in the
//!   transaction that carries it out, so two commands of one group commit see each other.
//! * **One moment per read.** Every read is one transaction; a record and its progress belong together.
//! * **No retry after a failed commit.** What the disk holds is then unknown. The writer stops for good, and
//!   [`Store::health`] says so.
//!
//! What it deliberately does not do: make ids, read clocks, check configuration, or know who may ask.

pub mod command;
mod holder;
mod judge;
mod key_table;
mod lanes;
pub mod postgres;
mod queue;
pub mod records;
mod spelled;
mod spelling;
pub mod sqlite;
mod turns;

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use recant_core::audit::{AuditEntry, AuditRecord};
use recant_core::entry::{Entry, Hash, Scope};
use recant_core::id::{ConnectionGroupId, DistributionId, InvalidationId};
use recant_core::position::Position;
use recant_core::protocol::PlaneDurable;
use recant_core::protocol::message::Applied;
use recant_core::time::WallTime;
use tokio::sync::watch;

pub use command::{Birth, Command, KeyChange, Outcome, Refusal, TenantUpdate};
pub use judge::{Judged, TenantJudge};
pub use records::{
    DistributionFilter, DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, KeyRecord,
    Listing, Page, Progress, ResourceKey, ResourceKind, ResourceRecord, SnapshotPage, SnapshotPlace,
    Taggable, Tags, TenantFilter, TenantKey, TenantRecord, Tracked,
};

/// The name of the connection group that is there from the start.
pub const DEFAULT_CONNECTION_GROUP: &str = "default";

/// The name of the member that stands for edges which a store may have forgotten, after a backup was restored or a
/// database has lost what it had acknowledged.
const UNKNOWN_EDGES: &str = "edges-unknown-to-the-backup";

/// Whether edges of the plane that was may still be running, where a backup is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// They may: their leases are waited for.
    MayRun,
    /// They do not; somebody vouches for that.
    AreStopped,
}

/// Why the store could not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A commit failed, now or earlier; nothing can be written until the plane is started again. Whether the
    /// command took effect is unknown: asking again after the restart, with the same reference, tells.
    #[error("the store has stopped writing: {reason}")]
    WriterStopped {
        /// What failed first.
        reason: String,
    },
    /// This command failed; others are not affected, and nothing of it is stored.
    #[error("the command could not be carried out: {reason}")]
    Command {
        /// What failed.
        reason: String,
    },
    /// The database is not reached; it may be later.
    #[error("the database cannot be reached: {reason}")]
    Unreachable {
        /// What was tried last, and failed.
        reason: String,
    },
    /// A read failed.
    #[error("the store could not be read: {reason}")]
    Read {
        /// What failed.
        reason: String,
    },
}

/// Everything the plane keeps.
///
/// A store is a handle: cloning it is cheap and gives another handle to the same store.
pub trait Store: Clone + Send + Sync + 'static {
    /// Carries a command out and resolves when its outcome is durable.
    ///
    /// A caller that stops waiting does not undo anything: a command that has reached the writer is carried out all the
    /// same.
    fn commit(&self, command: Command) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// The same for a command that nobody waits for urgently: it shares the next one's wait for the disk, and has one of its own only where
    /// none comes for [`recant_core::limits::COMMIT_ALONG_WAIT_MAX`].
    fn commit_along(&self, command: Command) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// The end of the committed log, as it grows.
    fn committed(&self) -> watch::Receiver<Position>;

    /// Whether the store still writes.
    ///
    /// # Errors
    /// [`StoreError::WriterStopped`] with what failed, for good.
    fn health(&self) -> Result<(), StoreError>;

    /// Whether what the plane says now, without writing it, binds whoever holds the log later: only then may it grant a lease.
    ///
    /// The holder of a data folder's lock always may. One of several planes may as long as no other can have taken over.
    fn may_grant(&self) -> bool {
        true
    }

    /// Whose log this is.
    fn identity(&self) -> &Identity;

    /// The distribution of this id.
    fn distribution(
        &self,
        id: &DistributionId,
    ) -> impl Future<Output = Result<Option<Tracked<DistributionRecord>>, StoreError>> + Send;

    /// Distributions in the order of their making. A marker may be any distribution.
    fn distributions(
        &self,
        filter: DistributionFilter,
        page: Page,
    ) -> impl Future<Output = Result<Listing<Tracked<DistributionRecord>>, StoreError>> + Send;

    /// One tenant.
    fn tenant(
        &self,
        key: TenantKey,
    ) -> impl Future<Output = Result<Option<Tracked<TenantRecord>>, StoreError>> + Send;

    /// Tenants by id, which is by time of making to the second. A marker need not exist any more.
    fn tenants(
        &self,
        filter: TenantFilter,
        page: Page,
    ) -> impl Future<Output = Result<Listing<Tracked<TenantRecord>>, StoreError>> + Send;

    /// The domains in use that a domain is in conflict with, and who has them, by domain: itself, the wildcard that covers
    /// it, and what it covers if it is a wildcard. A marker is a domain and need not exist any more.
    fn domains(
        &self,
        domain: &str,
        page: Page,
    ) -> impl Future<Output = Result<Listing<(String, Scope)>, StoreError>> + Send;

    /// Who has exactly this domain.
    fn domain_holder(&self, domain: &str) -> impl Future<Output = Result<Option<Scope>, StoreError>> + Send;

    /// One invalidation of a tenant or distribution that still exists.
    fn invalidation(
        &self,
        scope: &Scope,
        id: &InvalidationId,
    ) -> impl Future<Output = Result<Option<Tracked<InvalidationRecord>>, StoreError>> + Send;

    /// The invalidations of a tenant or distribution that still exists, newest first.
    fn invalidations(
        &self,
        scope: &Scope,
        page: Page,
    ) -> impl Future<Output = Result<Listing<Tracked<InvalidationSummary>>, StoreError>> + Send;

    /// The ids of the invalidations in a stretch of the log, after one position and up to another, by position; pruned ones are missing.
    fn invalidation_ids(
        &self,
        after: Position,
        up_to: Position,
    ) -> impl Future<Output = Result<Vec<(Position, InvalidationId)>, StoreError>> + Send;

    /// Up to where the oldest invalidations that are kept after a position may go, `limit` of them at most: those that are complete, not after
    /// `up_to`, and accepted before a time. The first that is not ends the search, so that it costs as much as it finds. Nothing where none may go.
    fn over(
        &self,
        after: Position,
        up_to: Position,
        created_before: WallTime,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Position>, StoreError>> + Send;

    /// How many invalidations of a scope are in progress.
    fn in_progress(&self, scope: &Scope) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// One resource of a kind.
    fn resource(
        &self,
        kind: ResourceKind,
        key: ResourceKey,
    ) -> impl Future<Output = Result<Option<Tracked<ResourceRecord>>, StoreError>> + Send;

    /// The resources of a kind by id. A marker need not exist any more.
    fn resources(
        &self,
        kind: ResourceKind,
        page: Page,
    ) -> impl Future<Output = Result<Listing<Tracked<ResourceRecord>>, StoreError>> + Send;

    /// The connection group that tenants get which name none: the one named [`DEFAULT_CONNECTION_GROUP`], which is made with
    /// the store and cannot be removed.
    fn default_connection_group(&self) -> impl Future<Output = Result<ConnectionGroupId, StoreError>> + Send {
        async move {
            let key = ResourceKey::Name(DEFAULT_CONNECTION_GROUP.to_owned());
            let found = self.resource(ResourceKind::ConnectionGroup, key).await?;
            let id = found.and_then(|found| ConnectionGroupId::parse(&found.record.id).ok());
            id.ok_or_else(|| StoreError::Read { reason: "there is no default connection group".to_owned() })
        }
    }

    /// The access key of this id, as committed: a change shows before its command is answered.
    fn key(&self, id: &str) -> impl Future<Output = Result<Option<Arc<KeyRecord>>, StoreError>> + Send;

    /// Access keys by id. A marker need not exist any more.
    fn keys(&self, page: Page) -> impl Future<Output = Result<Listing<KeyRecord>, StoreError>> + Send;

    /// Has a record appended to the audit log, of which `keep` are kept. It is on disk before, or together with, whatever is committed
    /// after this has resolved; a crash before that may lose it.
    fn note(&self, record: AuditRecord, keep: u64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The records of the audit log after a number, in order: at most `limit`, and of long ones fewer. Never [`Listing::UnknownMarker`].
    fn audited(
        &self,
        after: u64,
        limit: NonZeroUsize,
    ) -> impl Future<Output = Result<Listing<AuditEntry>, StoreError>> + Send;

    /// The end of the committed log and its hash; [`Position::ZERO`] and [`Hash::START`] of an empty one.
    fn head(&self) -> impl Future<Output = Result<(Position, Hash), StoreError>> + Send;

    /// Everything up to here is complete.
    fn completed(&self) -> impl Future<Output = Result<Position, StoreError>> + Send;

    /// The entries after a position, in order and without gaps: at most `limit`, and fewer when they are long,
    /// but at least one if there is one.
    fn entries(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// The same for an edge, who waits for no client.
    fn entries_for_edge(
        &self,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// The hash of the entry at a position; [`Hash::START`] at [`Position::ZERO`], nothing past the end.
    fn entry_hash(&self, position: Position)
    -> impl Future<Output = Result<Option<Hash>, StoreError>> + Send;

    /// Whether a place that an edge names is in this log's past: by history, position and hash (PURGE.md rule 15).
    fn is_past(&self, place: Applied) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move {
            Ok(place.history == self.identity().history
                && self.entry_hash(place.position).await? == Some(place.hash))
        }
    }

    /// A stretch of the configuration as it is now, from a place on: at most `limit` distributions or tenants.
    ///
    /// Whoever reads the end of the log before the first stretch, and after the last one the entries from there on, comes to the configuration
    /// as it is: an entry says the whole of what it is about, so that it does no harm where a stretch has had it already.
    fn snapshot(
        &self,
        from: SnapshotPlace,
        limit: usize,
    ) -> impl Future<Output = Result<SnapshotPage, StoreError>> + Send;

    /// What the plane's half of the protocol starts from.
    fn durable(&self) -> impl Future<Output = Result<PlaneDurable, StoreError>> + Send;
}
