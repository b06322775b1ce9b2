//! What could stand at a place of a line: candidates, each with a sentence.
//!
//! Answers for a line that is being written which words could come next, for the interactive prompt and for shells alike. Everything is
//! read from the same tables as the line itself will be: operations and shapes, global options, the user's files. Deliberately knows
//! nothing of keys, screens or shells, and never says that a line is wrong.
//!
//! | stop | what it yields |
//! |---|---|
//! | [`place`] | the words before the cursor: which command, which options are given, which one waits for its value |
//! | [`options`] | the options that could be typed there |
//! | [`values`] | the values that an option takes: choices, profiles, regions, files |
//! | [`shorthand`] | the keys and values inside a structure that is half typed |
//! | [`typed`] | the text before the cursor as whole words and one that is half typed |
//! | [`shell`] | all of it for a shell |
//! | [`matching`] | those that fit what is typed of the word, best first |

mod matching;
mod options;
mod place;
mod regions;
mod shell;
mod shorthand;
pub(crate) mod typed;
mod values;

use recant_wire::model;

use self::place::{Command, Place};
pub use self::shell::{Shell, complete};
use crate::alias::Aliases;
use crate::command::SERVICE;
use crate::describe;
use crate::environment::Environment;

/// A word that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The whole word, as it would stand there.
    pub text: String,
    /// One sentence about it; may be empty.
    pub about: String,
    /// Whether the line cannot do without it.
    pub required: bool,
    /// Whether something is to follow without a space: a value after `=`, the inside of a folder.
    pub open: bool,
}

impl Candidate {
    pub(crate) fn new(text: impl Into<String>, about: impl Into<String>) -> Self {
        Self { text: text.into(), about: about.into(), required: false, open: false }
    }
}

/// The candidates for a word, of which `current` is typed so far, after these whole words.
pub(crate) fn candidates(environment: &dyn Environment, words: &[String], current: &str) -> Vec<Candidate> {
    let place = Place::after(words);
    if let Some((name, value)) = current.split_once('=')
        && let Some(option) = place.option(name)
    {
        let mut all = values::of(environment, &option, value);
        for candidate in &mut all {
            candidate.text = format!("{name}={}", candidate.text);
        }
        return matching::best(all, current);
    }
    let mut all = Vec::new();
    if let Some(option) = &place.waiting {
        if !current.starts_with('-') {
            all.extend(values::of(environment, option, current));
        }
        if place.must_have_value() {
            return matching::best(all, current);
        }
    }
    if !current.starts_with('-') {
        all.extend(next_commands(environment, &place));
    }
    let options_fit =
        current.starts_with('-') || current.is_empty() && matches!(place.command, Command::Whole(_));
    if options_fit {
        all.extend(options::open(&place));
    }
    matching::best(all, current)
}

/// The options that a line must still have before it can run, as they are spelled.
pub(crate) fn missing(words: &[String]) -> Vec<String> {
    let place = Place::after(words);
    match place.command {
        Command::Whole(_) => options::required(&place),
        Command::None => vec!["a command".to_owned()],
        Command::Service => vec!["an operation".to_owned()],
        Command::Wait => vec!["a waiter".to_owned()],
        Command::Unknown => Vec::new(),
    }
}

/// What the line is about as far as it goes: the topic of its help.
pub(crate) fn topic(words: &[String]) -> crate::command::Topic {
    Place::after(words).topic()
}

/// The commands that could come next.
fn next_commands(environment: &dyn Environment, place: &Place) -> Vec<Candidate> {
    let aliases = |commands: &[&str]| {
        let aliases = Aliases::load(environment).unwrap_or_default();
        let names = aliases.names(commands).into_iter();
        names.map(|name| Candidate::new(name, "An alias of yours.")).collect::<Vec<_>>()
    };
    match place.command {
        Command::None => {
            let mut all = vec![Candidate::new(SERVICE, "Distributions, their tenants, and invalidations.")];
            all.extend(aliases(&[]));
            all.push(Candidate::new("help", "What this program does."));
            all
        }
        Command::Service => {
            let operations = model::operations().iter();
            let mut all: Vec<Candidate> = operations
                .map(|operation| Candidate::new(operation.cli_name, describe::operation(operation)))
                .collect();
            all.push(Candidate::new("wait", "Waits until a state is there."));
            all.push(Candidate::new("sign", "Signs a URL for viewers."));
            all.extend(aliases(&[SERVICE]));
            all.push(Candidate::new("help", "Lists the operations."));
            all
        }
        Command::Wait => model::waiters()
            .iter()
            .map(|waiter| Candidate::new(waiter.cli_name, format!("Polls {}.", waiter.operation)))
            .collect(),
        Command::Whole(_) | Command::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
