//! `CountStoredResponses`: how many stored responses an invalidation would take away, without doing it.
//!
//! The items are judged as those of a real batch. Every member edge is asked; those that do not answer within a bound are named, and what
//! they hold is not in the sum. A number of this moment: by the time of the invalidation it may be another.

use recant_core::batch::InvalidationBatch;
use recant_core::id::{DistributionId, EdgeId, TenantId};
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
    let (member, tenant) = match input::optional_text(input, "DistributionId") {
        Some(id) => ("DistributionId", own_tenant(context, id).await?),
        None => ("DistributionTenantId", tenant(context, required(input, "Id")?).await?),
    };
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
        (member, text(tenant.as_str())),
        ("StoredResponses", number(sum)),
        ("Edges", list(edges)),
        ("Unanswered", list(unanswered)),
    ]))
}

async fn tenant<S: Store>(context: &Context<S>, identifier: &str) -> Result<TenantId, ApiError> {
    let start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    let key = get_distribution_tenant::key(identifier, &start)?;
    Ok(context.store.tenant(key).await?.ok_or_else(refused::no_such_tenant)?.record.id)
}

/// What edges know a distribution without tenants by.
async fn own_tenant<S: Store>(context: &Context<S>, id: &str) -> Result<TenantId, ApiError> {
    let id = DistributionId::parse(id).map_err(|_| ApiError::NoSuchDistribution)?;
    let found = context.store.distribution(&id).await?.ok_or(ApiError::NoSuchDistribution)?;
    found.record.spec.own_tenant().map(|own| own.id).ok_or_else(|| {
        ApiError::InvalidArgument("DistributionId: the distribution has tenants; ask of each of them.".into())
    })
}

fn items(input: &Document) -> Result<Vec<String>, ApiError> {
    let wrong = || ApiError::InvalidArgument("Items is missing, or no list of texts.".to_owned());
    let given = input::get(input, "Items").and_then(Document::as_list).ok_or_else(wrong)?;
    given.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}
