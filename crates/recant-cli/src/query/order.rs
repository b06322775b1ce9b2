//! Equality and order of values, as Python and the AWS CLI's library see them.

use std::cmp::Ordering;

use recant_wire::document::Document;

use super::evaluate::EvaluateError;

/// Whether `==` holds. A number is never a truth value, though Python would say that `1` is `True`; inside of lists and structures it is.
pub(super) fn equals(left: &Document, right: &Document) -> bool {
    let is_bit = |value: &Document| is_number(value) && [0.0, 1.0].contains(&approximate(value));
    let is_flag = |value: &Document| matches!(value, Document::Boolean(_));
    if (is_bit(left) && is_flag(right)) || (is_bit(right) && is_flag(left)) {
        return false;
    }
    same(left, right)
}

/// Python's `==`.
pub(super) fn same(left: &Document, right: &Document) -> bool {
    match (left, right) {
        (Document::Null, Document::Null) => true,
        (
            Document::String(left) | Document::Timestamp(left),
            Document::String(right) | Document::Timestamp(right),
        ) => left == right,
        (Document::Blob(left), Document::Blob(right)) => left == right,
        (Document::List(left), Document::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Document::Structure(left), Document::Structure(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => as_number(left).is_some_and(|left| {
            as_number(right).is_some_and(|right| numeric(&left, &right) == Some(Ordering::Equal))
        }),
    }
}

/// Whether a value can be compared by order at all: numbers and texts.
pub(super) fn has_order(value: &Document) -> bool {
    is_number(value) || matches!(value, Document::String(_) | Document::Timestamp(_))
}

/// Whether a value is a number; truth values are none.
pub(super) fn is_number(value: &Document) -> bool {
    matches!(value, Document::Integer(_) | Document::BigInteger(_) | Document::Float(_))
}

/// The order of two numbers or two texts; none if one is no number at all (NaN).
///
/// # Errors
///
/// When one is a number and the other a text.
pub(super) fn compare(
    left: &Document,
    right: &Document,
    operator: &'static str,
) -> Result<Option<Ordering>, EvaluateError> {
    match (left, right) {
        (
            Document::String(left) | Document::Timestamp(left),
            Document::String(right) | Document::Timestamp(right),
        ) => Ok(Some(left.cmp(right))),
        (left, right) if is_number(left) && is_number(right) => Ok(numeric(left, right)),
        _ => Err(EvaluateError::Unordered { operator, left: python_type(left), right: python_type(right) }),
    }
}

/// Python's name of a value's type.
pub(super) fn python_type(value: &Document) -> &'static str {
    match value {
        Document::Null => "NoneType",
        Document::Boolean(_) => "bool",
        Document::Integer(_) | Document::BigInteger(_) => "int",
        Document::Float(_) => "float",
        Document::String(_) | Document::Timestamp(_) => "str",
        Document::Blob(_) => "bytes",
        Document::List(_) => "list",
        Document::Structure(_) => "dict",
    }
}

/// A number or a truth value as a number.
fn as_number(value: &Document) -> Option<Document> {
    match value {
        Document::Boolean(flag) => Some(Document::Integer(i64::from(*flag))),
        number if is_number(number) => Some(number.clone()),
        _ => None,
    }
}

/// The order of two numbers; whole ones exactly, however long.
fn numeric(left: &Document, right: &Document) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(whole_order(&left, &right)),
        _ => approximate(left).partial_cmp(&approximate(right)),
    }
}

/// The digits of a whole number.
fn whole(value: &Document) -> Option<String> {
    match value {
        Document::Integer(number) => Some(number.to_string()),
        Document::BigInteger(digits) => Some(digits.clone()),
        _ => None,
    }
}

/// Digits without leading zeros: the longer one is further from zero.
fn whole_order(left: &str, right: &str) -> Ordering {
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (Some(left), Some(right)) => right.len().cmp(&left.len()).then_with(|| right.cmp(left)),
    }
}

/// A number as a float.
pub(super) fn approximate(value: &Document) -> f64 {
    match value {
        Document::Integer(number) => *number as f64,
        Document::BigInteger(digits) => digits.parse().unwrap_or(f64::NAN),
        Document::Float(number) => *number,
        _ => f64::NAN,
    }
}
