//! How results are shown. One file a format; here is only which one, and when.
//!
//! JSON and YAML want the whole result, all pages as one. Text and the YAML stream are written page by page, as they come.

pub(crate) mod json;
pub(crate) mod text;
pub(crate) mod timestamp;
pub(crate) mod yaml;

use recant_wire::document::{Document, Members};

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::query::Query;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// [`json`].
    Json,
    /// [`text`].
    Text,
    /// [`yaml`].
    Yaml,
    /// [`yaml`], an element of a list for each page.
    YamlStream,
    /// Nothing at all.
    Off,
}

/// The format by the option, the environment or the profile: a name that may be wrong, which is only looked at when there is something to
/// show.
#[derive(Clone, Debug)]
pub(crate) struct FormatName(String);

impl FormatName {
    /// Finds the name.
    ///
    /// # Errors
    ///
    /// A format of the AWS CLI's that is not written here: better said before anything is sent than after.
    pub(crate) fn resolve(
        environment: &dyn Environment,
        config: &Config,
        globals: &Globals,
    ) -> Result<Self, Error> {
        let name = globals
            .output
            .clone()
            .or_else(|| environment.var("AWS_DEFAULT_OUTPUT"))
            .or_else(|| config.get("output").map(str::to_owned))
            .unwrap_or_else(|| "json".to_owned());
        match name.as_str() {
            "table" => Err(Error::Parameter(
                "The output type table is not supported; use json, text or yaml".to_owned(),
            )),
            _ => Ok(Self(name)),
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn format(&self) -> Result<Format, Error> {
        match self.0.as_str() {
            "json" => Ok(Format::Json),
            "text" => Ok(Format::Text),
            "yaml" => Ok(Format::Yaml),
            "yaml-stream" => Ok(Format::YamlStream),
            "off" => Ok(Format::Off),
            other => Err(Error::general(format!("Unknown output type: {other}"))),
        }
    }
}

/// Shows one result, or one page of it.
///
/// # Errors
///
/// A query that fails, or standard output that is gone.
pub(crate) fn show(
    environment: &mut dyn Environment,
    format: Format,
    query: Option<&Query>,
    result: Document,
) -> Result<(), Error> {
    let result = match query {
        Some(query) => query.search(result)?,
        None => result,
    };
    let text = match format {
        // An empty object says nothing, so nothing is said.
        Format::Json | Format::Yaml | Format::YamlStream if result == Document::Structure(Members::new()) => {
            String::new()
        }
        Format::Json => json::pretty(&result) + "\n",
        Format::Text => text::format(&result),
        Format::Yaml => yaml::format(&result),
        Format::YamlStream => yaml::stream_item(result),
        Format::Off => String::new(),
    };
    write(environment, &text)
}

/// Writes to standard output.
///
/// # Errors
///
/// When it is gone.
pub(crate) fn write(environment: &mut dyn Environment, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Ok(());
    }
    let stdout = environment.stdout();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
