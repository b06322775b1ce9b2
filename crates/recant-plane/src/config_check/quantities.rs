//! Every `Quantity` is the number of its `Items`.

use recant_wire::document::{Document, Members};

use crate::error::ApiError;

/// Checks each structure of `Quantity` and `Items` in `document`, outermost first; `noun` names the document itself.
///
/// The service's sentence speaks of the structure by its member name, as in "quantity of Paths".
///
/// # Errors
/// [`ApiError::InconsistentQuantities`] for the first that does not match.
pub(crate) fn quantities(noun: &str, document: &Document) -> Result<(), ApiError> {
    match document {
        Document::Structure(members) => {
            check(noun, members)?;
            members.iter().try_for_each(|(name, value)| quantities(name, value))
        }
        Document::List(items) => items.iter().try_for_each(|item| quantities(noun, item)),
        _ => Ok(()),
    }
}

fn check(noun: &str, members: &Members) -> Result<(), ApiError> {
    let Some(Document::Integer(stated)) = members.get("Quantity") else { return Ok(()) };
    let actual = match members.get("Items") {
        Some(Document::List(items)) => items.len(),
        _ => 0,
    };
    if i64::try_from(actual) == Ok(*stated) {
        return Ok(());
    }
    Err(ApiError::InconsistentQuantities { noun: noun.to_owned(), stated: *stated, actual })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_level_is_counted() {
        let check = |document: Value, expected: Result<(), &str>| {
            let got = quantities("Request", &Document::from(document)).map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(str::to_owned));
        };
        check(json!({"Paths": {"Quantity": 0}}), Ok(()));
        check(json!({"Paths": {"Quantity": 1, "Items": ["/a"]}}), Ok(()));
        check(
            json!({"Paths": {"Quantity": 1, "Items": ["/a", "/b"]}}),
            Err("The specified quantity of Paths (1) does not match the actual quantity supplied (2)."),
        );
        check(
            json!({"Origins": {"Quantity": 1, "Items": [{"CustomHeaders": {"Quantity": 2}}]}}),
            Err(
                "The specified quantity of CustomHeaders (2) does not match the actual quantity supplied (0).",
            ),
        );
    }
}
