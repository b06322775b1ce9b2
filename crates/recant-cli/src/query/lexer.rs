//! The words of a JMESPath expression.
//!
//! Words and error texts are those of the AWS CLI's library (jmespath 1.x): positions count characters, a literal that is not JSON is a
//! string, and what no word begins with is named.

use recant_wire::document::Document;

use super::syntax::SyntaxError;
use crate::input::{convert, json};

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dot,
    Star,
    Rbracket,
    Comma,
    Colon,
    Current,
    Lparen,
    Rparen,
    Lbrace,
    Rbrace,
    UnquotedIdentifier,
    QuotedIdentifier,
    Flatten,
    Filter,
    Lbracket,
    Or,
    Pipe,
    And,
    Expref,
    Literal,
    Number,
    Lte,
    Lt,
    Gte,
    Gt,
    Ne,
    Not,
    Eq,
    Eof,
}

impl Kind {
    /// The library's name, which its messages show.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Star => "star",
            Self::Rbracket => "rbracket",
            Self::Comma => "comma",
            Self::Colon => "colon",
            Self::Current => "current",
            Self::Lparen => "lparen",
            Self::Rparen => "rparen",
            Self::Lbrace => "lbrace",
            Self::Rbrace => "rbrace",
            Self::UnquotedIdentifier => "unquoted_identifier",
            Self::QuotedIdentifier => "quoted_identifier",
            Self::Flatten => "flatten",
            Self::Filter => "filter",
            Self::Lbracket => "lbracket",
            Self::Or => "or",
            Self::Pipe => "pipe",
            Self::And => "and",
            Self::Expref => "expref",
            Self::Literal => "literal",
            Self::Number => "number",
            Self::Lte => "lte",
            Self::Lt => "lt",
            Self::Gte => "gte",
            Self::Gt => "gt",
            Self::Ne => "ne",
            Self::Not => "not",
            Self::Eq => "eq",
            Self::Eof => "eof",
        }
    }
}

/// One word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// What it says: an identifier's name, a literal's value, otherwise the word itself.
    pub value: Document,
    /// Where it starts, in characters.
    pub start: usize,
}

/// Splits an expression that is not empty. The last word is [`Kind::Eof`].
///
/// # Errors
///
/// A character that no word begins with, a quote that is not closed, a literal that cannot be read.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { input: expression.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(c) = lexer.peek() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            lexer.at += 1;
        } else {
            tokens.push(lexer.token(c)?);
        }
    }
    tokens.push(Token { kind: Kind::Eof, value: "".into(), start: lexer.input.len() });
    Ok(tokens)
}

struct Lexer {
    input: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    /// The word that starts here with `first`.
    fn token(&mut self, first: char) -> Result<Token, SyntaxError> {
        let start = self.at;
        let simple = match first {
            '.' => Kind::Dot,
            '*' => Kind::Star,
            ']' => Kind::Rbracket,
            ',' => Kind::Comma,
            ':' => Kind::Colon,
            '@' => Kind::Current,
            '(' => Kind::Lparen,
            ')' => Kind::Rparen,
            '{' => Kind::Lbrace,
            '}' => Kind::Rbrace,
            '[' if self.input.get(start + 1) == Some(&']') => return Ok(self.word(Kind::Flatten, 2)),
            '[' if self.input.get(start + 1) == Some(&'?') => return Ok(self.word(Kind::Filter, 2)),
            '[' => Kind::Lbracket,
            '|' => return Ok(self.either('|', Kind::Or, Kind::Pipe)),
            '&' => return Ok(self.either('&', Kind::And, Kind::Expref)),
            '<' => return Ok(self.either('=', Kind::Lte, Kind::Lt)),
            '>' => return Ok(self.either('=', Kind::Gte, Kind::Gt)),
            '!' => return Ok(self.either('=', Kind::Ne, Kind::Not)),
            '=' if self.input.get(start + 1) == Some(&'=') => return Ok(self.word(Kind::Eq, 2)),
            '=' => return Err(SyntaxError::lexical(start, "Unknown token '='")),
            '\'' => return self.raw_string(),
            '`' => return self.literal(),
            '"' => return self.quoted_identifier(),
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = self.run(|c| c.is_ascii_alphanumeric() || c == '_');
                return Ok(self.word(Kind::UnquotedIdentifier, length));
            }
            '0'..='9' | '-' => return self.number(),
            other => return Err(SyntaxError::lexical(start, format!("Unknown token {other}"))),
        };
        Ok(self.word(simple, 1))
    }

    /// Takes a word of so many characters, which is its own value.
    fn word(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        let text: String = self.input[start..self.at].iter().collect();
        Token { kind, value: text.into(), start }
    }

    fn either(&mut self, second: char, long: Kind, short: Kind) -> Token {
        if self.input.get(self.at + 1) == Some(&second) { self.word(long, 2) } else { self.word(short, 1) }
    }

    /// The number of characters here, the first one included, that go on like this.
    fn run(&self, goes_on: impl Fn(char) -> bool) -> usize {
        1 + self.input[self.at + 1..].iter().take_while(|c| goes_on(**c)).count()
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let length = self.run(|c| c.is_ascii_digit());
        let token = self.word(Kind::Number, length);
        match token.value.as_str() {
            Some("-") | None => Err(SyntaxError::lexical(start, "Unknown token '-'")),
            Some(digits) => Ok(Token { value: convert::integer(digits), ..token }),
        }
    }

    /// What stands between this delimiter and the next one that no backslash precedes; backslashes stay.
    fn until(&mut self, delimiter: char) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut out = String::new();
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(SyntaxError::lexical(start, format!("Unclosed {delimiter} delimiter"))),
                Some(c) if c == delimiter => break,
                Some('\\') => {
                    out.push('\\');
                    self.at += 1;
                    out.extend(self.peek());
                }
                Some(c) => out.push(c),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(out)
    }

    fn raw_string(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let text = self.until('\'')?.replace("\\'", "'");
        Ok(Token { kind: Kind::Literal, value: text.into(), start })
    }

    fn literal(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let text = self.until('`')?.replace("\\`", "`");
        let value = json::parse(&text)
            .or_else(|_| json::parse(&format!("\"{}\"", text.trim_start())))
            .map_err(|_| SyntaxError::lexical(start, format!("Bad token {text}")))?;
        Ok(Token { kind: Kind::Literal, value, start })
    }

    fn quoted_identifier(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let text = format!("\"{}\"", self.until('"')?);
        let value = json::parse(&text).map_err(|why| {
            let why = why.to_string();
            SyntaxError::lexical(start, why.split(':').next().unwrap_or_default())
        })?;
        Ok(Token { kind: Kind::QuotedIdentifier, value, start })
    }
}
