//! `ListDistributions`, and by what a configuration says: `ListDistributionsByConnectionMode`, by the policies of its behaviours, by web ACL. A page
//! of distributions, in the order of their making.

use recant_wire::document::{Document, Members};

use super::input::Names;
use super::output::structure;
use super::policies::Family;
use super::{Context, input, shapes};
use crate::error::ApiError;
use crate::store::{DistributionFilter, DistributionRecord, Listing, Page, Store, Tracked};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    summaries(context, input, DistributionFilter::All).await
}

async fn summaries<S: Store>(
    context: &Context<S>,
    input: &Document,
    filter: DistributionFilter,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::LookedUp)?;

    let (items, next) = found(context, filter, &page).await?;

    let summaries =
        items.iter().map(|item| shapes::distribution_summary(context.store.identity(), item)).collect();
    Ok(structure([("DistributionList", Some(shapes::classic_page(&page, summaries, next.as_deref())))]))
}

/// `ListDistributionsByConnectionMode`.
pub(super) async fn by_connection_mode<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    match input::text(input, "ConnectionMode") {
        "tenant-only" => summaries(context, input, DistributionFilter::TenantOnly).await,
        "direct" => summaries(context, input, DistributionFilter::Direct).await,
        _ => Err(ApiError::InvalidArgument("ConnectionMode: direct or tenant-only.".into())),
    }
}

/// `ListDistributionsByWebACLId`. A distribution has none here, only its tenants have; `null` asks for those that have none.
pub(super) async fn by_web_acl<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    match input::text(input, "WebACLId") {
        "null" => run(context, input).await,
        _ => none(input),
    }
}

/// `ListDistributionsByCachePolicyId` and its like: the ids alone. Refused for a policy that is not there, as `NoSuchCachePolicy`.
pub(super) async fn by_policy<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::LookedUp)?;
    let id = input::text(input, &format!("{}Id", family.noun()));
    family.is_there(context, id).await?;

    let filter = DistributionFilter::Policy(family.kind(), id.to_owned());
    let (items, next) = found(context, filter, &page).await?;

    let ids = items.iter().map(|item| Document::from(item.record.id.as_str())).collect();
    Ok(structure([("DistributionIdList", Some(shapes::classic_page(&page, ids, next.as_deref())))]))
}

/// A page of the distributions, and the marker of the next one.
async fn found<S: Store>(
    context: &Context<S>,
    filter: DistributionFilter,
    page: &Page,
) -> Result<(Vec<Tracked<DistributionRecord>>, Option<String>), ApiError> {
    let Listing::Page { items, more } = context.store.distributions(filter, page.clone()).await? else {
        return Err(input::unknown_marker(page));
    };
    let next = items.last().filter(|_| more).map(|last| last.record.id.as_str().to_owned());
    Ok((items, next))
}

/// The page of a list that holds nothing.
fn none(input: &Document) -> Result<Document, ApiError> {
    let page = input::page(input, Names::LookedUp)?;
    if page.after.is_some() {
        return Err(input::unknown_marker(&page));
    }
    let list = shapes::classic_page(&page, Vec::new(), None);
    Ok([("DistributionList", list)].into_iter().collect::<Members>().into())
}
