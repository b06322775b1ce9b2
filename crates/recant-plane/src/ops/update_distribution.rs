//! `UpdateDistribution`: puts a whole configuration in the place of the one that is there.
//!
//! 200 with the new `ETag`. `If-Match` is the entity tag last read: missing is `InvalidIfMatchVersion`, another one
//! `PreconditionFailed`. `CallerReference` and `ConnectionMode` stay what they were (`IllegalUpdate`).
//!
//! What makes tenants fit a distribution is judged with the new configuration for every tenant before it is stored: a parameter
//! that becomes required, or a value that comes to stand where it may not, is refused with the tenant's id. Tenants that are
//! made or changed meanwhile are judged by the store, with the change; only where those are many all are judged again.
//!
//! What was stored under the configuration before is still served where the new one would make the same key of a request,
//! as at CloudFront: who wants it gone invalidates. It is never taken for something else, since the key says what it was
//! fetched with.

use recant_core::entry::Scope;
use recant_core::id::{DistributionId, ETag};
use recant_core::ledger;
use recant_core::limits::{JUDGED_ANEW_MAX, PAGE_ITEMS_MAX};
use recant_core::position::Position;
use recant_wire::document::Document;

use super::output::{structure, text};
use super::{Context, input, policies, shapes};
use crate::config_check::{self, TenantChecks};
use crate::error::ApiError;
use crate::store::{
    Command, DistributionRecord, Judged, Listing, Outcome, Page, Refusal, Store, TenantFilter, TenantJudge,
    Tracked,
};
use crate::{clock, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let id = DistributionId::parse(input::text(input, "Id")).map_err(|_| ApiError::NoSuchDistribution)?;
    let if_match = input::optional_text(input, "IfMatch").ok_or(ApiError::InvalidIfMatchVersion)?;
    let config =
        input.get("DistributionConfig").ok_or_else(|| ApiError::null_member("DistributionConfig"))?;

    let current = context.store.distribution(&id).await?.ok_or(ApiError::NoSuchDistribution)?.record;
    ledger::precondition(Some(if_match), &current.etag).map_err(|error| context.refused(error.into()))?;
    // Before anything else of it is judged, which may belong to one mode only.
    let is_direct = input::optional_text(config, "ConnectionMode") != Some("tenant-only");
    if is_direct != current.spec.direct.is_some() {
        return Err(ApiError::IllegalUpdate(
            "DistributionConfig.ConnectionMode: it cannot be changed once the distribution is there.".into(),
        ));
    }
    let made = store(context, &current, if_match, config).await?;
    let in_progress = context.store.in_progress(&Scope::Distribution(id)).await?;

    Ok(structure([
        ("Distribution", Some(shapes::distribution(context.store.identity(), &made, in_progress))),
        ("ETag", text(made.record.etag.as_str())),
    ]))
}

/// Judges configuration and tenants and stores, anew where a tenant or a policy has changed meanwhile.
async fn store<S: Store>(
    context: &Context<S>,
    current: &DistributionRecord,
    if_match: &str,
    config: &Document,
) -> Result<Tracked<DistributionRecord>, ApiError> {
    let etag = ETag::generate(random::bytes());
    let endpoint = current.spec.direct.as_ref().map_or("", |direct| &direct.endpoint);
    for _ in 0..JUDGED_ANEW_MAX {
        let (judged_at, _) = context.store.head().await?;
        let policies = policies::named_in(context, config).await?;
        let around = context.surroundings(endpoint, &policies);
        let checked = config_check::distribution(current.id.clone(), config, around)?;
        if checked.caller_reference != current.caller_reference {
            return Err(ApiError::IllegalUpdate(
                "DistributionConfig.CallerReference: it cannot be changed once the distribution is there."
                    .into(),
            ));
        }
        let record = DistributionRecord {
            etag: etag.clone(),
            config: config.clone().into(),
            spec: checked.spec,
            modified: clock::wall_now(),
            ..current.clone()
        };
        let judged = judge(context, current, &record, judged_at).await?;
        let command = Command::UpdateDistribution {
            if_match: Some(if_match.to_owned()),
            distribution: Box::new(record),
            judged,
        };
        match context.store.commit(command).await? {
            Outcome::Distribution(made) => return Ok(*made),
            Outcome::Refused(Refusal::ChangedMeanwhile) => {}
            Outcome::Refused(Refusal::NoSuchDistribution) => return Err(ApiError::NoSuchDistribution),
            Outcome::Refused(refusal) => return Err(context.refused(refusal)),
            _ => unreachable!("the store answers an update with what it made"),
        }
    }
    Err(ApiError::ServiceUnavailable)
}

/// Whether every tenant fits; not asked where nothing has changed that tenants are judged by.
async fn judge<S: Store>(
    context: &Context<S>,
    current: &DistributionRecord,
    new: &DistributionRecord,
    judged_at: Position,
) -> Result<Judged, ApiError> {
    let (before, checks) = (TenantChecks::of(current)?, TenantChecks::of(new)?);
    if before == checks {
        return Ok(Judged::AsBefore);
    }
    let judge = TenantJudge::new(move |tenant| checks.tenant(tenant).map_err(|why| why.to_string()));
    let mut page = Page { after: None, limit: PAGE_ITEMS_MAX.try_into().expect("a page has items") };
    loop {
        let filter = TenantFilter::Distribution(new.id.clone());
        let Listing::Page { items, more } = context.store.tenants(filter, page.clone()).await? else {
            unreachable!("a tenant's id is always a place in the list");
        };
        for Tracked { record, .. } in &items {
            judge.judge(&record.spec).map_err(|refusal| context.refused(refusal))?;
        }
        page.after = items.last().map(|last| last.record.id.as_str().to_owned());
        if !more {
            return Ok(Judged::UpTo(judged_at, judge));
        }
    }
}
