//! The bodies of log entries: a [`Change`] as JSON, by its [`Kind`].
//!
//! The scope is not repeated where it says everything. A reader ignores members it does not know, so whatever a
//! reader must not overlook needs a kind of its own. What cannot be read is an error, never a guess: the edge
//! then raises the floor of the entry's scope.

use bytes::Bytes;
use recant_core::batch::Pattern;
use recant_core::entry::{Change, Kind, Scope};
use recant_core::limits::ENTRY_BODY_BYTES_MAX;
use recant_core::spec::{DistributionSpec, TenantSpec};
use serde::{Deserialize, Serialize};

use super::heartbeat::to_json;

/// Counts what this version understands of bodies: **one more whenever a kind or a member comes that an earlier version passed over.**
/// What an edge has kept on a disk with another understanding is not gone on with.
pub const UNDERSTANDING: u16 = 2;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No kind that this version knows.
    #[error("kind {} is not known", .0.0)]
    UnknownKind(Kind),
    /// Longer than [`ENTRY_BODY_BYTES_MAX`].
    #[error("a body has at most {ENTRY_BODY_BYTES_MAX} bytes")]
    TooLong,
    /// Not the JSON of this kind.
    #[error("not the body of kind {}", .kind.0)]
    Json {
        /// Which kind was expected.
        kind: Kind,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
    /// The body speaks of another distribution or tenant than the entry's scope.
    #[error("the body is not about the entry's scope")]
    OtherScope,
}

/// The body of an invalidation.
#[derive(Serialize, Deserialize)]
struct Invalidate {
    patterns: Vec<Pattern>,
}

/// The body of an entry that its scope says all about.
#[derive(Serialize, Deserialize)]
struct Nothing {}

/// The body of the entry that says this; its scope and kind are [`Change::scope`] and [`Change::kind`].
pub fn encode(change: &Change) -> Bytes {
    match change {
        Change::PutDistribution(distribution) => to_json(distribution),
        Change::PutTenant(tenant) => to_json(tenant),
        Change::RemoveTenant(_) | Change::RemoveDistribution(_) => to_json(&Nothing {}),
        Change::Invalidate { patterns, .. } => to_json(&Invalidate { patterns: patterns.clone() }),
    }
    .into()
}

/// What an entry of this scope and kind with this body says.
///
/// # Errors
/// [`BodyError`] when this version cannot tell; the caller over-invalidates.
pub fn decode(scope: &Scope, kind: Kind, body: &[u8]) -> Result<Change, BodyError> {
    if body.len() > ENTRY_BODY_BYTES_MAX {
        return Err(BodyError::TooLong);
    }
    let change = match kind {
        Kind::PUT_DISTRIBUTION => Change::PutDistribution(read::<DistributionSpec>(kind, body)?),
        Kind::PUT_TENANT => Change::PutTenant(read::<TenantSpec>(kind, body)?),
        Kind::REMOVE_TENANT => {
            let Nothing {} = read(kind, body)?;
            match scope {
                Scope::Tenant(tenant) => Change::RemoveTenant(tenant.clone()),
                Scope::Distribution(_) => return Err(BodyError::OtherScope),
            }
        }
        Kind::REMOVE_DISTRIBUTION => {
            let Nothing {} = read(kind, body)?;
            match scope {
                Scope::Distribution(distribution) => Change::RemoveDistribution(distribution.clone()),
                Scope::Tenant(_) => return Err(BodyError::OtherScope),
            }
        }
        Kind::INVALIDATE => {
            let Invalidate { patterns } = read(kind, body)?;
            Change::Invalidate { scope: scope.clone(), patterns }
        }
        unknown => return Err(BodyError::UnknownKind(unknown)),
    };
    if change.scope() == *scope { Ok(change) } else { Err(BodyError::OtherScope) }
}

fn read<'a, T: Deserialize<'a>>(kind: Kind, body: &'a [u8]) -> Result<T, BodyError> {
    serde_json::from_slice(body).map_err(|source| BodyError::Json { kind, source })
}
