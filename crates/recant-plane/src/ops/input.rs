//! Small words for reading an operation's input.
//!
//! What the model requires is there by now ([`crate::config_check::constraints`]).

use std::num::NonZeroUsize;

use recant_core::host::Domain;
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
/// A marker is the name of the last item of the page before, so it has the form of its list's names. Whether it has to be there still
/// is the store's matter.
///
/// # Errors
/// [`ApiError::InvalidArgument`] when `MaxItems` is not a positive number, and for a marker that no item of this list can have. More
/// than [`PAGE_ITEMS_MAX`] is not an error: the page is as long as pages get, and says so.
pub(super) fn page(input: &Document, names: Names) -> Result<Page, ApiError> {
    let wanted = match get(input, "MaxItems") {
        None => PAGE_ITEMS_DEFAULT,
        Some(value) => max_items(value)?,
    };
    let limit = NonZeroUsize::new(wanted.min(PAGE_ITEMS_MAX)).expect("both are positive");
    let page = Page { after: optional_text(input, "Marker").map(str::to_owned), limit };
    match page.after.as_deref().is_none_or(|marker| names.have(marker)) {
        true => Ok(page),
        false => Err(unknown_marker(&page)),
    }
}

/// What the items of a list are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Ids that the store looks up, and knows when they are of another list: of distributions, of invalidations.
    LookedUp,
    /// Ids of tenants.
    Tenants,
    /// Ids of connection groups.
    ConnectionGroups,
    /// Ids of policies.
    Policies,
    /// Ids of access keys.
    Keys,
    /// Domains, in lower case.
    Domains,
}

impl Names {
    /// Whether an item may be called so.
    fn have(self, marker: &str) -> bool {
        let is = |prefix: &str, length: usize, digit: fn(u8) -> bool| {
            let rest = marker.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.len() == length && rest.bytes().all(digit))
        };
        match self {
            Self::LookedUp => true,
            Self::Tenants => is("dt_", 27, |byte| byte.is_ascii_alphanumeric()),
            Self::ConnectionGroups => is("cg_", 27, |byte| byte.is_ascii_alphanumeric()),
            Self::Policies => is("", 36, |byte| byte.is_ascii_hexdigit() || byte == b'-'),
            Self::Keys => is("AKIA", 16, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
            // A page that another one follows has a wildcard on it, or what that covers: names of two labels.
            Self::Domains => {
                marker.contains('.') && Domain::parse(marker).is_ok_and(|domain| domain.as_str() == marker)
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use recant_core::id::{ConnectionGroupId, TenantId};

    use super::*;
    use crate::folder::RootKey;
    use crate::{clock, random};

    #[test]
    fn markers_are_names_of_their_list() {
        let now = clock::wall_now();
        let names = [
            (Names::Tenants, TenantId::generate(now, random::bytes()).to_string()),
            (Names::ConnectionGroups, ConnectionGroupId::generate(now, random::bytes()).to_string()),
            (Names::Policies, "658327ea-f89d-4fab-a63d-7e88639e58f6".to_owned()),
            (Names::Keys, RootKey::generate().access_key_id),
            (Names::Domains, "*.shop.example".to_owned()),
        ];
        for (list, own) in &names {
            for (_, other) in &names {
                assert_eq!(list.have(other), own == other, "{list:?}: {other}");
            }
            for other in ["", "bogus", "dt_", "cg_1", "AKIA", "Shop.Example", "a b", "-"] {
                assert!(!list.have(other), "{list:?}: {other}");
            }
        }
    }
}
