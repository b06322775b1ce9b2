//! `CreateDistribution` and `CreateDistributionWithTags`: makes a distribution with tenants.
//!
//! 201 with `Location`, `ETag` and the distribution. Each `CallerReference` makes at most one distribution; a second
//! use is `DistributionAlreadyExists`, whatever the rest says (API reference, `CallerReference`). What the
//! configuration asks and this version does not honour is refused by name ([`crate::config_check`]).

use recant_core::id::{DistributionId, ETag};
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, shapes};
use crate::error::ApiError;
use crate::store::{Command, DistributionRecord, Outcome, Store, Tags};
use crate::{clock, config_check, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    make(context, config(input)?, Tags::new()).await
}

/// `CreateDistributionWithTags`.
pub(super) async fn with_tags<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let both = input
        .get("DistributionConfigWithTags")
        .ok_or_else(|| ApiError::null_member("DistributionConfigWithTags"))?;
    let tags = input::get(both, "Tags").map(config_check::tags).transpose()?.unwrap_or_default();
    make(context, config(both)?, tags).await
}

fn config(input: &Document) -> Result<&Document, ApiError> {
    input.get("DistributionConfig").ok_or_else(|| ApiError::null_member("DistributionConfig"))
}

/// Makes a distribution of a configuration.
pub(super) async fn make<S: Store>(
    context: &Context<S>,
    config: &Document,
    tags: Tags,
) -> Result<Document, ApiError> {
    let id = DistributionId::generate(random::bytes());
    let checked = config_check::distribution(id.clone(), config)?;

    let now = clock::wall_now();
    let record = DistributionRecord {
        id,
        etag: ETag::generate(random::bytes()),
        caller_reference: checked.caller_reference,
        config: config.clone().into(),
        spec: checked.spec,
        tags,
        created: now,
        modified: now,
    };
    let Outcome::Distribution(made) = context.commit(Command::CreateDistribution(Box::new(record))).await?
    else {
        unreachable!("the store answers a create with what it made");
    };

    Ok(structure([
        ("Distribution", Some(shapes::distribution(context.store.identity(), &made, 0))),
        ("Location", text(context.location(format_args!("distribution/{}", made.record.id)))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
}
