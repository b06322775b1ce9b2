//! JMESPath's functions: what each takes, and what it gives.

use std::cmp::Ordering;

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::evaluate::{EvaluateError, evaluate};
use super::order::{self, approximate, python_type};
use super::parser::Node;
use crate::input::convert;
use crate::output::json;

/// What a function is given.
pub(super) enum Argument<'a> {
    /// A value.
    Value(Document),
    /// `&expression`, which the function applies itself.
    Expression(&'a Node),
}

/// The types that an argument may have, as the library lists them; none takes everything.
type Types = &'static [&'static str];

const ANY: Types = &[];
const NUMBER: Types = &["number"];
const STRING: Types = &["string"];
const ARRAY: Types = &["array"];
const OBJECT: Types = &["object"];
const NUMBERS: Types = &["array-number"];
const STRINGS: Types = &["array-string"];
const EXPRESSION: Types = &["expref"];
const ARRAY_OR_STRING: Types = &["array", "string"];
const NUMBERS_OR_STRINGS: Types = &["array-number", "array-string"];

/// What a function takes, and whether the last type may be repeated.
fn signature(name: &str) -> Option<(&'static [Types], bool)> {
    Some(match name {
        "abs" | "ceil" | "floor" => (&[NUMBER], false),
        "avg" | "sum" => (&[NUMBERS], false),
        "not_null" => (&[ANY], true),
        "to_array" | "to_string" | "to_number" | "type" => (&[ANY], false),
        "contains" => (&[ARRAY_OR_STRING, ANY], false),
        "length" => (&[&["string", "array", "object"]], false),
        "ends_with" | "starts_with" => (&[STRING, STRING], false),
        "reverse" => (&[ARRAY_OR_STRING], false),
        "join" => (&[STRING, STRINGS], false),
        "map" => (&[EXPRESSION, ARRAY], false),
        "max" | "min" => (&[NUMBERS_OR_STRINGS], false),
        "sort" => (&[&["array-string", "array-number"]], false),
        "merge" => (&[OBJECT], true),
        "keys" | "values" => (&[OBJECT], false),
        "sort_by" | "min_by" | "max_by" => (&[ARRAY, EXPRESSION], false),
        _ => return None,
    })
}

/// Calls a function.
///
/// # Errors
///
/// A name that is none, arguments of another number or type.
pub(super) fn call(name: &str, arguments: Vec<Argument<'_>>) -> Result<Document, EvaluateError> {
    let Some((types, at_least)) = signature(name) else {
        return Err(EvaluateError::UnknownFunction(name.to_owned()));
    };
    let (expected, received) = (types.len(), arguments.len());
    if received < expected || (received > expected && !at_least) {
        let function = name.to_owned();
        return Err(EvaluateError::Arity { function, expected, received, at_least });
    }
    for (argument, types) in arguments.iter().zip(types) {
        check(name, argument, types)?;
    }
    let mut expression = None;
    let mut values = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Value(value) => values.push(value),
            Argument::Expression(node) => expression = Some(node),
        }
    }
    match expression {
        Some(node) => by_expression(name, node, values.into_iter().next().unwrap_or_default()),
        None => by_value(name, values),
    }
}

/// Holds an argument against its types; of a list with typed elements these too.
fn check(function: &str, argument: &Argument<'_>, types: Types) -> Result<(), EvaluateError> {
    if types.is_empty() {
        return match argument {
            Argument::Value(_) => Ok(()),
            Argument::Expression(_) => Err(EvaluateError::Reference),
        };
    }
    let wrong = |value: String, received: &'static str| EvaluateError::Type {
        function: function.to_owned(),
        value,
        expected: shown(types),
        received,
    };
    let value = match argument {
        Argument::Value(value) => value,
        Argument::Expression(_) if types == EXPRESSION => return Ok(()),
        Argument::Expression(_) => {
            return Err(wrong("<jmespath.visitor._Expression object>".into(), "expref"));
        }
    };
    let own = type_of(value);
    if !types.iter().any(|allowed| allowed.split('-').next() == Some(own)) {
        return Err(wrong(python::str(value), own));
    }
    let elements: Vec<&str> =
        types.iter().filter_map(|allowed| allowed.split_once('-')).map(|(_, of)| of).collect();
    let Some(values) = value.as_list().filter(|values| !elements.is_empty() && !values.is_empty()) else {
        return Ok(());
    };
    // Where two types are allowed the first element decides.
    let of = match elements.as_slice() {
        [only] => only,
        several => {
            let first = &values[0];
            let of = several.iter().find(|of| type_of(first) == **of);
            of.ok_or_else(|| wrong(python::str(first), python_type(first)))?
        }
    };
    match values.iter().find(|value| type_of(value) != *of) {
        Some(odd) => Err(wrong(python::str(odd), python_type(odd))),
        None => Ok(()),
    }
}

fn shown(types: &[&str]) -> String {
    python::repr(&Document::list(types.iter().copied()))
}

/// JMESPath's name of a value's type.
fn type_of(value: &Document) -> &'static str {
    match value {
        Document::Null => "null",
        Document::Boolean(_) => "boolean",
        Document::Integer(_) | Document::BigInteger(_) | Document::Float(_) => "number",
        Document::String(_) | Document::Timestamp(_) => "string",
        Document::List(_) => "array",
        Document::Structure(_) => "object",
        Document::Blob(_) => "unknown",
    }
}

fn by_value(name: &str, values: Vec<Document>) -> Result<Document, EvaluateError> {
    let mut values = values.into_iter();
    if name == "not_null" {
        return Ok(values.find(|value| !value.is_null()).unwrap_or_default());
    }
    if name == "merge" {
        let mut merged = Members::new();
        for value in values {
            if let Document::Structure(members) = value {
                merged.extend(members);
            }
        }
        return Ok(Document::Structure(merged));
    }
    let first = values.next().unwrap_or_default();
    match (name, values.next()) {
        ("contains", Some(wanted)) => contains(&first, &wanted),
        ("ends_with", Some(end)) => Ok(Document::Boolean(text(&first).ends_with(text(&end)))),
        ("starts_with", Some(start)) => Ok(Document::Boolean(text(&first).starts_with(text(&start)))),
        ("join", Some(texts)) => {
            let texts: Vec<&str> = list(&texts).iter().map(text).collect();
            Ok(texts.join(text(&first)).into())
        }
        ("avg" | "sum" | "abs" | "ceil" | "floor", _) => arithmetic(name, first),
        ("max", _) => extreme(&first, list(&first), Ordering::Greater),
        ("min", _) => extreme(&first, list(&first), Ordering::Less),
        ("sort", _) => sorted(first.clone(), list(&first).to_vec()),
        _ => Ok(one_value(name, first)),
    }
}

/// Functions of one value of many types, which cannot fail.
fn one_value(name: &str, value: Document) -> Document {
    match (name, value) {
        ("to_array", value @ Document::List(_)) => value,
        ("to_array", value) => Document::List(vec![value]),
        ("to_string", value @ (Document::String(_) | Document::Timestamp(_))) => value,
        ("to_string", value) => ascii(&json::compact(&value)).into(),
        ("to_number", value) => to_number(value),
        ("type", value) => type_of(&value).into(),
        ("length", Document::List(values)) => values.len().into(),
        ("length", Document::Structure(members)) => members.len().into(),
        ("length", value) => text(&value).chars().count().into(),
        ("reverse", Document::List(values)) => Document::List(values.into_iter().rev().collect()),
        ("reverse", value) => text(&value).chars().rev().collect::<String>().into(),
        ("keys", Document::Structure(members)) => Document::list(members.iter().map(|(name, _)| name)),
        ("values", Document::Structure(members)) => {
            Document::List(members.into_iter().map(|(_, value)| value).collect())
        }
        _ => Document::Null,
    }
}

fn by_expression(name: &str, node: &Node, values: Document) -> Result<Document, EvaluateError> {
    let values = list(&values).to_vec();
    let keys: Result<Vec<Document>, EvaluateError> =
        values.iter().map(|value| evaluate(node, value)).collect();
    if name == "map" {
        return Ok(Document::List(keys?));
    }
    let wrong = |value: &Document, received, expected: &[&str]| EvaluateError::Type {
        function: name.to_owned(),
        value: python::str(value),
        expected: shown(expected),
        received,
    };
    let Some(first) = values.first() else {
        return Ok(if name == "sort_by" { Document::List(values) } else { Document::Null });
    };
    let keys = keys?;
    let kind = type_of(&keys[0]);
    let either: &[&str] = if name == "sort_by" { &["string", "number"] } else { &["number", "string"] };
    if !either.contains(&kind) {
        let shown = if name == "sort_by" { first } else { &keys[0] };
        return Err(wrong(shown, kind, either));
    }
    // Sorting wants one type for all; the extremes compare one by one.
    let allowed = if name == "sort_by" { &[kind][..] } else { either };
    if let Some(odd) = keys.iter().find(|key| !allowed.contains(&type_of(key))) {
        return Err(wrong(odd, type_of(odd), allowed));
    }
    let values = Document::List(values);
    match name {
        "max_by" => extreme(&values, &keys, Ordering::Greater),
        "min_by" => extreme(&values, &keys, Ordering::Less),
        _ => sorted(values, keys),
    }
}

/// The first of the values whose key is the largest or smallest.
fn extreme(values: &Document, keys: &[Document], wanted: Ordering) -> Result<Document, EvaluateError> {
    let operator = if wanted == Ordering::Greater { ">" } else { "<" };
    let mut best: Option<usize> = None;
    for (index, key) in keys.iter().enumerate() {
        let is_better = match best {
            None => true,
            Some(best) => order::compare(key, &keys[best], operator)? == Some(wanted),
        };
        if is_better {
            best = Some(index);
        }
    }
    Ok(best.map(|index| list(values)[index].clone()).unwrap_or_default())
}

/// The values in the order of their keys; equal ones stay as they are.
fn sorted(values: Document, keys: Vec<Document>) -> Result<Document, EvaluateError> {
    let Document::List(values) = values else { return Ok(values) };
    let mut pairs: Vec<(Document, Document)> = keys.into_iter().zip(values).collect();
    pairs.sort_by(|(left, _), (right, _)| {
        order::compare(left, right, "<").ok().flatten().unwrap_or(Ordering::Equal)
    });
    Ok(Document::List(pairs.into_iter().map(|(_, value)| value).collect()))
}

fn contains(subject: &Document, wanted: &Document) -> Result<Document, EvaluateError> {
    match (subject, wanted) {
        (Document::List(values), wanted) => {
            Ok(Document::Boolean(values.iter().any(|value| order::same(value, wanted))))
        }
        (subject, Document::String(part) | Document::Timestamp(part)) => {
            Ok(Document::Boolean(text(subject).contains(part.as_str())))
        }
        (_, other) => Err(EvaluateError::NotInText(python_type(other))),
    }
}

fn arithmetic(name: &str, value: Document) -> Result<Document, EvaluateError> {
    match (name, value) {
        ("avg" | "sum", Document::List(values)) => {
            let count = values.len();
            match (name, sum(&values)) {
                ("sum", sum) => Ok(sum),
                (_, _) if count == 0 => Ok(Document::Null),
                (_, sum) => Ok(Document::Float(approximate(&sum) / count as f64)),
            }
        }
        ("abs", Document::Integer(number)) => Ok(number
            .checked_abs()
            .map_or_else(|| Document::BigInteger(number.unsigned_abs().to_string()), Document::Integer)),
        ("abs", Document::BigInteger(digits)) => {
            Ok(Document::BigInteger(digits.trim_start_matches('-').to_owned()))
        }
        ("abs", Document::Float(number)) => Ok(Document::Float(number.abs())),
        (name, Document::Float(number)) => {
            if number.is_nan() {
                return Err(EvaluateError::NotWhole("NaN"));
            }
            if number.is_infinite() {
                return Err(EvaluateError::NotWhole("infinity"));
            }
            let whole = if name == "ceil" { number.ceil() } else { number.floor() };
            let digits = format!("{whole:.0}");
            Ok(convert::integer(if digits == "-0" { "0" } else { &digits }))
        }
        (_, whole) => Ok(whole),
    }
}

/// The sum of numbers: whole if all are, and exact below 38 digits.
fn sum(values: &[Document]) -> Document {
    let whole = |value: &Document| match value {
        Document::Integer(number) => Some(i128::from(*number)),
        Document::BigInteger(digits) => digits.parse().ok(),
        _ => None,
    };
    let exact = values.iter().try_fold(0_i128, |sum, value| sum.checked_add(whole(value)?));
    match exact {
        Some(sum) => convert::integer(&sum.to_string()),
        None => Document::Float(values.iter().map(approximate).sum()),
    }
}

fn to_number(value: Document) -> Document {
    match value {
        Document::String(text) | Document::Timestamp(text) => {
            convert::python_int(&text).or_else(|_| convert::python_float(&text)).unwrap_or_default()
        }
        number if order::is_number(&number) => number,
        _ => Document::Null,
    }
}

/// JSON with everything beyond ASCII escaped.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

fn text(value: &Document) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Document) -> &[Document] {
    value.as_list().unwrap_or_default()
}
