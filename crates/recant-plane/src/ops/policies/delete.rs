//! `DeleteCachePolicy` and its like: removes a custom policy that no behaviour names.
//!
//! Answers 204. One in use is `CachePolicyInUse`; `If-Match` is the entity tag last read.

use recant_wire::document::Document;

use super::super::output::structure;
use super::super::{Context, input};
use super::{Family, id};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Store};

pub(in crate::ops) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let id = id(input).to_owned();
    if family.managed().iter().any(|managed| managed.id == id) {
        return Err(ApiError::IllegalDelete("A managed policy cannot be deleted.".into()));
    }
    let if_match = input::optional_text(input, "IfMatch").map(str::to_owned);

    let command = Command::DeleteResource { kind: family.resource_kind(), id, if_match };
    match context.store.commit(command).await? {
        Outcome::Refused(refusal) => Err(family.refused(context, refusal)),
        _ => Ok(structure([])),
    }
}
