//! `CreateDistributionTenant`: makes a tenant of a distribution.
//!
//! 201 with `ETag` and the tenant. Its name and its domains belong to no other tenant (`EntityAlreadyExists`,
//! `CNAMEAlreadyExists`); its parameters are those that the distribution defines, all required ones among them. Not
//! idempotent: there is no `CallerReference`, and a second create of the name is refused.

use recant_core::id::{ConnectionGroupId, DistributionId, ETag, TenantId};
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Command, DistributionRecord, Outcome, Store, TenantRecord};
use crate::{clock, config_check, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let name = input::text(input, "Name");
    config_check::tenant_name(name)?;
    if let Some(tags) = input::get(input, "Tags") {
        config_check::tags(tags)?;
    }
    let distribution = distribution(context, input::text(input, "DistributionId")).await?;
    let connection_group_id =
        connection_group(context, input::optional_text(input, "ConnectionGroupId")).await?;
    let now = clock::wall_now();
    let id = TenantId::generate(now, random::bytes());
    let spec = tenant_spec(id.clone(), input, &distribution)?;

    let record = TenantRecord {
        id,
        name: name.to_owned(),
        connection_group_id,
        etag: ETag::generate(random::bytes()),
        config: input.clone().into(),
        spec,
        created: now,
        modified: now,
    };
    let Outcome::Tenant(made) = context.commit(Command::CreateTenant(Box::new(record))).await? else {
        unreachable!("the store answers a create with what it made");
    };

    Ok(structure([
        ("DistributionTenant", Some(shapes::tenant(context.store.identity(), &made))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
}

/// The distribution that a tenant shall belong to.
pub(super) async fn distribution<S: Store>(
    context: &Context<S>,
    id: &str,
) -> Result<DistributionRecord, ApiError> {
    let id = DistributionId::parse(id).map_err(|_| refused::no_such_distribution())?;
    let found = context.store.distribution(&id).await?.ok_or_else(refused::no_such_distribution)?;
    Ok(found.record)
}

/// The connection group that a tenant shall be reached through: the default one, which is the only one so far.
pub(super) async fn connection_group<S: Store>(
    context: &Context<S>,
    wanted: Option<&str>,
) -> Result<ConnectionGroupId, ApiError> {
    let default = context.store.default_connection_group().await?.id;
    match wanted {
        Some(other) if other != default.as_str() => Err(refused::no_such_connection_group()),
        _ => Ok(default),
    }
}

/// What edges need of a tenant with this configuration.
pub(super) fn tenant_spec(
    id: TenantId,
    config: &Document,
    distribution: &DistributionRecord,
) -> Result<recant_core::spec::TenantSpec, ApiError> {
    let definitions = config_check::definitions(&Document::from(distribution.config.clone()))?;
    config_check::tenant(id, config, &distribution.spec, &definitions)
}
