//! What no text may hold, wherever it comes from: the characters that XML 1.0 (section 2.2) has no spelling for.
//!
//! A body in XML cannot bring them. JSON, YAML and percent-encoding can, and then a PostgreSQL does not keep the text (it has no
//! U+0000), or an answer in XML could not tell it.

use recant_wire::document::Document;
use recant_wire::xml;

use crate::error::{ApiError, excerpt};

/// Looks at every text of a document, and at the names of its members.
///
/// # Errors
/// [`ApiError::InvalidArgument`] for the first such character, by the path of its member.
pub(crate) fn characters(document: &Document) -> Result<(), ApiError> {
    match find("", document) {
        None => Ok(()),
        Some((path, character)) => Err(ApiError::InvalidArgument(format!(
            "{}: the character U+{:04X} is not allowed.",
            excerpt(&path),
            u32::from(character)
        ))),
    }
}

fn find(path: &str, document: &Document) -> Option<(String, char)> {
    match document {
        Document::Structure(members) => members.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            illegal(name).map(|character| (path.clone(), character)).or_else(|| find(&path, value))
        }),
        Document::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| find(&format!("{path}[{index}]"), item))
        }
        Document::String(text) | Document::Timestamp(text) => {
            illegal(text).map(|character| (path.to_owned(), character))
        }
        _ => None,
    }
}

fn illegal(text: &str) -> Option<char> {
    text.chars().find(|character| !xml::is_legal(*character))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_text_is_looked_at() {
        let check = |document: Value, expected: Option<&str>| {
            let refused = characters(&Document::from(document)).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), expected);
        };
        check(json!({"A": "tab\t, line\r\n, \u{7f}, \u{85}, \u{10ffff}", "B": [1, null, true]}), None);
        check(json!({"A": {"B": ["x", "y\u{0}"]}}), Some("A.B[1]: the character U+0000 is not allowed."));
        check(json!({"A": [{"B": "\u{1f}"}]}), Some("A[0].B: the character U+001F is not allowed."));
        check(json!({"A\u{b}": 1}), Some("A\\u{b}: the character U+000B is not allowed."));
        check(json!({"A": "\u{ffff}"}), Some("A: the character U+FFFF is not allowed."));
    }
}
