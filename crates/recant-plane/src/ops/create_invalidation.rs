//! `CreateInvalidationForDistributionTenant` and `CreateInvalidation`: what matches may not be served unless fetched after this.
//!
//! 201 with `Location` and the invalidation, durable by then. The same `CallerReference` with the same set of paths
//! answers with the same invalidation, its time and its present status; with other paths it is refused, with the code
//! that the operator chose. More bytes of paths and tags than a tenant may send are `Throttling`; more than a tenant may have in progress is `TooManyInvalidationsInProgress`. Paths and tags are refused by CloudFront's own sentence, then which and why.

use recant_core::batch::{BatchError, InvalidationBatch};
use recant_core::entry::Scope;
use recant_core::id::InvalidationId;
use recant_core::limits::PATHS_PER_BATCH_MAX;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, shapes};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Refusal, Store};
use crate::{clock, random};

pub(super) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    scope: Scope,
) -> Result<Document, ApiError> {
    let batch = input.get("InvalidationBatch").ok_or_else(|| ApiError::null_member("InvalidationBatch"))?;
    let batch = Box::new(self::batch(batch)?);
    context.path_bytes.as_ref().map_or(Ok(()), |bytes| bytes.count(&scope, &batch))?;

    let id = InvalidationId::generate(random::bytes());
    let (now, in_progress_max) = (clock::wall_now(), context.in_progress_max);
    let command = Command::CreateInvalidation { scope: scope.clone(), id, batch, now, in_progress_max };
    let invalidation = match context.store.commit(command).await? {
        Outcome::Invalidation { invalidation, .. } => invalidation,
        Outcome::Refused(Refusal::NoSuchDistribution) => return Err(ApiError::NoSuchDistribution),
        Outcome::Refused(refusal) => return Err(context.refused(refusal)),
        _ => unreachable!("the store answers a create with what it made or found"),
    };

    let (kind, id) = (shapes::kind(&scope), &invalidation.record.id);
    Ok(structure([
        ("Location", text(context.location(format_args!("{kind}/{}/invalidation/{id}", scope.id())))),
        ("Invalidation", Some(shapes::invalidation(&invalidation))),
    ]))
}

/// Reads an `InvalidationBatch`; its `Quantity` has been checked.
fn batch(batch: &Document) -> Result<InvalidationBatch, ApiError> {
    let paths = batch
        .get("Paths")
        .and_then(|paths| paths.get("Items"))
        .and_then(Document::as_list)
        .unwrap_or_default();
    let items: Vec<String> = paths.iter().map(|path| path.as_str().unwrap_or_default().to_owned()).collect();
    InvalidationBatch::new(input::text(batch, "CallerReference"), &items)
        .map_err(|error| refused_batch(&error, items.len()))
}

/// The answer to a batch of so many items that is none.
pub(super) fn refused_batch(error: &BatchError, items: usize) -> ApiError {
    match error {
        BatchError::Items(bad) => ApiError::invalid_paths(
            bad.iter().map(|item| (item.index, item.text.as_str(), item.why.to_string())),
        ),
        BatchError::TooMany { .. } => ApiError::BatchTooLarge(format!(
            "Your request contains {} paths; one invalidation batch holds at most {PATHS_PER_BATCH_MAX}.",
            items
        )),
        error => ApiError::InvalidArgument(format!("InvalidationBatch: {error}.")),
    }
}
