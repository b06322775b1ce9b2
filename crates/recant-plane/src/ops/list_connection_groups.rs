//! `ListConnectionGroups`: a page of connection groups, by id, which is by time of making.
//!
//! A POST, its input the body. There is no `IsTruncated`: whoever gets a `NextMarker` goes on.

use recant_wire::document::Document;

use super::input::Names;
use super::output::{list, structure, text};
use super::{Context, connection_groups, input};
use crate::error::ApiError;
use crate::store::{Listing, ResourceKind, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let page = input::page(input, Names::ConnectionGroups)?;
    let filter = input::get(input, "AssociationFilter");
    if filter.and_then(|filter| input::optional_text(filter, "AnycastIpListId")).is_some() {
        return Err(ApiError::EntityNotFound("The specified Anycast IP list does not exist.".into()));
    }

    let listing = context.store.resources(ResourceKind::ConnectionGroup, page.clone()).await?;
    let Listing::Page { items, more } = listing else { return Err(input::unknown_marker(&page)) };

    let next = items.last().filter(|_| more).and_then(|last| text(last.record.id.as_str()));
    let summaries = items.iter().map(|item| connection_groups::summary(context, item));
    Ok(structure([("NextMarker", next), ("ConnectionGroups", list(summaries))]))
}
