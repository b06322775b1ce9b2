//! `GetDistributionConfig`: a distribution's configuration as it was given, to be changed and sent back.
//!
//! 200 with `ETag`, which `UpdateDistribution` wants as `If-Match`.

use recant_core::id::DistributionId;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input};
use crate::error::ApiError;
use crate::store::Store;

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let id = DistributionId::parse(input::text(input, "Id")).map_err(|_| ApiError::NoSuchDistribution)?;

    let found = context.store.distribution(&id).await?.ok_or(ApiError::NoSuchDistribution)?.record;

    Ok(structure([("DistributionConfig", Some(found.config.into())), ("ETag", text(found.etag.as_str()))]))
}
