//! The operations: one a file, all of one shape.
//!
//! An operation takes its input as a document of the model's input shape and gives one of its output shape; HTTP has
//! been taken off before and is put on after. Each file's `run` reads in three steps: decode, apply, encode.

pub(crate) mod apply;
mod connection_groups;
mod copy_distribution;
mod create_connection_group;
mod create_distribution;
mod create_distribution_tenant;
mod create_invalidation;
mod delete_connection_group;
mod delete_distribution;
mod delete_distribution_tenant;
mod domains;
mod get_connection_group;
mod get_distribution;
mod get_distribution_config;
mod get_distribution_tenant;
mod get_invalidation;
mod get_managed_certificate_details;
mod input;
mod invalidations_of;
mod list_connection_groups;
mod list_distribution_tenants;
mod list_distributions;
mod list_invalidations;
mod output;
pub(crate) mod own;
pub(crate) mod path_bytes;
mod policies;
mod refused;
pub(crate) mod resources;
mod shapes;
mod tagging;
mod tenant_web_acl;
mod update_connection_group;
mod update_distribution;
mod update_distribution_tenant;
mod verify_dns_configuration;

use std::collections::BTreeSet;

use recant_core::batch::PathCount;
use recant_core::limits::STATUS_WAIT_MAX;
use recant_core::position::Position;
use recant_wire::document::Document;
use recant_wire::model::Operation;
use tokio::sync::watch;

use self::path_bytes::PathBytes;
use self::resources::Subject;
use crate::completion::Completion;
use crate::config_check::{Policies, Surroundings, constraints, quantities};
use crate::dns::Dns;
use crate::error::ApiError;
use crate::plane::{CallerReferenceConflict, DistributionInvalidations};
use crate::questions::Questions;
use crate::removals::Removals;
use crate::store::{Command, Outcome, Progress, Refusal, Store, StoreError, Tracked};

/// What operations work on.
pub(crate) struct Context<S> {
    /// The plane's memory.
    pub(crate) store: S,
    /// How far completion has come, to be waited for; what is shown is read from the store.
    pub(crate) completed: watch::Receiver<Position>,
    /// Knows how far each edge is.
    pub(crate) completion: Completion<S>,
    /// Asks the edges.
    pub(crate) questions: Questions,
    /// What edges have said of what each invalidation took away.
    pub(crate) removals: Removals,
    /// Where clients reach the API, without trailing slash: what `Location` starts with.
    pub(crate) public_url: String,
    /// How a reused `CallerReference` is refused.
    pub(crate) caller_reference_conflict: CallerReferenceConflict,
    /// How much one tenant, or one distribution, may have in progress.
    pub(crate) in_progress_max: PathCount,
    /// How many bytes of paths and tags of one tenant, or one distribution, may be invalidated.
    pub(crate) path_bytes: Option<PathBytes>,
    /// Whether CloudFront's own operations invalidate whole distributions.
    pub(crate) distribution_invalidations: DistributionInvalidations,
    /// What routing endpoints end with, without the dot before it.
    pub(crate) routing_suffix: String,
    /// The regions in which the operator has a shield.
    pub(crate) shield_regions: BTreeSet<String>,
    /// Whether names are looked up.
    pub(crate) dns: Dns,
    /// The id of the root key, which is shown among the others.
    pub(crate) root_key_id: String,
}

/// The operations that this version offers.
const OFFERED: [&str; 59] = [
    "CreateDistribution",
    "CreateDistributionWithTags",
    "CopyDistribution",
    "GetDistribution",
    "GetDistributionConfig",
    "UpdateDistribution",
    "DeleteDistribution",
    "ListDistributions",
    "ListDistributionsByConnectionMode",
    "ListDistributionsByCachePolicyId",
    "ListDistributionsByOriginRequestPolicyId",
    "ListDistributionsByResponseHeadersPolicyId",
    "ListDistributionsByWebACLId",
    "CreateDistributionTenant",
    "GetDistributionTenant",
    "GetDistributionTenantByDomain",
    "ListDistributionTenants",
    "ListDistributionTenantsByCustomization",
    "UpdateDistributionTenant",
    "DeleteDistributionTenant",
    "AssociateDistributionTenantWebACL",
    "DisassociateDistributionTenantWebACL",
    "GetManagedCertificateDetails",
    "VerifyDnsConfiguration",
    "ListDomainConflicts",
    "UpdateDomainAssociation",
    "CreateInvalidationForDistributionTenant",
    "GetInvalidationForDistributionTenant",
    "ListInvalidationsForDistributionTenant",
    "CreateInvalidation",
    "GetInvalidation",
    "ListInvalidations",
    "CreateConnectionGroup",
    "GetConnectionGroup",
    "GetConnectionGroupByRoutingEndpoint",
    "UpdateConnectionGroup",
    "DeleteConnectionGroup",
    "ListConnectionGroups",
    "CreateCachePolicy",
    "GetCachePolicy",
    "GetCachePolicyConfig",
    "UpdateCachePolicy",
    "DeleteCachePolicy",
    "ListCachePolicies",
    "CreateOriginRequestPolicy",
    "GetOriginRequestPolicy",
    "GetOriginRequestPolicyConfig",
    "UpdateOriginRequestPolicy",
    "DeleteOriginRequestPolicy",
    "ListOriginRequestPolicies",
    "CreateResponseHeadersPolicy",
    "GetResponseHeadersPolicy",
    "GetResponseHeadersPolicyConfig",
    "UpdateResponseHeadersPolicy",
    "DeleteResponseHeadersPolicy",
    "ListResponseHeadersPolicies",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
];

/// Whether this version offers an operation; asked before its input is read.
///
/// # Errors
/// [`ApiError::NotImplemented`].
pub(crate) fn offered(operation: &'static Operation) -> Result<(), ApiError> {
    if OFFERED.contains(&operation.name) { Ok(()) } else { Err(ApiError::NotImplemented(operation.name)) }
}

/// Performs an operation that its caller has been admitted to, for these subjects.
///
/// # Errors
/// [`ApiError::NotImplemented`] for an operation that is not offered, and whatever the operation refuses.
pub(crate) async fn perform<S: Store>(
    context: &Context<S>,
    operation: &'static Operation,
    input: &Document,
    subjects: &[Subject],
) -> Result<Document, ApiError> {
    constraints(operation, input)?;
    quantities(operation.name, input)?;
    match operation.name {
        "CreateDistribution" => create_distribution::run(context, input).await,
        "CreateDistributionWithTags" => create_distribution::with_tags(context, input).await,
        "CopyDistribution" => copy_distribution::run(context, input).await,
        "GetDistribution" => get_distribution::run(context, input).await,
        "GetDistributionConfig" => get_distribution_config::run(context, input).await,
        "UpdateDistribution" => update_distribution::run(context, input).await,
        "DeleteDistribution" => delete_distribution::run(context, input).await,
        "ListDistributions" => list_distributions::run(context, input).await,
        "ListDistributionsByConnectionMode" => list_distributions::by_connection_mode(context, input).await,
        "ListDistributionsByCachePolicyId" => {
            list_distributions::by_policy(context, input, policies::CACHE).await
        }
        "ListDistributionsByOriginRequestPolicyId" => {
            list_distributions::by_policy(context, input, policies::ORIGIN_REQUEST).await
        }
        "ListDistributionsByResponseHeadersPolicyId" => {
            list_distributions::by_policy(context, input, policies::RESPONSE_HEADERS).await
        }
        "ListDistributionsByWebACLId" => list_distributions::by_web_acl(context, input).await,
        "CreateDistributionTenant" => create_distribution_tenant::run(context, input).await,
        "GetDistributionTenant" => get_distribution_tenant::run(context, input).await,
        "GetDistributionTenantByDomain" => get_distribution_tenant::by_domain(context, input).await,
        "ListDistributionTenants" => list_distribution_tenants::run(context, input).await,
        "ListDistributionTenantsByCustomization" => {
            list_distribution_tenants::by_customization(context, input).await
        }
        "UpdateDistributionTenant" => update_distribution_tenant::run(context, input).await,
        "DeleteDistributionTenant" => delete_distribution_tenant::run(context, input).await,
        "AssociateDistributionTenantWebACL" => tenant_web_acl::associate(context, input).await,
        "DisassociateDistributionTenantWebACL" => tenant_web_acl::disassociate(context, input).await,
        "GetManagedCertificateDetails" => get_managed_certificate_details::run(context, input).await,
        "VerifyDnsConfiguration" => verify_dns_configuration::run(context, input).await,
        "ListDomainConflicts" => domains::conflicts(context, input).await,
        "UpdateDomainAssociation" => domains::associate(context, input, subjects).await,
        "CreateConnectionGroup" => create_connection_group::run(context, input).await,
        "GetConnectionGroup" => get_connection_group::run(context, input).await,
        "GetConnectionGroupByRoutingEndpoint" => {
            get_connection_group::by_routing_endpoint(context, input).await
        }
        "UpdateConnectionGroup" => update_connection_group::run(context, input).await,
        "DeleteConnectionGroup" => delete_connection_group::run(context, input).await,
        "ListConnectionGroups" => list_connection_groups::run(context, input).await,
        "CreateCachePolicy" => policies::create(context, input, policies::CACHE).await,
        "GetCachePolicy" => policies::get(context, input, policies::CACHE).await,
        "GetCachePolicyConfig" => policies::get_config(context, input, policies::CACHE).await,
        "UpdateCachePolicy" => policies::update(context, input, policies::CACHE).await,
        "DeleteCachePolicy" => policies::delete(context, input, policies::CACHE).await,
        "ListCachePolicies" => policies::list(context, input, policies::CACHE).await,
        "CreateOriginRequestPolicy" => policies::create(context, input, policies::ORIGIN_REQUEST).await,
        "GetOriginRequestPolicy" => policies::get(context, input, policies::ORIGIN_REQUEST).await,
        "GetOriginRequestPolicyConfig" => {
            policies::get_config(context, input, policies::ORIGIN_REQUEST).await
        }
        "UpdateOriginRequestPolicy" => policies::update(context, input, policies::ORIGIN_REQUEST).await,
        "DeleteOriginRequestPolicy" => policies::delete(context, input, policies::ORIGIN_REQUEST).await,
        "ListOriginRequestPolicies" => policies::list(context, input, policies::ORIGIN_REQUEST).await,
        "CreateResponseHeadersPolicy" => policies::create(context, input, policies::RESPONSE_HEADERS).await,
        "GetResponseHeadersPolicy" => policies::get(context, input, policies::RESPONSE_HEADERS).await,
        "GetResponseHeadersPolicyConfig" => {
            policies::get_config(context, input, policies::RESPONSE_HEADERS).await
        }
        "UpdateResponseHeadersPolicy" => policies::update(context, input, policies::RESPONSE_HEADERS).await,
        "DeleteResponseHeadersPolicy" => policies::delete(context, input, policies::RESPONSE_HEADERS).await,
        "ListResponseHeadersPolicies" => policies::list(context, input, policies::RESPONSE_HEADERS).await,
        "TagResource" => tagging::tag(context, input).await,
        "UntagResource" => tagging::untag(context, input).await,
        "ListTagsForResource" => tagging::list(context, input).await,
        "CreateInvalidationForDistributionTenant" => {
            create_invalidation::run(context, input, invalidations_of::tenant(input, "Id")?).await
        }
        "CreateInvalidation" => {
            create_invalidation::run(context, input, invalidations_of::classic(context, input).await?).await
        }
        "GetInvalidationForDistributionTenant" => {
            get_invalidation::run(context, input, &invalidations_of::tenant(input, "DistributionTenantId")?)
                .await
        }
        "GetInvalidation" => {
            get_invalidation::run(context, input, &invalidations_of::classic(context, input).await?).await
        }
        "ListInvalidationsForDistributionTenant" => {
            list_invalidations::run(context, input, &invalidations_of::tenant(input, "Id")?).await
        }
        "ListInvalidations" => {
            list_invalidations::run(context, input, &invalidations_of::classic(context, input).await?).await
        }
        _ => Err(ApiError::NotImplemented(operation.name)),
    }
}

impl<S> Context<S> {
    /// A host of ours that begins with this label.
    fn endpoint(&self, label: &str) -> String {
        format!("{label}.{}", self.routing_suffix)
    }

    /// What a distribution's configuration is judged by.
    fn surroundings<'a>(&'a self, endpoint: &'a str, policies: &'a Policies) -> Surroundings<'a> {
        Surroundings { endpoint, policies, shield_regions: &self.shield_regions }
    }
}

impl<S: Store> Context<S> {
    /// Reads something whose status is shown, and waits a moment for its last change to be complete, which mostly comes within milliseconds:
    /// the stock waiters ask at once and then only every 20 or 60 seconds, so an `InProgress` that is about to become untrue would cost
    /// them those.
    async fn settled<T, F>(&self, read: impl Fn() -> F) -> Result<Option<Tracked<T>>, StoreError>
    where
        F: Future<Output = Result<Option<Tracked<T>>, StoreError>>,
    {
        let found = read().await?;
        let Some(pending) = found.as_ref().filter(|found| found.progress == Progress::InProgress) else {
            return Ok(found);
        };
        let mut completed = self.completed.clone();
        let reached = completed.wait_for(|completed| *completed >= pending.position);
        // Reached or not, the store is asked again: it alone knows what is durable.
        let _ = tokio::time::timeout(STATUS_WAIT_MAX, reached).await;
        read().await
    }

    /// Carries a command out; what the store refuses is an error here.
    async fn commit(&self, command: Command) -> Result<Outcome, ApiError> {
        match self.store.commit(command).await? {
            Outcome::Refused(refusal) => Err(self.refused(refusal)),
            outcome => Ok(outcome),
        }
    }

    /// A refusal as this operator wants it answered.
    fn refused(&self, refusal: Refusal) -> ApiError {
        refused::refused(refusal, self.caller_reference_conflict)
    }

    /// The absolute address of something under the API's version.
    fn location(&self, path: std::fmt::Arguments<'_>) -> String {
        format!("{}/2020-05-31/{path}", self.public_url)
    }
}
