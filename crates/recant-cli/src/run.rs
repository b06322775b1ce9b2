//! One command line from its words to its exit status.

use std::ffi::OsString;

use recant_wire::document::{Document, Members};

use crate::call::Caller;
use crate::command::{self, Call, Command};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat};
use crate::output::{self, Format, Printer};
use crate::skeleton::Skeleton;
use crate::{help, skeleton, waiter};

/// The version line of `--version`: the AWS CLI that this one stands in for, and itself.
const VERSION: &str = concat!("aws-cli/2.36.7 recant/", env!("CARGO_PKG_VERSION"), "\n");

/// Runs a command line and returns its exit status. The words are those after the program's name: global options and `cloudfront …`.
///
/// Results go to the environment's standard output, errors to its standard error; nothing else is written.
pub fn run(words: impl IntoIterator<Item = OsString>, environment: &mut dyn Environment) -> u8 {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut format = None;
    let outcome = execute(&words, environment, &mut format);
    environment.finish_paging();
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            let format = format.unwrap_or_else(|| configured_format(environment));
            // Nothing can be told to a reader that is gone.
            let _ = environment.stderr().write_all(error.render(format).as_bytes());
            let _ = environment.stderr().flush();
            error.exit_status()
        }
    }
}

/// The error format by the environment or the default profile; what is not known counts as not said.
fn configured_format(environment: &dyn Environment) -> ErrorFormat {
    let name = environment.var("AWS_CLI_ERROR_FORMAT").or_else(|| {
        let config = Config::load(environment, None).ok()?;
        config.get("cli_error_format").map(str::to_owned)
    });
    name.and_then(|name| ErrorFormat::parse(&name)).unwrap_or_default()
}

fn execute(
    words: &[String],
    environment: &mut dyn Environment,
    format: &mut Option<ErrorFormat>,
) -> Result<(), Error> {
    match command::resolve(words, environment, format)? {
        Command::Version => output::write(environment, VERSION),
        Command::Help { operation } => output::write(environment, &help::text(operation)),
        Command::Operation(call) => operation(environment, &call),
        Command::Wait(waiter, call) => {
            let config = Config::load(environment, call.globals.profile.as_deref())?;
            let mut caller = Caller::new(environment, &config, &call.globals)?;
            waiter::wait(environment, &mut caller, waiter, &call)
        }
    }
}

fn operation(environment: &mut dyn Environment, call: &Call) -> Result<(), Error> {
    let Call { operation, globals, input, paging, skeleton } = call;
    if *skeleton == Some(Skeleton::Input) {
        let text = output::json::pretty(&skeleton::input(operation)) + "\n";
        return output::write(environment, &text);
    }
    if *skeleton == Some(Skeleton::YamlInput) {
        return output::write(environment, &skeleton::yaml_input(operation));
    }
    let config = Config::load(environment, globals.profile.as_deref())?;
    let mut printer = Printer::resolve(environment, &config, globals, operation.name)?;
    let mut caller = Caller::new(environment, &config, globals)?;
    if *skeleton == Some(Skeleton::Output) {
        caller.prepare(operation, input)?;
        return printer.show(environment, skeleton::output(operation));
    }
    let Some(paging) = paging else {
        let result = caller.call(environment, operation, input)?;
        return printer.show(environment, result);
    };
    // Asking and showing both need the environment, one after the other.
    let environment = std::cell::RefCell::new(environment);
    let ask = |input: &Members| caller.call(&mut **environment.borrow_mut(), operation, input);
    let mut whole = Members::new();
    let rest = paging.walk(input, ask, |page| match printer.format()? {
        Format::Text => printer.show(&mut **environment.borrow_mut(), paging.list_of(&page)),
        Format::YamlStream => printer.show(&mut **environment.borrow_mut(), page),
        Format::Json | Format::Table | Format::Yaml | Format::Off => {
            paging.append(&mut whole, page);
            Ok(())
        }
    })?;
    let token = rest.map(|token| Document::structure([("NextToken", Document::from(token))]));
    let last = match (printer.format()?, token) {
        (Format::Text, Some(token)) => Document::structure([("NextToken", token)]),
        (Format::YamlStream, Some(token)) => token,
        (Format::Text | Format::YamlStream, None) => return Ok(()),
        (_, token) => {
            if let Some(Document::Structure(token)) = token {
                whole.extend(token);
            }
            Document::Structure(whole)
        }
    };
    printer.show(environment.into_inner(), last)
}
