//! What the store refused, in the API's words.

use recant_core::id::TenantId;

use crate::error::{ApiError, excerpt};
use crate::plane::CallerReferenceConflict;
use crate::store::{Refusal, StoreError};
use recant_core::limits::{
    ALIASES_PER_DISTRIBUTION_MAX, DOMAINS_PER_TENANT_MAX, KEYS_MAX, TAGS_PER_RESOURCE_MAX,
    TENANTS_PER_CHANGE_MAX,
};

/// The answer to a refusal.
pub(super) fn refused(refusal: Refusal, conflict: CallerReferenceConflict) -> ApiError {
    match refusal {
        Refusal::CallerReferenceConflict { .. } => match conflict {
            CallerReferenceConflict::AlreadyExists => ApiError::InvalidationBatchAlreadyExists,
            CallerReferenceConflict::InvalidArgument => ApiError::CallerReferenceUsed,
        },
        Refusal::TooManyInProgress(pool) => ApiError::TooManyInvalidationsInProgress(pool),
        Refusal::DistributionExists { earlier } => ApiError::DistributionAlreadyExists(earlier.to_string()),
        Refusal::NoSuchTenant => no_such_tenant(),
        Refusal::NoSuchDistribution => no_such_distribution(),
        Refusal::NoSuchConnectionGroup => no_such_connection_group(),
        Refusal::NoSuchResource(kind) => {
            ApiError::EntityNotFound(format!("The specified {} does not exist.", kind.as_str()))
        }
        Refusal::NoSuchDomain => {
            ApiError::EntityNotFound("Nothing that could give it up has the specified domain.".into())
        }
        Refusal::NameTaken => ApiError::EntityAlreadyExists("The name already exists.".into()),
        Refusal::TenantUnfit { tenant, why } => ApiError::InvalidArgument(format!(
            "DistributionConfig: the distribution tenant {tenant} would not fit it any more. {why}"
        )),
        Refusal::InUse => {
            ApiError::CannotDeleteEntityWhileInUse("The entity cannot be deleted while it is in use.".into())
        }
        // Whoever can judge again has done so.
        Refusal::ChangedMeanwhile => ApiError::ServiceUnavailable,
        Refusal::TooManyTenants => ApiError::EntityLimitExceeded(format!(
            "The change would be one of more than {TENANTS_PER_CHANGE_MAX} distribution tenants at once."
        )),
        Refusal::TooManyResources(kind) => ApiError::EntityLimitExceeded(format!(
            "There are as many resources of the kind {} as there may be.",
            kind.as_str()
        )),
        Refusal::TooManyUsers(kind) => ApiError::TooManyUsersOfPolicy(kind),
        Refusal::TooManyDomains => ApiError::IllegalUpdate(format!(
            "The target has as many domains as it may have: {DOMAINS_PER_TENANT_MAX} a distribution tenant, \
             {ALIASES_PER_DISTRIBUTION_MAX} a distribution."
        )),
        Refusal::HasTenants => ApiError::InvalidArgument(
            "TargetResource: a distribution with tenants has no domains; name a distribution tenant.".into(),
        ),
        Refusal::TooManyTags => ApiError::InvalidTagging(format!("At most {TAGS_PER_RESOURCE_MAX} tags.")),
        Refusal::DomainTaken { domain } => ApiError::CnameAlreadyExists(format!(
            "One or more of the domains that you provided are already associated with a different resource: {}.",
            excerpt(&domain)
        )),
        Refusal::NotDisabled => ApiError::ResourceNotDisabled,
        Refusal::IfMatchInvalid => ApiError::InvalidIfMatchVersion,
        Refusal::IfMatchStale => ApiError::PreconditionFailed,
        Refusal::NoSuchKey => ApiError::EntityNotFound("The specified access key does not exist.".into()),
        Refusal::TooManyKeys => ApiError::EntityLimitExceeded(format!(
            "There are {KEYS_MAX} access keys, which is as many as there may be."
        )),
        Refusal::TooLarge => {
            ApiError::BatchTooLarge("Your request is larger than one entry of the log may be.".into())
        }
    }
}

/// No tenant is named so.
pub(super) fn no_such_tenant() -> ApiError {
    ApiError::EntityNotFound("The specified distribution tenant does not exist.".into())
}

/// No distribution that a tenant could have is named so.
pub(super) fn no_such_distribution() -> ApiError {
    ApiError::EntityNotFound("The specified distribution does not exist.".into())
}

/// No connection group is named so.
pub(super) fn no_such_connection_group() -> ApiError {
    ApiError::EntityNotFound("The specified connection group does not exist.".into())
}

/// Reads a tenant's id out of a path. What cannot be an id is no tenant's.
pub(super) fn tenant_id(text: &str) -> Result<TenantId, ApiError> {
    TenantId::parse(text).map_err(|_| no_such_tenant())
}

impl From<StoreError> for ApiError {
    /// The caller reads that it was us; the log reads what it was.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::WriterStopped { .. } | StoreError::Unreachable { .. } => Self::ServiceUnavailable,
            StoreError::Command { .. } | StoreError::Read { .. } => Self::Internal,
        }
    }
}
