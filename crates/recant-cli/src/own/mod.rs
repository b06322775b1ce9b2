//! Commands over Recant's own API: `keys`, `audit`, `progress`, `edges`, `events`.
//!
//! What `cloudfront` does not have a word for is asked for under `/recant/v1/`, in JSON. Settings, signing, retries, output and exit statuses are
//! those of `cloudfront`, by the same modules. A command is one file with its help, which completion and manual pages are made of, and one line in
//! [`COMMANDS`].
//!
//! | stop | what it yields |
//! |---|---|
//! | [`mod@line`] | the words: those with a fixed meaning, options, the options of every command |
//! | [`keys`], [`audit`], [`progress`], [`events`] | what is asked for, and what of the answer is shown |
//! | [`policy`] | a policy, written or by the name of what it is for |
//! | [`session`] | the calls, and the result on standard output |

mod audit;
mod events;
mod keys;
mod line;
mod policy;
mod progress;
mod session;

use std::ffi::OsString;

use self::line::Line;
use self::session::Session;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat};
use crate::output;

/// The title of a help's section that lists what may follow the command's name.
pub(crate) const COMMANDS_TITLE: &str = "Commands";

/// One of these commands.
struct Command {
    name: &'static str,
    /// A sentence without its subject, for the manual page's first line.
    about: &'static str,
    help: &'static str,
    table: &'static [crate::lowargs::Opt<'static>],
    run: fn(&Line, &mut Session<'_>) -> Result<(), Error>,
}

static COMMANDS: [Command; 5] = [
    Command {
        name: "keys",
        about: "access keys of a plane, and what each may do",
        help: keys::HELP,
        table: keys::TABLE,
        run: keys::run,
    },
    Command {
        name: "audit",
        about: "who asked a plane for what, and what was decided",
        help: audit::HELP,
        table: audit::TABLE,
        run: audit::run,
    },
    Command {
        name: "progress",
        about: "how far the edges are with an invalidation",
        help: progress::HELP,
        table: progress::TABLE,
        run: progress::run,
    },
    Command {
        name: "edges",
        about: "the edges of a plane, and how far each is",
        help: progress::EDGES_HELP,
        table: &[],
        run: progress::edges,
    },
    Command {
        name: "events",
        about: "what happens at a plane, as it happens",
        help: events::HELP,
        table: events::TABLE,
        run: events::run,
    },
];

/// Whether this word is the name of one of these commands.
pub fn is_own(word: &str) -> bool {
    find(word).is_some()
}

/// Runs one of these commands; the words are its name and those after it. Returns the exit status.
///
/// Standard output gets the result, standard error everything that is said about it.
pub fn own(words: impl IntoIterator<Item = OsString>, environment: &mut dyn Environment) -> u8 {
    let words: Vec<String> = words.into_iter().map(|word| crate::run::text_of(&word)).collect();
    let name = words.first().map(String::as_str).unwrap_or_default();
    let outcome = match find(name) {
        Some(command) => execute(command, &words[1..], environment),
        None => Err(Error::Parameter(format!("there is no command '{name}'"))),
    };
    environment.finish_paging();
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            if !error.render(ErrorFormat::Enhanced).is_empty() {
                say(environment, name, &error.to_string());
            }
            error.exit_status()
        }
    }
}

/// What `recant COMMAND help` says; nothing for a command that is none of these.
pub(crate) fn help(name: &str) -> Option<&'static str> {
    find(name).map(|command| command.help)
}

/// A manual page's sentence and text, by its name: `recant-keys`.
pub(crate) fn page(name: &str) -> Option<(String, String)> {
    let command = find(name.strip_prefix("recant-")?)?;
    Some((command.about.to_owned(), command.help.to_owned()))
}

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name)
}

/// The words that an option of one of them may have for its value, where there are few.
pub(crate) fn values(name: &str, option: &str) -> Vec<&'static str> {
    match (name, option) {
        ("keys", "--may") => policy::names().to_vec(),
        _ => Vec::new(),
    }
}

/// The words at the beginning of an entry of a help that are typed as they stand: `policy get` of `policy get ID`.
pub(crate) fn fixed_words(entry: &str) -> Vec<String> {
    let is_fixed = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    entry.split(' ').take_while(is_fixed).map(str::to_owned).collect()
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn execute(
    command: &'static Command,
    words: &[String],
    environment: &mut dyn Environment,
) -> Result<(), Error> {
    match line::read(command.name, command.table, words, environment)? {
        None => output::write(environment, command.help),
        Some(line) => {
            Session::with(environment, command.name, &line.globals, |session| (command.run)(&line, session))
        }
    }
}

/// A line on standard error. Nothing can be told to a reader that is gone.
fn say(environment: &mut dyn Environment, command: &str, text: &str) {
    let _ = environment.stderr().write_all(format!("recant {command}: {text}\n").as_bytes());
    let _ = environment.stderr().flush();
}
