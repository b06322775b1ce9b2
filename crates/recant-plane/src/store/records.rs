//! What the store keeps and hands back.
//!
//! A record is a value: nothing in it points back into the store. Where a record was last changed in the log,
//! and whether that place is complete, comes beside it as [`Tracked`].

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;

use recant_core::access::Policy;
use recant_core::entry::{Change, HistoryId, Scope};
use recant_core::id::{ConnectionGroupId, DistributionId, ETag, InvalidationId, TenantId};
use recant_core::policy::PolicyKind;
use recant_core::position::Position;
use recant_core::protocol::message::Term;
use recant_core::spec::{Direct, DistributionSpec, TenantSpec};
use recant_core::time::WallTime;

/// Whose log this is; fixed while a plane runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The history of the log, made when the log started.
    pub history: HistoryId,
    /// Counts the starts of planes on this history, this one included.
    pub term: Term,
    /// The account number in every ARN, twelve digits.
    pub account: String,
}

/// A record, the place of its last change, and whether that place was complete when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked<T> {
    /// The record.
    pub record: T,
    /// The entry of its last change.
    pub position: Position,
    /// Whether every edge had applied that entry, judged in the transaction that read the record.
    pub progress: Progress,
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Accepted; some edge may not have applied it yet: `InProgress` in every API shape.
    InProgress,
    /// Completed: `Completed` for an invalidation, `Deployed` for a distribution or tenant.
    Complete,
}

impl Progress {
    /// The progress of an entry when everything up to `completed` is complete.
    pub fn of(position: Position, completed: Position) -> Self {
        if position <= completed { Self::Complete } else { Self::InProgress }
    }
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionRecord {
    /// Its id.
    pub id: DistributionId,
    /// The entity tag of the configuration as it is.
    pub etag: ETag,
    /// The `CallerReference` of its configuration; each one makes at most one distribution.
    pub caller_reference: String,
    /// The configuration as the caller gave it, whole. The store looks inside only where an alias comes from, or goes to, something else.
    pub config: serde_json::Value,
    /// What edges need of it.
    pub spec: DistributionSpec,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

impl DistributionRecord {
    /// The domains that are its own: none of one with tenants.
    pub fn domains(&self) -> impl Iterator<Item = &String> {
        self.spec.direct.iter().flat_map(Direct::domains)
    }
}

/// A distribution tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its id.
    pub id: TenantId,
    /// Its name: unique among the living, never changed. Nothing is keyed by it.
    pub name: String,
    /// The connection group it is reached through.
    pub connection_group_id: ConnectionGroupId,
    /// The entity tag of the configuration as it is.
    pub etag: ETag,
    /// The configuration as the caller gave it, whole. The store does not look inside.
    pub config: serde_json::Value,
    /// What it asks for: its distribution, its domains, whether it is enabled. Edges are told the same, except that a
    /// tenant of a disabled connection group is disabled for them.
    pub spec: TenantSpec,
    /// The ARN of the web ACL that its configuration names; lists are made by it.
    pub web_acl: Option<String>,
    /// The ARN of the certificate that its configuration names; lists are made by it.
    pub certificate: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

/// An accepted invalidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationRecord {
    /// Its id.
    pub id: InvalidationId,
    /// Whose stored responses: a tenant's, or those of all tenants of a distribution.
    pub scope: Scope,
    /// The caller's name for it.
    pub caller_reference: String,
    /// The paths and tags as the caller typed them, in order.
    pub items: Vec<String>,
    /// When it was accepted.
    pub created: WallTime,
}

/// An invalidation as lists show it: without its items, of which a page of batches may have gigabytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationSummary {
    /// Its id.
    pub id: InvalidationId,
    /// When it was accepted.
    pub created: WallTime,
}

/// The tags of something that can be tagged: values by key.
pub type Tags = BTreeMap<String, String>;

/// A thing beside distributions and tenants: all kinds are kept alike, so that a further kind needs no further table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRecord {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id, unique within its kind.
    pub id: String,
    /// Its name, unique within its kind.
    pub name: String,
    /// What else it is found by, unique within its kind: a connection group's routing endpoint.
    pub alias: Option<String>,
    /// The entity tag of the configuration as it is.
    pub etag: ETag,
    /// Whether it is enabled, for a kind that can be. Only what is disabled can be removed, and the tenants of a disabled
    /// connection group are disabled for edges.
    pub enabled: Option<bool>,
    /// The configuration as the caller gave it, whole. The store does not look inside.
    pub config: serde_json::Value,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

/// The kinds of [`ResourceRecord`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// What tenants are reached through.
    ConnectionGroup,
    /// What is in the cache key, and how long responses are fresh.
    CachePolicy,
    /// What origins are told of a viewer's request.
    OriginRequestPolicy,
    /// What viewers are told beside an origin's response.
    ResponseHeadersPolicy,
}

impl From<PolicyKind> for ResourceKind {
    fn from(kind: PolicyKind) -> Self {
        match kind {
            PolicyKind::Cache => Self::CachePolicy,
            PolicyKind::OriginRequest => Self::OriginRequestPolicy,
            PolicyKind::ResponseHeaders => Self::ResponseHeadersPolicy,
        }
    }
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::ConnectionGroup, Self::CachePolicy, Self::OriginRequestPolicy, Self::ResponseHeadersPolicy];

    /// Its name in ARNs and on disk.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionGroup => "connection-group",
            Self::CachePolicy => "cache-policy",
            Self::OriginRequestPolicy => "origin-request-policy",
            Self::ResponseHeadersPolicy => "response-headers-policy",
        }
    }
}

/// How a resource is named in a question about its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceKey {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
    /// By what else it is found by.
    Alias(String),
}

/// What can be tagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taggable {
    /// A distribution.
    Distribution(DistributionId),
    /// A tenant.
    Tenant(TenantId),
    /// A resource of this kind and id.
    Resource(ResourceKind, String),
}

/// An access key: what callers sign with, and what they may do with it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `AKIA…`; public.
    pub id: String,
    /// What signatures are made with. SigV4 needs it as it is, so it is kept as it is.
    pub secret: String,
    /// A name for people.
    pub name: String,
    /// What its holder may do.
    pub policy: Policy,
    /// Whether it lets anybody in.
    pub is_active: bool,
    /// When it was made.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

impl fmt::Debug for KeyRecord {
    /// Shows nothing of the secret, so that no log can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeyRecord");
        shown.field("id", &self.id).field("name", &self.name).field("is_active", &self.is_active);
        shown.finish_non_exhaustive()
    }
}

/// How a tenant is named in a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantKey {
    /// By id.
    Id(TenantId),
    /// By name.
    Name(String),
    /// By one of its domains, spelled as in its configuration but lower case.
    Domain(String),
}

/// Which distributions a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DistributionFilter {
    /// Every distribution.
    #[default]
    All,
    /// Those without tenants.
    Direct,
    /// Those with tenants.
    TenantOnly,
    /// Those with a behaviour that has this policy.
    Policy(PolicyKind, String),
}

/// Which tenants a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TenantFilter {
    /// Every tenant.
    #[default]
    All,
    /// Those of one distribution.
    Distribution(DistributionId),
    /// Those reached through one connection group.
    ConnectionGroup(ConnectionGroupId),
    /// Those whose configuration names this web ACL.
    WebAcl(String),
    /// Those whose configuration names this certificate.
    Certificate(String),
}

/// Which stretch of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The id of the last item of the page before; the first page without.
    pub after: Option<String>,
    /// How many items at most.
    pub limit: NonZeroUsize,
}

/// A stretch of a list, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing<T> {
    /// The wanted stretch.
    Page {
        /// The items, in the list's order.
        items: Vec<T>,
        /// Whether further items follow.
        more: bool,
    },
    /// [`Page::after`] names nothing in this list, so there is no place to go on from.
    UnknownMarker,
}

/// How far the configuration has been read: what an edge starts from that has no earlier place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotPlace {
    /// Distributions up to the one that was made with this number.
    Distributions(u64),
    /// All distributions, and tenants up to this id.
    Tenants(String),
}

impl SnapshotPlace {
    /// Before everything.
    pub const START: Self = Self::Distributions(0);
}

/// A stretch of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPage {
    /// Distributions, then tenants, each as the change that makes it.
    pub changes: Vec<Change>,
    /// Where to go on; nothing after the last one.
    pub next: Option<SnapshotPlace>,
}
