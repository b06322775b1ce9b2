//! `UpdateDistributionTenant`: changes what is named, keeps the rest.
//!
//! 200 with the new `ETag`. `If-Match` is the entity tag last read: missing is `InvalidIfMatchVersion`, another one
//! `PreconditionFailed`. The name and the tags stay.

use recant_core::id::ETag;
use recant_core::ledger;
use recant_wire::document::{Document, Members};

use super::create_distribution_tenant::{connection_group, distribution, tenant_spec};
use super::output::{structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Command, Outcome, Store, TenantKey, TenantRecord};
use crate::{clock, random};

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

    // Read, merge, and write only if nobody wrote in between: the store compares the entity tag once more.
    let found = context.store.tenant(TenantKey::Id(id.clone())).await?.ok_or_else(refused::no_such_tenant)?;
    let current = found.record;
    // Before the rest is judged, so that who has not read what is there is told that and not what follows from it.
    ledger::precondition(Some(if_match), &current.etag).map_err(|error| context.refused(error.into()))?;
    let config = merged(Document::from(current.config), input);
    let distribution = distribution(context, input::text(&config, "DistributionId")).await?;
    let record = TenantRecord {
        connection_group_id: connection_group(context, input::optional_text(&config, "ConnectionGroupId"))
            .await?,
        etag: ETag::generate(random::bytes()),
        spec: tenant_spec(id, &config, &distribution)?,
        config: config.into(),
        modified: clock::wall_now(),
        ..current
    };
    let command = Command::UpdateTenant { if_match: Some(if_match.to_owned()), tenant: Box::new(record) };
    let Outcome::Tenant(made) = context.commit(command).await? else {
        unreachable!("the store answers an update with what it made");
    };

    Ok(structure([
        ("DistributionTenant", Some(shapes::tenant(context.store.identity(), &made))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
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
