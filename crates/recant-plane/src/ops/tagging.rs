//! `TagResource`, `UntagResource`, `ListTagsForResource`: tags by ARN, of distributions, tenants and connection groups.
//!
//! A change answers 204 and is no change of the configuration: the entity tag stays, and edges are not told.

use recant_core::id::{ConnectionGroupId, DistributionId, TenantId};
use recant_core::limits::TAGS_PER_RESOURCE_MAX;
use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, shapes};
use crate::config_check;
use crate::error::{ApiError, excerpt};
use crate::store::{Command, Outcome, Refusal, ResourceKey, ResourceKind, Store, Taggable, Tags, TenantKey};

/// `TagResource`.
pub(super) async fn tag<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let of = of(context, input)?;
    let tags = input::get(input, "Tags").ok_or_else(|| ApiError::null_member("Tags"))?;
    change(context, of, config_check::tags(tags)?, Vec::new()).await
}

/// `UntagResource`. A key that is not there is no error.
pub(super) async fn untag<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let of = of(context, input)?;
    let keys = input::get(input, "TagKeys").ok_or_else(|| ApiError::null_member("TagKeys"))?;
    change(context, of, Tags::new(), config_check::tag_keys(keys)?).await
}

/// `ListTagsForResource`.
pub(super) async fn list<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let tags = match of(context, input)? {
        Taggable::Distribution(id) => context.store.distribution(&id).await?.map(|it| it.record.tags),
        Taggable::Tenant(id) => context.store.tenant(TenantKey::Id(id)).await?.map(|it| it.record.tags),
        Taggable::Resource(kind, id) => {
            context.store.resource(kind, ResourceKey::Id(id)).await?.map(|it| it.record.tags)
        }
    };
    let tags = tags.ok_or_else(|| no_such_resource(input))?;
    Ok(structure([("Tags", Some(shapes::tag_list(&tags)))]))
}

async fn change<S: Store>(
    context: &Context<S>,
    of: Taggable,
    set: Tags,
    unset: Vec<String>,
) -> Result<Document, ApiError> {
    let command = Command::ChangeTags { of, set, unset, tags_max: TAGS_PER_RESOURCE_MAX };
    match context.store.commit(command).await? {
        Outcome::Tags(_) => Ok(structure([])),
        Outcome::Refused(
            Refusal::NoSuchDistribution | Refusal::NoSuchTenant | Refusal::NoSuchResource(_),
        ) => Err(ApiError::NoSuchResource("The specified resource does not exist.".into())),
        Outcome::Refused(refusal) => Err(context.refused(refusal)),
        _ => unreachable!("the store answers a change of tags with the tags"),
    }
}

/// What an ARN names.
fn of<S: Store>(context: &Context<S>, input: &Document) -> Result<Taggable, ApiError> {
    let arn = input::text(input, "Resource");
    let Some(named) = arn.strip_prefix(&format!("arn:aws:cloudfront::{}:", context.store.identity().account))
    else {
        return Err(ApiError::InvalidArgument(format!(
            "Resource: '{}' is not the ARN of something of this account.",
            excerpt(arn)
        )));
    };
    let found = match named.split_once('/') {
        Some(("distribution", id)) => DistributionId::parse(id).ok().map(Taggable::Distribution),
        Some(("distribution-tenant", id)) => TenantId::parse(id).ok().map(Taggable::Tenant),
        Some(("connection-group", id)) => ConnectionGroupId::parse(id)
            .ok()
            .map(|id| Taggable::Resource(ResourceKind::ConnectionGroup, id.into())),
        _ => None,
    };
    found.ok_or_else(|| no_such_resource(input))
}

fn no_such_resource(input: &Document) -> ApiError {
    let arn = excerpt(input::text(input, "Resource"));
    ApiError::NoSuchResource(format!("Nothing that can be tagged has the ARN '{arn}'."))
}
