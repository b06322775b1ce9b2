//! `DeleteDistributionTenant`: removes a disabled tenant.
//!
//! Answers 204. `If-Match` is the entity tag last read. Nothing is inherited by a tenant that is made again under the
//! name, since everything is kept by id.

use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, refused};
use crate::error::ApiError;
use crate::store::{Command, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let tenant = refused::tenant_id(input::text(input, "Id"))?;
    let if_match = input::optional_text(input, "IfMatch").map(str::to_owned);

    context.commit(Command::DeleteTenant { tenant, if_match }).await?;

    Ok(structure([]))
}
