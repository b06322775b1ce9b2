//! What may be asked of the store's one writer, and what it answers.
//!
//! A command is complete: ids, entity tags and the time are in it, so that carrying it out needs nothing but the
//! store's rows. A refusal is an [`Outcome`], not an error: the store did what it was asked to, and looked.

use std::mem;

use recant_core::access;
use recant_core::audit::AuditRecord;
use recant_core::batch::{InvalidationBatch, PathCount};
use recant_core::entry::Scope;
use recant_core::id::{DistributionId, ETag, InvalidationId, TenantId};
use recant_core::ledger::{PreconditionError, TooManyInProgress};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::position::Position;
use recant_core::protocol::PlaneWrite;
use recant_core::time::WallTime;

use super::judge::Judged;
use super::records::{
    DistributionRecord, InvalidationRecord, KeyRecord, ResourceKind, ResourceRecord, Taggable, Tags,
    TenantRecord, Tracked,
};

/// One thing to be made durable.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a distribution. Answered by [`Outcome::Distribution`]. Refused when a custom policy that it carries is no longer
    /// what it is there: [`Refusal::ChangedMeanwhile`].
    CreateDistribution(Box<DistributionRecord>),
    /// Replaces a distribution's configuration. Answered by [`Outcome::Distribution`]. Custom policies as for
    /// [`Command::CreateDistribution`].
    UpdateDistribution {
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
        /// The distribution as it shall be. `CallerReference`, tags and creation time stay what they are.
        distribution: Box<DistributionRecord>,
        /// How its tenants were found to go with it. Refused when one that was made or changed later does not, [`Refusal::TenantUnfit`], and when
        /// too many were: [`Refusal::ChangedMeanwhile`].
        judged: Judged,
    },
    /// Removes a disabled distribution without tenants. Answered by [`Outcome::DistributionDeleted`].
    DeleteDistribution {
        /// Which.
        distribution: DistributionId,
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
    },
    /// Makes a tenant. Answered by [`Outcome::Tenant`].
    CreateTenant {
        /// The tenant.
        tenant: Box<TenantRecord>,
        /// The entity tag of the distribution that it was found to go with. Refused when that is no longer the
        /// distribution's: [`Refusal::ChangedMeanwhile`].
        judged_by: ETag,
    },
    /// Replaces a tenant's configuration. Answered by [`Outcome::Tenant`].
    UpdateTenant {
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
        /// The tenant as it shall be. Name, tags and creation time stay what they are, whatever is said here.
        tenant: Box<TenantRecord>,
        /// As for [`Command::CreateTenant`].
        judged_by: ETag,
    },
    /// Replaces the configurations of several tenants, all or none, so that they can trade their domains: each gives up what it does not
    /// keep before any takes what it gets. Answered by [`Outcome::Tenants`]; at most
    /// [`recant_core::limits::TENANTS_PER_CHANGE_MAX`].
    UpdateTenants(Vec<TenantUpdate>),
    /// Moves a domain from what has it, which is disabled, to something else: tenants, or distributions without. Answered by
    /// [`Outcome::Tenant`] or [`Outcome::Distribution`], the one that has it then.
    MoveDomain {
        /// Which, lower case.
        domain: String,
        /// Who is thought to have it. Refused when it is somebody else: [`Refusal::ChangedMeanwhile`].
        from: Scope,
        /// Where to.
        to: Scope,
        /// The entity tag of where it goes that the caller last read, as sent.
        if_match: Option<String>,
        /// The entity tag that the one gets which loses the domain.
        from_etag: ETag,
        /// The entity tag that the one gets which has it then.
        to_etag: ETag,
        /// The time of the change.
        now: WallTime,
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
        /// Whose stored responses. Each scope has caller references of its own.
        scope: Scope,
        /// The id it gets if it is new.
        id: InvalidationId,
        /// What the caller asks for.
        batch: Box<InvalidationBatch>,
        /// The time it is accepted at if it is new.
        now: WallTime,
        /// How much the scope may have in progress with it; a replay is answered however much there is.
        in_progress_max: PathCount,
    },
    /// Makes a resource. Answered by [`Outcome::Resource`].
    CreateResource(Box<ResourceRecord>),
    /// Replaces a resource's configuration. Answered by [`Outcome::Resource`].
    ///
    /// A connection group that is enabled or disabled with it is told to edges by its tenants, in the same commit; at most
    /// [`recant_core::limits::TENANTS_PER_CHANGE_MAX`].
    UpdateResource {
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
        /// The resource as it shall be. Alias, tags and creation time stay what they are.
        resource: Box<ResourceRecord>,
    },
    /// Replaces a custom policy's configuration. Answered by [`Outcome::Resource`].
    ///
    /// Edges are told by the distributions that use it, each with the policy as it is now, in the same commit; at most
    /// [`recant_core::limits::DISTRIBUTIONS_PER_POLICY_MAX`].
    UpdatePolicy {
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
        /// The resource as it shall be. Creation time stays what it is.
        resource: Box<ResourceRecord>,
        /// What it means to edges.
        policy: Box<Policy>,
    },
    /// Removes a resource that is not enabled and that nothing uses. Answered by [`Outcome::ResourceDeleted`].
    DeleteResource {
        /// What it is.
        kind: ResourceKind,
        /// Which.
        id: String,
        /// The entity tag that the caller last read, as sent.
        if_match: Option<String>,
    },
    /// Changes tags, and nothing else. Answered by [`Outcome::Tags`].
    ChangeTags {
        /// Of what.
        of: Taggable,
        /// Tags to be set.
        set: Tags,
        /// Keys to be removed, there or not.
        unset: Vec<String>,
        /// How many tags there may be afterwards.
        tags_max: usize,
    },
    /// Makes an access key. Answered by [`Outcome::Key`].
    CreateKey(Box<KeyRecord>),
    /// Changes an access key, and of it only what is said: two who change different things of one key at the same time undo
    /// nothing of each other, and a key that is gone stays so ([`Refusal::NoSuchKey`]). Answered by [`Outcome::Key`].
    UpdateKey {
        /// Which.
        id: String,
        /// What of it.
        change: KeyChange,
        /// The time of the change.
        now: WallTime,
    },
    /// Removes an access key. Answered by [`Outcome::KeyDeleted`].
    DeleteKey(String),
    /// Appends to the audit log. Answered by [`Outcome::Recorded`].
    Audit {
        /// What.
        record: AuditRecord,
        /// How many records are kept; older ones go.
        keep: u64,
    },
    /// Removes the detail of the oldest invalidations, up to a position that [`Store::over`](super::Store::over) has given: what lists and look-ups
    /// show. Those in progress stay, and so does what is kept of each `CallerReference`. Answered by [`Outcome::Pruned`].
    PruneInvalidations(Position),
    /// Records what the plane's half of the protocol decided, in this order. Answered by [`Outcome::Recorded`].
    Protocol(Vec<PlaneWrite>),
}

/// One tenant of [`Command::UpdateTenants`], as in [`Command::UpdateTenant`].
#[derive(Clone, Debug)]
pub struct TenantUpdate {
    /// The entity tag that the caller last read, as sent.
    pub if_match: Option<String>,
    /// The tenant as it shall be.
    pub tenant: Box<TenantRecord>,
    /// The entity tag of the distribution that it was found to go with.
    pub judged_by: ETag,
}

/// What [`Command::UpdateKey`] changes of a key; what is not said stays what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// The name for people.
    pub name: Option<String>,
    /// What its holder may do.
    pub policy: Option<access::Policy>,
    /// Whether it lets anybody in.
    pub is_active: Option<bool>,
}

impl KeyChange {
    /// Changes a key that was just read in the transaction that writes it.
    pub(super) fn apply(&self, key: &mut KeyRecord, now: WallTime) {
        let Self { name, policy, is_active } = self.clone();
        key.name = name.unwrap_or_else(|| mem::take(&mut key.name));
        if let Some(policy) = policy {
            key.policy = policy;
        }
        key.is_active = is_active.unwrap_or(key.is_active);
        key.modified = now;
    }
}

/// What became of a [`Command`], durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The distribution as stored.
    Distribution(Box<Tracked<DistributionRecord>>),
    /// The distribution is no more, from this entry on.
    DistributionDeleted(Position),
    /// The tenant as stored.
    Tenant(Box<Tracked<TenantRecord>>),
    /// The tenants as stored, in the command's order.
    Tenants(Vec<Tracked<TenantRecord>>),
    /// The tenant is no more, from this entry on.
    TenantDeleted(Position),
    /// The invalidation, new or found.
    Invalidation {
        /// Whether this command made it.
        birth: Birth,
        /// The invalidation; of a found one the original time and the present progress.
        invalidation: Box<Tracked<InvalidationRecord>>,
    },
    /// The resource as stored.
    Resource(Box<Tracked<ResourceRecord>>),
    /// The resource is no more.
    ResourceDeleted,
    /// The tags as they are now.
    Tags(Tags),
    /// The access key as stored.
    Key(Box<KeyRecord>),
    /// The access key of this id is no more.
    KeyDeleted(String),
    /// So many invalidations are gone from the history.
    Pruned(u64),
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
    /// The scope's `CallerReference` was used with another batch.
    #[error("the caller reference was used before with other paths, by the invalidation {earlier}")]
    CallerReferenceConflict {
        /// What it made.
        earlier: InvalidationId,
    },
    /// The scope's invalidations in progress leave no room for this one.
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
    /// No resource of this kind has this id.
    #[error("no such {}", .0.as_str())]
    NoSuchResource(ResourceKind),
    /// A tenant, or a resource of this kind, has this name or alias.
    #[error("the name is taken")]
    NameTaken,
    /// A domain belongs to somebody else.
    #[error("the domain {domain} belongs to another distribution tenant or distribution")]
    DomainTaken {
        /// Which.
        domain: String,
    },
    /// Nobody has the domain who could give it up.
    #[error("no distribution tenant or distribution has this domain to give up")]
    NoSuchDomain,
    /// A thing is removed, and a domain taken from a tenant, only when that is disabled.
    #[error("it is not disabled")]
    NotDisabled,
    /// A thing is removed only when nothing uses it.
    #[error("it is in use")]
    InUse,
    /// A tenant that was made meanwhile would not go with its distribution any more.
    #[error("the distribution tenant {tenant} would not fit: {why}")]
    TenantUnfit {
        /// Which.
        tenant: TenantId,
        /// What of it.
        why: String,
    },
    /// What the command was judged by has changed since; judging it anew tells.
    #[error("what the command was judged by has changed")]
    ChangedMeanwhile,
    /// A change that would be one of so many tenants that everybody else would wait for it.
    #[error("more tenants would change than one commit may change")]
    TooManyTenants,
    /// More resources of this kind than there may be.
    #[error("there are as many resources of this kind as there may be")]
    TooManyResources(ResourceKind),
    /// More distributions would use a policy of this kind than may.
    #[error("as many distributions use the policy as may")]
    TooManyUsers(PolicyKind),
    /// More domains than one tenant or distribution may have.
    #[error("there would be too many domains")]
    TooManyDomains,
    /// A distribution with tenants has no domains of its own.
    #[error("a distribution with tenants has no domains")]
    HasTenants,
    /// More tags than something may have.
    #[error("there would be too many tags")]
    TooManyTags,
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
