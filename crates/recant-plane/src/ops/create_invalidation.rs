//! `CreateInvalidationForDistributionTenant`: what matches may not be served unless fetched after this.
//!
//! 201 with `Location` and the invalidation, durable by then. The same `CallerReference` with the same set of paths
//! answers with the same invalidation, its time and its present status; with other paths it is refused, with the code
//! that the operator chose. More than a tenant may have in progress is `TooManyInvalidationsInProgress`. Paths and tags are refused by CloudFront's own sentence, then which and why.

use recant_core::batch::{BatchError, InvalidationBatch};
use recant_core::id::InvalidationId;
use recant_core::limits::PATHS_PER_BATCH_MAX;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Store};
use crate::{clock, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let tenant = refused::tenant_id(input::text(input, "Id"))?;
    let batch = input.get("InvalidationBatch").ok_or_else(|| ApiError::null_member("InvalidationBatch"))?;
    let batch = Box::new(self::batch(batch)?);

    let id = InvalidationId::generate(random::bytes());
    let (now, in_progress_max) = (clock::wall_now(), context.in_progress_max);
    let command = Command::CreateInvalidation { tenant, id, batch, now, in_progress_max };
    let Outcome::Invalidation { invalidation, .. } = context.commit(command).await? else {
        unreachable!("the store answers a create with what it made or found");
    };

    let record = &invalidation.record;
    let path =
        format_args!("distribution-tenant/{}/invalidation/{}", record.tenant_id, record.id).to_string();
    Ok(structure([
        ("Location", text(context.location(format_args!("{path}")))),
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
