//! `GetInvalidationForDistributionTenant` and `GetInvalidation`: one invalidation.
//!
//! `Status` is `Completed` when every edge has applied it, judged in the transaction that read it. Another tenant's or
//! distribution's invalidation is not there (`NoSuchInvalidation`).
//!
//! The answer waits a moment for completion, which usually comes within milliseconds: the stock waiters ask at once
//! and then only every 20 seconds, so an `InProgress` that is about to become untrue would cost them those.

use recant_core::entry::Scope;
use recant_core::id::InvalidationId;
use recant_core::limits::STATUS_WAIT_MAX;
use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, invalidations_of, shapes};
use crate::error::ApiError;
use crate::store::{Progress, Store};

pub(super) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    scope: &Scope,
) -> Result<Document, ApiError> {
    let id = InvalidationId::parse(input::text(input, "Id")).ok();

    let mut found = match &id {
        Some(id) => context.store.invalidation(scope, id).await?,
        None => None,
    };
    if let (Some(id), Some(pending)) =
        (&id, found.as_ref().filter(|found| found.progress == Progress::InProgress))
    {
        let mut completed = context.completed.clone();
        let reached = completed.wait_for(|completed| *completed >= pending.position);
        // Reached or not, the store is asked again: it alone knows what is durable.
        let _ = tokio::time::timeout(STATUS_WAIT_MAX, reached).await;
        found = context.store.invalidation(scope, id).await?;
    }
    let Some(found) = found else {
        invalidations_of::exists(context, scope).await?;
        return Err(ApiError::NoSuchInvalidation);
    };

    Ok(structure([("Invalidation", Some(shapes::invalidation(&found)))]))
}
