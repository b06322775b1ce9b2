//! `GetManagedCertificateDetails`: of a tenant's certificate that CloudFront would have made.
//!
//! No certificates are made here, and `ManagedCertificateRequest` is refused, so no tenant has one: `EntityNotFound`, which
//! says which of the two is not there.

use recant_wire::document::Document;

use super::{Context, get_distribution_tenant, input, refused, shapes};
use crate::error::ApiError;
use crate::store::Store;

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let arn_start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    let key = get_distribution_tenant::key(input::text(input, "Identifier"), &arn_start)?;

    context.store.tenant(key).await?.ok_or_else(refused::no_such_tenant)?;

    Err(ApiError::EntityNotFound("The specified distribution tenant has no managed certificate.".into()))
}
