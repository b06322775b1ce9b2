//! The entries of the plane's log and the chain that ties them together.
//!
//! *Everything an edge must know is an entry*: configuration as well as invalidations. An edge's state is the
//! fold of [`Change`]s over the log. Each entry names the hash of the one before it, so that an edge notices a
//! gap, a rewritten history or a corrupted body. The chain is over the hashes of bodies, not over the bodies,
//! so a body may be withheld from an edge that may not see it without breaking the chain.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::batch::Pattern;
use crate::id::{DistributionId, TenantId};
use crate::position::Position;
use crate::spec::{DistributionSpec, TenantSpec};

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash that the first entry of a log names as its predecessor's.
    pub const START: Self = Self([0; 32]);

    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Names one history of a log: made anew when a log starts and when a plane is restored from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HistoryId(pub u128);

/// Whom an entry concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One tenant.
    Tenant(TenantId),
    /// A distribution and, for invalidations, all of its tenants: one entry, however many tenants there are.
    Distribution(DistributionId),
}

impl Scope {
    /// Which kind of scope this is, as a number on the wire, on disk and in the chain: 1 a tenant, 2 a distribution.
    pub fn tag(&self) -> u8 {
        match self {
            Self::Tenant(_) => 1,
            Self::Distribution(_) => 2,
        }
    }

    /// Whose scope it is, as text.
    pub fn id(&self) -> &str {
        match self {
            Self::Tenant(id) => id.as_str(),
            Self::Distribution(id) => id.as_str(),
        }
    }

    /// The scope with this tag and id; nothing when this version knows no such tag or the id is none.
    pub fn from_parts(tag: u8, id: &str) -> Option<Self> {
        match tag {
            1 => TenantId::parse(id).ok().map(Self::Tenant),
            2 => DistributionId::parse(id).ok().map(Self::Distribution),
            _ => None,
        }
    }
}

/// What kind of change an entry's body holds. Kinds are numbers on the wire and on disk; see docs/design/formats.md.
///
/// An edge that does not know a kind does not stop: it raises the floor of the entry's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u16);

impl Kind {
    /// A distribution as it is from here on.
    pub const PUT_DISTRIBUTION: Self = Self(1);
    /// A tenant as it is from here on.
    pub const PUT_TENANT: Self = Self(2);
    /// A tenant that is no more.
    pub const REMOVE_TENANT: Self = Self(3);
    /// An invalidation.
    pub const INVALIDATE: Self = Self(4);
    /// A distribution that is no more.
    pub const REMOVE_DISTRIBUTION: Self = Self(5);
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one is made for each entry and taken apart at once")]
pub enum Change {
    /// The distribution is so from here on.
    PutDistribution(DistributionSpec),
    /// The tenant is so from here on.
    PutTenant(TenantSpec),
    /// The tenant is no more.
    RemoveTenant(TenantId),
    /// The distribution, which has no tenants, is no more.
    RemoveDistribution(DistributionId),
    /// What matches in this scope may not be served unless fetched later than this entry.
    Invalidate {
        /// Whose stored responses.
        scope: Scope,
        /// Which of them.
        patterns: Vec<Pattern>,
    },
}

impl Change {
    /// The number of this kind of change.
    pub fn kind(&self) -> Kind {
        match self {
            Self::PutDistribution(_) => Kind::PUT_DISTRIBUTION,
            Self::PutTenant(_) => Kind::PUT_TENANT,
            Self::RemoveTenant(_) => Kind::REMOVE_TENANT,
            Self::RemoveDistribution(_) => Kind::REMOVE_DISTRIBUTION,
            Self::Invalidate { .. } => Kind::INVALIDATE,
        }
    }

    /// Whom it concerns.
    pub fn scope(&self) -> Scope {
        match self {
            Self::PutDistribution(distribution) => Scope::Distribution(distribution.id.clone()),
            Self::PutTenant(tenant) => Scope::Tenant(tenant.id.clone()),
            Self::RemoveTenant(tenant) => Scope::Tenant(tenant.clone()),
            Self::RemoveDistribution(distribution) => Scope::Distribution(distribution.clone()),
            Self::Invalidate { scope, .. } => scope.clone(),
        }
    }
}

/// One entry of the log, its body still as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// The [`Entry::hash`] of the entry before it.
    pub prev_hash: Hash,
    /// Whom it concerns.
    pub scope: Scope,
    /// How to read the body.
    pub kind: Kind,
    /// The hash of the body, also where the body is withheld.
    pub body_hash: Hash,
    /// What it says, in `recant-wire`'s spelling.
    pub body: Bytes,
}

impl Entry {
    /// The entry that follows one with the hash `prev_hash`.
    pub fn following(prev_hash: Hash, position: Position, scope: Scope, kind: Kind, body: Bytes) -> Self {
        let body_hash = Hash::of(&body);
        Self { position, prev_hash, scope, kind, body_hash, body }
    }

    /// The hash that the next entry names: over everything but the body, which its own hash stands for.
    pub fn hash(&self) -> Hash {
        let scope = (self.scope.tag(), self.scope.id().as_bytes());
        Self::hash_of(self.prev_hash, self.position, self.kind, scope, self.body_hash)
    }

    /// [`Entry::hash`] over an entry whose scope, a tag and an id, need not be known to this version.
    pub fn hash_of(
        prev_hash: Hash,
        position: Position,
        kind: Kind,
        (scope_tag, scope_id): (u8, &[u8]),
        body_hash: Hash,
    ) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(prev_hash.0);
        hasher.update(position.get().to_be_bytes());
        hasher.update(kind.0.to_be_bytes());
        hasher.update([scope_tag]);
        hasher.update((scope_id.len() as u64).to_be_bytes());
        hasher.update(scope_id);
        hasher.update(body_hash.0);
        Hash(hasher.finalize().into())
    }

    /// Whether the body is the one the chain speaks of.
    pub fn body_is_intact(&self) -> bool {
        Hash::of(&self.body) == self.body_hash
    }
}
