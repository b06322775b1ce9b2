//! `ListInvalidationsForDistributionTenant` and `ListInvalidations`: a page of invalidations, newest first.

use recant_core::entry::Scope;
use recant_wire::document::Document;

use super::input::Names;
use super::output::structure;
use super::{Context, input, invalidations_of, shapes};
use crate::error::ApiError;
use crate::store::{Listing, Store};

pub(super) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    scope: &Scope,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::LookedUp)?;

    let listing = context.store.invalidations(scope, page.clone()).await?;
    let (items, more) = match listing {
        Listing::Page { items, more } if !items.is_empty() => (items, more),
        nothing => {
            // Nothing to show: an unknown tenant or distribution, a marker of another list, or really nothing.
            invalidations_of::exists(context, scope).await?;
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
