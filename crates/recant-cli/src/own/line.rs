//! The words of one of these commands: what was typed, by a table of options.

use crate::environment::Environment;
use crate::error::Error;
use crate::globals::{self, Globals};
use crate::lowargs::{self, Opt, Scan};

/// A line, read.
#[derive(Debug)]
pub(super) struct Line {
    /// The options of every command.
    pub globals: Globals,
    /// The words that belong to no option, in order.
    pub words: Vec<String>,
    own: Scan,
    table: &'static [Opt<'static>],
}

/// Reads the words after a command's name; nothing when help is asked for.
///
/// # Errors
///
/// What is wrong with their form.
pub(super) fn read(
    name: &str,
    table: &'static [Opt<'static>],
    words: &[String],
    environment: &mut dyn Environment,
) -> Result<Option<Line>, Error> {
    if words.first().is_some_and(|word| word == "help") {
        return Ok(None);
    }
    // The pass takes the first word that is no option apart. It is the command's name, so that the others stay in order.
    let words: Vec<String> = std::iter::once(name.to_owned()).chain(words.iter().cloned()).collect();
    let main = lowargs::scan(globals::TABLE, &words)?;
    if globals::is_debug(&main) {
        environment.start_debugging();
    }
    if globals::prompts(&main) {
        return Err(Error::Parameter(
            "--cli-auto-prompt writes lines of 'recant cloudfront'; this command has none".to_owned(),
        ));
    }
    let globals = Globals::resolve(&main)?;
    let words: Vec<String> = std::iter::once(name.to_owned()).chain(main.leftovers.iter().cloned()).collect();
    let own = lowargs::scan(table, &words)?;
    if own.leftovers.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(None);
    }
    match own.leftovers.iter().find(|word| word.starts_with('-')) {
        Some(unknown) => {
            Err(Error::Parameter(format!("there is no option '{unknown}'; 'recant {name} help' lists all")))
        }
        None => Ok(Some(Line { globals, words: own.leftovers.clone(), own, table })),
    }
}

impl Line {
    /// The last value of an option; none if it was not given.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        self.values(option).pop()
    }

    /// All values of an option, in order.
    pub(super) fn values(&self, option: &str) -> Vec<&str> {
        let of_it = self.own.given.iter().filter(|(index, _)| self.table[*index].name == option);
        of_it.filter_map(|(_, words)| words.last().map(String::as_str)).collect()
    }

    /// Whether an option was given.
    pub(super) fn has(&self, option: &str) -> bool {
        self.own.given.iter().any(|(index, _)| self.table[*index].name == option)
    }

    /// The names of the options that were given.
    pub(super) fn options(&self) -> impl Iterator<Item = &'static str> {
        self.own.given.iter().map(|(index, _)| self.table[*index].name)
    }
}
