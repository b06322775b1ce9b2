//! Decisions over what the plane remembers: is a create new, and may a write go ahead?
//!
//! The ledger itself is the plane's: it looks rows up, inside the transaction that will write, and asks here what
//! they mean. Nothing is held in memory, so a duplicate sees its sibling of the same group commit (DESIGN.md
//! section 9, Ledger).

use crate::batch::{Fingerprint, PathCount};
use crate::id::ETag;

/// What a create means, given what is remembered under its `CallerReference` in its scope.
///
/// Scope is one tenant, or one distribution: each has its own references (CLOUDFRONT.md 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The reference was never used: make an invalidation.
    New,
    /// It was used for the same set of items: answer with that invalidation, as it stands now.
    Replay,
    /// It was used for other items: `InvalidationBatchAlreadyExists`.
    Conflict,
}

/// Decides over a create whose reference was looked up.
pub fn decide(remembered: Option<&Fingerprint>, batch: &Fingerprint) -> Decision {
    match remembered {
        None => Decision::New,
        Some(remembered) if remembered == batch => Decision::Replay,
        Some(_) => Decision::Conflict,
    }
}

/// Why a new invalidation may not go ahead: `TooManyInvalidationsInProgress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyInProgress {
    /// Individual paths and tags.
    #[error("too many paths would be in progress")]
    Paths,
    /// Wildcard paths.
    #[error("too many wildcard paths would be in progress")]
    Wildcards,
}

/// Whether a new batch fits beside what its tenant has in progress; the two pools are independent (CLOUDFRONT.md 3.2).
///
/// A batch that takes nothing from a pool is not held up by it, however full it is.
///
/// # Errors
/// [`TooManyInProgress`] names the pool.
pub fn room(in_progress: PathCount, batch: PathCount, max: PathCount) -> Result<(), TooManyInProgress> {
    let exceeds = |there: u64, more: u64, max: u64| more > 0 && there.saturating_add(more) > max;
    if exceeds(in_progress.paths, batch.paths, max.paths) {
        Err(TooManyInProgress::Paths)
    } else if exceeds(in_progress.wildcards, batch.wildcards, max.wildcards) {
        Err(TooManyInProgress::Wildcards)
    } else {
        Ok(())
    }
}

/// Why an update or a delete may not go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreconditionError {
    /// No `If-Match`, or one that no entity tag can be: `InvalidIfMatchVersion`.
    #[error("the If-Match version is missing or is no entity tag")]
    Invalid,
    /// `If-Match` names another version than the current one: `PreconditionFailed`.
    #[error("the If-Match version is not the current one")]
    Stale,
}

/// Whether a write that carries this `If-Match` may replace the version `current`.
///
/// CloudFront's entity tags are bare words; the quoted form of RFC 9110 section 8.8.3 is taken, too. Lists, weak
/// tags and `*` are not valid: nobody may overwrite what he has not read.
///
/// # Errors
/// [`PreconditionError`].
pub fn precondition(if_match: Option<&str>, current: &ETag) -> Result<(), PreconditionError> {
    let given = if_match.map_or("", str::trim);
    let bare = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(given);
    match ETag::parse(bare) {
        Err(_) => Err(PreconditionError::Invalid),
        Ok(given) if given == *current => Ok(()),
        Ok(_) => Err(PreconditionError::Stale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_used_once() {
        let (a, b) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        assert_eq!(decide(None, &a), Decision::New);
        assert_eq!(decide(Some(&a), &a), Decision::Replay);
        assert_eq!(decide(Some(&a), &b), Decision::Conflict);
    }

    #[test]
    fn each_pool_has_its_own_room() {
        let count = |paths, wildcards| PathCount { paths, wildcards };
        let check = |there, batch, expected| {
            assert_eq!(room(there, batch, count(10, 2)), expected, "{batch:?} beside {there:?}");
        };
        check(count(0, 0), count(10, 2), Ok(()));
        check(count(9, 1), count(1, 1), Ok(()));
        check(count(9, 1), count(2, 0), Err(TooManyInProgress::Paths));
        check(count(9, 1), count(0, 2), Err(TooManyInProgress::Wildcards));
        check(count(0, 0), count(11, 0), Err(TooManyInProgress::Paths));
        check(count(10, 0), count(0, 1), Ok(()));
        check(count(0, 2), count(1, 0), Ok(()));
        // An operator has lowered the bound since.
        check(count(99, 9), count(0, 0), Ok(()));
        check(count(u64::MAX, 0), count(u64::MAX, 0), Err(TooManyInProgress::Paths));
    }

    #[test]
    fn preconditions() {
        let current = ETag::parse("E1A").unwrap();
        let check =
            |if_match, expected| assert_eq!(precondition(if_match, &current), expected, "{if_match:?}");
        check(None, Err(PreconditionError::Invalid));
        check(Some("E1A"), Ok(()));
        check(Some("\"E1A\""), Ok(()));
        for stale in ["E1B", "e1a", "\"E1B\""] {
            check(Some(stale), Err(PreconditionError::Stale));
        }
        for invalid in ["", " ", "*", "W/\"E1A\"", "E1A, E1B", "\"", "\"\"", "\"E1A"] {
            check(Some(invalid), Err(PreconditionError::Invalid));
        }
    }
}
