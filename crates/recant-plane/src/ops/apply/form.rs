//! The form of what is declared: that of the operation which would make it.

use recant_wire::document::{Document, Members};
use recant_wire::model::{self, Kind, Shape};
use recant_wire::validate::validate;

use super::ApplyError;
use crate::config_check::{constraints, quantities};

/// Holds an input against its operation's shape, and fills in every `Quantity` that is left out.
///
/// # Errors
/// All that is wrong with its form, by the members' paths.
pub(super) fn checked(at: &str, operation: &str, input: Members) -> Result<Document, ApplyError> {
    let operation = model::operation(operation).expect("it is in the model");
    let input = counted(operation.input, Document::Structure(input));
    let problems = validate(operation.input, &input);
    if !problems.is_empty() {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(ApplyError::new(at, problems.join("; ")));
    }
    constraints(operation, &input).map_err(ApplyError::of(at))?;
    quantities(operation.name, &input).map_err(ApplyError::of(at))?;
    Ok(input)
}

/// People do not count: `Items` without the `Quantity` that its structure has gets it.
fn counted(shape: &Shape, value: Document) -> Document {
    match (&shape.kind, value) {
        (Kind::Structure(structure), Document::Structure(mut members)) => {
            for member in structure.members {
                if let Some(value) = members.remove(member.name) {
                    members.insert(member.name, counted(member.shape, value));
                }
            }
            let counts = structure.members.iter().any(|member| member.name == "Quantity");
            let quantity = members.get("Items").and_then(Document::as_list).map(<[Document]>::len);
            if let Some(quantity) = quantity.filter(|_| counts && !members.contains("Quantity")) {
                members.insert("Quantity", quantity);
            }
            Document::Structure(members)
        }
        (Kind::List(list), Document::List(items)) => {
            Document::List(items.into_iter().map(|item| counted(list.element, item)).collect())
        }
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_counted_is_counted() {
        let operation = model::operation("CreateDistribution").unwrap();
        let given = json!({"DistributionConfig": {
            "Origins": {"Items": [{"Id": "a", "CustomHeaders": {"Items": []}}]},
            "Aliases": {"Quantity": 7, "Items": []},
        }});
        let counted = serde_json::Value::from(counted(operation.input, Document::from(given)));
        let expected = json!({"DistributionConfig": {
            "Origins": {"Items": [{"Id": "a", "CustomHeaders": {"Items": [], "Quantity": 0}}], "Quantity": 1},
            "Aliases": {"Quantity": 7, "Items": []},
        }});
        assert_eq!(counted, expected);
    }
}
