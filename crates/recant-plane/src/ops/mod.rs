//! The operations: one a file, all of one shape.
//!
//! An operation takes its input as a document of the model's input shape and gives one of its output shape; HTTP has
//! been taken off before and is put on after. Each file's `run` reads in three steps: decode, apply, encode.

mod create_distribution;
mod create_distribution_tenant;
mod create_invalidation;
mod delete_distribution_tenant;
mod get_distribution;
mod get_distribution_tenant;
mod get_invalidation;
mod input;
mod list_distribution_tenants;
mod list_distributions;
mod list_invalidations;
mod output;
pub(crate) mod own;
mod refused;
pub(crate) mod resources;
mod shapes;
mod update_distribution_tenant;

use recant_core::batch::PathCount;
use recant_core::position::Position;
use recant_wire::document::Document;
use recant_wire::model::Operation;
use tokio::sync::watch;

use crate::config_check::{constraints, quantities};
use crate::error::ApiError;
use crate::plane::CallerReferenceConflict;
use crate::questions::Questions;
use crate::store::{Command, Outcome, Refusal, Store};

/// What operations work on.
pub(crate) struct Context<S> {
    /// The plane's memory.
    pub(crate) store: S,
    /// How far completion has come, to be waited for; what is shown is read from the store.
    pub(crate) completed: watch::Receiver<Position>,
    /// Asks the edges.
    pub(crate) questions: Questions,
    /// Where clients reach the API, without trailing slash: what `Location` starts with.
    pub(crate) public_url: String,
    /// How a reused `CallerReference` is refused.
    pub(crate) caller_reference_conflict: CallerReferenceConflict,
    /// How much one tenant may have in progress.
    pub(crate) in_progress_max: PathCount,
}

/// The operations that this version offers.
const OFFERED: [&str; 11] = [
    "CreateDistribution",
    "GetDistribution",
    "ListDistributions",
    "CreateDistributionTenant",
    "GetDistributionTenant",
    "ListDistributionTenants",
    "UpdateDistributionTenant",
    "DeleteDistributionTenant",
    "CreateInvalidationForDistributionTenant",
    "GetInvalidationForDistributionTenant",
    "ListInvalidationsForDistributionTenant",
];

/// Whether this version offers an operation; asked before its input is read.
///
/// # Errors
/// [`ApiError::NotImplemented`].
pub(crate) fn offered(operation: &'static Operation) -> Result<(), ApiError> {
    if OFFERED.contains(&operation.name) { Ok(()) } else { Err(ApiError::NotImplemented(operation.name)) }
}

/// Performs an operation.
///
/// # Errors
/// [`ApiError::NotImplemented`] for an operation that is not offered, and whatever the operation refuses.
pub(crate) async fn perform<S: Store>(
    context: &Context<S>,
    operation: &'static Operation,
    input: &Document,
) -> Result<Document, ApiError> {
    constraints(operation, input)?;
    quantities(operation.name, input)?;
    match operation.name {
        "CreateDistribution" => create_distribution::run(context, input).await,
        "GetDistribution" => get_distribution::run(context, input).await,
        "ListDistributions" => list_distributions::run(context, input).await,
        "CreateDistributionTenant" => create_distribution_tenant::run(context, input).await,
        "GetDistributionTenant" => get_distribution_tenant::run(context, input).await,
        "ListDistributionTenants" => list_distribution_tenants::run(context, input).await,
        "UpdateDistributionTenant" => update_distribution_tenant::run(context, input).await,
        "DeleteDistributionTenant" => delete_distribution_tenant::run(context, input).await,
        "CreateInvalidationForDistributionTenant" => create_invalidation::run(context, input).await,
        "GetInvalidationForDistributionTenant" => get_invalidation::run(context, input).await,
        "ListInvalidationsForDistributionTenant" => list_invalidations::run(context, input).await,
        _ => Err(ApiError::NotImplemented(operation.name)),
    }
}

impl<S: Store> Context<S> {
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
