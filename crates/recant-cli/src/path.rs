//! Dotted paths into a result (`InvalidationList.Items`), as paginators and waiters name them.

use recant_wire::document::{Document, Members};

/// What stands at the path; `Null` counts as nothing.
pub(crate) fn get<'a>(value: &'a Document, path: &str) -> Option<&'a Document> {
    path.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// What stands at the path, to be changed.
pub(crate) fn get_mut<'a>(members: &'a mut Members, path: &str) -> Option<&'a mut Document> {
    match path.split_once('.') {
        None => members.get_mut(path),
        Some((first, rest)) => match members.get_mut(first)? {
            Document::Structure(inner) => get_mut(inner, rest),
            _ => None,
        },
    }
}

/// Puts a value at the path and makes the structures on the way.
pub(crate) fn set(members: &mut Members, path: &str, value: Document) {
    match path.split_once('.') {
        None => {
            members.insert(path, value);
        }
        Some((first, rest)) => {
            if !matches!(members.get(first), Some(Document::Structure(_))) {
                members.insert(first, Members::new());
            }
            if let Some(Document::Structure(inner)) = members.get_mut(first) {
                set(inner, rest, value);
            }
        }
    }
}
