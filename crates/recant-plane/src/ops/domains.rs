//! `ListDomainConflicts` and `UpdateDomainAssociation`: who has a domain, and how it gets to somebody else.
//!
//! A domain belongs to one tenant, or to one distribution without tenants. It is in conflict with itself, with the wildcard that covers
//! it, and, being a wildcard, with what it covers.

use recant_core::entry::Scope;
use recant_core::host::Domain;
use recant_core::id::{DistributionId, ETag};
use recant_wire::document::Document;

use super::input::Names;
use super::output::{list, structure, text};
use super::resources::{Need, Subject};
use super::{Context, input, refused, shapes};
use crate::error::{ApiError, excerpt};
use crate::store::{Command, Listing, Outcome, Refusal, Store, TenantKey};
use crate::{clock, random};

/// `ListDomainConflicts`: a page of what a domain is in conflict with, by domain, without the resource that asks for it.
pub(super) async fn conflicts<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::Domains)?;
    let domain = domain(input)?;
    let asking = resource(context, input, "DomainControlValidationResource").await?;

    let Listing::Page { items, more } = context.store.domains(domain.as_str(), page.clone()).await? else {
        return Err(input::unknown_marker(&page));
    };

    let next = items.last().filter(|_| more).and_then(|(domain, _)| text(domain.as_str()));
    let account = &context.store.identity().account;
    let others = items.iter().filter(|(_, owner)| *owner != asking);
    let conflicts = others.map(|(domain, owner)| {
        structure([
            ("Domain", text(domain.as_str())),
            ("ResourceType", text(shapes::kind(owner))),
            ("ResourceId", text(owner.id())),
            ("AccountId", text(account.as_str())),
        ])
    });
    Ok(structure([("DomainConflicts", list(conflicts)), ("NextMarker", next)]))
}

/// `UpdateDomainAssociation`: moves a domain to another tenant or distribution, in one commit. What has it must be disabled
/// (`IllegalUpdate`), as with the service. `If-Match` is the entity tag of what gets it.
///
/// It is taken from nobody but the one that the caller was admitted to take it from, who is among the subjects.
pub(super) async fn associate<S: Store>(
    context: &Context<S>,
    input: &Document,
    subjects: &[Subject],
) -> Result<Document, ApiError> {
    let domain = domain(input)?;
    let if_match = input::optional_text(input, "IfMatch").map(str::to_owned);
    let to = resource(context, input, "TargetResource").await?;
    let from = context.store.domain_holder(domain.as_str()).await?;
    let from = from.ok_or_else(|| context.refused(Refusal::NoSuchDomain))?;
    let losing = shapes::arn_of(context.store.identity(), &from);
    if !subjects.iter().any(|subject| subject.need == Need::Allowed && subject.arn == losing) {
        return Err(context.refused(Refusal::ChangedMeanwhile));
    }

    let command = Command::MoveDomain {
        domain: domain.as_str().to_owned(),
        from,
        to,
        if_match,
        from_etag: ETag::generate(random::bytes()),
        to_etag: ETag::generate(random::bytes()),
        now: clock::wall_now(),
    };
    let (id, etag) = match context.store.commit(command).await? {
        Outcome::Tenant(made) => (made.record.id.to_string(), made.record.etag),
        Outcome::Distribution(made) => (made.record.id.to_string(), made.record.etag),
        Outcome::Refused(Refusal::NotDisabled) => {
            return Err(ApiError::IllegalUpdate(
                "The distribution tenant or distribution that has the domain must be disabled first.".into(),
            ));
        }
        Outcome::Refused(refusal) => return Err(context.refused(refusal)),
        _ => unreachable!("the store answers a move with what has the domain"),
    };

    Ok(structure([
        ("Domain", text(domain.as_str())),
        ("ResourceId", text(id)),
        ("ETag", text(etag.as_str())),
    ]))
}

fn domain(input: &Document) -> Result<Domain, ApiError> {
    let given = input::text(input, "Domain");
    Domain::parse(given)
        .map_err(|why| ApiError::InvalidArgument(format!("Domain: '{}': {why}.", excerpt(given))))
}

/// What a `DistributionResourceId` names; it must be there.
async fn resource<S: Store>(context: &Context<S>, input: &Document, member: &str) -> Result<Scope, ApiError> {
    let named = input.get(member).ok_or_else(|| ApiError::null_member(member))?;
    let distribution = input::optional_text(named, "DistributionId");
    match (distribution, input::optional_text(named, "DistributionTenantId")) {
        (None, Some(id)) => {
            let found = context.store.tenant(TenantKey::Id(refused::tenant_id(id)?)).await?;
            found.map(|found| Scope::Tenant(found.record.id)).ok_or_else(refused::no_such_tenant)
        }
        (Some(id), None) => {
            let id = DistributionId::parse(id).map_err(|_| refused::no_such_distribution())?;
            let found = context.store.distribution(&id).await?;
            found.map(|_| Scope::Distribution(id)).ok_or_else(refused::no_such_distribution)
        }
        _ => Err(ApiError::InvalidArgument(format!(
            "{member}: name a distribution tenant or a distribution, one of them."
        ))),
    }
}
