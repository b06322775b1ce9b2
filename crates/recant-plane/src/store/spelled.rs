//! What a command has to write, spelled by whoever asks for it.
//!
//! The writer is everybody's, and so is its transaction: whatever it computes, all others wait for, and a database of several planes ends a
//! transaction that rests too long. So what may be long, and depends on no row, is spelled before the command gets into the queue:
//! invalidations, distributions, and records for the audit log. All else is short.

use bytes::Bytes;
use recant_core::batch::{Fingerprint, InvalidationBatch, PathCount};
use recant_core::entry::{Change, Entry, Hash, Kind, Scope};
use recant_core::limits::ENTRY_BODY_BYTES_MAX;
use recant_core::position::Position;
use recant_wire::feed::body;

use super::command::{Command, Refusal};
use super::records::DistributionRecord;
use super::spelling::{json, owner};

/// What a command has to write, as far as no row decides about it.
#[derive(Debug)]
pub(super) enum Spelled {
    /// Of [`Command::CreateInvalidation`].
    Invalidation(Box<SpelledInvalidation>),
    /// Of [`Command::CreateDistribution`] and [`Command::UpdateDistribution`].
    Distribution(Box<SpelledDistribution>),
    /// The text of [`Command::Audit`].
    Record(String),
    /// Of all others: what they write is short, or depends on rows.
    Nothing,
}

/// A batch, as the ledger and the log have it.
#[derive(Debug)]
pub(super) struct SpelledInvalidation {
    /// Whose it is, as a column.
    pub(super) owner: String,
    /// What its `CallerReference` is found by.
    pub(super) reference: Hash,
    /// What tells it from another batch.
    pub(super) fingerprint: Fingerprint,
    /// How many items it has.
    pub(super) count: PathCount,
    /// The items, as a column.
    pub(super) items: String,
    change: Result<SpelledChange, Refusal>,
}

/// A distribution, as its row and the log have it.
#[derive(Debug)]
pub(super) struct SpelledDistribution {
    /// The configuration, as a column.
    pub(super) config: String,
    /// What it means to edges, as a column.
    pub(super) spec: String,
    change: Result<SpelledChange, Refusal>,
}

/// An entry of the log, but for its place.
#[derive(Clone, Debug)]
pub(super) struct SpelledChange {
    scope: Scope,
    kind: Kind,
    body: Bytes,
    body_hash: Hash,
}

impl Spelled {
    /// Spells a command.
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::CreateInvalidation { scope, batch, .. } => {
                Self::Invalidation(Box::new(SpelledInvalidation::of(scope, batch)))
            }
            Command::CreateDistribution(distribution) | Command::UpdateDistribution { distribution, .. } => {
                Self::Distribution(Box::new(SpelledDistribution::of(distribution)))
            }
            Command::Audit { record, .. } => Self::Record(json(record)),
            _ => Self::Nothing,
        }
    }

    /// How many bytes that are, as columns; the log's entry has about as many again.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Invalidation(invalidation) => invalidation.items.len(),
            Self::Distribution(distribution) => distribution.config.len() + distribution.spec.len(),
            Self::Record(text) => text.len(),
            Self::Nothing => 0,
        }
    }

    /// That of a command that is about an invalidation.
    pub(super) fn invalidation(&self) -> &SpelledInvalidation {
        let Self::Invalidation(spelled) = self else {
            unreachable!("a create is spelled as one, not {self:?}")
        };
        spelled
    }

    /// That of a command that is about a distribution.
    pub(super) fn distribution(&self) -> &SpelledDistribution {
        let Self::Distribution(spelled) = self else { unreachable!("a put is spelled as one, not {self:?}") };
        spelled
    }

    /// That of a record for the audit log.
    pub(super) fn record(&self) -> &str {
        let Self::Record(text) = self else { unreachable!("a record is spelled as one, not {self:?}") };
        text
    }
}

impl SpelledInvalidation {
    fn of(scope: &Scope, batch: &InvalidationBatch) -> Self {
        let change = Change::Invalidate { scope: scope.clone(), patterns: batch.patterns().to_vec() };
        Self {
            owner: owner(scope),
            reference: Hash::of(batch.caller_reference().as_bytes()),
            fingerprint: batch.fingerprint(),
            count: batch.path_count(),
            items: json(batch.items()),
            change: SpelledChange::of(&change),
        }
    }

    /// Its entry.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], for who may make one otherwise.
    pub(super) fn change(&self) -> Result<&SpelledChange, Refusal> {
        self.change.as_ref().map_err(Clone::clone)
    }
}

impl SpelledDistribution {
    /// Spells a distribution.
    pub(super) fn of(distribution: &DistributionRecord) -> Self {
        Self {
            config: distribution.config.to_string(),
            spec: json(&distribution.spec),
            change: SpelledChange::of(&Change::PutDistribution(distribution.spec.clone())),
        }
    }

    /// Its entry.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], for who may make one otherwise.
    pub(super) fn change(&self) -> Result<&SpelledChange, Refusal> {
        self.change.as_ref().map_err(Clone::clone)
    }
}

impl SpelledChange {
    /// Spells a change.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`].
    pub(super) fn of(change: &Change) -> Result<Self, Refusal> {
        let body = body::encode(change);
        if body.len() > ENTRY_BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let body_hash = Hash::of(&body);
        Ok(Self { scope: change.scope(), kind: change.kind(), body, body_hash })
    }

    /// The entry at this place.
    pub(super) fn entry(&self, prev_hash: Hash, position: Position) -> Entry {
        let Self { scope, kind, body, body_hash } = self.clone();
        Entry { position, prev_hash, scope, kind, body_hash, body }
    }
}
