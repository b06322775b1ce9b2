//! `UpdateCachePolicy` and its like: puts a whole configuration in the place of the one that is there.
//!
//! 200 with the new `ETag`. Every distribution that uses it is told to edges in the same commit, and is `InProgress` until
//! they have it. What an edge stored under other keys is not served any more ([`recant_core::cache_policy`]).

use recant_core::ledger;
use recant_wire::document::Document;

use super::super::{Context, input};
use super::{Family, Shown, id, new_etag};
use crate::error::ApiError;
use crate::store::{Command, Outcome, ResourceKey, ResourceRecord, Store};
use crate::{clock, config_check};

pub(in crate::ops) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let id = id(input);
    if family.managed().iter().any(|managed| managed.id == id) {
        return Err(ApiError::IllegalUpdate("A managed policy cannot be changed.".into()));
    }
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;
    let found = context.store.resource(family.resource_kind(), ResourceKey::Id(id.to_owned())).await?;
    let current = found.ok_or_else(|| family.no_such())?.record;
    ledger::precondition(Some(if_match), &current.etag).map_err(|error| context.refused(error.into()))?;
    let etag = new_etag();
    let read = config_check::policy(family.kind, id, etag.as_str(), family.config(input)?)?;
    family.name_is_free(&read.name)?;

    let record = ResourceRecord {
        name: read.name.clone(),
        etag,
        config: family.written(&read, family.config(input)?).into(),
        modified: clock::wall_now(),
        ..current
    };
    let command = Command::UpdatePolicy {
        if_match: Some(if_match.to_owned()),
        resource: Box::new(record),
        policy: Box::new(read.policy),
    };
    match context.store.commit(command).await? {
        Outcome::Resource(made) => Ok(Document::Structure(family.one(Shown::from(made.record)))),
        Outcome::Refused(refusal) => Err(family.refused(context, refusal)),
        _ => unreachable!("the store answers an update with what it made"),
    }
}
