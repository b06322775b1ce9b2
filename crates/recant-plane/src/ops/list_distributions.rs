//! `ListDistributions` and `ListDistributionsByConnectionMode`: a page of distributions, in the order of their making.

use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, shapes};
use crate::error::ApiError;
use crate::store::{Listing, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let page = input::page(input)?;

    let Listing::Page { items, more } = context.store.distributions(page.clone()).await? else {
        return Err(input::unknown_marker(&page));
    };

    let last = items.last().filter(|_| more).map(|last| last.record.id.as_str().to_owned());
    let summaries =
        items.iter().map(|item| shapes::distribution_summary(context.store.identity(), item)).collect();
    Ok(structure([("DistributionList", Some(shapes::classic_page(&page, summaries, last.as_deref())))]))
}

/// `ListDistributionsByConnectionMode`. Every distribution here has tenants, so there are none of the mode `direct`.
pub(super) async fn by_connection_mode<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    match input::text(input, "ConnectionMode") {
        "tenant-only" => run(context, input).await,
        "direct" => {
            let page = input::page(input)?;
            if page.after.is_some() {
                return Err(input::unknown_marker(&page));
            }
            Ok(structure([("DistributionList", Some(shapes::classic_page(&page, Vec::new(), None)))]))
        }
        _ => Err(ApiError::InvalidArgument("ConnectionMode: direct or tenant-only.".into())),
    }
}
