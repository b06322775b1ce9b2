//! `GetInvalidationForDistributionTenant`: one invalidation of a tenant.
//!
//! `Status` is `Completed` when every edge has applied it, judged in the transaction that read it. Another tenant's
//! invalidation is not there (`NoSuchInvalidation`).

use recant_core::id::InvalidationId;
use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Store, TenantKey};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let tenant = refused::tenant_id(input::text(input, "DistributionTenantId"))?;
    let id = InvalidationId::parse(input::text(input, "Id")).ok();

    let found = match &id {
        Some(id) => context.store.invalidation(&tenant, id).await?,
        None => None,
    };
    let Some(found) = found else {
        context.store.tenant(TenantKey::Id(tenant)).await?.ok_or_else(refused::no_such_tenant)?;
        return Err(ApiError::NoSuchInvalidation);
    };

    Ok(structure([("Invalidation", Some(shapes::invalidation(&found)))]))
}
