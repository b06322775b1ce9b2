//! The one binary: argument routing, configuration, `serve`, `plane`, `edge`, `env`, `backup`, `restore`, `demo`, `man`.
//!
//! Thin: it turns words into options, starts what the other crates offer, and stops it in the right order. What a
//! command line means stands in `options`; `cloudfront`, `invalidate`, `keys` and `audit` go to `recant-cli` untouched.

mod backup;
mod completion;
mod declarations;
mod demo;
mod descriptors;
mod edge;
mod env;
mod logging;
mod man;
mod next_aws;
mod options;
mod plane;
mod serve;
mod signals;
mod stdout;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use options::{Command, Usage};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    // Linked as `aws` it takes the lines of that program as they are.
    let called_as_aws = Path::new(&program).file_stem().is_some_and(|name| name == "aws");
    if called_as_aws && let Some(error) = next_aws::take_over(&words) {
        stdout::complain(&format!("aws: the next aws on the PATH cannot be run: {error}\n"));
        return ExitCode::from(255);
    }
    let words = if called_as_aws { words } else { options::with_help_last(words) };
    if called_as_aws || options::is_for_the_client(&words) {
        return ExitCode::from(recant_cli::run(words, &mut recant_cli::SystemEnvironment::new()));
    }
    if let Some((_, words)) = words.split_first().filter(|(first, _)| *first == "invalidate") {
        let words = words.iter().cloned();
        return ExitCode::from(recant_cli::invalidate(words, &mut recant_cli::SystemEnvironment::new()));
    }
    if words.first().and_then(|first| first.to_str()).is_some_and(recant_cli::is_own) {
        return ExitCode::from(recant_cli::own(words, &mut recant_cli::SystemEnvironment::new()));
    }
    match options::parse(words) {
        Ok(command) => run(command),
        Err(usage) => refuse(&usage),
    }
}

fn refuse(Usage { message }: &Usage) -> ExitCode {
    // The help is longer than a screen, and would scroll away what is wrong.
    stdout::complain(&format!("recant: {message}\n`recant help` lists the commands and their options.\n"));
    ExitCode::from(2)
}

fn run(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Help(text) => stdout::say(&text),
        Command::Version => stdout::say(concat!("recant ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Serve(options) => serve::run(*options),
        Command::Plane(options) => plane::run(options),
        Command::Edge(options) => edge::run(options),
        Command::Env(options) => env::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::BackUp(options) => backup::back_up(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Man(name) => man::run(&name),
        Command::Completion { shell, programs } => completion::script(&shell, &programs),
        Command::Complete(shell) => completion::answer(&shell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(usage) = options::judged::usage(&error) {
                return refuse(&usage);
            }
            // The whole chain in one line: what failed, and why.
            stdout::complain(&format!("recant: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}
