//! `CountStoredResponses`: how many stored responses an invalidation would take away, without doing it.
//!
//! The items are judged as those of a real batch. Every member edge is asked; those that do not answer within a bound are named, and what
//! they hold is not in the sum. A number of this moment: by the time of the invalidation it may be another.

use recant_core::batch::InvalidationBatch;
use recant_core::id::EdgeId;
use recant_wire::document::Document;

use super::{Context, input, required};
use crate::error::ApiError;
use crate::ops::create_invalidation;
use crate::ops::get_distribution_tenant;
use crate::ops::output::{list, structure, text};
use crate::ops::{refused, shapes};
use crate::store::Store;

/// Stands for the reference that a real batch has.
const NO_REFERENCE: &str = "dry-run";

pub(super) async fn count<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    let key = get_distribution_tenant::key(required(input, "Id")?, &start)?;
    let tenant = context.store.tenant(key).await?.ok_or_else(refused::no_such_tenant)?.record.id;
    let items = items(input)?;
    let batch = InvalidationBatch::new(NO_REFERENCE, &items)
        .map_err(|error| create_invalidation::refused_batch(&error, items.len()))?;

    let members = context.store.durable().await?.members.into_iter();
    let edges = members.map(|record| record.member.edge);
    let tally = context.questions.ask(edges, tenant.clone(), batch.patterns().to_vec()).await?;

    let number = |count: u64| Some(Document::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
    let sum = tally.counted.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let edges = tally.counted.iter().map(|(edge, count)| {
        structure([("EdgeId", text(edge.as_str())), ("StoredResponses", number(*count))])
    });
    let unanswered = tally.unanswered.iter().map(|edge: &EdgeId| Document::from(edge.as_str()));
    Ok(structure([
        ("DistributionTenantId", text(tenant.as_str())),
        ("StoredResponses", number(sum)),
        ("Edges", list(edges)),
        ("Unanswered", list(unanswered)),
    ]))
}

fn items(input: &Document) -> Result<Vec<String>, ApiError> {
    let wrong = || ApiError::InvalidArgument("Items is missing, or no list of texts.".to_owned());
    let given = input::get(input, "Items").and_then(Document::as_list).ok_or_else(wrong)?;
    given.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}
