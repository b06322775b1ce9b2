//! What is meant: the words of a line become a command with all its options resolved.
//!
//! A line is read in three passes, as the AWS CLI does: the global options wherever they stand, then the service and the operation, then
//! the operation's own options. The result holds no text that still needs interpreting, apart from what only the environment can say.

mod argument;
mod given;

use recant_wire::document::{Document, Members};
use recant_wire::model::{self, Operation, Waiter};
use recant_wire::python;

pub(crate) use self::argument::{Argument, Pages, Role, SKELETONS, options_of};
pub(crate) use self::given::Given;
use self::given::{check_numbers, check_required, members};
use crate::alias::{self, Aliases, Meaning};
use crate::environment::Environment;
use crate::error::{Error, ErrorStyle};
use crate::globals::{self, Globals, Prompting};
use crate::input::cli_input;
use crate::input::cli_input::Syntax;
use crate::input::files::{self, Loaded};
use crate::lowargs::{self, Opt, Scan, invalid_choice};
use crate::paginate::Paging;
use crate::sign::{self, Signing};
use crate::skeleton::Skeleton;
use crate::{customize, debug, paginate, words};

/// The only service that is known here.
pub(crate) const SERVICE: &str = "cloudfront";

/// A whole line, understood.
#[derive(Debug)]
pub(crate) enum Command {
    /// `--version`.
    Version,
    /// An alias that is a line for the shell.
    Shell(String),
    /// The prompt that helps to write a line.
    Prompt,
    /// `sign`.
    Sign(Signing),
    /// `help`, at any level.
    Help(Topic),
    /// One operation of the service.
    Operation(Box<Call>),
    /// `wait`.
    Wait(&'static Waiter, Box<Call>),
}

/// One operation with its input.
#[derive(Debug)]
pub(crate) struct Call {
    /// Which one.
    pub operation: &'static Operation,
    /// The global options.
    pub globals: Globals,
    /// The input, not validated yet.
    pub input: Members,
    /// How pages are walked; none sends one request.
    pub paging: Option<Paging>,
    /// What to print instead of calling.
    pub skeleton: Option<Skeleton>,
    /// The file for the bytes that are the result's body ([`Operation::streamed`]).
    pub outfile: Option<String>,
    /// Whether the rest of the input has to be asked for first ([`customize::keep_other_settings`]).
    pub keeps_other_settings: bool,
}

/// What help is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Topic {
    /// The whole program.
    Top,
    /// The service.
    Service,
    /// `wait`.
    Waiters,
    /// One waiter.
    Waiter(&'static Waiter),
    /// One operation.
    Operation(&'static Operation),
    /// `sign`.
    Sign,
}

/// Understands a line. The style of errors is told as soon as it is known, since the rest of the line may be wrong. A line that was
/// written with the prompt's help may not prompt.
///
/// # Errors
///
/// Whatever is wrong with the line.
pub(crate) fn resolve(
    words: &[String],
    environment: &mut dyn Environment,
    style: &mut ErrorStyle,
    may_prompt: bool,
) -> Result<Command, Error> {
    let mut main = lowargs::scan(globals::TABLE, words)?;
    *style = globals::error_style(&main);
    if globals::is_debug(&main) {
        environment.start_debugging();
        debug::line(environment, "awscli.clidriver", || format!("CLI version: {}", crate::run::VERSION));
        debug::line(environment, "awscli.clidriver", || {
            format!("Arguments entered to CLI: {}", python::repr(&Document::list(words)))
        });
    }
    if main.stopped_by.is_some() {
        return Ok(Command::Version);
    }
    let mut config = None;
    if may_prompt {
        let (prompting, read) = globals::prompting(&main, words, environment)?;
        if prompting == Prompting::On {
            return Ok(Command::Prompt);
        }
        config = read;
    }
    let aliases = Aliases::load(environment)?;
    if let Some(line) = expand_command(&aliases, &mut main)? {
        return Ok(Command::Shell(line));
    }
    match main.positional.as_deref() {
        Some(SERVICE) => {}
        Some("help") => return Ok(Command::Help(Topic::Top)),
        Some(other) => return Err(invalid_choice("command", other, [SERVICE].into_iter())),
        None => return Err(missing(&["command"])),
    }
    let mut globals = Globals::resolve(&main)?;

    let mut service = lowargs::scan(&[], &main.leftovers)?;
    match expand_below(&aliases, &[SERVICE], &mut service, &mut main)? {
        Expanded::No => {}
        Expanded::Words => globals = Globals::resolve(&main)?,
        Expanded::Shell(line) => return Ok(Command::Shell(line)),
    }
    // No alias can change the profile.
    globals.config = config;
    match service.positional.as_deref() {
        Some("help") => Ok(Command::Help(Topic::Service)),
        Some("sign") => Ok(match sign::resolve(environment, &service.leftovers)? {
            Some(signing) => Command::Sign(signing),
            None => Command::Help(Topic::Sign),
        }),
        Some("wait") => {
            let mut which = lowargs::scan(&[], &service.leftovers)?;
            match expand_below(&aliases, &[SERVICE, "wait"], &mut which, &mut main)? {
                Expanded::No => {}
                Expanded::Words => {
                    globals = Globals { config: globals.config, ..Globals::resolve(&main)? };
                }
                Expanded::Shell(line) => return Ok(Command::Shell(line)),
            }
            if which.positional.as_deref() == Some("help") {
                return Ok(Command::Help(Topic::Waiters));
            }
            let waiter = find_waiter(which.positional.as_deref())?;
            let operation = model::operation(waiter.operation).expect("waiters name operations of the model");
            match call(operation, globals, &which.leftovers, environment, Pages::Never)? {
                Some(call) => Ok(Command::Wait(waiter, Box::new(call))),
                None => Ok(Command::Help(Topic::Waiter(waiter))),
            }
        }
        name => {
            let operation = find_operation(name)?;
            match call(operation, globals, &service.leftovers, environment, Pages::AsModelled)? {
                Some(call) => Ok(Command::Operation(Box::new(call))),
                None => Ok(Command::Help(Topic::Operation(operation))),
            }
        }
    }
}

/// Whether a line that turned out to be wrong is to be mended with the prompt's help.
pub(crate) fn is_mended(words: &[String], environment: &dyn Environment) -> bool {
    // A line whose global options are wrong can still be mended; it just cannot say so itself.
    let main = lowargs::scan(globals::TABLE, words).unwrap_or_default();
    matches!(globals::prompting(&main, words, environment), Ok((Prompting::OnPartial, _)))
}

/// Puts what aliases stand for in the place of the command; a line for the shell ends it.
///
/// Global options in an alias come after those of the line, so they win. `--profile` and `--debug` have had their effect before.
fn expand_command(aliases: &Aliases, main: &mut Scan) -> Result<Option<String>, Error> {
    let mut seen: Vec<String> = Vec::new();
    while let Some(word) = main.positional.clone() {
        // An alias may hide the command that it stands for, but not by way of another one.
        if seen.last() == Some(&word) {
            break;
        }
        if seen.contains(&word) {
            return Err(Error::general("maximum recursion depth exceeded"));
        }
        match aliases.find(&[], &word)? {
            None => break,
            Some(Meaning::Shell(line)) => return Ok(Some(shell_line(line, &main.leftovers))),
            Some(Meaning::Words(words)) => {
                let alias = lowargs::scan(globals::TABLE, &words)?;
                globals::check_alias(&alias, &word)?;
                main.positional = alias.positional;
                main.given.extend(alias.given);
                main.leftovers.splice(0..0, alias.leftovers);
            }
        }
        seen.push(word);
        if seen.len() > alias::DEPTH_MAX {
            return Err(Error::general("maximum recursion depth exceeded"));
        }
    }
    Ok(None)
}

/// What became of a name.
enum Expanded {
    No,
    Words,
    Shell(String),
}

/// The same for the operation or the waiter below these commands, once.
fn expand_below(
    aliases: &Aliases,
    commands: &[&str],
    below: &mut Scan,
    main: &mut Scan,
) -> Result<Expanded, Error> {
    let Some(word) = below.positional.clone() else {
        return Ok(Expanded::No);
    };
    match aliases.find(commands, &word)? {
        None => Ok(Expanded::No),
        Some(Meaning::Shell(line)) => Ok(Expanded::Shell(shell_line(line, &below.leftovers))),
        Some(Meaning::Words(words)) => {
            let alias = lowargs::scan(globals::TABLE, &words)?;
            globals::check_alias(&alias, &word)?;
            main.given.extend(alias.given);
            let words: Vec<String> = alias.positional.into_iter().chain(alias.leftovers).collect();
            let mut expanded = lowargs::scan(&[], &words)?;
            expanded.leftovers.append(&mut below.leftovers);
            *below = expanded;
            Ok(Expanded::Words)
        }
    }
}

fn shell_line(line: String, words: &[String]) -> String {
    std::iter::once(line).chain(words.iter().map(|word| words::quoted(word))).collect::<Vec<_>>().join(" ")
}

fn missing(names: &[&str]) -> Error {
    Error::Usage(format!("the following arguments are required: {}", names.join(", ")))
}

fn find_operation(name: Option<&str>) -> Result<&'static Operation, Error> {
    let name = name.ok_or_else(|| missing(&["operation"]))?;
    model::operation_by_cli_name(name).ok_or_else(|| {
        let names = model::operations().iter().map(|operation| operation.cli_name);
        invalid_choice("operation", name, names.chain(["wait", "sign", "help"]))
    })
}

fn find_waiter(name: Option<&str>) -> Result<&'static Waiter, Error> {
    let name = name.ok_or_else(|| missing(&["subcommand"]))?;
    model::waiter_by_cli_name(name).ok_or_else(|| {
        invalid_choice("subcommand", name, model::waiters().iter().map(|waiter| waiter.cli_name))
    })
}

/// Reads an operation's own options; none when help is asked for.
fn call(
    operation: &'static Operation,
    globals: Globals,
    words: &[String],
    environment: &mut dyn Environment,
    pages: Pages,
) -> Result<Option<Call>, Error> {
    let arguments = options_of(operation, pages);
    let table: Vec<Opt<'_>> = arguments
        .iter()
        .map(|argument| Opt {
            choices: if matches!(argument.role, Role::Skeleton) { SKELETONS } else { &[] },
            ..Opt::new(&argument.name, argument.takes)
        })
        .collect();
    let mut scan = lowargs::scan(&table, words)?;
    check_numbers(operation, &arguments, &scan)?;
    let wants_file = operation.streamed().is_some();
    let is_help = scan.positional.as_deref() == Some("help") && (!wants_file || words.len() == 1);
    check_required(&arguments, &scan, words, wants_file)?;
    if is_help {
        return Ok(None);
    }
    let mut outfile = None;
    match scan.positional.take() {
        Some(word) if wants_file => outfile = Some(loaded_name(environment, word)?),
        word => scan.leftovers.extend(word),
    }
    if !scan.leftovers.is_empty() {
        return Err(Error::UnknownOptions(scan.leftovers.join(", ")));
    }
    let given = Given { arguments: &arguments, scan: &scan };
    customize::check(operation, &given)?;

    let mut input = members(environment, &given)?;
    let texts = [(Role::CliInputJson, Syntax::Json), (Role::CliInputYaml, Syntax::Yaml)];
    let texts: Vec<(Syntax, &str)> =
        texts.into_iter().filter_map(|(role, syntax)| Some((syntax, given.text(role)?))).collect();
    match texts.as_slice() {
        [] => {}
        [(syntax, text)] => cli_input::merge(&mut input, cli_input::read(environment, *syntax, text)?),
        _ => {
            return Err(Error::Parameter("Only one --cli-input- parameter may be specified.".to_owned()));
        }
    }
    let paging = match (operation.paginator.as_ref(), pages) {
        (Some(paginator), Pages::AsModelled) => {
            paginate::resolve(operation, paginator, &given, &globals, &mut input, environment)?
        }
        _ => None,
    };
    let skeleton = match given.text(Role::Skeleton) {
        Some("output") => Some(Skeleton::Output),
        Some("yaml-input") => Some(Skeleton::YamlInput),
        Some(_) => Some(Skeleton::Input),
        None => None,
    };
    let keeps_other_settings = operation.name == "UpdateDistribution"
        && given.words(Role::Custom(customize::Extra::DefaultRootObject)).is_some();
    Ok(Some(Call { operation, globals, input, paging, skeleton, outfile, keeps_other_settings }))
}

/// The name of the file for a result. It may itself be what a file holds, as every value may.
fn loaded_name(environment: &dyn Environment, word: String) -> Result<String, Error> {
    Ok(match files::load(environment, &word).map_err(|why| Error::parsing("outfile", why))? {
        Some(Loaded::Text(text)) => text,
        Some(Loaded::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        None => word,
    })
}
