//! Small words for reading an operation's input.
//!
//! What the model requires is there by now ([`crate::config_check::constraints`]).

use std::num::NonZeroUsize;

use recant_core::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use recant_wire::document::Document;

use crate::error::{ApiError, excerpt};
use crate::store::Page;

/// A text member; empty when it is not there.
pub(super) fn text<'d>(input: &'d Document, member: &str) -> &'d str {
    optional_text(input, member).unwrap_or_default()
}

/// A text member, if it is there and not empty.
pub(super) fn optional_text<'d>(input: &'d Document, member: &str) -> Option<&'d str> {
    match get(input, member)? {
        Document::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A member, if it is there.
pub(super) fn get<'d>(input: &'d Document, member: &str) -> Option<&'d Document> {
    input.get(member).filter(|value| !value.is_null())
}

/// `Marker` and `MaxItems`, which is a number in some operations and a text in others.
///
/// # Errors
/// [`ApiError::InvalidArgument`] when `MaxItems` is not a positive number. More than [`PAGE_ITEMS_MAX`] is not an
/// error: the page is as long as pages get, and says so.
pub(super) fn page(input: &Document) -> Result<Page, ApiError> {
    let wanted = match get(input, "MaxItems") {
        None => PAGE_ITEMS_DEFAULT,
        Some(value) => max_items(value)?,
    };
    let limit = NonZeroUsize::new(wanted.min(PAGE_ITEMS_MAX)).expect("both are positive");
    Ok(Page { after: optional_text(input, "Marker").map(str::to_owned), limit })
}

fn max_items(value: &Document) -> Result<usize, ApiError> {
    let (number, shown) = match value {
        Document::Integer(number) => (Some(*number), number.to_string()),
        Document::String(text) => (text.parse().ok(), text.clone()),
        Document::BigInteger(digits) => (None, digits.clone()),
        _ => (None, String::new()),
    };
    match number.and_then(|number| usize::try_from(number).ok()) {
        Some(number @ 1..) => Ok(number),
        _ => Err(ApiError::InvalidArgument(format!(
            "MaxItems: '{}' is not a positive number.",
            excerpt(&shown)
        ))),
    }
}

/// The refusal of a marker that names nothing in its list.
pub(super) fn unknown_marker(page: &Page) -> ApiError {
    let marker = page.after.as_deref().unwrap_or_default();
    ApiError::InvalidArgument(format!("Marker: '{}' is not in this list.", excerpt(marker)))
}
