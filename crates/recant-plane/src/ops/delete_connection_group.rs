//! `DeleteConnectionGroup`: removes a disabled connection group that no tenant is reached through.
//!
//! Answers 204. One in use, and the default one, is `CannotDeleteEntityWhileInUse`; one that is enabled `ResourceNotDisabled`.

use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input};
use crate::error::ApiError;
use crate::store::{Command, ResourceKind, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let if_match = input::optional_text(input, "IfMatch").map(str::to_owned);
    let id = input::text(input, "Id").to_owned();

    context.commit(Command::DeleteResource { kind: ResourceKind::ConnectionGroup, id, if_match }).await?;

    Ok(structure([]))
}
