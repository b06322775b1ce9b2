//! An expression's value for a document.
//!
//! As the AWS CLI's library has it, Python shows through in two places: what has no order ends the call with Python's own words, and
//! numbers keep their kind (`1`, `1.0`, whole numbers of any length).

use recant_wire::document::{Document, Members};

use super::functions::{self, Argument};
use super::order;
use super::parser::{Comparator, Node};

/// Why an expression has no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EvaluateError {
    /// A function that there is not.
    #[error("Unknown function: {0}()")]
    UnknownFunction(String),
    /// Too few or too many arguments.
    #[error("Expected {}{expected} argument{} for function {function}(), received {received}",
        if *.at_least { "at least " } else { "" }, if *.expected == 1 { "" } else { "s" })]
    Arity {
        /// The function's name.
        function: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        received: usize,
        /// Whether it takes more, too.
        at_least: bool,
    },
    /// An argument, or an element of it, of another type.
    #[error(
        "In function {function}(), invalid type for value: {value}, expected one of: {expected}, received: \"{received}\""
    )]
    Type {
        /// The function's name.
        function: String,
        /// The value as Python shows it.
        value: String,
        /// The types, as Python shows a list of them.
        expected: String,
        /// The value's type.
        received: &'static str,
    },
    /// Two values that cannot be ordered.
    #[error("'{operator}' not supported between instances of '{left}' and '{right}'")]
    Unordered {
        /// As in the expression, or as Python compares.
        operator: &'static str,
        /// Python's name of a type.
        left: &'static str,
        /// Python's name of a type.
        right: &'static str,
    },
    /// A text is asked whether it contains something else.
    #[error("'in <string>' requires string as left operand, not {0}")]
    NotInText(&'static str),
    /// `[::0]`.
    #[error("slice step cannot be zero")]
    StepZero,
    /// `ceil` and `floor` of an infinity or of no number.
    #[error("cannot convert float {0} to integer")]
    NotWhole(&'static str),
    /// `&a` where no function takes it.
    #[error("Object of type _Expression is not JSON serializable")]
    Reference,
}

/// Applies a node to a value.
///
/// # Errors
///
/// A function that is not there or does not take what it is given, values without order.
pub(super) fn evaluate(node: &Node, value: &Document) -> Result<Document, EvaluateError> {
    match node {
        Node::Identity => Ok(value.clone()),
        Node::Field(name) => Ok(value.get(name).cloned().unwrap_or_default()),
        Node::Literal(literal) => Ok(literal.clone()),
        Node::Index(index) => Ok(element(value, *index).cloned().unwrap_or_default()),
        Node::Slice(parts) => match value {
            Document::List(values) => Ok(Document::List(slice(values, *parts)?)),
            _ => Ok(Document::Null),
        },
        Node::Chain(nodes) => {
            let mut nodes = nodes.iter();
            let first = nodes.next().map_or_else(|| Ok(value.clone()), |node| evaluate(node, value))?;
            nodes.try_fold(first, |value, node| evaluate(node, &value))
        }
        Node::Projection(left, right) => match evaluate(left, value)? {
            Document::List(values) => project(right, values.iter()),
            _ => Ok(Document::Null),
        },
        Node::ValueProjection(left, right) => match evaluate(left, value)? {
            Document::Structure(members) => project(right, members.iter().map(|(_, value)| value)),
            _ => Ok(Document::Null),
        },
        Node::Filter(left, right, condition) => match evaluate(left, value)? {
            Document::List(values) => {
                let mut kept = Vec::new();
                for value in values {
                    if is_true(&evaluate(condition, &value)?) {
                        kept.push(value);
                    }
                }
                project(right, kept.iter())
            }
            _ => Ok(Document::Null),
        },
        Node::Flatten(inner) => match evaluate(inner, value)? {
            Document::List(values) => Ok(Document::List(flattened(values))),
            _ => Ok(Document::Null),
        },
        Node::Comparison(comparator, left, right) => {
            compare(*comparator, &evaluate(left, value)?, &evaluate(right, value)?)
        }
        Node::Or(left, right) => match evaluate(left, value)? {
            found if is_true(&found) => Ok(found),
            _ => evaluate(right, value),
        },
        Node::And(left, right) => match evaluate(left, value)? {
            found if is_true(&found) => evaluate(right, value),
            found => Ok(found),
        },
        Node::Not(inner) => Ok(Document::Boolean(!is_true(&evaluate(inner, value)?))),
        Node::Reference(_) => Err(EvaluateError::Reference),
        Node::Call(name, arguments) => {
            let arguments: Result<Vec<Argument<'_>>, EvaluateError> = arguments
                .iter()
                .map(|argument| match argument {
                    Node::Reference(inner) => Ok(Argument::Expression(inner)),
                    other => evaluate(other, value).map(Argument::Value),
                })
                .collect();
            functions::call(name, arguments?)
        }
        Node::List(_) | Node::Hash(_) if value.is_null() => Ok(Document::Null),
        Node::List(nodes) => {
            let values: Result<Vec<Document>, EvaluateError> =
                nodes.iter().map(|node| evaluate(node, value)).collect();
            Ok(Document::List(values?))
        }
        Node::Hash(pairs) => {
            let mut members = Members::new();
            for (name, node) in pairs {
                members.insert(name, evaluate(node, value)?);
            }
            Ok(Document::Structure(members))
        }
    }
}

/// Each element's value by `node`, without those that are null.
fn project<'a>(node: &Node, values: impl Iterator<Item = &'a Document>) -> Result<Document, EvaluateError> {
    let mut out = Vec::new();
    for value in values {
        let found = evaluate(node, value)?;
        if !found.is_null() {
            out.push(found);
        }
    }
    Ok(Document::List(out))
}

fn flattened(values: Vec<Document>) -> Vec<Document> {
    let mut out = Vec::new();
    for value in values {
        match value {
            Document::List(inner) => out.extend(inner),
            other => out.push(other),
        }
    }
    out
}

/// Whether a value counts as true: what is empty, null or false does not, 0 does.
fn is_true(value: &Document) -> bool {
    match value {
        Document::Null => false,
        Document::Boolean(flag) => *flag,
        Document::String(text) => !text.is_empty(),
        Document::List(values) => !values.is_empty(),
        Document::Structure(members) => !members.is_empty(),
        _ => true,
    }
}

/// The element at an index, which counts from the end if it is negative.
fn element(value: &Document, index: i64) -> Option<&Document> {
    let values = value.as_list()?;
    let index = if index < 0 { index.checked_add_unsigned(values.len() as u64)? } else { index };
    values.get(usize::try_from(index).ok()?)
}

/// Python's slices: bounds are clamped, a negative step goes backwards.
fn slice(values: &[Document], [start, stop, step]: [Option<i64>; 3]) -> Result<Vec<Document>, EvaluateError> {
    let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(EvaluateError::StepZero);
    }
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<i64>, absent: i64| match bound {
        None => absent,
        Some(bound) if bound < 0 => bound.saturating_add(length).max(lowest),
        Some(bound) => bound.min(highest),
    };
    let (first, end) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
    let (mut at, end) = (bound(start, first), bound(stop, end));
    let mut out = Vec::new();
    while if step > 0 { at < end } else { at > end } {
        out.extend(usize::try_from(at).ok().and_then(|at| values.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(out)
}

fn compare(comparator: Comparator, left: &Document, right: &Document) -> Result<Document, EvaluateError> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (operator, wanted): (_, &[std::cmp::Ordering]) = match comparator {
        Comparator::Eq => return Ok(Document::Boolean(order::equals(left, right))),
        Comparator::Ne => return Ok(Document::Boolean(!order::equals(left, right))),
        Comparator::Lt => ("<", &[Less]),
        Comparator::Lte => ("<=", &[Less, Equal]),
        Comparator::Gt => (">", &[Greater]),
        Comparator::Gte => (">=", &[Greater, Equal]),
    };
    if !order::has_order(left) || !order::has_order(right) {
        return Ok(Document::Null);
    }
    let ordering = order::compare(left, right, operator)?;
    Ok(Document::Boolean(ordering.is_some_and(|ordering| wanted.contains(&ordering))))
}
