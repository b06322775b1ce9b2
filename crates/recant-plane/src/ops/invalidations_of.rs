//! Whose invalidations an operation speaks of: a tenant's, or those of a distribution.
//!
//! One of a distribution is one entry of the log and one rule at each edge, which covers all of its tenants, however many
//! there are. CloudFront differs: it answers `NoSuchDistribution` for a distribution with tenants (CLOUDFRONT.md section 3.4). So the
//! classic operations do that, too, unless the operator wants the fan-out; under `/recant/v1/` it is always there.

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

/// The distribution that `DistributionId` names, where the operator lets CloudFront's own operations speak of it.
pub(super) async fn classic<S: Store>(context: &Context<S>, input: &Document) -> Result<Scope, ApiError> {
    let scope = distribution(input)?;
    match context.distribution_invalidations {
        DistributionInvalidations::Refuse => {
            exists(context, &scope).await?;
            Err(ApiError::TenantsAreInvalidated(input::text(input, "DistributionId").to_owned()))
        }
        DistributionInvalidations::FanOut => Ok(scope),
    }
}

/// The distribution that `DistributionId` names.
pub(super) fn distribution(input: &Document) -> Result<Scope, ApiError> {
    DistributionId::parse(input::text(input, "DistributionId"))
        .map(Scope::Distribution)
        .map_err(|_| ApiError::NoSuchDistribution)
}

/// How paths name what has this scope.
pub(super) fn kind(scope: &Scope) -> &'static str {
    match scope {
        Scope::Tenant(_) => "distribution-tenant",
        Scope::Distribution(_) => "distribution",
    }
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
