//! One command line from its words to its exit status.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use recant_wire::document::{Document, Members, lone_surrogate};

use crate::call::Caller;
use crate::command::{self, Call, Command};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat, ErrorStyle};
use crate::output::format::Pages;
use crate::output::{self, Printer};
use crate::skeleton::Skeleton;
use crate::{customize, help, input, prompt, skeleton, waiter};

/// The AWS CLI that this program stands in for, and itself.
pub(crate) const VERSION: &str = concat!("aws-cli/2.36.7 recant/", env!("CARGO_PKG_VERSION"));

/// The status of a line that was wrong before anything was sent.
const PARAMETER_ERROR: u8 = 252;
/// The status of a line that was given up.
const INTERRUPTED: u8 = 130;

/// Runs a command line and returns its exit status. The words are those after the program's name: global options and `cloudfront …`.
///
/// Results go to the environment's standard output, errors to its standard error; nothing else is written.
pub fn run(words: impl IntoIterator<Item = OsString>, environment: &mut dyn Environment) -> u8 {
    let words: Vec<String> = words.into_iter().map(|word| text_of(&word)).collect();
    let mut style = ErrorStyle::default();
    let mut outcome = execute(&words, environment, &mut style, true);
    if outcome.as_ref().is_err_and(|error| error.exit_status() == PARAMETER_ERROR)
        && command::is_mended(&words, environment)
    {
        outcome = prompt(&words, environment, &mut style);
    }
    environment.finish_paging();
    match outcome {
        Ok(status) => status,
        Err(error) => {
            let format =
                style.format.unwrap_or_else(|| configured_format(environment, style.profile.as_deref()));
            // Nothing can be told to a reader that is gone.
            let _ = environment.stderr().write_all(error.render(format).as_bytes());
            let _ = environment.stderr().flush();
            error.exit_status()
        }
    }
}

/// A word as text. A byte that is no UTF-8 becomes half a surrogate pair, as in Python.
pub(crate) fn text_of(word: &OsStr) -> String {
    let mut text = String::with_capacity(word.len());
    for chunk in word.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().flat_map(|byte| lone_surrogate(0xdc00 + u16::from(*byte))));
    }
    text
}

/// The error format by the environment or the profile; what is not known counts as not said.
fn configured_format(environment: &dyn Environment, profile: Option<&str>) -> ErrorFormat {
    let name = environment.var("AWS_CLI_ERROR_FORMAT").or_else(|| {
        let config = Config::load(environment, profile).ok()?;
        config.get("cli_error_format").map(str::to_owned)
    });
    name.and_then(|name| ErrorFormat::parse(&name)).unwrap_or_default()
}

fn execute(
    words: &[String],
    environment: &mut dyn Environment,
    style: &mut ErrorStyle,
    may_prompt: bool,
) -> Result<u8, Error> {
    match command::resolve(words, environment, style, may_prompt)? {
        Command::Version => {
            let line = version(environment);
            output::write(environment, &line)?;
        }
        Command::Shell(line) => return shell(environment, &line),
        Command::Prompt => return prompt(words, environment, style),
        Command::Sign(signing) => {
            let url = signing.url(environment.now())?;
            output::write(environment, &url)?;
        }
        Command::Help(topic) => help::show(environment, topic)?,
        Command::Operation(call) => operation(environment, &call)?,
        Command::Wait(_, call) if call.skeleton.is_some() => operation(environment, &call)?,
        Command::Wait(waiter, call) => {
            let config = call.globals.load_config(environment)?;
            let mut caller = Caller::new(environment, &config, &call.globals)?;
            waiter::wait(environment, &mut caller, waiter, &call)?;
        }
    }
    Ok(0)
}

/// The line of `--version`: the AWS CLI that this one stands in for, itself, and where it runs.
fn version(environment: &dyn Environment) -> String {
    let (os, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let context = environment
        .var_non_empty("AWS_EXECUTION_ENV")
        .map_or_else(String::new, |name| format!(" exec-env/{name}"));
    format!("{VERSION} {os}/{machine}{context}\n")
}

/// Runs a line of the user's in the shell; its status is ours.
fn shell(environment: &mut dyn Environment, line: &str) -> Result<u8, Error> {
    environment.stdout().flush()?;
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(environment.working_dir())
        .status()
        .map_err(|why| Error::general(input::files::system_error(&why, "/bin/sh")))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
}

/// Runs the line that the user makes of these words, if he makes one.
fn prompt(words: &[String], environment: &mut dyn Environment, style: &mut ErrorStyle) -> Result<u8, Error> {
    match prompt::ask(environment, words)? {
        Some(words) => execute(&words, environment, style, false),
        None => Ok(INTERRUPTED),
    }
}

/// Moves the bytes of a result to a file.
fn save(environment: &dyn Environment, name: &str, result: &mut Document, member: &str) -> Result<(), Error> {
    let Document::Structure(members) = result else { return Ok(()) };
    let Some(Document::Blob(bytes)) = members.remove(member) else { return Ok(()) };
    std::fs::write(environment.working_dir().join(name), bytes)
        .map_err(|why| Error::general(input::files::system_error(&why, name)))
}

fn operation(environment: &mut dyn Environment, call: &Call) -> Result<(), Error> {
    let Call { operation, globals, input, paging, skeleton, outfile, keeps_other_settings } = call;
    let sample = skeleton.and_then(|skeleton| skeleton::of_input(operation, skeleton));
    if let (Some(sample), false) = (&sample, *keeps_other_settings) {
        return output::write(environment, sample);
    }
    let config = globals.load_config(environment)?;
    let mut caller = Caller::new(environment, &config, globals)?;
    let mut kept = None;
    if *keeps_other_settings {
        // First of all, as in the AWS CLI: even a sample is made after the configuration was asked for.
        let input = kept.insert(input.clone());
        customize::keep_other_settings(environment, &mut caller, input)?;
    }
    let input = kept.as_ref().unwrap_or(input);
    if let Some(sample) = sample {
        return output::write(environment, &sample);
    }
    let mut printer = Printer::resolve(environment, &config, globals, operation.name)?;
    if *skeleton == Some(Skeleton::Output) {
        caller.prepare(operation, input)?;
        return printer.show(environment, skeleton::output(operation)?);
    }
    let Some(paging) = paging else {
        let mut result = caller.call(environment, operation, input)?;
        if let (Some(name), Some(member)) = (outfile, operation.streamed()) {
            save(environment, name, &mut result, member.name)?;
        }
        return printer.show(environment, result);
    };
    // Asking and showing both need the environment, one after the other.
    let environment = std::cell::RefCell::new(environment);
    let ask = |input: &Members| caller.call(&mut **environment.borrow_mut(), operation, input);
    let mut whole = Members::new();
    let rest = paging.walk(input, ask, |page| match printer.format()?.pages {
        Pages::Lists => printer.show(&mut **environment.borrow_mut(), paging.list_of(&page)),
        Pages::Apart => printer.show(&mut **environment.borrow_mut(), page),
        Pages::Joined => {
            paging.append(&mut whole, page);
            Ok(())
        }
    })?;
    let token = rest.map(|token| Document::structure([("NextToken", Document::from(token))]));
    let last = match (printer.format()?.pages, token) {
        (Pages::Lists, Some(token)) => Document::structure([("NextToken", token)]),
        // The token is none of the service's pages.
        (Pages::Lists, None) | (Pages::Apart, _) => return Ok(()),
        (Pages::Joined, token) => {
            if let Some(Document::Structure(token)) = token {
                whole.extend(token);
            }
            Document::Structure(whole)
        }
    };
    printer.show(environment.into_inner(), last)
}
