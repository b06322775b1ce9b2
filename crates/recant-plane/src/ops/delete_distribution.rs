//! `DeleteDistribution`: removes a disabled distribution that has no tenants.
//!
//! Answers 204. `If-Match` is the entity tag last read. One that is enabled is `DistributionNotDisabled`, one with tenants
//! `ResourceInUse`.

use recant_core::id::DistributionId;
use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Refusal, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let distribution =
        DistributionId::parse(input::text(input, "Id")).map_err(|_| ApiError::NoSuchDistribution)?;
    let if_match = input::optional_text(input, "IfMatch").map(str::to_owned);

    match context.store.commit(Command::DeleteDistribution { distribution, if_match }).await? {
        Outcome::Refused(Refusal::NoSuchDistribution) => Err(ApiError::NoSuchDistribution),
        Outcome::Refused(Refusal::NotDisabled) => Err(ApiError::DistributionNotDisabled),
        Outcome::Refused(Refusal::InUse) => Err(ApiError::ResourceInUse(
            "The distribution has distribution tenants; delete them, or move them to another one.".into(),
        )),
        Outcome::Refused(refusal) => Err(context.refused(refusal)),
        _ => Ok(structure([])),
    }
}
