//! `ListCachePolicies` and its like: a page of policies by id, managed and custom ones side by side, or those of one `Type`.

use recant_wire::document::{Document, Members};

use super::super::input::Names;
use super::super::output::{list, number, structure, text};
use super::super::{Context, input};
use super::{Family, Shown};
use crate::error::ApiError;
use crate::store::{Listing, Store};

pub(in crate::ops) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let page = input::page(input, Names::Policies)?;
    let (managed, custom) = match input::optional_text(input, "Type") {
        None => (true, true),
        Some("managed") => (true, false),
        Some("custom") => (false, true),
        Some(_) => return Err(ApiError::InvalidArgument("Type: managed or custom.".into())),
    };

    let after = page.after.as_deref().unwrap_or_default();
    let mut all: Vec<(&str, Shown)> = Vec::new();
    if managed {
        all.extend(
            family.managed().into_iter().filter(|it| it.id.as_str() > after).map(|it| ("managed", it)),
        );
    }
    let mut more = false;
    if custom {
        let found = context.store.resources(family.resource_kind(), page.clone()).await?;
        let Listing::Page { items, more: follow } = found else { return Err(input::unknown_marker(&page)) };
        if let Some(last) = items.last().filter(|_| follow) {
            // Others of the custom ones come before whatever is behind it.
            all.retain(|(_, managed)| managed.id <= last.record.id);
        }
        all.extend(items.into_iter().map(|it| ("custom", it.record.into())));
        more = follow;
    }
    all.sort_by(|one, other| one.1.id.cmp(&other.1.id));
    more |= all.len() > page.limit.get();
    all.truncate(page.limit.get());

    let next = all.last().filter(|_| more).and_then(|(_, last)| text(last.id.as_str()));
    let quantity = number(all.len());
    let items: Vec<Document> = all
        .into_iter()
        .map(|(kind, shown)| {
            let mut summary = Members::new();
            summary.insert("Type", kind);
            summary.insert(family.noun, family.shape(shown));
            Document::Structure(summary)
        })
        .collect();
    let items = if items.is_empty() { None } else { list(items) };
    let page = structure([
        ("NextMarker", next),
        ("MaxItems", number(page.limit.get())),
        ("Quantity", quantity),
        ("Items", items),
    ]);
    let mut members = Members::new();
    members.insert(format!("{}List", family.noun), page);
    Ok(Document::Structure(members))
}
