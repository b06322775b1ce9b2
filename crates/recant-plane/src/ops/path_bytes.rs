//! How many bytes of paths and tags of one tenant, or one distribution, may be invalidated: a rate of requests does not tell a path from three
//! thousand long ones, and it is bytes that the store's one writer is busy with.

use std::sync::{Mutex, PoisonError};

use recant_core::batch::InvalidationBatch;
use recant_core::entry::Scope;
use recant_core::rate::{Limiter, Rate};

use crate::clock;
use crate::error::ApiError;

/// Counts them.
pub(crate) struct PathBytes {
    rate: Rate,
    /// Locked to count one batch.
    counted: Mutex<Limiter<Scope>>,
}

impl PathBytes {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, counted: Mutex::new(Limiter::new(rate)) }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a batch, a replay as well: what it is shows only in the store.
    ///
    /// # Errors
    /// [`ApiError::Throttling`].
    pub(super) fn count(&self, scope: &Scope, batch: &InvalidationBatch) -> Result<(), ApiError> {
        let bytes: usize = batch.items().iter().map(String::len).sum();
        let many = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.count_many(scope, many, clock::boot_now()).map_err(ApiError::Throttling)
    }
}
