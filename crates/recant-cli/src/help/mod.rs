//! `help` at every level: a page like a manual's, in our own words, shown through a pager on a terminal.

mod options;
mod syntax;

use std::fmt::Write as _;

use recant_wire::model::{self, Member, Operation, Shape, Waiter};

use crate::command::{self, Topic};
use crate::environment::Environment;
use crate::error::Error;
use crate::{describe, globals, output};

/// The pager of help pages where nobody chose one.
const PAGER: &str = "less -R";

pub(crate) use options::{about_argument, about_global};

/// Shows the page about a topic.
///
/// # Errors
///
/// A pager that does not start, or standard output that is gone.
pub(crate) fn show(environment: &mut dyn Environment, topic: Topic) -> Result<(), Error> {
    if environment.terminal_columns().is_some() {
        let pager = environment
            .var_non_empty("MANPAGER")
            .or_else(|| environment.var_non_empty("PAGER"))
            .unwrap_or_else(|| PAGER.to_owned());
        output::pager::start(environment, &pager)?;
    }
    output::write(environment, &text(topic))
}

/// A page: sections with a title, their text indented.
struct Page(String);

impl Page {
    fn section(&mut self, title: &str, text: &str) {
        let _ = writeln!(self.0, "{title}");
        for line in text.trim_end().lines() {
            match line {
                "" => self.0.push('\n'),
                line => {
                    let _ = writeln!(self.0, "       {line}");
                }
            }
        }
        self.0.push('\n');
    }
}

/// The text of the page about a topic.
pub(crate) fn text(topic: Topic) -> String {
    let mut page = Page(String::new());
    match topic {
        Topic::Top => top(&mut page),
        Topic::Service => service(&mut page),
        Topic::Waiters => waiters(&mut page),
        Topic::Waiter(waiter) => one_waiter(&mut page, waiter),
        Topic::Operation(operation) => one_operation(&mut page, operation),
        Topic::Sign => sign(&mut page),
    }
    page.0
}

fn top(page: &mut Page) {
    page.section("NAME", "aws -");
    page.section(
        "DESCRIPTION",
        "Calls the operations of Amazon CloudFront, or of a Recant plane, from the command line.\n\
         Commands of other services are handed to the next aws on the PATH.",
    );
    page.section(
        "SYNOPSIS",
        "   aws [options] <command> <subcommand> [parameters]\n\n\
         Use aws <command> help for the operations of a command, and\n\
         aws <command> <subcommand> help for one operation.",
    );
    page.section("GLOBAL OPTIONS", &options::globals());
    page.section("AVAILABLE SERVICES", &format!("o {}\n\no help", command::SERVICE));
}

fn service(page: &mut Page) {
    page.section("NAME", &format!("{} -", command::SERVICE));
    page.section(
        "DESCRIPTION",
        "Distributions, their tenants, and the invalidation of what edges have stored for them.",
    );
    let names = model::operations().iter().map(|operation| operation.cli_name);
    let mut names: Vec<&str> = names.chain(["help", "sign", "wait"]).collect();
    names.sort_unstable();
    let names: Vec<String> = names.into_iter().map(|name| format!("o {name}")).collect();
    page.section("AVAILABLE COMMANDS", &names.join("\n\n"));
}

fn waiters(page: &mut Page) {
    page.section("NAME", "wait -");
    page.section("DESCRIPTION", "Waits until a state is there. Prints nothing.");
    let names: Vec<String> = model::waiters().iter().map(|waiter| format!("o {}", waiter.cli_name)).collect();
    page.section("AVAILABLE COMMANDS", &names.join("\n\n"));
}

fn one_waiter(page: &mut Page, waiter: &'static Waiter) {
    page.section("NAME", &format!("{} -", waiter.cli_name));
    let states: Vec<String> = waiter
        .acceptors
        .iter()
        .map(|acceptor| format!("{} is {}", acceptor.path, acceptor.expected))
        .collect();
    page.section(
        "DESCRIPTION",
        &format!(
            "Waits until {}, as {} tells it. It will poll every {} seconds.\n\
             Exits with status 255 after {} failed checks.",
            states.join(" or "),
            waiter.operation,
            waiter.delay_seconds,
            waiter.attempts_max
        ),
    );
    let operation = model::operation(waiter.operation).expect("waiters name operations of the model");
    let options = command::options_of(operation, command::Pages::Never);
    synopsis_and_options(page, waiter.cli_name, &options, false);
}

fn one_operation(page: &mut Page, operation: &'static Operation) {
    page.section("NAME", &format!("{} -", operation.cli_name));
    let mut text = format!(
        "{}\n\nCalls {}: {} {}",
        describe::operation(operation),
        operation.name,
        operation.method,
        operation.uri
    );
    if let Some(paginator) = &operation.paginator {
        let _ = write!(
            text,
            "\n\nThis operation has pages. All of them are asked for unless --no-paginate is given;\n\
             {} is what they are put together from.",
            paginator.result_key
        );
    }
    page.section("DESCRIPTION", &text);
    let options = command::options_of(operation, command::Pages::AsModelled);
    let streamed = operation.streamed();
    synopsis_and_options(page, operation.cli_name, &options, streamed.is_some());
    let mut out = String::new();
    let members = operation.output.map_or(&[][..], Shape::members);
    let shown = members.iter().filter(|member| streamed.is_none_or(|streamed| streamed.name != member.name));
    write_members(&mut out, shown, 0);
    page.section("OUTPUT", if out.is_empty() { "None" } else { &out });
}

fn sign(page: &mut Page) {
    page.section("NAME", "sign -");
    page.section("DESCRIPTION", "Signs a URL, so that viewers may ask for it until a time. Nothing is sent.");
    let (synopsis, about) = options::sign();
    page.section("SYNOPSIS", &synopsis);
    page.section("OPTIONS", &about);
    page.section("GLOBAL OPTIONS", &options::globals());
}

fn synopsis_and_options(page: &mut Page, name: &str, all: &[command::Argument], has_outfile: bool) {
    let mut synopsis = format!("  {name}\n");
    for argument in all {
        let _ = writeln!(synopsis, "{}", options::synopsis(argument));
    }
    if has_outfile {
        synopsis.push_str("<outfile>\n");
    }
    for option in globals::TABLE {
        let _ = writeln!(synopsis, "[{}]", options::spelled(option.name, option.takes));
    }
    page.section("SYNOPSIS", &synopsis);
    let mut about: Vec<String> = all.iter().map(options::about).collect();
    if has_outfile {
        about.push("outfile (string)\n   The file that the code is written to.".to_owned());
    }
    page.section("OPTIONS", &about.join("\n\n"));
    page.section("GLOBAL OPTIONS", &options::globals());
}

/// Lists the members of a result, those of structures further in.
fn write_members<'a>(out: &mut String, members: impl IntoIterator<Item = &'a Member>, indent: usize) {
    for member in members {
        let pad = " ".repeat(indent);
        let kind = describe::kind(member.shape);
        let _ = writeln!(out, "{pad}{} -> ({kind})\n{pad}   {}\n", member.name, describe::member(member));
        write_inner(out, member.shape, indent + 3);
    }
}

fn write_inner(out: &mut String, shape: &Shape, indent: usize) {
    match &shape.kind {
        model::Kind::Structure(structure) => write_members(out, structure.members, indent),
        model::Kind::List(list) => {
            let _ = writeln!(out, "{}({})\n", " ".repeat(indent), describe::kind(list.element));
            write_inner(out, list.element, indent + 3);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_page() {
        for operation in model::operations() {
            let text = text(Topic::Operation(operation));
            for title in
                ["NAME\n", "DESCRIPTION\n", "SYNOPSIS\n", "OPTIONS\n", "GLOBAL OPTIONS\n", "OUTPUT\n"]
            {
                assert!(text.contains(title), "{}: {title}", operation.name);
            }
        }
        for waiter in model::waiters() {
            assert!(text(Topic::Waiter(waiter)).contains("It will poll every"), "{}", waiter.name);
        }
        assert!(text(Topic::Top).contains("SYNOPSIS\n"));
        assert!(text(Topic::Service).contains("o create-invalidation\n"));
        assert!(text(Topic::Waiters).contains("o invalidation-completed\n"));
    }
}
