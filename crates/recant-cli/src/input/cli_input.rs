//! A whole input in one JSON text: `--cli-input-json`.
//!
//! Keys are the API's names. What the command line gives wins, member by member of the top level; nothing is merged deeper.

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::files::{self, Loaded};
use super::json;
use crate::environment::Environment;
use crate::error::Error;

/// Reads the option's value.
///
/// # Errors
///
/// A file that cannot be read, a text that is not JSON, JSON that is not an object.
pub(crate) fn read(environment: &dyn Environment, value: &str) -> Result<Members, Error> {
    const OPTION: &str = "cli-input-json";
    let text = match files::load(environment, value).map_err(|why| Error::parsing(OPTION, why))? {
        Some(Loaded::Text(text)) => text,
        Some(Loaded::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        None => value.to_owned(),
    };
    match json::parse(&text) {
        Ok(Document::Structure(members)) => Ok(members),
        Ok(other) => Err(Error::parsing(
            "--cli-input-json",
            format_args!("Invalid type: expecting map, received {}", python::class(&other)),
        )),
        Err(_) => Err(Error::parsing(OPTION, "Invalid JSON received.")),
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
