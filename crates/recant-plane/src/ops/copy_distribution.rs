//! `CopyDistribution`: makes a distribution with the configuration of another one.
//!
//! 201, as for a create. The copy has its own `CallerReference`, is enabled if `Enabled` says so, and has no aliases: they stay where they
//! are. CloudFront makes staging distributions so, which are not offered: `Staging` is refused.

use recant_core::id::DistributionId;
use recant_core::ledger;
use recant_wire::document::{Document, Members};

use super::{Context, create_distribution, input};
use crate::error::ApiError;
use crate::store::{Store, Tags};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let primary = DistributionId::parse(input::text(input, "PrimaryDistributionId"))
        .map_err(|_| ApiError::NoSuchDistribution)?;
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;
    if matches!(input::get(input, "Staging"), Some(Document::Boolean(true))) {
        return Err(ApiError::InvalidArgument("Staging: this version has no staging distributions.".into()));
    }

    let primary = context.store.distribution(&primary).await?.ok_or(ApiError::NoSuchDistribution)?.record;
    ledger::precondition(Some(if_match), &primary.etag).map_err(|error| context.refused(error.into()))?;
    let mut config = match Document::from(primary.config) {
        Document::Structure(members) => members,
        _ => Members::new(),
    };
    config.remove("Aliases");
    config.insert("CallerReference", input::text(input, "CallerReference"));
    config.insert("Enabled", matches!(input::get(input, "Enabled"), Some(Document::Boolean(true))));
    create_distribution::make(context, &Document::Structure(config), Tags::new()).await
}
