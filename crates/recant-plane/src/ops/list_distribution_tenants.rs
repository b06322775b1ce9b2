//! `ListDistributionTenants`: a page of tenants, of one distribution or connection group if the filter names it.
//!
//! A POST, its input the body. There is no `IsTruncated`: whoever gets a `NextMarker` goes on.

use recant_core::id::{ConnectionGroupId, DistributionId};
use recant_wire::document::Document;

use super::input::Names;
use super::output::{list, structure, text};
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Listing, Page, Store, TenantFilter};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let page = input::page(input, Names::Tenants)?;
    let filter = filter(input)?;

    exists(context, &filter).await?;
    list_of(context, filter, page).await
}

/// `ListDistributionTenantsByCustomization`: those whose configuration names a web ACL or a certificate.
pub(super) async fn by_customization<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::Tenants)?;
    let web_acl = input::optional_text(input, "WebACLArn").map(str::to_owned);
    let certificate = input::optional_text(input, "CertificateArn").map(str::to_owned);
    let filter = match (web_acl, certificate) {
        (Some(arn), None) => TenantFilter::WebAcl(arn),
        (None, Some(arn)) => TenantFilter::Certificate(arn),
        _ => {
            return Err(ApiError::InvalidArgument(
                "Name a web ACL (WebACLArn) or a certificate (CertificateArn).".into(),
            ));
        }
    };
    list_of(context, filter, page).await
}

async fn list_of<S: Store>(
    context: &Context<S>,
    filter: TenantFilter,
    page: Page,
) -> Result<Document, ApiError> {
    let Listing::Page { items, more } = context.store.tenants(filter, page.clone()).await? else {
        return Err(input::unknown_marker(&page));
    };

    let next = items.last().filter(|_| more).and_then(|last| text(last.record.id.as_str()));
    let summaries = items.iter().map(|item| shapes::tenant_summary(context.store.identity(), item));
    Ok(structure([("NextMarker", next), ("DistributionTenantList", list(summaries))]))
}

fn filter(input: &Document) -> Result<TenantFilter, ApiError> {
    let Some(filter) = input::get(input, "AssociationFilter") else { return Ok(TenantFilter::All) };
    let distribution = input::optional_text(filter, "DistributionId");
    let group = input::optional_text(filter, "ConnectionGroupId");
    match (distribution, group) {
        (None, None) => Ok(TenantFilter::All),
        (Some(id), None) => DistributionId::parse(id)
            .map(TenantFilter::Distribution)
            .map_err(|_| refused::no_such_distribution()),
        (None, Some(id)) => ConnectionGroupId::parse(id)
            .map(TenantFilter::ConnectionGroup)
            .map_err(|_| refused::no_such_connection_group()),
        (Some(_), Some(_)) => Err(ApiError::InvalidArgument(
            "AssociationFilter: name a distribution or a connection group.".into(),
        )),
    }
}

/// A filter that names what is not there is a mistake, not an empty list (`EntityNotFound` in the model).
async fn exists<S: Store>(context: &Context<S>, filter: &TenantFilter) -> Result<(), ApiError> {
    match filter {
        TenantFilter::All | TenantFilter::WebAcl(_) | TenantFilter::Certificate(_) => Ok(()),
        TenantFilter::Distribution(id) => {
            context.store.distribution(id).await?.map(|_| ()).ok_or_else(refused::no_such_distribution)
        }
        TenantFilter::ConnectionGroup(id) => {
            super::create_distribution_tenant::connection_group(context, Some(id.as_str())).await.map(|_| ())
        }
    }
}
