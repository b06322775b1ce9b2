//! JSON as Python's `json.dump(…, indent=4, ensure_ascii=False)` writes it.

use std::fmt::Write as _;

use recant_wire::document::Document;
use recant_wire::python;

use super::format::{Format, Pages, says_something};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    pages: Pages::Joined,
    print: |result, _| match says_something(&result) {
        true => (pretty(&result) + "\n", Ok(())),
        false => (String::new(), Ok(())),
    },
};

/// Writes a value over several lines, four spaces a level, without a newline at the end.
pub(crate) fn pretty(value: &Document) -> String {
    let mut out = String::new();
    write_value(&mut out, value, Some(0));
    out
}

/// Writes a value on one line without spaces.
pub(crate) fn compact(value: &Document) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None);
    out
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

fn write_value(out: &mut String, value: &Document, level: Option<usize>) {
    match value {
        Document::Null => out.push_str("null"),
        Document::Boolean(true) => out.push_str("true"),
        Document::Boolean(false) => out.push_str("false"),
        Document::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Document::BigInteger(digits) => out.push_str(digits),
        Document::Float(number) => match number {
            number if number.is_nan() => out.push_str("NaN"),
            number if number.is_infinite() => {
                out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            number => out.push_str(&python::float(*number)),
        },
        Document::String(text) | Document::Timestamp(text) => write_string(out, text),
        Document::Blob(bytes) => write_string(out, &recant_wire::base64::encode(bytes)),
        Document::List(values) => write_items(out, '[', ']', level, values.iter(), |out, value, level| {
            write_value(out, value, level);
        }),
        Document::Structure(members) => {
            write_items(out, '{', '}', level, members.iter(), |out, (name, value), level| {
                write_string(out, name);
                out.push_str(if level.is_some() { ": " } else { ":" });
                write_value(out, value, level);
            });
        }
    }
}

fn write_items<T>(
    out: &mut String,
    open: char,
    close: char,
    level: Option<usize>,
    items: impl ExactSizeIterator<Item = T>,
    write_item: impl Fn(&mut String, T, Option<usize>),
) {
    out.push(open);
    let is_empty = items.len() == 0;
    let inner = level.map(|level| level + 1);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        break_line(out, inner);
        write_item(out, item, inner);
    }
    if !is_empty {
        break_line(out, level);
    }
    out.push(close);
}

fn break_line(out: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", level));
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let check = |text: &str, want: &str| {
            let value = crate::input::json::parse(text).unwrap();
            assert_eq!(pretty(&value), want, "{text}");
        };
        check("{}", "{}");
        check("[]", "[]");
        check("null", "null");
        check(
            "{\"a\":{},\"b\":[1,[2]]}",
            "{\n    \"a\": {},\n    \"b\": [\n        1,\n        [\n            2\n        ]\n    ]\n}",
        );
        check("\"\u{e9}\\u0001\u{7f}\u{85}\\t\\\"\"", "\"\u{e9}\\u0001\u{7f}\u{85}\\t\\\"\"");
        check(
            "[1e16, 1e3, 0.1, 100000000000000000000, 1.5]",
            "[\n    1e+16,\n    1000.0,\n    0.1,\n    100000000000000000000,\n    1.5\n]",
        );
    }
}
