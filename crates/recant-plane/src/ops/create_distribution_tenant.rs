//! `CreateDistributionTenant`: makes a tenant of a distribution.
//!
//! 201 with `ETag` and the tenant. Its name and its domains belong to no other tenant (`EntityAlreadyExists`,
//! `CNAMEAlreadyExists`); its parameters are those that the distribution defines, all required ones among them. Not
//! idempotent: there is no `CallerReference`, and a second create of the name is refused.

use recant_core::id::{ConnectionGroupId, DistributionId, ETag, TenantId};
use recant_core::limits::JUDGED_ANEW_MAX;
use recant_wire::document::{Document, Members};

use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{
    Command, DistributionRecord, Outcome, Refusal, ResourceKey, ResourceKind, Store, TenantRecord,
};
use crate::{clock, config_check, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let name = input::text(input, "Name");
    config_check::entity_name(name)?;
    let tags = input::get(input, "Tags").map(config_check::tags).transpose()?.unwrap_or_default();
    let mut distribution = distribution(context, input::text(input, "DistributionId")).await?;
    let connection_group_id =
        connection_group(context, input::optional_text(input, "ConnectionGroupId")).await?;
    let now = clock::wall_now();
    let id = TenantId::generate(now, random::bytes());
    let customized = config_check::customizations(input)?;
    let mut config = match input.clone() {
        Document::Structure(members) => members,
        _ => Members::new(),
    };
    config.remove("Tags");
    let config = Document::Structure(config);

    let mut record = TenantRecord {
        spec: tenant_spec(id.clone(), &config, &distribution)?,
        id,
        name: name.to_owned(),
        connection_group_id,
        etag: ETag::generate(random::bytes()),
        config: config.clone().into(),
        web_acl: customized.web_acl,
        certificate: customized.certificate,
        tags,
        created: now,
        modified: now,
    };
    let mut judged = 1;
    let made = loop {
        let command =
            Command::CreateTenant { tenant: Box::new(record.clone()), judged_by: distribution.etag.clone() };
        match context.store.commit(command).await? {
            Outcome::Tenant(made) => break made,
            // The distribution has changed since the tenant was found to fit it.
            Outcome::Refused(Refusal::ChangedMeanwhile) if judged < JUDGED_ANEW_MAX => {
                judged += 1;
                distribution = self::distribution(context, distribution.id.as_str()).await?;
                record.spec = tenant_spec(record.id.clone(), &config, &distribution)?;
            }
            Outcome::Refused(refusal) => return Err(context.refused(refusal)),
            _ => unreachable!("the store answers a create with what it made"),
        }
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

/// The connection group that a tenant shall be reached through: the default one if it names none.
pub(super) async fn connection_group<S: Store>(
    context: &Context<S>,
    wanted: Option<&str>,
) -> Result<ConnectionGroupId, ApiError> {
    let Some(wanted) = wanted else { return Ok(context.store.default_connection_group().await?) };
    let id = ConnectionGroupId::parse(wanted).map_err(|_| refused::no_such_connection_group())?;
    let key = ResourceKey::Id(wanted.to_owned());
    let found = context.store.resource(ResourceKind::ConnectionGroup, key).await?;
    found.map(|_| id).ok_or_else(refused::no_such_connection_group)
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
