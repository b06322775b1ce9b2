//! `UpdateConnectionGroup`: enables or disables a connection group.
//!
//! 200 with the new `ETag`. The tenants of a disabled one are not served; edges learn it from the log, tenant by tenant, in the
//! commit that changes the group.

use recant_core::id::ETag;
use recant_wire::document::Document;

use super::{Context, connection_groups, input};
use crate::error::ApiError;
use crate::store::{Command, Outcome, ResourceKey, ResourceRecord, Store};
use crate::{clock, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;
    let id = ResourceKey::Id(input::text(input, "Id").to_owned());
    let current = connection_groups::find(context, id).await?.record;
    recant_core::ledger::precondition(Some(if_match), &current.etag)
        .map_err(|error| context.refused(error.into()))?;
    connection_groups::check(input)?;

    let enabled = match input::get(input, "Enabled") {
        Some(Document::Boolean(enabled)) => Some(*enabled),
        _ => current.enabled,
    };
    let record = ResourceRecord {
        enabled,
        etag: ETag::generate(random::bytes()),
        modified: clock::wall_now(),
        ..current
    };
    let command = Command::UpdateResource { if_match: Some(if_match.to_owned()), resource: Box::new(record) };
    let Outcome::Resource(made) = context.commit(command).await? else {
        unreachable!("the store answers an update with what it made");
    };

    Ok(connection_groups::one(context, &made))
}
