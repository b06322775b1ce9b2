//! `--query`: a JMESPath expression over the result.

use recant_wire::document::Document;
use serde_json::Value;

use crate::error::Error;

/// Brackets of all kinds and operators in front may be nested this deep; the parser recurses.
const DEPTH_MAX: usize = 200;

/// A compiled expression.
#[derive(Clone)]
pub(crate) struct Query(jpx_core::Expression<'static>);

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Query").field(&self.0.as_str()).finish()
    }
}

impl Query {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// When it is not JMESPath.
    pub(crate) fn compile(expression: &str) -> Result<Self, Error> {
        let bad = |why: String| Error::Parameter(format!("Bad value for --query {expression}: {why}"));
        if expression.is_empty() {
            return Err(bad("Invalid JMESPath expression: cannot be empty.".to_owned()));
        }
        if nesting(expression) > DEPTH_MAX {
            return Err(bad("Invalid jmespath expression: nested too deeply".to_owned()));
        }
        jpx_core::compile(&with_quoted_literals(expression))
            .map(Self)
            .map_err(|why| bad(format!("Invalid jmespath expression: {why}")))
    }

    /// Applies it to a value.
    ///
    /// # Errors
    ///
    /// When a function meets a value that it does not take.
    pub(crate) fn search(&self, value: Document) -> Result<Document, Error> {
        let found = self.0.search(&Value::from(value)).map_err(|why| Error::general(why.to_string()))?;
        Ok(Document::from(found))
    }
}

/// The parts of an expression: what stands in one kind of quotes, and what stands in none.
fn parts(expression: &str) -> impl Iterator<Item = (Option<char>, &str)> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let quote = ['\'', '"', '`'].into_iter().find(|quote| *quote == first);
        let end = match quote {
            None => rest.find(['\'', '"', '`']).unwrap_or(rest.len()),
            Some(quote) => {
                let mut escaped = false;
                let close = rest[1..].find(|c: char| {
                    let closes = c == quote && !escaped;
                    escaped = c == '\\' && !escaped;
                    closes
                });
                close.map_or(rest.len(), |close| close + 2)
            }
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some((quote, part))
    })
}

/// The deepest nesting that the text can have.
fn nesting(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for (quote, part) in parts(expression) {
        for c in part.chars().filter(|_| quote.is_none() || quote == Some('`')) {
            match c {
                '(' | '[' | '{' | '!' | '&' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
    }
    deepest
}

/// Literals that are not JSON are strings: `` `abc` `` is `` `"abc"` ``, as in the AWS CLI's library.
fn with_quoted_literals(expression: &str) -> String {
    parts(expression)
        .map(|(quote, part)| {
            let inside = part.strip_prefix('`').and_then(|part| part.strip_suffix('`'));
            let (Some('`'), Some(inside)) = (quote, inside) else {
                return part.to_owned();
            };
            let is_json = |text: &str| serde_json::from_str::<Value>(&text.replace("\\`", "`")).is_ok();
            let as_string = format!("\"{}\"", inside.trim_start());
            if is_json(inside) || !is_json(&as_string) { part.to_owned() } else { format!("`{as_string}`") }
        })
        .collect()
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
            let found = Query::compile(expression).and_then(|query| query.search(data));
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
        check("", Err("cannot be empty"));
        check("b[", Err("Bad value for --query b["));
        check("length(`1`)", Err("length"));
        for nested in ["(", "[", "{a:", "!", "`[", "a[?", "&"] {
            check(&nested.repeat(100_000), Err("Bad value for --query"));
        }
    }
}
