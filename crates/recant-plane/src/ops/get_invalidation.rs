//! `GetInvalidationForDistributionTenant` and `GetInvalidation`: one invalidation.
//!
//! `Status` is `Completed` when every edge has applied it, judged in the transaction that read it. Another tenant's or
//! distribution's invalidation is not there (`NoSuchInvalidation`).
//! The answer waits a moment for completion.

use recant_core::entry::Scope;
use recant_core::id::InvalidationId;
use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, invalidations_of, shapes};
use crate::error::ApiError;
use crate::store::Store;

pub(super) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    scope: &Scope,
) -> Result<Document, ApiError> {
    let id = InvalidationId::parse(input::text(input, "Id")).ok();

    let found = match &id {
        Some(id) => context.settled(|| context.store.invalidation(scope, id)).await?,
        None => None,
    };
    let Some(found) = found else {
        invalidations_of::exists(context, scope).await?;
        return Err(ApiError::NoSuchInvalidation);
    };

    Ok(structure([("Invalidation", Some(shapes::invalidation(&found)))]))
}
