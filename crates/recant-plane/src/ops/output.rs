//! Small words for writing documents.

use recant_core::time::WallTime;
use recant_wire::document::{Document, Members};
use recant_wire::sigv4::date::AmzDate;

/// A structure of these members; those without a value are left out.
pub(super) fn structure<const N: usize>(members: [(&str, Option<Document>); N]) -> Document {
    let mut out = Members::new();
    for (name, value) in members {
        if let Some(value) = value {
            out.insert(name, value);
        }
    }
    Document::Structure(out)
}

/// A text.
pub(super) fn text(text: impl Into<String>) -> Option<Document> {
    Some(Document::String(text.into()))
}

/// A number of things.
pub(super) fn number(number: usize) -> Option<Document> {
    Some(Document::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// A truth value.
pub(super) fn boolean(value: bool) -> Option<Document> {
    Some(Document::Boolean(value))
}

/// A list.
pub(super) fn list(items: impl IntoIterator<Item = Document>) -> Option<Document> {
    Some(Document::List(items.into_iter().collect()))
}

/// A list in a structure with its `Quantity`; an empty one has no `Items`, as the service writes it.
pub(super) fn quantified(items: Vec<Document>) -> Option<Document> {
    let quantity = number(items.len());
    let items = if items.is_empty() { None } else { list(items) };
    Some(structure([("Quantity", quantity), ("Items", items)]))
}

/// A moment as the service writes it: `2025-04-16T03:46:14.946Z` (CLOUDFRONT.md section 1.4).
pub(super) fn time(moment: WallTime) -> Option<Document> {
    let basic = AmzDate::of(moment).to_string();
    let millis = moment.millis().rem_euclid(1000);
    let part = |from: usize, to: usize| basic.get(from..to).unwrap_or_default();
    let date = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
    Some(Document::timestamp(format!(
        "{date}T{}:{}:{}.{millis:03}Z",
        part(9, 11),
        part(11, 13),
        part(13, 15)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_service_writes_them() {
        let check = |millis, expected| {
            assert_eq!(time(WallTime::from_millis(millis)), Some(Document::timestamp(expected)));
        };
        check(1_744_775_174_946, "2025-04-16T03:46:14.946Z");
        check(0, "1970-01-01T00:00:00.000Z");
    }
}
