//! `CreateDistribution` and `CreateDistributionWithTags`: makes a distribution, with tenants or without.
//!
//! 201 with `Location`, `ETag` and the distribution. Each `CallerReference` makes at most one distribution; a second
//! use is `DistributionAlreadyExists`, whatever the rest says (API reference, `CallerReference`). What the
//! configuration asks and this version does not honour is refused by name ([`crate::config_check`]).

use recant_core::id::{DistributionId, ETag};
use recant_core::limits::JUDGED_ANEW_MAX;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, policies, shapes};
use crate::error::ApiError;
use crate::store::{Command, DistributionRecord, Outcome, Refusal, Store, Tags, Tracked};
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
    let made = store(context, config, tags).await?;

    Ok(structure([
        ("Distribution", Some(shapes::distribution(context.store.identity(), &made, 0))),
        ("Location", text(context.location(format_args!("distribution/{}", made.record.id)))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
}

/// Judges the configuration and stores it, anew where a policy that it names has changed meanwhile.
async fn store<S: Store>(
    context: &Context<S>,
    config: &Document,
    tags: Tags,
) -> Result<Tracked<DistributionRecord>, ApiError> {
    let id = DistributionId::generate(random::bytes());
    let etag = ETag::generate(random::bytes());
    let endpoint = context.endpoint(&id.as_str().to_ascii_lowercase());
    for _ in 0..JUDGED_ANEW_MAX {
        let policies = policies::named_in(context, config).await?;
        let around = context.surroundings(&endpoint, &policies);
        let checked = config_check::distribution(id.clone(), config, around)?;
        let now = clock::wall_now();
        let record = DistributionRecord {
            id: id.clone(),
            etag: etag.clone(),
            caller_reference: checked.caller_reference,
            config: config.clone().into(),
            spec: checked.spec,
            tags: tags.clone(),
            created: now,
            modified: now,
        };
        match context.store.commit(Command::CreateDistribution(Box::new(record))).await? {
            Outcome::Distribution(made) => return Ok(*made),
            Outcome::Refused(Refusal::ChangedMeanwhile) => {}
            Outcome::Refused(refusal) => return Err(context.refused(refusal)),
            _ => unreachable!("the store answers a create with what it made"),
        }
    }
    Err(ApiError::ServiceUnavailable)
}
