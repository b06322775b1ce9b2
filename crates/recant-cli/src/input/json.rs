//! JSON as the AWS CLI reads it: Python's dialect and Python's error texts.
//!
//! `NaN` and the infinities are numbers, a repeated key keeps its first place and its last value, and an error names line,
//! column and character. No streaming: parameters are small.

use recant_wire::document::{Document, Members, lone_surrogate};

/// Values may be nested this deep.
const DEPTH_MAX: usize = 200;

/// Why a text is not JSON, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: line {line} column {column} (char {at})")]
pub(crate) struct JsonError {
    what: String,
    line: usize,
    column: usize,
    /// Characters before the place.
    pub(crate) at: usize,
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
///
/// The first place that is not JSON.
pub(crate) fn parse(text: &str) -> Result<Document, JsonError> {
    let mut parser = Parser { input: text.chars().collect(), at: 0 };
    if parser.current() == Some('\u{feff}') {
        return Err(parser.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    parser.skip_whitespace();
    let value = parser.value(0)?;
    parser.skip_whitespace();
    if parser.at < parser.input.len() {
        return Err(parser.error("Extra data", parser.at));
    }
    Ok(value)
}

struct Parser {
    input: Vec<char>,
    at: usize,
}

impl Parser {
    fn value(&mut self, depth: usize) -> Result<Document, JsonError> {
        if depth > DEPTH_MAX {
            return Err(self.error("Nested too deeply", self.at));
        }
        match self.current() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => self.string().map(Document::String),
            Some('-' | '0'..='9') => self.number(),
            _ => self.constant(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Document, JsonError> {
        self.at += 1;
        let mut members: Vec<(String, Document)> = Vec::new();
        self.skip_whitespace();
        if self.take('}') {
            return Ok(Document::Structure(Members::new()));
        }
        loop {
            if self.current() != Some('"') {
                return Err(self.error("Expecting property name enclosed in double quotes", self.at));
            }
            let key = self.string()?;
            self.skip_whitespace();
            if !self.take(':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.skip_whitespace();
            let value = self.value(depth + 1)?;
            members.push((key, value));
            self.skip_whitespace();
            if self.take('}') {
                return Ok(Document::structure(members));
            }
            if !self.take(',') {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_whitespace();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Document, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_whitespace();
        if self.take(']') {
            return Ok(Document::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_whitespace();
            if self.take(']') {
                return Ok(Document::List(values));
            }
            if !self.take(',') {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_whitespace();
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(c) = self.current() else {
                return Err(self.error("Unterminated string starting at", start));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(text);
                }
                '\\' => self.escape(start, &mut text)?,
                c if c < ' ' => return Err(self.error("Invalid control character at", self.at)),
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, start: usize, text: &mut String) -> Result<(), JsonError> {
        let backslash = self.at;
        self.at += 2;
        let Some(&c) = self.input.get(backslash + 1) else {
            return Err(self.error("Unterminated string starting at", start));
        };
        text.push(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(text),
            _ => return Err(self.error("Invalid \\escape", backslash)),
        });
        Ok(())
    }

    /// `\uXXXX` and, where it is the first half of a pair, the second half. A half without its other is kept as such.
    fn unicode_escape(&mut self, text: &mut String) -> Result<(), JsonError> {
        let first = self.four_digits()?;
        let after_first = self.at;
        if (0xd800..0xdc00).contains(&first) && self.take('\\') && self.take('u') {
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((u32::from(first) - 0xd800) << 10) + (u32::from(second) - 0xdc00);
                text.extend(char::from_u32(code));
                return Ok(());
            }
        }
        self.at = after_first;
        match char::from_u32(u32::from(first)) {
            Some(c) => text.push(c),
            None => text.extend(lone_surrogate(first)),
        }
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u16, JsonError> {
        let digits: String = self.input[self.at..].iter().take(4).collect();
        let hexadecimal = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u16::from_str_radix(&digits, 16) {
            Ok(code) if hexadecimal => {
                self.at += 4;
                Ok(code)
            }
            _ => Err(self.error("Invalid \\uXXXX escape", self.at - 1)),
        }
    }

    fn number(&mut self) -> Result<Document, JsonError> {
        let start = self.at;
        self.take('-');
        if self.rest_is("Infinity") {
            self.at += "Infinity".len();
            return Ok(Document::Float(f64::NEG_INFINITY));
        }
        if !self.take('0') && !self.digits() {
            return Err(self.error("Expecting value", start));
        }
        let mut is_float = false;
        let whole_end = self.at;
        if self.take('.') {
            match self.digits() {
                true => is_float = true,
                false => self.at = whole_end,
            }
        }
        if is_float || self.at == whole_end {
            is_float |= self.exponent();
        }
        let text: String = self.input[start..self.at].iter().collect();
        Ok(if is_float {
            Document::Float(text.parse().unwrap_or(f64::NAN))
        } else {
            crate::input::convert::integer(&text)
        })
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.current().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn exponent(&mut self) -> bool {
        let start = self.at;
        if self.take('e') || self.take('E') {
            let _sign = self.take('+') || self.take('-');
            if self.digits() {
                return true;
            }
        }
        self.at = start;
        false
    }

    fn constant(&mut self) -> Result<Document, JsonError> {
        let constants = [
            ("null", Document::Null),
            ("true", Document::Boolean(true)),
            ("false", Document::Boolean(false)),
            ("NaN", Document::Float(f64::NAN)),
            ("Infinity", Document::Float(f64::INFINITY)),
        ];
        for (word, value) in constants {
            if self.rest_is(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("Expecting value", self.at))
    }

    fn rest_is(&self, word: &str) -> bool {
        self.input[self.at..].iter().copied().take(word.len()).eq(word.chars())
    }

    fn current(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.current() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_whitespace(&mut self) {
        while self.current().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn error(&self, what: &str, at: usize) -> JsonError {
        let before = &self.input[..at.min(self.input.len())];
        let line = 1 + before.iter().filter(|&&c| c == '\n').count();
        let column = before.iter().rev().take_while(|&&c| c != '\n').count() + 1;
        JsonError { what: what.to_owned(), line, column, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_texts_parse() {
        let check = |text: &str, want: &str| match parse(text) {
            Ok(value) => assert_eq!(crate::output::json::compact(&value), want, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        };
        check(
            " {\"a\": [1, -0, 1.5, 1e2, true, null], \"b\": {}} ",
            "{\"a\":[1,0,1.5,100.0,true,null],\"b\":{}}",
        );
        check("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
        check(r#""\u00fc\ud83d\ude00\n\/""#, "\"\u{fc}\u{1f600}\\n/\"");
        check("[NaN,Infinity,-Infinity]", "[NaN,Infinity,-Infinity]");
        check("\"x\"", "\"x\"");
    }

    #[test]
    fn bad_texts_are_named_as_python_does() {
        let check = |text: &str, want: &str| match parse(text) {
            Ok(value) => panic!("{text}: {value:?}"),
            Err(error) => assert_eq!(error.to_string(), want, "{text}"),
        };
        check("", "Expecting value: line 1 column 1 (char 0)");
        check("{\"a\":", "Expecting value: line 1 column 6 (char 5)");
        check(
            "{\"P\":{\"Q\":1,",
            "Expecting property name enclosed in double quotes: line 1 column 13 (char 12)",
        );
        check("{/*c*/}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
        check("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)");
        check("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)");
        check("[1,]", "Expecting value: line 1 column 4 (char 3)");
        check("{}\nx", "Extra data: line 2 column 1 (char 3)");
        check("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)");
        check("\"a\u{1}\"", "Invalid control character at: line 1 column 3 (char 2)");
        check("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)");
        check(&"[".repeat(100_000), "Nested too deeply: line 1 column 202 (char 201)");
    }
}
