//! How results are shown. One file a format, [`mod@format`] has the list of them; here is only which one, and when.

pub(crate) mod encoding;
pub(crate) mod format;
pub(crate) mod json;
mod off;
pub(crate) mod pager;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod timestamp;
mod width;
pub(crate) mod yaml;

use recant_wire::document::Document;

use self::encoding::Encoding;
use self::format::{Format, Look};
use self::table::Style;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::query::Query;

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
    pub(crate) fn format(&self) -> Result<&'static Format, Error> {
        Format::named(&self.format)
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
        let look = Look { title: self.title, style: self.style, is_paged: self.pager.is_some() };
        let (text, outcome) = (format.print)(result, &look);
        self.put(environment, text)?;
        outcome
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
