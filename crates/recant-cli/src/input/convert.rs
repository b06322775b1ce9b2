//! From what was typed to values of the right type.
//!
//! The rules are the AWS CLI's, which converts early and leniently (integers are whatever Python's `int` takes, a lone value of a list
//! member is wrapped) and leaves every other disagreement with the shape to validation.

use recant_wire::document::{Document, Members};
use recant_wire::model::{Kind, Shape};

use super::shorthand::Shorthand;
use crate::error::Error;
use recant_wire::python;

/// Gives shorthand the types of its shape; what the shape does not know stays text.
///
/// # Errors
///
/// A number that is none.
pub(crate) fn typed(shape: &Shape, value: Shorthand) -> Result<Document, Error> {
    match (&shape.kind, value) {
        (Kind::Structure(_), Shorthand::Hash(members)) => {
            let typed: Result<Members, Error> = members
                .into_iter()
                .map(|(name, value)| {
                    let value = match shape.member(&name) {
                        Some(member) => typed(member.shape, value)?,
                        None => untyped(value),
                    };
                    Ok((name, value))
                })
                .collect();
            Ok(Document::Structure(typed?))
        }
        (Kind::List(list), Shorthand::List(values)) => {
            let typed: Result<Vec<Document>, Error> =
                values.into_iter().map(|value| typed(list.element, value)).collect();
            Ok(Document::List(typed?))
        }
        (Kind::List(_), value) => Ok(Document::List(vec![untyped(value)])),
        (Kind::Integer | Kind::Long, Shorthand::Text(text)) => python_int(&text),
        (Kind::Integer | Kind::Long, value) => Err(Error::general(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(&value)
        ))),
        (Kind::Float | Kind::Double, Shorthand::Text(text)) => python_float(&text),
        (Kind::Float | Kind::Double, value) => Err(Error::general(format!(
            "float() argument must be a string or a real number, not '{}'",
            type_name(&value)
        ))),
        (Kind::Boolean, Shorthand::Text(text)) => Ok(match text.to_lowercase().as_str() {
            "true" => Document::Boolean(true),
            "false" => Document::Boolean(false),
            _ => Document::String(text),
        }),
        (Kind::Boolean, value) => {
            Err(Error::general(format!("true or false is expected, not a '{}'", type_name(&value))))
        }
        (_, value) => Ok(untyped(value)),
    }
}

/// Shorthand without a shape.
pub(crate) fn untyped(value: Shorthand) -> Document {
    match value {
        Shorthand::Text(text) => Document::String(text),
        Shorthand::Bytes(bytes) => Document::Blob(bytes),
        Shorthand::List(values) => Document::List(values.into_iter().map(untyped).collect()),
        Shorthand::Hash(members) => {
            Document::Structure(members.into_iter().map(|(name, value)| (name, untyped(value))).collect())
        }
    }
}

fn type_name(value: &Shorthand) -> &'static str {
    match value {
        Shorthand::Text(_) => "str",
        Shorthand::Bytes(_) => "bytes",
        Shorthand::List(_) => "list",
        Shorthand::Hash(_) => "dict",
    }
}

/// Gives one word of the command line the type of a scalar.
///
/// # Errors
///
/// A number that is none.
pub(crate) fn scalar(shape: &Shape, text: String) -> Result<Document, Error> {
    match shape.kind {
        Kind::Integer | Kind::Long => python_int(&text),
        Kind::Float | Kind::Double => python_float(&text),
        Kind::Boolean => Ok(Document::Boolean(!text.eq_ignore_ascii_case("false") && !text.is_empty())),
        _ => Ok(Document::String(text)),
    }
}

/// A whole number of any length, from digits with an optional sign and nothing else.
pub(crate) fn integer(digits: &str) -> Document {
    match digits.parse() {
        Ok(number) => Document::Integer(number),
        Err(_) => {
            let (sign, digits) = match digits.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", digits.strip_prefix('+').unwrap_or(digits)),
            };
            Document::BigInteger(format!("{sign}{}", digits.trim_start_matches('0')))
        }
    }
}

/// What Python's `int(text)` takes: white space around, a sign, single underscores inside, digits of any script.
pub(crate) fn python_int(text: &str) -> Result<Document, Error> {
    let invalid = || {
        let shown = python::repr(&Document::String(text.to_owned()));
        Error::general(format!("invalid literal for int() with base 10: {shown}"))
    };
    let plain = plain_number(text).ok_or_else(invalid)?;
    let digits = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if digits.is_empty() || digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(invalid());
    }
    Ok(integer(plain.strip_prefix('+').unwrap_or(&plain)))
}

/// A number's text without white space around, its digits in ASCII, without the underscores that may stand between two digits.
fn plain_number(text: &str) -> Option<String> {
    let letters: Vec<char> = text.trim().chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| digit(*c).is_some());
    let mut out = String::new();
    for (at, c) in letters.iter().enumerate() {
        match digit(*c) {
            Some(value) => out.push(value),
            None if *c == '_' => {
                let stands_between = is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
                stands_between.then_some(())?;
            }
            None => out.push(*c),
        }
    }
    Some(out)
}

/// The ASCII digit of a decimal digit of any common script.
fn digit(c: char) -> Option<char> {
    /// The zeros of the scripts whose digits follow each other (Unicode category Nd).
    const ZEROS: &[char] = &[
        '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
        '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}',
        '\u{1810}', '\u{ff10}',
    ];
    ZEROS.iter().find_map(|&zero| {
        let value = u32::from(c).checked_sub(u32::from(zero))?;
        char::from_digit(value, 10)
    })
}

/// What Python's `float(text)` takes.
pub(crate) fn python_float(text: &str) -> Result<Document, Error> {
    let invalid = || {
        let shown = python::repr(&Document::String(text.to_owned()));
        Error::general(format!("could not convert string to float: {shown}"))
    };
    plain_number(text).and_then(|plain| plain.parse().ok()).map(Document::Float).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_what_python_takes() {
        let check = |text: &str, want: Result<&str, &str>| {
            let got = python_int(text).map(|value| python::str(&value)).map_err(|error| error.to_string());
            assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{text}");
        };
        check(" 7 ", Ok("7"));
        check("+1", Ok("1"));
        check("-12", Ok("-12"));
        check("1_000", Ok("1000"));
        check("007", Ok("7"));
        check("\u{663}\u{664}", Ok("34"));
        check("99999999999999999999999", Ok("99999999999999999999999"));
        check("abc", Err("invalid literal for int() with base 10: 'abc'"));
        check("1.5", Err("invalid literal for int() with base 10: '1.5'"));
        check("", Err("invalid literal for int() with base 10: ''"));
        check("0x10", Err("invalid literal for int() with base 10: '0x10'"));
        check("1__0", Err("invalid literal for int() with base 10: '1__0'"));
        check("1_", Err("invalid literal for int() with base 10: '1_'"));
    }

    #[test]
    fn floats_are_what_python_takes() {
        let check = |text: &str, want: Option<f64>| {
            let got = python_float(text).ok();
            assert_eq!(got, want.map(Document::Float), "{text}");
        };
        check(" +.5 ", Some(0.5));
        check("1_0.5", Some(10.5));
        check("\u{663}.\u{665}", Some(3.5));
        check("1e400", Some(f64::INFINITY));
        check("_1", None);
        check("1__0", None);
        check("1_", None);
        check("0x1", None);
        check("", None);
    }

    #[test]
    fn shorthand_gets_the_types_of_its_shape() {
        let operation = recant_wire::model::operation("CreateInvalidation").expect("an operation");
        let batch = operation.input.member("InvalidationBatch").expect("a member").shape;
        let check = |text: &str, want: Result<&str, &str>| {
            let shorthand = super::super::shorthand::parse(text, &|_| Ok(None)).unwrap();
            let got = typed(batch, shorthand).map(|value| crate::output::json::compact(&value));
            assert_eq!(
                got.map_err(|error| error.to_string()),
                want.map(str::to_owned).map_err(str::to_owned),
                "{text}"
            );
        };
        check(
            "CallerReference=1,Paths={Quantity=2,Items=[/a]}",
            Ok(r#"{"CallerReference":"1","Paths":{"Quantity":2,"Items":["/a"]}}"#),
        );
        check("Paths={Items=/a,X=1}", Ok(r#"{"Paths":{"Items":["/a"],"X":"1"}}"#));
        check("Paths=[a]", Ok(r#"{"Paths":["a"]}"#));
        check(
            "Paths={Quantity=[1]}",
            Err("int() argument must be a string, a bytes-like object or a real number, not 'list'"),
        );
    }
}
