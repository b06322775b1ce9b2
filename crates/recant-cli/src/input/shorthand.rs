//! The shorthand grammar: `Paths={Quantity=1,Items=[/a,/b]},CallerReference=r`.
//!
//! The grammar knows nothing of the interface description: it yields texts, lists and hashes, and [`super::convert`] gives them their
//! types. It is the AWS CLI's grammar, oddities included:
//!
//! ```text
//! parameter = keyval *("," keyval)
//! keyval    = key ["@"] "=" [values]          ; "@" loads a value that names a file
//! values    = list / hash / csv
//! list      = "[" [value *("," value)] [","] "]"
//! hash      = "{" [key ["@"] "=" value *("," …)] [","] "}"
//! csv       = first *("," second)             ; several make a list
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::error::Error;

/// Brackets may be nested this deep; the deepest structure of the interface has seven levels.
const DEPTH_MAX: usize = 64;

/// What a shorthand text says, before any type is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shorthand {
    /// A word or a quoted text.
    Text(String),
    /// The bytes of a file given with `fileb://`.
    Bytes(Vec<u8>),
    /// `[a,b]`, or `a,b` at top level.
    List(Vec<Shorthand>),
    /// `{a=b}`, or the parameter as a whole.
    Hash(Vec<(String, Shorthand)>),
}

/// Loads what a text names if it names a file; `None` leaves the text as it is.
pub(crate) type Loader<'a> = &'a dyn Fn(&str) -> Result<Option<Shorthand>, Error>;

/// Why a text is not shorthand.
#[derive(Debug)]
pub(crate) enum ShorthandError {
    /// The text breaks the grammar.
    Syntax {
        /// What was wanted there.
        expected: String,
        /// What stands there.
        received: String,
        /// The text, with a caret below the place.
        location: String,
    },
    /// A key is there twice at top level.
    DuplicateKey {
        /// The key.
        key: String,
        /// The text, with a caret below the place.
        location: String,
    },
    /// A file could not be loaded.
    File(Error),
}

impl fmt::Display for ShorthandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { expected, received, location } => {
                write!(f, "Expected: '{expected}', received: '{received}' for input:\n {location}")
            }
            Self::DuplicateKey { key, location } => write!(
                f,
                "Second instance of key \"{key}\" encountered for input:\n{location}\n\
                 This is often because there is a preceding \",\" instead of a space."
            ),
            Self::File(why) => why.fmt(f),
        }
    }
}

/// Reads a whole parameter; the result is always a hash.
///
/// # Errors
///
/// The first place where the text leaves the grammar.
pub(crate) fn parse(text: &str, load: Loader<'_>) -> Result<Shorthand, ShorthandError> {
    let mut parser = Parser { input: text.chars().collect(), at: 0, depth: 0, load };
    parser.parameter().map_err(|failure| match failure {
        Failure::Syntax { expected, received, at } => {
            ShorthandError::Syntax { expected, received, location: parser.location(at) }
        }
        Failure::DuplicateKey { key, at } => {
            ShorthandError::DuplicateKey { key, location: parser.location(at) }
        }
        Failure::File(why) => ShorthandError::File(why),
    })
}

/// A [`ShorthandError`] before its place is shown: a top-level list ends at such a failure, so most are shown to nobody.
enum Failure {
    Syntax { expected: String, received: String, at: usize },
    DuplicateKey { key: String, at: usize },
    File(Error),
}

struct Parser<'a> {
    input: Vec<char>,
    at: usize,
    depth: usize,
    load: Loader<'a>,
}

impl Parser<'_> {
    fn parameter(&mut self) -> Result<Shorthand, Failure> {
        let (key, value) = self.keyval()?;
        let mut keys = BTreeSet::from([key.clone()]);
        let mut members = vec![(key, value)];
        let mut last_end = self.at;
        while self.at < self.input.len() {
            self.expect_spaced(',')?;
            let (key, value) = self.keyval()?;
            if !keys.insert(key.clone()) {
                return Err(Failure::DuplicateKey { key, at: last_end + 1 });
            }
            members.push((key, value));
            last_end = self.at;
        }
        Ok(Shorthand::Hash(members))
    }

    fn keyval(&mut self) -> Result<(String, Shorthand), Failure> {
        let (key, is_file) = self.key_and_sign()?;
        let value = match self.current() {
            None => Shorthand::Text(String::new()),
            Some('[') => self.list(is_file)?,
            Some('{') => self.hash(is_file)?,
            Some(_) => self.csv(is_file)?,
        };
        Ok((key, value))
    }

    /// The key and its `=`; whether it was `@=`.
    fn key_and_sign(&mut self) -> Result<(String, bool), Failure> {
        let start = self.at;
        while self.current().is_some_and(|c| c.is_ascii_alphanumeric() || "-_.#/:".contains(c)) {
            self.at += 1;
        }
        let key = self.input[start..self.at].iter().collect();
        self.skip_whitespace();
        let is_file = self.current() == Some('@');
        if is_file {
            self.at += 1;
        }
        self.expect_spaced('=')?;
        Ok((key, is_file))
    }

    /// `a` is a text, `a,b` a list; `a,b=c` is the text `a` and another key.
    fn csv(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        let first = self.first_value(is_file)?;
        self.skip_whitespace();
        if self.current() != Some(',') {
            return Ok(first);
        }
        self.expect_spaced(',')?;
        let mut values = vec![first];
        loop {
            match self.csv_element(is_file) {
                Ok((value, more)) => {
                    values.push(value);
                    if !more {
                        break;
                    }
                }
                Err(Failure::Syntax { .. }) if self.at < self.input.len() => {
                    while self.input[self.at] != ',' {
                        self.at -= 1;
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        match values.len() {
            1 => Ok(values.swap_remove(0)),
            _ => Ok(Shorthand::List(values)),
        }
    }

    /// A further element and whether a comma follows it.
    fn csv_element(&mut self, is_file: bool) -> Result<(Shorthand, bool), Failure> {
        let value = self.second_value(is_file)?;
        self.skip_whitespace();
        if self.at >= self.input.len() {
            return Ok((value, false));
        }
        self.expect_spaced(',')?;
        Ok((value, true))
    }

    fn list(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        self.descend()?;
        self.expect_spaced('[')?;
        let mut values = Vec::new();
        while self.current() != Some(']') {
            values.push(self.nested_value(is_file)?);
            self.separator(']')?;
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Shorthand::List(values))
    }

    fn hash(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        self.descend()?;
        self.expect_spaced('{')?;
        let mut members: Vec<(String, Shorthand)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        while self.current() != Some('}') {
            let (key, is_own_file) = self.key_and_sign()?;
            let value = self.nested_value(is_file || is_own_file)?;
            self.separator('}')?;
            // In a hash the last of two equal keys wins, at the place of the first.
            match places.get(&key) {
                Some(&at) => members[at].1 = value,
                None => {
                    places.insert(key.clone(), members.len());
                    members.push((key, value));
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Shorthand::Hash(members))
    }

    fn nested_value(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        match self.current() {
            Some('[') => self.list(is_file),
            Some('{') => self.hash(is_file),
            _ => self.first_value(is_file),
        }
    }

    /// The comma after a nested value, unless the bracket closes.
    fn separator(&mut self, close: char) -> Result<(), Failure> {
        self.skip_whitespace();
        if self.current() != Some(close) {
            self.expect(',')?;
            self.skip_whitespace();
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<(), Failure> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.syntax("fewer brackets", "too many"));
        }
        Ok(())
    }

    /// A value that ends at `,`, `]` or `}`; an empty one is allowed.
    fn first_value(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote, is_file),
            _ => {
                let word = self.word(|c| !matches!(c, ']' | '}'));
                self.loaded(word, is_file)
            }
        }
    }

    /// A value of a top-level list, which ends at `,` and may not hold `=`; an empty one is an error.
    fn second_value(&mut self, is_file: bool) -> Result<Shorthand, Failure> {
        if let Some(quote @ ('\'' | '"')) = self.current() {
            return self.quoted(quote, is_file);
        }
        let start = self.at;
        let word = self.word(|c| c != '=');
        if self.at == start {
            return Err(self.syntax("<second>", "<none>"));
        }
        self.loaded(word, is_file)
    }

    /// Takes an unquoted word: neither quotes nor commas (but `\,` is one), nothing beyond U+FFFF, and what `inside` allows.
    fn word(&mut self, inside: impl Fn(char) -> bool) -> String {
        let mut word = String::new();
        let start = self.at;
        while let Some(c) = self.current() {
            if c == '\\' && self.input.get(self.at + 1) == Some(&',') {
                word.push(',');
                self.at += 2;
                continue;
            }
            let never = matches!(c, '"' | '\'' | ',') || c > '\u{ffff}' || (c < '!' && !c.is_whitespace());
            let not_first = matches!(c, '=' | '[' | '{');
            let allowed = if self.at == start { !not_first && c >= '!' } else { inside(c) };
            if never || !allowed {
                break;
            }
            word.push(c);
            self.at += 1;
        }
        word.truncate(word.trim_end().len());
        word
    }

    fn quoted(&mut self, quote: char, is_file: bool) -> Result<Shorthand, Failure> {
        let mut text = String::new();
        let mut at = self.at + 1;
        loop {
            match (self.input.get(at), self.input.get(at + 1)) {
                (None, _) => {
                    let name = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
                    return Err(self.syntax(name, "<none>"));
                }
                (Some('\\'), Some(&escaped)) if escaped == quote || escaped == '\\' => {
                    text.push(escaped);
                    at += 2;
                }
                (Some(&c), _) if c == quote => break,
                (Some(&c), _) => {
                    text.push(c);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        self.loaded(text, is_file)
    }

    fn loaded(&self, text: String, is_file: bool) -> Result<Shorthand, Failure> {
        let loaded = if is_file { (self.load)(&text).map_err(Failure::File)? } else { None };
        Ok(loaded.unwrap_or(Shorthand::Text(text)))
    }

    fn current(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while self.current().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')) {
            self.at += 1;
        }
    }

    fn expect_spaced(&mut self, wanted: char) -> Result<(), Failure> {
        self.skip_whitespace();
        self.expect(wanted)?;
        self.skip_whitespace();
        Ok(())
    }

    fn expect(&mut self, wanted: char) -> Result<(), Failure> {
        match self.current() {
            Some(c) if c == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(self.syntax(&wanted.to_string(), &c.to_string())),
            None => Err(self.syntax(&wanted.to_string(), "EOF")),
        }
    }

    fn syntax(&self, expected: &str, received: &str) -> Failure {
        Failure::Syntax { expected: expected.to_owned(), received: received.to_owned(), at: self.at }
    }

    /// The text up to the end of the line that `index` is in, a line with a caret below `index`, and the rest.
    fn location(&self, index: usize) -> String {
        let index = index.min(self.input.len());
        let line_start = self.input[..index].iter().rposition(|&c| c == '\n').map_or(0, |at| at + 1);
        let line_end =
            self.input[index..].iter().position(|&c| c == '\n').map_or(self.input.len(), |at| index + at);
        let consumed: String = self.input[..line_end].iter().collect();
        let rest: String = self.input[line_end..].iter().collect();
        format!("{consumed}\n{}^{rest}", " ".repeat(index - line_start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short spelling of the result: texts in bars, lists in brackets, hashes in braces.
    fn show(value: &Shorthand) -> String {
        match value {
            Shorthand::Text(text) => format!("|{text}|"),
            Shorthand::Bytes(bytes) => format!("{bytes:?}"),
            Shorthand::List(values) => format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(",")),
            Shorthand::Hash(members) => {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{key}={}", show(value))).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn load(text: &str) -> Result<Option<Shorthand>, Error> {
        match text.strip_prefix("file://") {
            Some("missing") => Err(Error::general("no such file")),
            Some(name) => Ok(Some(Shorthand::Text(format!("<{name}>")))),
            None => Ok(None),
        }
    }

    #[test]
    fn good_texts_parse() {
        let check = |text: &str, want: &str| match parse(text, &load) {
            Ok(value) => assert_eq!(show(&value), want, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        };
        check("P={Q=1,I=[/a,/b]},C=r", "{P={Q=|1|,I=[|/a|,|/b|]},C=|r|}");
        check("C=a,b", "{C=[|a|,|b|]}");
        check("C=a,b=c", "{C=|a|,b=|c|}");
        check("C=a,b,c=d", "{C=[|a|,|b|],c=|d|}");
        check("P = { Q = 1 ,\n\tI = [ /a , /b ] } , C = r", "{P={Q=|1|,I=[|/a|,|/b|]},C=|r|}");
        check("I=[/a,]", "{I=[|/a|]}");
        check("P={Q=1,}", "{P={Q=|1|}}");
        check("I=[/a,,/b]", "{I=[|/a|,||,|/b|]}");
        check("I=[]", "{I=[]}");
        check("P={a=1,a=2}", "{P={a=|2|}}");
        check("C=abc   ", "{C=|abc|}");
        check("C=abc\u{a0}", "{C=|abc|}");
        check("C=[\u{a0}k]", "{C=[|\u{a0}k|]}");
        check("C=a b", "{C=|a b|}");
        check("C=a=b", "{C=|a=b|}");
        check("C=a{b", "{C=|a{b|}");
        check("C=}b,D=1", "{C=|}b|,D=|1|}");
        check("C=", "{C=||}");
        check("C=,D=1", "{C=||,D=|1|}");
        check("C='a b,c=d'", "{C=|a b,c=d|}");
        check(r#"C="say \"hi\" \n \\""#, r#"{C=|say "hi" \n \|}"#);
        check(r"C=a\,b", "{C=|a,b|}");
        check("C='\u{1f600}'", "{C=|\u{1f600}|}");
        check("=x", "{=|x|}");
        check("Quantity:1=x", "{Quantity:1=|x|}");
        check("C@=file://f", "{C=|<f>|}");
        check("C@=plain", "{C=|plain|}");
        check("C=file://f", "{C=|file://f|}");
    }

    #[test]
    fn bad_texts_show_the_place() {
        let check = |text: &str, expected: &str, received: &str, location: &str| match parse(text, &load) {
            Ok(value) => panic!("{text}: {}", show(&value)),
            Err(error) => {
                let want = format!("Expected: '{expected}', received: '{received}' for input:\n {location}");
                assert_eq!(error.to_string(), want, "{text}");
            }
        };
        check("  P=1", "=", "P", "  P=1\n  ^");
        check("   ", "=", "EOF", "   \n   ^");
        check("P=[a],,C=r", "=", ",", "P=[a],,C=r\n      ^");
        check("P=1,", "<second>", "<none>", "P=1,\n    ^");
        check("C=\"abc", "<double quoted>", "<none>", "C=\"abc\n  ^");
        check("C='abc", "<singled quoted>", "<none>", "C='abc\n  ^");
        check("I=[/a\"b]", ",", "\"", "I=[/a\"b]\n     ^");
        check("P={Q=1,I=[/a]", ",", "EOF", "P={Q=1,I=[/a]\n             ^");
        check("C=x]y", ",", "]", "C=x]y\n   ^");
        check("C=\u{1f600}", ",", "\u{1f600}", "C=\u{1f600}\n  ^");
        check("A=[1,\n2],\nC=\"a\"x", ",", "x", "A=[1,\n2],\nC=\"a\"x\n     ^");
        check("A==1,\nB=2", ",", "=", "A==1,\n  ^\nB=2");
    }

    #[test]
    fn other_errors() {
        let check = |text: &str, want: &str| {
            let error = parse(text, &load).expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        check("A=[a],A=[b]", "Second instance of key \"A\"");
        check("C@=file://missing", "no such file");
        check(&format!("A={}", "[".repeat(10_000)), "fewer brackets");
    }
}
