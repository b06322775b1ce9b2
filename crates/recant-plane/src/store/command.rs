//! What may be asked of the store's one writer, and what it answers.
//!
//! A command is complete: ids, entity tags and the time are in it, so that carrying it out needs nothing but the
//! store's rows. A refusal is an [`Outcome`], not an error: the store did what it was asked to, and looked.

use recant_core::audit::AuditRecord;
use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::id::{DistributionId, InvalidationId, TenantId};
use recant_core::ledger::{PreconditionError, TooManyInProgress};
use recant_core::position::Position;
use recant_core::protocol::PlaneWrite;
use recant_core::time::WallTime;

use super::records::{DistributionRecord, InvalidationRecord, KeyRecord, TenantRecord, Tracked};

/// One thing to be made durable.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a distribution. Answered by [`Outcome::Distribution`].
    CreateDistribution(Box<DistributionRecord>),
    /// Makes a tenant. Answered by [`Outcome::Tenant`].
    CreateTenant(Box<TenantRecord>),
    /// Replaces a tenant's configuration. Answered by [`Outcome::Tenant`].
    UpdateTenant {
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
        /// The tenant as it shall be. Name and creation time stay what they are, whatever is said here.
        tenant: Box<TenantRecord>,
    },
    /// Removes a disabled tenant. Answered by [`Outcome::TenantDeleted`].
    DeleteTenant {
        /// Which.
        tenant: TenantId,
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
    },
    /// Accepts an invalidation, or finds the one that this `CallerReference` made. Answered by [`Outcome::Invalidation`].
    CreateInvalidation {
        /// Whose stored responses.
        tenant: TenantId,
        /// The id it gets if it is new.
        id: InvalidationId,
        /// What the caller asks for.
        batch: Box<InvalidationBatch>,
        /// The time it is accepted at if it is new.
        now: WallTime,
        /// How much the tenant may have in progress with it; a replay is answered however much there is.
        in_progress_max: PathCount,
    },
    /// Makes an access key, or puts another in place of the one with its id. Answered by [`Outcome::Key`].
    PutKey(Box<KeyRecord>),
    /// Removes an access key. Answered by [`Outcome::KeyDeleted`].
    DeleteKey(String),
    /// Appends to the audit log. Answered by [`Outcome::Recorded`].
    Audit {
        /// What.
        record: AuditRecord,
        /// How many records are kept; older ones go.
        keep: u64,
    },
    /// Records what the plane's half of the protocol decided, in this order. Answered by [`Outcome::Recorded`].
    Protocol(Vec<PlaneWrite>),
}

/// What became of a [`Command`], durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The distribution as stored.
    Distribution(Box<Tracked<DistributionRecord>>),
    /// The tenant as stored.
    Tenant(Box<Tracked<TenantRecord>>),
    /// The tenant is no more, from this entry on.
    TenantDeleted(Position),
    /// The invalidation, new or found.
    Invalidation {
        /// Whether this command made it.
        birth: Birth,
        /// The invalidation; of a found one the original time and the present progress.
        invalidation: Box<Tracked<InvalidationRecord>>,
    },
    /// The access key as stored.
    Key(Box<KeyRecord>),
    /// The access key of this id is no more.
    KeyDeleted(String),
    /// What was to be recorded is on disk.
    Recorded,
    /// Nothing was changed.
    Refused(Refusal),
}

/// Whether an answer speaks of something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Birth {
    /// Made by this command.
    New,
    /// Made earlier; this command is a replay.
    Replayed,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The tenant's `CallerReference` was used with another batch.
    #[error("the caller reference was used before with other paths, by the invalidation {earlier}")]
    CallerReferenceConflict {
        /// What it made.
        earlier: InvalidationId,
    },
    /// The tenant's invalidations in progress leave no room for this one.
    #[error(transparent)]
    TooManyInProgress(#[from] TooManyInProgress),
    /// A distribution's `CallerReference` was used before.
    #[error("the caller reference was used before, by the distribution {earlier}")]
    DistributionExists {
        /// What it made.
        earlier: DistributionId,
    },
    /// No tenant has this id.
    #[error("no such distribution tenant")]
    NoSuchTenant,
    /// No distribution has this id.
    #[error("no such distribution")]
    NoSuchDistribution,
    /// No connection group has this id.
    #[error("no such connection group")]
    NoSuchConnectionGroup,
    /// A tenant of this name exists.
    #[error("another distribution tenant has this name")]
    NameTaken,
    /// A domain belongs to another tenant.
    #[error("the domain {domain} belongs to another distribution tenant")]
    DomainTaken {
        /// Which.
        domain: String,
    },
    /// A tenant is removed only when it is disabled.
    #[error("the distribution tenant is not disabled")]
    NotDisabled,
    /// The command needs an `If-Match` and has none, or one that no entity tag can be.
    #[error("If-Match is missing or is no entity tag")]
    IfMatchInvalid,
    /// `If-Match` is not the entity tag of what is stored.
    #[error("If-Match is not the current entity tag")]
    IfMatchStale,
    /// No access key has this id.
    #[error("no such access key")]
    NoSuchKey,
    /// There are as many access keys as there may be.
    #[error("there are as many access keys as there may be")]
    TooManyKeys,
    /// The change is longer than an entry of the log may be.
    #[error("the change is longer than an entry of the log may be")]
    TooLarge,
}

impl From<PreconditionError> for Refusal {
    fn from(error: PreconditionError) -> Self {
        match error {
            PreconditionError::Invalid => Self::IfMatchInvalid,
            PreconditionError::Stale => Self::IfMatchStale,
        }
    }
}
