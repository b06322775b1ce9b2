//! `--query`: a JMESPath expression over the result.

use recant_wire::document::Document;
use serde_json::Value;

use crate::error::Error;

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
        jpx_core::compile(expression)
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
