//! A whole input in one text: `--cli-input-json` and `--cli-input-yaml`.
//!
//! Keys are the API's names. What the command line gives wins, member by member of the top level; nothing is merged deeper.

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::files::{self, Loaded};
use super::{json, yaml};
use crate::environment::Environment;
use crate::error::Error;

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// [`json`].
    Json,
    /// [`yaml`].
    Yaml,
}

impl Syntax {
    /// The option that takes such a text.
    fn option(self) -> &'static str {
        match self {
            Self::Json => "--cli-input-json",
            Self::Yaml => "--cli-input-yaml",
        }
    }
}

/// Reads the option's value.
///
/// # Errors
///
/// A file that cannot be read, a text that is not what it should be, a value that is no structure.
pub(crate) fn read(environment: &dyn Environment, syntax: Syntax, value: &str) -> Result<Members, Error> {
    let option = syntax.option();
    // The AWS CLI names the option without dashes where the text itself is wrong.
    let name = option.trim_start_matches('-');
    let text = match files::load(environment, value).map_err(|why| Error::parsing(name, why))? {
        Some(Loaded::Text(text)) => text,
        Some(Loaded::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        None => value.to_owned(),
    };
    let value = match syntax {
        Syntax::Json => json::parse(&text).map_err(|_| Error::parsing(name, "Invalid JSON received."))?,
        Syntax::Yaml => {
            let parsed = yaml::parse(&text).map_err(|_| Error::parsing(name, "Invalid YAML received."))?;
            if parsed.has_odd_keys {
                return Err(Error::general("keywords must be strings"));
            }
            parsed.value
        }
    };
    match value {
        Document::Structure(members) => Ok(members),
        other => Err(Error::parsing(
            option,
            format_args!("Invalid type: expecting map, received {}", python::class(&other)),
        )),
    }
}

/// Adds the members that the command line did not give.
pub(crate) fn merge(into: &mut Members, from: Members) {
    for (name, value) in from {
        if !into.contains(&name) {
            into.insert(name, value);
        }
    }
}
