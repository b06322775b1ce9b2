//! The input document: from the words of the options to the operation's input.
//!
//! Each option's words may name a file ([`files`]), be JSON ([`json`]) or shorthand ([`shorthand`]), and get their types here and in
//! [`convert`]. A whole input may come from `--cli-input-json` or `--cli-input-yaml` ([`cli_input`], [`yaml`]). Whether the result fits the shape is not asked here:
//! `recant_wire::validate` does that, over the whole input at once.

pub(crate) mod cli_input;
pub(crate) mod convert;
pub(crate) mod file;
pub(crate) mod files;
pub(crate) mod json;
pub(crate) mod shorthand;
pub(crate) mod yaml;

use recant_wire::document::Document;
use recant_wire::model::{Kind, Shape};

use self::files::Loaded;
use self::shorthand::{Shorthand, ShorthandError};
use crate::environment::Environment;
use crate::error::Error;

/// How blobs are typed (`--cli-binary-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BinaryFormat {
    /// Base64.
    #[default]
    Base64,
    /// As they are.
    Raw,
}

/// What the words of an option are that is no member of the input: themselves, or a file's text or bytes if the only one names it.
///
/// # Errors
///
/// A file that cannot be read.
pub(crate) fn untyped(
    environment: &dyn Environment,
    option: &str,
    words: &[String],
) -> Result<Document, Error> {
    let loaded = match words {
        [word] => files::load(environment, word).map_err(|why| Error::parsing(option, why))?,
        _ => None,
    };
    Ok(match loaded {
        Some(Loaded::Text(text)) => Document::String(text),
        Some(Loaded::Bytes(bytes)) => Document::Blob(bytes),
        None => Document::list(words),
    })
}

/// Turns the words of one option into the value of its member.
///
/// # Errors
///
/// A file that cannot be read, a text in no known grammar, a number that is none.
pub(crate) fn value(
    environment: &dyn Environment,
    option: &str,
    shape: &Shape,
    mut words: Vec<String>,
) -> Result<Document, Error> {
    let mut is_loaded = false;
    if let [word] = words.as_slice() {
        match files::load(environment, word).map_err(|why| Error::parsing(option, why))? {
            Some(Loaded::Text(text)) => (words, is_loaded) = (vec![text], true),
            Some(Loaded::Bytes(bytes)) => return from_bytes(shape, bytes),
            None => {}
        }
    }
    match &shape.kind {
        Kind::List(list) => {
            let first = words.first().map_or("", |word| word.trim_start());
            if first.starts_with('[') && words.len() == 1 {
                return from_json(option, &words[0]);
            }
            let items: Result<Vec<Document>, Error> = match (list.element, words.as_slice()) {
                (element, words) if !is_complex(element) => {
                    words.iter().map(|word| convert::scalar(element, word.clone())).collect()
                }
                // The words decide together how all of them are read.
                (element, words) if first.starts_with(['[', '{']) => {
                    words.iter().map(|word| one_in_json(option, element, word)).collect()
                }
                // A file is one value, also where a list of them is wanted.
                (element, [text]) if is_loaded => {
                    return from_shorthand(environment, option, element, text);
                }
                (element, words) => {
                    words.iter().map(|word| from_shorthand(environment, option, element, word)).collect()
                }
            };
            items.map(Document::List)
        }
        _ => one(environment, option, shape, words.pop().unwrap_or_default()),
    }
}

/// The value of one word.
fn one(environment: &dyn Environment, option: &str, shape: &Shape, word: String) -> Result<Document, Error> {
    if !is_complex(shape) {
        return convert::scalar(shape, word);
    }
    match word.trim_start().chars().next() {
        Some('{' | '[') => one_in_json(option, shape, &word),
        _ => from_shorthand(environment, option, shape, &word),
    }
}

/// The value of one word that is to be JSON.
fn one_in_json(option: &str, shape: &Shape, word: &str) -> Result<Document, Error> {
    match word.trim_start().chars().next() {
        Some('{') => from_json(option, word),
        Some('[') if matches!(shape.kind, Kind::List(_)) => from_json(option, word),
        _ => Err(Error::parsing(option, format_args!("Invalid JSON:\n{word}"))),
    }
}

fn is_complex(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Structure(_) | Kind::List(_))
}

fn from_json(option: &str, text: &str) -> Result<Document, Error> {
    json::parse(text)
        .map_err(|why| Error::parsing(option, format_args!("Invalid JSON: {why}\nJSON received: {text}")))
}

fn from_shorthand(
    environment: &dyn Environment,
    option: &str,
    shape: &Shape,
    text: &str,
) -> Result<Document, Error> {
    let load = |value: &str| {
        // As the AWS CLI does it: a file that is missing inside shorthand fails without a code (status 255).
        files::load(environment, value).map_err(|why| Error::general(why.to_string())).map(|loaded| {
            loaded.map(|loaded| match loaded {
                Loaded::Text(text) => Shorthand::Text(text),
                Loaded::Bytes(bytes) => Shorthand::Bytes(bytes),
            })
        })
    };
    match shorthand::parse(text, &load) {
        Ok(parsed) => convert::typed(shape, parsed),
        Err(ShorthandError::File(why)) => Err(why),
        Err(why) => Err(Error::parsing(option, why)),
    }
}

/// Bytes where a text was wanted.
fn from_bytes(shape: &Shape, bytes: Vec<u8>) -> Result<Document, Error> {
    match shape.kind {
        Kind::Structure(_) | Kind::List(_) => {
            Err(Error::general("'in <string>' requires string as left operand, not int"))
        }
        _ => Ok(Document::Blob(bytes)),
    }
}

/// Turns every text that stands for a blob into the blob.
///
/// # Errors
///
/// A text that should be base64 and is not.
pub(crate) fn decode_blobs(shape: &Shape, value: Document, format: BinaryFormat) -> Result<Document, Error> {
    Ok(match (&shape.kind, value) {
        (Kind::Blob, Document::String(text)) => Document::Blob(match format {
            BinaryFormat::Raw => text.into_bytes(),
            BinaryFormat::Base64 if !text.is_ascii() => {
                return Err(Error::general("string argument should contain only ASCII characters"));
            }
            BinaryFormat::Base64 => recant_wire::base64::decode_leniently(&text)
                .ok_or_else(|| Error::general(format!("Invalid base64: \"{text}\"")))?,
        }),
        (Kind::Structure(_), Document::Structure(members)) => {
            let decoded: Result<_, Error> = members
                .into_iter()
                .map(|(name, value)| {
                    let value = match shape.member(&name) {
                        Some(member) => decode_blobs(member.shape, value, format)?,
                        None => value,
                    };
                    Ok((name, value))
                })
                .collect();
            Document::Structure(decoded?)
        }
        (Kind::List(list), Document::List(values)) => Document::List(
            values
                .into_iter()
                .map(|value| decode_blobs(list.element, value, format))
                .collect::<Result<_, _>>()?,
        ),
        (_, other) => other,
    })
}
