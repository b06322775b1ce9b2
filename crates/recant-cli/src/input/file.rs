//! A file with one document, as JSON or as YAML.
//!
//! What begins with a brace is JSON, everything else YAML, each by the reader that options have. Other than there, a place is always named: whoever
//! wrote a file wants to know where it is wrong.

use recant_wire::document::Document;
use saphyr_parser::{Event, Parser};

use super::{json, yaml};

/// Why a file is no document.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is no text.
    #[error("it is not UTF-8")]
    NotText,
    /// It begins like JSON, and is none.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// It is no YAML.
    #[error("it is no YAML: line {line} column {column}: {what}")]
    Yaml {
        /// From 1 on.
        line: usize,
        /// From 1 on.
        column: usize,
        /// The parser's words.
        what: String,
    },
    /// It is YAML, and of a kind that is not taken.
    #[error("it is no YAML of one document without repeated keys, unknown tags and endless aliases")]
    OtherYaml,
}

/// Reads a document out of a file's bytes.
///
/// # Errors
///
/// [`FileError`] says what it is not, and where.
pub fn read_document(bytes: Vec<u8>) -> Result<Document, FileError> {
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText)?;
    if text.trim_start().starts_with('{') {
        return json::parse(&text).map_err(|why| FileError::Json(why.to_string()));
    }
    yaml::parse(&text).map(|parsed| parsed.value).map_err(|_| place(&text))
}

/// The first place where a text is no YAML, which the reader does not tell.
fn place(text: &str) -> FileError {
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), span)) if documents > 0 => {
                let (line, column) = (span.start.line(), span.start.col() + 1);
                return FileError::Yaml { line, column, what: "a second document begins".to_owned() };
            }
            Ok((Event::DocumentStart(_), _)) => documents += 1,
            Ok(_) => {}
            Err(why) => {
                let (line, column) = (why.marker().line(), why.marker().col() + 1);
                return FileError::Yaml { line, column, what: why.info().to_owned() };
            }
        }
    }
    FileError::OtherYaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_places() {
        let check = |text: &str, want: &str| {
            let got = read_document(text.as_bytes().to_vec());
            let got =
                got.map_or_else(|why| why.to_string(), |document| crate::output::json::compact(&document));
            assert!(got.starts_with(want), "{text}: {got}");
        };
        check("{\"a\": [1]}", "{\"a\":[1]}");
        check("a:\n  - b: yes\n    c: 'x'\n", "{\"a\":[{\"b\":");
        check("", "null");
        check("{\"a\": 1,}", "it is no JSON: ");
        check("{\n\"a\": x}", "it is no JSON: Expecting value: line 2 column 6");
        check("a:\n  b: 1\n c: 2\n", "it is no YAML: line 3 column ");
        check("a: 1\n---\nb: 2\n", "it is no YAML: line 2 column 1: a second document begins");
        check("a: 1\na: 2\n", "it is no YAML of one document without repeated keys");
        assert_eq!(read_document(vec![0xff]), Err(FileError::NotText));
    }
}
