//! `ListInvalidationsForDistributionTenant`: a page of a tenant's invalidations, newest first.

use recant_wire::document::Document;

use super::output::structure;
use super::{Context, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{Listing, Store, TenantKey};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let tenant = refused::tenant_id(input::text(input, "Id"))?;
    let page = input::page(input)?;

    let listing = context.store.invalidations(&tenant, page.clone()).await?;
    let (items, more) = match listing {
        Listing::Page { items, more } if !items.is_empty() => (items, more),
        nothing => {
            // Nothing to show: an unknown tenant, a marker of another list, or really nothing.
            context.store.tenant(TenantKey::Id(tenant)).await?.ok_or_else(refused::no_such_tenant)?;
            match nothing {
                Listing::UnknownMarker => return Err(input::unknown_marker(&page)),
                Listing::Page { items, more } => (items, more),
            }
        }
    };

    let last = items.last().filter(|_| more).map(|last| last.record.id.as_str().to_owned());
    let summaries = items.iter().map(shapes::invalidation_summary).collect();
    Ok(structure([("InvalidationList", Some(shapes::classic_page(&page, summaries, last.as_deref())))]))
}
