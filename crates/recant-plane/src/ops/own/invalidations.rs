//! Invalidations of a distribution and all of its tenants: `/recant/v1/distributions/{DistributionId}/invalidation`.
//!
//! The body of a create is CloudFront's batch without its counting: `{"Paths": ["/a*", "#tag"], "CallerReference": "…"}`.
//! Answers have the members of CloudFront's.

use recant_wire::document::Document;

use super::super::{Context, create_invalidation, get_invalidation, invalidations_of, list_invalidations};
use super::required;
use crate::error::ApiError;
use crate::store::Store;

pub(super) async fn create<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let paths = input
        .get("Paths")
        .and_then(Document::as_list)
        .filter(|paths| paths.iter().all(|path| path.as_str().is_some()))
        .ok_or_else(|| ApiError::InvalidArgument("Paths is missing or no list of texts.".into()))?;
    let batch = Document::structure([
        ("Paths", Document::structure([("Items", Document::List(paths.to_vec()))])),
        ("CallerReference", Document::from(required(input, "CallerReference")?)),
    ]);
    let scope = invalidations_of::distribution(input)?;
    create_invalidation::run(context, &Document::structure([("InvalidationBatch", batch)]), scope).await
}

pub(super) async fn get<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    get_invalidation::run(context, input, &invalidations_of::distribution(input)?).await
}

pub(super) async fn list<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    list_invalidations::run(context, input, &invalidations_of::distribution(input)?).await
}
