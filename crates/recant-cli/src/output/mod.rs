//! How results are shown. One file a format; here is only which one, and when.
//!
//! JSON, YAML and tables want the whole result, all pages as one. Text and the YAML stream are written page by page, as they come.

pub(crate) mod encoding;
pub(crate) mod json;
pub(crate) mod pager;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod timestamp;
mod width;
pub(crate) mod yaml;

use recant_wire::document::{Document, Members};

use self::encoding::Encoding;
use self::table::Style;

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
    /// [`table`].
    Table,
    /// [`yaml`].
    Yaml,
    /// [`yaml`], an element of a list for each page.
    YamlStream,
    /// Nothing at all.
    Off,
}

/// A table is as wide as this where there is no terminal.
const TABLE_WIDTH: usize = 80;

/// How this call's results are shown, and where they go.
#[derive(Debug)]
pub(crate) struct Printer<'a> {
    /// A name that may be wrong; it is only looked at when there is something to show.
    format: String,
    query: Option<&'a Query>,
    /// What stands above a table.
    title: &'static str,
    style: Style,
    encoding: Encoding,
    /// The pager to start at the first byte.
    pager: Option<String>,
}

impl<'a> Printer<'a> {
    /// Finds out how to show the results of an operation.
    ///
    /// # Errors
    ///
    /// An output encoding that does not exist.
    pub(crate) fn resolve(
        environment: &dyn Environment,
        config: &Config,
        globals: &'a Globals,
        title: &'static str,
    ) -> Result<Self, Error> {
        let format = globals
            .output
            .clone()
            .or_else(|| environment.var("AWS_DEFAULT_OUTPUT"))
            .or_else(|| config.get("output").map(str::to_owned))
            .unwrap_or_else(|| "json".to_owned());
        let columns = environment.terminal_columns();
        let coloured = match globals.color.as_deref() {
            Some("on") => true,
            Some("off") => false,
            _ => columns.is_some(),
        };
        let style = Style { coloured, resets: coloured, width_max: columns.map_or(TABLE_WIDTH, usize::from) };
        let pager = if globals.page { pager::find(environment, config) } else { None };
        let encoding = Encoding::resolve(environment)?;
        Ok(Self { format, query: globals.query.as_ref(), title, style, encoding, pager })
    }

    /// The format.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub(crate) fn format(&self) -> Result<Format, Error> {
        match self.format.as_str() {
            "json" => Ok(Format::Json),
            "text" => Ok(Format::Text),
            "table" => Ok(Format::Table),
            "yaml" => Ok(Format::Yaml),
            "yaml-stream" => Ok(Format::YamlStream),
            "off" => Ok(Format::Off),
            other => Err(Error::general(format!("Unknown output type: {other}"))),
        }
    }

    /// Shows one result, or one page of it.
    ///
    /// # Errors
    ///
    /// A query that fails, a pager that does not start, or standard output that is gone.
    pub(crate) fn show(&mut self, environment: &mut dyn Environment, result: Document) -> Result<(), Error> {
        let format = self.format()?;
        let result = match self.query {
            Some(query) => query.search(&result)?,
            None => result,
        };
        let text = match format {
            // An empty object says nothing, so nothing is said.
            Format::Json | Format::Yaml | Format::YamlStream
                if result == Document::Structure(Members::new()) =>
            {
                String::new()
            }
            Format::Json => json::pretty(&result) + "\n",
            Format::Text => {
                let (text, outcome) = text::format(&result);
                self.put(environment, text)?;
                return outcome;
            }
            Format::Table => {
                // A pager's input does not pass through the library that resets colours.
                let resets = self.style.resets && self.pager.is_none();
                table::format(self.title, &result, Style { resets, ..self.style })?
            }
            Format::Yaml => yaml::format(&result),
            Format::YamlStream => yaml::stream_item(result),
            Format::Off => String::new(),
        };
        self.put(environment, text)
    }

    fn put(&mut self, environment: &mut dyn Environment, text: String) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        if let Some(command) = self.pager.take() {
            pager::start(environment, &command)?;
        }
        put(environment, &self.encoding.encode(text)?)
    }
}

/// Writes a text to standard output, past the pager.
///
/// # Errors
///
/// When it is gone.
pub(crate) fn write(environment: &mut dyn Environment, text: &str) -> Result<(), Error> {
    let bytes = Encoding::resolve(environment)?.encode(text.to_owned())?;
    put(environment, &bytes)
}

fn put(environment: &mut dyn Environment, bytes: &[u8]) -> Result<(), Error> {
    let stdout = environment.stdout();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}
