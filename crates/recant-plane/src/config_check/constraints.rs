//! The model's own rules, checked for every operation alike: what is required, enumerated or bounded in length.
//!
//! Only what travels in the body: an empty label or a missing `If-Match` has an answer of its own in each operation.
//! The service answers these with `MalformedXML` and the words of its validation layer (CLOUDFRONT.md section 1.3).

use recant_wire::document::Document;
use recant_wire::model::{Kind, Location, Operation, Shape};

use crate::error::ApiError;

/// Checks an operation's input against its shape.
///
/// # Errors
/// [`ApiError::MalformedXml`] for the first member that breaks a rule.
pub(crate) fn constraints(operation: &Operation, input: &Document) -> Result<(), ApiError> {
    let in_body = operation.members().iter().filter(|member| member.location == Location::Body);
    for member in in_body {
        self::member(member.name, member.required, member.shape, input.get(member.name))?;
    }
    Ok(())
}

fn member(path: &str, required: bool, shape: &Shape, value: Option<&Document>) -> Result<(), ApiError> {
    match value.filter(|value| !value.is_null()) {
        Some(value) => self::value(path, shape, value),
        None if required => Err(ApiError::null_member(path)),
        None => Ok(()),
    }
}

fn value(path: &str, shape: &Shape, value: &Document) -> Result<(), ApiError> {
    match (&shape.kind, value) {
        (Kind::Structure(structure), Document::Structure(members)) => {
            structure.members.iter().try_for_each(|it| {
                member(&format!("{path}.{}", it.name), it.required, it.shape, members.get(it.name))
            })
        }
        (Kind::List(list), Document::List(items)) => {
            length(path, shape, items.len(), "[]")?;
            items.iter().enumerate().try_for_each(|(at, item)| {
                // The service counts elements from one, as in 'origins.items.1.member.id'.
                self::value(&format!("{path}.{}.member", at + 1), list.element, item)
            })
        }
        (Kind::String, Document::String(text)) => {
            // An empty text asks for nothing; whether it may is for the operation to say.
            if text.is_empty() {
                return Ok(());
            }
            if !shape.values.is_empty() && !shape.values.contains(&text.as_str()) {
                let allowed = shape.values.join(", ");
                let constraint = format!("Member must satisfy enum value set: [{allowed}]");
                return Err(ApiError::constraint(path, text, &constraint));
            }
            length(path, shape, text.chars().count(), text)
        }
        _ => Ok(()),
    }
}

fn length(path: &str, shape: &Shape, length: usize, shown: &str) -> Result<(), ApiError> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let breaks = |bound: &str, limit: i64| {
        ApiError::constraint(
            path,
            shown,
            &format!("Member must have length {bound} than or equal to {limit}"),
        )
    };
    match (shape.min, shape.max) {
        (Some(min), _) if length < min => Err(breaks("greater", min)),
        (_, Some(max)) if length > max => Err(breaks("less", max)),
        _ => Ok(()),
    }
}
