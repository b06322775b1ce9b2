//! `UpdateDistributionTenant`: changes what is named, keeps the rest.
//!
//! 200 with the new `ETag`. `If-Match` is the entity tag last read: missing is `InvalidIfMatchVersion`, another one
//! `PreconditionFailed`. The name and the tags stay.

use recant_core::id::{ETag, TenantId};
use recant_core::ledger;
use recant_core::limits::JUDGED_ANEW_MAX;
use recant_wire::document::{Document, Members};

use super::create_distribution_tenant::{connection_group, distribution, tenant_spec};
use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Refusal, Store, TenantKey, TenantRecord, TenantUpdate};
use crate::{clock, config_check, random};

/// The members that an update may replace; each is replaced as a whole.
const REPLACEABLE: [&str; 7] = [
    "DistributionId",
    "Domains",
    "Customizations",
    "Parameters",
    "ConnectionGroupId",
    "ManagedCertificateRequest",
    "Enabled",
];

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let id = refused::tenant_id(input::text(input, "Id"))?;
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;

    let mut judged = 1;
    let made = loop {
        match change(context, &id, if_match, |config| merged(config, input)).await? {
            Outcome::Tenant(made) => break made,
            // The distribution has changed since the tenant was found to fit it.
            Outcome::Refused(Refusal::ChangedMeanwhile) if judged < JUDGED_ANEW_MAX => judged += 1,
            Outcome::Refused(refusal) => return Err(context.refused(refusal)),
            _ => unreachable!("the store answers an update with what it made"),
        }
    };

    Ok(structure([
        ("DistributionTenant", Some(shapes::tenant(context.store.identity(), &made))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
}

/// Changes several tenants, all or none, so that they can trade their domains: no operation of the API, but each input is one of
/// `UpdateDistributionTenant`, judged as there.
pub(super) async fn together<S: Store>(context: &Context<S>, inputs: &[Document]) -> Result<(), ApiError> {
    let mut judged = 1;
    loop {
        let mut updates = Vec::with_capacity(inputs.len());
        for input in inputs {
            let id = refused::tenant_id(input::text(input, "Id"))?;
            let if_match = input::text(input, "IfMatch");
            updates.push(changed(context, &id, if_match, |config| merged(config, input)).await?);
        }
        match context.store.commit(Command::UpdateTenants(updates)).await? {
            Outcome::Refused(Refusal::ChangedMeanwhile) if judged < JUDGED_ANEW_MAX => judged += 1,
            Outcome::Refused(refusal) => return Err(context.refused(refusal)),
            _ => return Ok(()),
        }
    }
}

/// Changes a tenant's configuration as it is now by a rule.
pub(super) async fn change<S: Store>(
    context: &Context<S>,
    id: &TenantId,
    if_match: &str,
    rule: impl FnOnce(Document) -> Document,
) -> Result<Outcome, ApiError> {
    let TenantUpdate { if_match, tenant, judged_by } = changed(context, id, if_match, rule).await?;
    Ok(context.store.commit(Command::UpdateTenant { if_match, tenant, judged_by }).await?)
}

/// A tenant as it is after a change of its configuration by a rule, judged.
async fn changed<S: Store>(
    context: &Context<S>,
    id: &TenantId,
    if_match: &str,
    rule: impl FnOnce(Document) -> Document,
) -> Result<TenantUpdate, ApiError> {
    // Read, merge, and write only if nobody wrote in between: the store compares the entity tag once more.
    let found = context.store.tenant(TenantKey::Id(id.clone())).await?.ok_or_else(refused::no_such_tenant)?;
    let current = found.record;
    // Before the rest is judged, so that who has not read what is there is told that and not what follows from it.
    ledger::precondition(Some(if_match), &current.etag).map_err(|error| context.refused(error.into()))?;
    let config = rule(as_it_is(&current));
    let distribution = distribution(context, input::text(&config, "DistributionId")).await?;
    let customized = config_check::customizations(&config)?;
    let record = TenantRecord {
        connection_group_id: connection_group(context, input::optional_text(&config, "ConnectionGroupId"))
            .await?,
        etag: ETag::generate(random::bytes()),
        spec: tenant_spec(id.clone(), &config, &distribution)?,
        web_acl: customized.web_acl,
        certificate: customized.certificate,
        config: config.into(),
        modified: clock::wall_now(),
        ..current
    };
    Ok(TenantUpdate {
        if_match: Some(if_match.to_owned()),
        tenant: Box::new(record),
        judged_by: distribution.etag,
    })
}

/// The configuration, with the domains and the connection group that the tenant has by now: both can change without it.
pub(super) fn as_it_is(record: &TenantRecord) -> Document {
    let mut config = match Document::from(record.config.clone()) {
        Document::Structure(members) => members,
        _ => Members::new(),
    };
    let domains = record.spec.domains.iter();
    let domains = domains.map(|domain| Document::structure([("Domain", Document::from(domain.as_str()))]));
    match domains.len() {
        0 => drop(config.remove("Domains")),
        _ => drop(config.insert("Domains", Document::list(domains))),
    }
    config.insert("ConnectionGroupId", record.connection_group_id.as_str());
    Document::Structure(config)
}

fn merged(current: Document, input: &Document) -> Document {
    let mut merged = match current {
        Document::Structure(members) => members,
        _ => Members::new(),
    };
    for member in REPLACEABLE {
        if let Some(value) = input::get(input, member) {
            merged.insert(member, value.clone());
        }
    }
    Document::Structure(merged)
}
