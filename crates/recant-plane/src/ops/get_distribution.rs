//! `GetDistribution`: one distribution, with its configuration as it was given.
//!
//! 200 with `ETag`. `InProgressInvalidationBatches` counts its own invalidations, not its tenants'. `Status` is `Deployed` when every edge has the configuration;
//! the answer waits a moment for that.

use recant_core::entry::Scope;
use recant_core::id::DistributionId;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, shapes};
use crate::error::ApiError;
use crate::store::Store;

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let id = DistributionId::parse(input::text(input, "Id")).map_err(|_| ApiError::NoSuchDistribution)?;

    let found = context.settled(|| context.store.distribution(&id)).await?;
    let found = found.ok_or(ApiError::NoSuchDistribution)?;
    let in_progress = context.store.in_progress(&Scope::Distribution(id)).await?;

    Ok(structure([
        ("Distribution", Some(shapes::distribution(context.store.identity(), &found, in_progress))),
        ("ETag", text(found.record.etag.as_str())),
    ]))
}
