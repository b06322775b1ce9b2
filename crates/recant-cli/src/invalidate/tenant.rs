//! A tenant of a run, and the count of them all.

use std::time::Duration;

use super::created::Created;
use super::stored::Stored;
use crate::error::Error;

/// A tenant of a run, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    /// Its id.
    pub id: String,
    /// Its name, where it was listed.
    pub name: Option<String>,
    /// Its invalidation.
    pub created: Option<Created>,
    /// What would go.
    pub stored: Option<Stored>,
    /// Why there is no invalidation or no count, or why its status is not known.
    pub failure: Option<Error>,
    /// When the call under way was sent.
    pub sent: Duration,
    /// Attempts of the call at hand.
    pub attempts: u32,
    /// The first of a row of refusals.
    pub refused_since: Option<Duration>,
    /// The last pause.
    pub pause: Duration,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Tenants.
    pub tenants: usize,
    /// Invalidations, replays among them.
    pub created: usize,
    /// Invalidations that were there before.
    pub replayed: usize,
    /// Invalidations that are completed.
    pub completed: usize,
    /// Tenants that failed.
    pub failed: usize,
    /// Counts that came.
    pub counted: usize,
    /// Why calls are held up, if they are.
    pub held_up: Option<String>,
}

impl Tenant {
    /// A tenant that nothing was sent for yet.
    pub(super) fn new(id: String, name: Option<String>) -> Self {
        Self { id, name, ..Self::default() }
    }

    /// Whether the run did not get to it, or got no answer for it.
    pub(super) fn is_left(&self) -> bool {
        self.created.is_none() && self.failure.is_none()
    }
}
