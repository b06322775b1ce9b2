//! YAML as the AWS CLI's library writes it: block style, sorted keys, and quotes only where a YAML 1.2 reader would see something
//! else than text.

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::format::{Format, Pages, says_something};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "yaml",
    pages: Pages::Joined,
    print: |result, _| match says_something(&result) {
        true => (format(&result), Ok(())),
        false => (String::new(), Ok(())),
    },
};

/// The same as a stream: an element of a list for each page.
pub(super) const STREAM: Format = Format {
    name: "yaml-stream",
    pages: Pages::Apart,
    print: |result, _| match says_something(&result) {
        true => (stream_item(result), Ok(())),
        false => (String::new(), Ok(())),
    },
};

/// Lines are folded at the first blank beyond this column.
const WIDTH: usize = 80;

/// Writes a structure or list over several lines. A scalar alone is written as JSON, as the AWS CLI does.
pub(crate) fn format(value: &Document) -> String {
    match value {
        Document::Structure(_) | Document::List(_) => document(value),
        scalar => super::json::pretty(scalar) + "\n",
    }
}

/// Writes a value as the only element of a list: one page of a stream.
pub(crate) fn stream_item(value: Document) -> String {
    document(&Document::List(vec![value]))
}

/// Writes a scalar, or an empty structure or list, as it stands behind a key.
pub(crate) fn inline(value: &Document) -> String {
    let mut writer = Writer { out: String::new(), column: 0 };
    writer.scalar(value, 0);
    writer.out
}

fn document(value: &Document) -> String {
    let mut writer = Writer { out: String::new(), column: 0 };
    writer.node(value, 0, false);
    writer.out.push('\n');
    writer.out
}

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    /// Writes a value whose first line has begun at this indentation; `after_key` says that a key stands before it.
    fn node(&mut self, value: &Document, indent: usize, after_key: bool) {
        match value {
            Document::Structure(members) if !members.is_empty() => self.structure(members, indent, after_key),
            Document::List(values) if !values.is_empty() => self.list(values, indent, after_key),
            scalar => {
                if after_key {
                    self.put(" ");
                }
                self.scalar(scalar, indent);
            }
        }
    }

    fn structure(&mut self, members: &Members, indent: usize, after_key: bool) {
        let mut sorted: Vec<(&str, &Document)> = members.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        for (index, (key, value)) in sorted.into_iter().enumerate() {
            if index > 0 || after_key {
                self.line(indent);
            }
            self.text(key, indent + 2);
            self.put(":");
            // A list stands below its key, not further in.
            let inner = if matches!(value, Document::Structure(_)) { indent + 2 } else { indent };
            self.node(value, inner, true);
        }
    }

    fn list(&mut self, values: &[Document], indent: usize, after_key: bool) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 || after_key {
                self.line(indent);
            }
            self.put("- ");
            let inner = if is_block(value) { indent + 2 } else { indent };
            self.node(value, inner, false);
        }
    }

    fn scalar(&mut self, value: &Document, indent: usize) {
        match value {
            Document::Null => self.put("null"),
            Document::Boolean(flag) => self.put(if *flag { "true" } else { "false" }),
            Document::String(text) => self.text(text, indent + 2),
            // Only skeletons hold times that are no text.
            Document::Timestamp(text) => self.put(&text.replace('T', " ")),
            Document::Structure(_) => self.put("{}"),
            Document::List(_) => self.put("[]"),
            other => self.put(&python::str(other)),
        }
    }

    /// Writes a text in the plainest style that reads back as the same text.
    fn text(&mut self, text: &str, indent: usize) {
        match style(text) {
            Style::Plain => self.folded(text, indent, false),
            Style::Single => {
                self.put("'");
                self.folded(&text.replace('\'', "''"), indent, true);
                self.put("'");
            }
            Style::Double => self.double(text, indent),
        }
    }

    /// Writes words; a single blank beyond the width becomes a line break, a line break becomes two.
    fn folded(&mut self, text: &str, indent: usize, quoted: bool) {
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < characters.len() {
            let start = at;
            let kind = |c: char| if c == ' ' { 1 } else { u8::from(is_break(c)) * 2 };
            while at < characters.len() && kind(characters[at]) == kind(characters[start]) {
                at += 1;
            }
            let run: String = characters[start..at].iter().collect();
            match kind(characters[start]) {
                1 => {
                    let at_edge = quoted && (start == 0 || at == characters.len());
                    if run.len() == 1 && self.column > WIDTH && !at_edge {
                        self.line(indent);
                    } else {
                        self.put(&run);
                    }
                }
                2 => {
                    if run.starts_with('\n') {
                        self.out.push('\n');
                    }
                    self.out.push_str(&run);
                    self.out.extend(std::iter::repeat_n(' ', indent));
                    self.column = indent;
                }
                _ => self.put(&run),
            }
        }
    }

    /// Writes in double quotes (libyaml's writer): a blank beyond the width becomes a line break.
    fn double(&mut self, text: &str, indent: usize) {
        self.put("\"");
        let characters: Vec<char> = text.chars().collect();
        let mut after_blank = false;
        for (at, &c) in characters.iter().enumerate() {
            let inside = at > 0 && at + 1 < characters.len();
            if c == ' ' && inside && !after_blank && self.column > WIDTH {
                self.line(indent);
                if characters[at + 1] == ' ' {
                    self.put("\\");
                }
            } else {
                self.put(&escaped(c));
            }
            after_blank = c == ' ';
        }
        self.put("\"");
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }
}

fn is_block(value: &Document) -> bool {
    match value {
        Document::Structure(members) => !members.is_empty(),
        Document::List(values) => !values.is_empty(),
        _ => false,
    }
}

/// How a text is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
}

/// The plainest style that keeps the text (the analysis of PyYAML's emitter, for block context).
fn style(text: &str) -> Style {
    let characters: Vec<char> = text.chars().collect();
    let special = |c: char| {
        let printable = c == '\n' || (' '..='~').contains(&c) || ('\u{a0}'..='\u{fffd}').contains(&c);
        !printable || c == '\u{feff}'
    };
    let pairs = || characters.windows(2).map(|pair| (pair[0], pair[1]));
    if characters.iter().any(|&c| special(c)) || pairs().any(|(a, b)| a == ' ' && is_break(b)) {
        return Style::Double;
    }
    if pairs().any(|(a, b)| is_break(a) && b == ' ') {
        return Style::Double;
    }
    let (Some(&first), Some(&last)) = (characters.first(), characters.last()) else {
        return Style::Single;
    };
    let blank_after = |at: usize| characters.get(at + 1).is_none_or(|&c| c == ' ' || is_break(c));
    let indicator = text.starts_with("---")
        || text.starts_with("...")
        || "#,[]{}&*!|>'\"%@`".contains(first)
        || ("?:-".contains(first) && blank_after(0))
        || characters.iter().enumerate().skip(1).any(|(at, &c)| match c {
            ':' => blank_after(at),
            '#' => characters[at - 1] == ' ',
            _ => false,
        });
    let edges = first == ' ' || last == ' ' || characters.iter().any(|&c| is_break(c));
    if indicator || edges || means_something_else(text) { Style::Single } else { Style::Plain }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a plain text would be read as null, a boolean, a number, a time or a merge key (YAML 1.2 and what is left of 1.1).
fn means_something_else(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "<<", "=", ".nan",
        ".NaN", ".NAN",
    ];
    WORDS.contains(&text) || is_number(text) || is_time(text)
}

/// Whether a plain text would be read as a number.
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if [".inf", ".Inf", ".INF"].contains(&unsigned) {
        return true;
    }
    let all = |text: &str, fits: fn(&u8) -> bool| {
        !text.is_empty() && text.as_bytes().iter().all(|b| *b == b'_' || fits(b))
    };
    if unsigned.starts_with('_') {
        return false;
    }
    let based = |prefix: &str, fits: fn(&u8) -> bool| {
        unsigned.strip_prefix(prefix).is_some_and(|digits| all(digits, fits))
    };
    if based("0b", |b| matches!(b, b'0' | b'1'))
        || based("0o", |b| (b'0'..=b'7').contains(b))
        || based("0x", u8::is_ascii_hexdigit)
        || all(unsigned, u8::is_ascii_digit)
    {
        return true;
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    let starts_with_digit = mantissa.starts_with(|c: char| c.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => all(fraction, u8::is_ascii_digit),
        Some((whole, fraction)) => {
            starts_with_digit
                && all(whole, u8::is_ascii_digit)
                && (fraction.is_empty() || all(fraction, u8::is_ascii_digit))
        }
        None => starts_with_digit && all(mantissa, u8::is_ascii_digit) && exponent.is_some(),
    };
    mantissa_fits && exponent_fits
}

/// `2024-12-05`, or that with a time of day.
pub(crate) fn is_time(text: &str) -> bool {
    let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let date = |text: &str, short: usize| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts.as_slice(), [y, m, d] if digits(y, 4..=4) && digits(m, short..=2) && digits(d, short..=2))
    };
    let Some(at) = text.find(['T', 't', ' ', '\t']) else {
        return date(text, 2);
    };
    let rest = text[at + 1..].trim_start_matches([' ', '\t']);
    let zone_at = rest.find(['Z', '+', '-', ' ', '\t']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let zone = zone.trim_start_matches([' ', '\t']);
    let whole = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let fraction = clock.split_once('.').map_or("", |(_, fraction)| fraction);
    let parts: Vec<&str> = whole.split(':').collect();
    let clock_fits = matches!(parts.as_slice(), [h, m, s] if digits(h, 1..=2) && digits(m, 2..=2) && digits(s, 2..=2))
        && (fraction.is_empty() || fraction.bytes().all(|b| b.is_ascii_digit()));
    let zone_fits = match zone.strip_prefix(['-', '+']) {
        None => zone.is_empty() || zone == "Z",
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').map_or((offset, None), |(h, m)| (h, Some(m)));
            digits(hours, 1..=2) && minutes.is_none_or(|minutes| digits(minutes, 2..=2))
        }
    };
    date(&text[..at], 1) && clock_fits && zone_fits
}

fn escaped(c: char) -> String {
    match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' => c.to_string(),
        c if u32::from(c) <= 0xff => format!("\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04X}", u32::from(c)),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_blocks() {
        let check = |text: &str, want: &str| {
            assert_eq!(format(&crate::input::json::parse(text).unwrap()), want, "{text}");
        };
        check(
            "{\"b\":{\"y\":1,\"x\":[\"/a\",\"/b\"]},\"a\":null}",
            "a: null\nb:\n  x:\n  - /a\n  - /b\n  y: 1\n",
        );
        check("[[1,2],[3,[4]],5]", "- - 1\n  - 2\n- - 3\n  - - 4\n- 5\n");
        check("[{\"a\":1,\"b\":true},{}]", "- a: 1\n  b: true\n- {}\n");
        check("{\"a\":[],\"b\":{}}", "a: []\nb: {}\n");
        check("[]", "[]\n");
        check("\"x\"", "\"x\"\n");
        check("null", "null\n");
    }

    #[test]
    fn quotes_stand_only_where_they_must() {
        let check = |text: &str, want: &str| {
            let mut writer = Writer { out: String::new(), column: 0 };
            writer.text(text, 2);
            assert_eq!(writer.out, want);
        };
        for plain in [
            "no", "Yes", "on", "n", "1:30", "12:30:45", "nan", "--", "a:b", "it's", "/a", "-x", "é", "1.2.3",
            "e3", "+", "0o8",
        ] {
            check(plain, plain);
        }
        for quoted in [
            "true",
            "null",
            "~",
            "123",
            "017",
            "0b11",
            "1_000",
            "1e3",
            "1.5",
            ".inf",
            "-.inf",
            "5.",
            "0x1f",
            "0o17",
            "2024-01-01",
            "2024-12-05T18:40:49.413000+00:00",
            "=",
            "<<",
            "-",
            "",
            "#a",
            "a: b",
            "a #b",
            "*",
            " a",
            "a ",
            "a:",
            "---",
        ] {
            check(quoted, &format!("'{quoted}'"));
        }
        check("'a'", "'''a'''");
        check("a\tb", "\"a\\tb\"");
        check("\u{1f600}", "\"\\U0001F600\"");
        check("a\nb", "'a\n\n  b'");
        check("\u{85}", "\"\\N\"");
        let wide = "a".repeat(81);
        check(&format!("\t{wide} b  c"), &format!("\"\\t{wide}\n  b  c\""));
        check(&format!("\t{wide}  c"), &format!("\"\\t{wide}\n  \\ c\""));
        let long = format!("{} b c", "a".repeat(81));
        check(&long, &format!("{}\n  b c", "a".repeat(81)));
    }
}
