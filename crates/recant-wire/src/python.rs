//! Python's spelling of values, where the AWS CLI lets it through to its messages and requests.

use std::fmt::Write as _;

use crate::document::Document;

/// A number with a fraction as `str()` spells it: `1000.0`, `1e+16`, `1e-05`.
pub fn float(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "nan"
        } else if number > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("the e of {:e}");
    match exponent.parse::<i32>().expect("the exponent of {:e}") {
        -4..16 => format!("{number:?}"),
        exponent => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
    }
}

/// A value as `str()` spells it: text as it is, everything else as in a program.
pub fn str(value: &Document) -> String {
    match value {
        Document::String(text) | Document::Timestamp(text) => text.clone(),
        other => repr(other),
    }
}

/// A value as `repr()` spells it: as in a program.
pub fn repr(value: &Document) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

/// The class of a value: `<class 'str'>`.
pub fn class(value: &Document) -> &'static str {
    match value {
        Document::Null => "<class 'NoneType'>",
        Document::Boolean(_) => "<class 'bool'>",
        Document::Integer(_) | Document::BigInteger(_) => "<class 'int'>",
        Document::Float(_) => "<class 'float'>",
        Document::String(_) => "<class 'str'>",
        // Only YAML input has such values before the wire.
        Document::Timestamp(text) if text.len() <= "2024-12-05".len() => "<class 'datetime.date'>",
        Document::Timestamp(_) => "<class 'datetime.datetime'>",
        Document::Blob(_) => "<class 'bytes'>",
        Document::List(_) => "<class 'list'>",
        Document::Structure(_) => "<class 'dict'>",
    }
}

fn write_repr(out: &mut String, value: &Document) {
    match value {
        Document::Null => out.push_str("None"),
        Document::Boolean(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Document::Integer(number) => out.push_str(&number.to_string()),
        Document::BigInteger(digits) => out.push_str(digits),
        Document::Float(number) => out.push_str(&float(*number)),
        Document::String(text) | Document::Timestamp(text) => text_repr(out, text),
        Document::Blob(bytes) => {
            out.push('b');
            let double = bytes.contains(&b'\'') && !bytes.contains(&b'"');
            quoted(out, bytes.iter().map(|byte| char::from(*byte)), double, true);
        }
        Document::List(values) => sequence(out, ['[', ']'], values.iter(), write_repr),
        Document::Structure(members) => sequence(out, ['{', '}'], members.iter(), |out, (name, value)| {
            text_repr(out, name);
            out.push_str(": ");
            write_repr(out, value);
        }),
    }
}

fn sequence<T>(
    out: &mut String,
    [open, close]: [char; 2],
    parts: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, part) in parts.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, part);
    }
    out.push(close);
}

fn text_repr(out: &mut String, text: &str) {
    quoted(out, text.chars(), text.contains('\'') && !text.contains('"'), false);
}

fn quoted(out: &mut String, characters: impl Iterator<Item = char>, double: bool, ascii: bool) {
    let quote = if double { '"' } else { '\'' };
    out.push(quote);
    for character in characters {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            beyond if ascii && !beyond.is_ascii() || is_hidden(beyond) => escape(out, beyond),
            same if same == quote => out.extend(['\\', same]),
            other => out.push(other),
        }
    }
    out.push(quote);
}

/// Whether Python calls a character not printable: controls, formats, spaces but the common one, and what is not assigned.
fn is_hidden(character: char) -> bool {
    // Rust's table is made by Python's rule; behind another character it leaves combining marks alone, as Python does.
    let text = ['a', character].iter().collect::<String>();
    !matches!(character, '\'' | '"') && text.escape_debug().nth(1) == Some('\\')
}

fn escape(out: &mut String, character: char) {
    let number = u32::from(character);
    match number {
        ..0x100 => write!(out, "\\x{number:02x}"),
        0x100..0x1_0000 => write!(out, "\\u{number:04x}"),
        _ => write!(out, "\\U{number:08x}"),
    }
    .expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats() {
        for (number, expected) in [
            (1000.0, "1000.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn values() {
        let value = json!({"a": ["x", "it's", "\"it's\"", 1, 1.5, true, null], "b": {}, "c": "é\n\u{1}\\"});
        assert_eq!(
            str(&value.into()),
            "{'a': ['x', \"it's\", '\"it\\'s\"', 1, 1.5, True, None], 'b': {}, 'c': 'é\\n\\x01\\\\'}"
        );
        assert_eq!(str(&"it's".into()), "it's");
        assert_eq!(
            repr(
                &"\0 \u{7f}\u{85}\u{a0}\u{ad}\u{200b}\u{3000}\u{e000}\u{e0001}\u{301}\u{1f600}\u{378}".into()
            ),
            "'\\x00 \\x7f\\x85\\xa0\\xad\\u200b\\u3000\\ue000\\U000e0001\u{301}\u{1f600}\\u0378'"
        );
        assert_eq!(str(&Document::Blob(b"hi\xff'".to_vec())), "b\"hi\\xff'\"");
    }
}
