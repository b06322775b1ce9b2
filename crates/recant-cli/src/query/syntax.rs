//! What is wrong with an expression's form, in the words of the AWS CLI's library.

use std::fmt;

use recant_wire::python;

use super::lexer::Token;

/// Why a text is no JMESPath expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SyntaxError {
    /// There is none.
    Empty,
    /// A word that cannot be read.
    Lexical {
        /// Where it starts, in characters.
        at: usize,
        /// What is wrong.
        why: String,
    },
    /// The end comes too early.
    Incomplete,
    /// A word that does not belong where it stands.
    Misplaced {
        /// Where it starts, in characters.
        at: usize,
        /// What it says.
        value: String,
        /// What it is.
        kind: String,
        /// What is wrong.
        why: String,
    },
    /// More brackets or operators inside each other than are read.
    TooDeep,
}

impl SyntaxError {
    /// A word that cannot be read.
    pub(super) fn lexical(at: usize, why: impl Into<String>) -> Self {
        Self::Lexical { at, why: why.into() }
    }

    /// A word that does not belong where it stands.
    pub(super) fn misplaced(token: &Token, why: impl Into<String>) -> Self {
        Self::Misplaced {
            at: token.start,
            value: python::str(&token.value),
            kind: token.kind.name().to_uppercase(),
            why: why.into(),
        }
    }

    /// The whole message, with the expression and a caret below the place.
    pub(super) fn with<'a>(&'a self, expression: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match self {
            Self::Empty => f.write_str("Invalid JMESPath expression: cannot be empty."),
            Self::TooDeep => f.write_str("Invalid jmespath expression: nested too deeply"),
            Self::Lexical { at, why } => {
                write!(f, "Bad jmespath expression: {why}:\n{expression}\n{}^", " ".repeat(*at))
            }
            Self::Incomplete => {
                let below = " ".repeat(expression.chars().count() + 1);
                write!(f, "Invalid jmespath expression: Incomplete expression:\n\"{expression}\"\n{below}^")
            }
            Self::Misplaced { at, value, kind, why } => write!(
                f,
                "{why}: Parse error at column {at}, token \"{value}\" ({kind}), for expression:\n\"{expression}\"\n{}^",
                " ".repeat(at + 1)
            ),
        })
    }
}
