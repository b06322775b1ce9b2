//! What an output format is.
//!
//! A new one is a file with a [`Format`], named in [`FORMATS`]; options, completion, errors and the walk over pages know formats by this list only.

use recant_wire::document::{Document, Members};

use super::table::Style;
use super::{json, off, table, text, yaml};
use crate::error::Error;

/// All formats, in the AWS CLI's order.
pub(crate) const FORMATS: [&Format; 6] =
    [&json::FORMAT, &text::FORMAT, &table::FORMAT, &yaml::FORMAT, &yaml::STREAM, &off::FORMAT];

/// Their names.
pub(crate) const NAMES: [&str; FORMATS.len()] = {
    let mut names = [""; FORMATS.len()];
    let mut at = 0;
    while at < FORMATS.len() {
        names[at] = FORMATS[at].name;
        at += 1;
    }
    names
};

/// A way of showing results.
#[derive(Debug)]
pub(crate) struct Format {
    /// Its name, as `--output` has it.
    pub name: &'static str,
    /// What is shown of a result that comes in pages.
    pub pages: Pages,
    /// Writes a result.
    pub print: fn(Document, &Look) -> Printed,
}

/// What is shown of a result that comes in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// All of them as one result, when the last is there.
    Joined,
    /// The list of each as it comes, and the token to go on with at the end.
    Lists,
    /// Each as it comes, whole.
    Apart,
}

/// What a format may look at besides the result.
#[derive(Debug)]
pub(crate) struct Look {
    /// The operation's name.
    pub title: &'static str,
    /// How tables are drawn.
    pub style: Style,
    /// Whether a pager reads it.
    pub is_paged: bool,
}

/// A result as text. What could be written before an error is written all the same.
pub(crate) type Printed = (String, Result<(), Error>);

impl Format {
    /// Finds a format.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub(crate) fn named(name: &str) -> Result<&'static Self, Error> {
        let found = FORMATS.into_iter().find(|format| format.name == name);
        found.ok_or_else(|| Error::general(format!("Unknown output type: {name}")))
    }
}

/// Whether a result says anything: an empty object is not shown by the formats that would show braces.
pub(super) fn says_something(result: &Document) -> bool {
    *result != Document::Structure(Members::new())
}
