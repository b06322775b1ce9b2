//! Whose invalidations an operation speaks of: a tenant's, or those of a distribution.
//!
//! One of a distribution is one entry of the log and one rule at each edge, which covers all of its tenants, however many
//! there are; a distribution without tenants counts as its own only one. For a distribution with tenants CloudFront answers
//! `NoSuchDistribution` (CLOUDFRONT.md section 3.4). So the classic operations do that, too, unless the operator wants the fan-out; under
//! `/recant/v1/` it is always there.

use recant_core::entry::Scope;
use recant_core::id::DistributionId;
use recant_wire::document::Document;

use super::{Context, input, refused};
use crate::error::ApiError;
use crate::plane::DistributionInvalidations;
use crate::store::{Store, TenantKey};

/// The tenant that a member names.
pub(super) fn tenant(input: &Document, member: &str) -> Result<Scope, ApiError> {
    refused::tenant_id(input::text(input, member)).map(Scope::Tenant)
}

/// The distribution that `DistributionId` names, if it has no tenants or the operator lets CloudFront's own operations speak of all tenants.
pub(super) async fn classic<S: Store>(context: &Context<S>, input: &Document) -> Result<Scope, ApiError> {
    let id = input::text(input, "DistributionId");
    let found = DistributionId::parse(id).map_err(|_| ApiError::NoSuchDistribution)?;
    let distribution = context.store.distribution(&found).await?.ok_or(ApiError::NoSuchDistribution)?;
    let is_fanned_out = context.distribution_invalidations == DistributionInvalidations::FanOut;
    if distribution.record.spec.direct.is_none() && !is_fanned_out {
        return Err(ApiError::TenantsAreInvalidated(id.to_owned()));
    }
    Ok(Scope::Distribution(found))
}

/// The distribution that `DistributionId` names.
pub(super) fn distribution(input: &Document) -> Result<Scope, ApiError> {
    DistributionId::parse(input::text(input, "DistributionId"))
        .map(Scope::Distribution)
        .map_err(|_| ApiError::NoSuchDistribution)
}

/// Refuses a scope that is not there.
pub(super) async fn exists<S: Store>(context: &Context<S>, scope: &Scope) -> Result<(), ApiError> {
    match scope {
        Scope::Tenant(id) => {
            let found = context.store.tenant(TenantKey::Id(id.clone())).await?;
            found.map(|_| ()).ok_or_else(refused::no_such_tenant)
        }
        Scope::Distribution(id) => {
            context.store.distribution(id).await?.map(|_| ()).ok_or(ApiError::NoSuchDistribution)
        }
    }
}
