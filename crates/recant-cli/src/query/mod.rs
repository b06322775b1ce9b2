//! `--query`: a JMESPath expression over the result.
//!
//! | file | what it answers |
//! |---|---|
//! | `lexer` | the words of an expression |
//! | `parser` | its tree, or a [`syntax`] error |
//! | `evaluate`, `functions`, `order` | its value for a result |
//!
//! Our own, and not a library's: scripts see numbers, key order and messages of the AWS CLI's library, which is Python's.

mod evaluate;
mod functions;
mod lexer;
mod order;
mod parser;
mod syntax;

use recant_wire::document::Document;

use self::parser::Node;
use crate::error::Error;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Query(Node);

impl Query {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// When it is not JMESPath.
    pub(crate) fn compile(expression: &str) -> Result<Self, Error> {
        parser::parse(expression).map(Self).map_err(|why| {
            Error::Parameter(format!("Bad value for --query {expression}: {}", why.with(expression)))
        })
    }

    /// Applies it to a value.
    ///
    /// # Errors
    ///
    /// When a function meets a value that it does not take.
    pub(crate) fn search(&self, value: &Document) -> Result<Document, Error> {
        evaluate::evaluate(&self.0, value).map_err(|why| Error::general(why.to_string()))
    }
}

#[cfg(test)]
mod compliance;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_find_what_they_ask_for() {
        let check = |expression: &str, want: Result<&str, &str>| {
            let data = crate::input::json::parse("{\"b\":{\"y\":1,\"x\":[1,2]},\"a\":\"t\"}").unwrap();
            let found = Query::compile(expression).and_then(|query| query.search(&data));
            match (found, want) {
                (Ok(found), Ok(want)) => {
                    assert_eq!(crate::output::json::compact(&found), want, "{expression}");
                }
                (Err(why), Err(want)) => assert!(why.to_string().contains(want), "{expression}: {why}"),
                (found, _) => panic!("{expression}: {found:?}"),
            }
        };
        check("b", Ok("{\"y\":1,\"x\":[1,2]}"));
        check("keys(@)", Ok("[\"b\",\"a\"]"));
        check("b.x[::-1]", Ok("[2,1]"));
        check("`abc`", Ok("\"abc\""));
        check("`{bad`", Ok("\"{bad\""));
        check("[`1`, `\"q\"`, '`raw`']", Ok("[1,\"q\",\"`raw`\"]"));
        check("nope", Ok("null"));
        // Numbers keep their kind and all their digits.
        check(
            "[`1e20`, `100000000000000000000`, `1.0`, ceil(`1e20`), sum([`9223372036854775807`, `1`])]",
            Ok("[1e+20,100000000000000000000,1.0,100000000000000000000,9223372036854775808]"),
        );
        check("[`1` == `1.0`, `1` == `true`, contains([`1`], `true`)]", Ok("[true,false,true]"));
        check("to_string({a: '\u{e9}\u{1f600}'})", Ok("\"{\\\"a\\\":\\\"\\\\u00e9\\\\ud83d\\\\ude00\\\"}\""));
        check("", Err("cannot be empty"));
        check(
            "b[",
            Err(
                "Bad value for --query b[: Invalid jmespath expression: Incomplete expression:\n\"b[\"\n   ^",
            ),
        );
        check(
            "b[x]",
            Err(
                "Expecting: star, got: unquoted_identifier: Parse error at column 2, token \"x\" (UNQUOTED_IDENTIFIER), for expression:\n\"b[x]\"\n   ^",
            ),
        );
        check("b ]", Err("Unexpected token: ]: Parse error at column 2, token \"]\" (RBRACKET)"));
        check("b#", Err("Bad jmespath expression: Unknown token #:\nb#\n ^"));
        check(
            "length(`1`)",
            Err(
                "In function length(), invalid type for value: 1, expected one of: ['string', 'array', 'object'], received: \"number\"",
            ),
        );
        check(
            "sum(keys(@))",
            Err(
                "In function sum(), invalid type for value: b, expected one of: ['array-number'], received: \"str\"",
            ),
        );
        check("length(@, @)", Err("Expected 1 argument for function length(), received 2"));
        check("nope(@)", Err("Unknown function: nope()"));
        check("`1` < 'a'", Err("'<' not supported between instances of 'int' and 'str'"));
        for nested in ["(", "[", "{a:", "!", "`[", "a[?", "&"] {
            check(&nested.repeat(100_000), Err("Bad value for --query"));
        }
    }
}
