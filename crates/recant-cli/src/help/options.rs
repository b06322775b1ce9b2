//! What help says about options.

use crate::command::{Argument, Role};
use crate::customize::Extra;
use crate::lowargs::Takes;
use crate::{describe, globals, sign};

use super::syntax;

/// An option with its value's place.
pub(super) fn spelled(name: &str, takes: Takes) -> String {
    match takes {
        Takes::Nothing => name.to_owned(),
        _ => format!("{name} <value>"),
    }
}

/// The option's line in a synopsis.
pub(super) fn synopsis(argument: &Argument) -> String {
    let spelled = spelled(&argument.name, argument.takes);
    if argument.required { spelled } else { format!("[{spelled}]") }
}

/// What an option of an operation is for, in a sentence or two.
pub(crate) fn about_argument(argument: &Argument) -> String {
    kind_and_text(argument).1
}

/// What an option of an operation is for, and how its value is typed.
pub(super) fn about(argument: &Argument) -> String {
    let (kind, text) = kind_and_text(argument);
    let mut out = format!("{} ({kind})\n   {}", argument.name, text.replace('\n', "\n   "));
    let Role::Member(member) = argument.role else {
        return out;
    };
    for (title, syntax) in
        [("Shorthand Syntax", syntax::shorthand(member.shape)), ("JSON Syntax", syntax::json(member.shape))]
    {
        if let Some(syntax) = syntax {
            out.push_str(&format!("\n\n   {title}:\n\n      {}", syntax.replace('\n', "\n      ")));
        }
    }
    out
}

fn kind_and_text(argument: &Argument) -> (&'static str, String) {
    match argument.role {
        Role::Member(member) => {
            (describe::kind(member.shape), describe::input(argument.operation, member))
        }
        Role::Switch(member, true) => ("boolean", describe::member(member)),
        Role::Switch(member, false) => ("boolean", format!("The opposite of --{}.", member.cli_name)),
        Role::Custom(extra) => ("string", extra.about().to_owned()),
        Role::CliInputJson => (
            "string",
            "The whole input as JSON, as --generate-cli-skeleton prints it. Other options win over it.".to_owned(),
        ),
        Role::CliInputYaml => (
            "string",
            "The whole input as YAML, as --generate-cli-skeleton yaml-input prints it. Other options win over it.\n\
             Not together with --cli-input-json."
                .to_owned(),
        ),
        Role::Skeleton => (
            "string",
            "Sends nothing, and prints an empty input as JSON (input, which is also meant without a value)\n\
             or YAML (yaml-input), or checks the input and prints a sample of the result (output)."
                .to_owned(),
        ),
        Role::StartingToken => ("string", "Where to go on: the NextToken of an earlier call.".to_owned()),
        Role::PageSize => ("integer", "How many items to ask for in one request.".to_owned()),
        Role::MaxItems => {
            ("integer", "How many items to show at most; a NextToken says where to go on.".to_owned())
        }
    }
}

/// What the global options are for.
pub(super) fn globals() -> String {
    let about: Vec<String> = globals::TABLE
        .iter()
        .map(|option| {
            let kind = if option.takes == Takes::Nothing { "boolean" } else { "string" };
            let mut text = format!("{} ({kind})\n   {}", option.name, about_global(option.name));
            for choice in option.choices {
                text.push_str(&format!("\n   o {choice}"));
            }
            text
        })
        .collect();
    about.join("\n\n")
}

/// What an option of every command is for, in a sentence.
pub(crate) fn about_global(name: &str) -> &'static str {
    match name {
        "--debug" => "Tells on standard error what is done.",
        "--endpoint-url" => "Sends requests there instead of to the service's own address.",
        "--no-verify-ssl" => "Takes any certificate for the server's. Only for tests.",
        "--no-paginate" => "Asks for the first page only.",
        "--output" => "The format of results.",
        "--query" => "A JMESPath expression: what to show of the result.",
        "--profile" => "The profile in ~/.aws/config and ~/.aws/credentials to use.",
        "--region" => "The region to sign for; wins over the environment and the profile.",
        "--version" => "Prints the version and ends.",
        "--color" => "Whether tables have colours; auto means on a terminal.",
        "--no-sign-request" => "Sends requests without a signature, and looks for no credentials.",
        "--ca-bundle" => "The file with the certificates to trust.",
        "--cli-read-timeout" => "How many seconds the server may be silent; 0 is no limit. 60 if not given.",
        "--cli-connect-timeout" => "How many seconds a connection may take; 0 is no limit. 60 if not given.",
        "--cli-binary-format" => {
            "How bytes are typed: base64, or as they are. What fileb:// loads is always taken as it is."
        }
        "--no-cli-pager" => "Writes results past the pager.",
        "--cli-auto-prompt" => "Asks for what is missing.",
        "--no-cli-auto-prompt" => "Does not ask, whatever the settings say.",
        "--cli-error-format" => "The format of errors.",
        _ => "",
    }
}

/// The synopsis and the options of `sign`.
pub(super) fn sign() -> (String, String) {
    let mut synopsis = "  sign\n".to_owned();
    let mut about = Vec::new();
    for option in sign::OPTIONS {
        let spelled = spelled(option.name, Takes::One);
        synopsis.push_str(&if option.required { format!("{spelled}\n") } else { format!("[{spelled}]\n") });
        about.push(format!("{} (string)\n   {}", option.name, option.about));
    }
    (synopsis, about.join("\n\n"))
}

impl Extra {
    /// What the option is for.
    fn about(self) -> &'static str {
        match self {
            Self::Paths => {
                "The paths to invalidate; the rest of the batch is made up. Not together with --invalidation-batch."
            }
            Self::OriginDomainName => {
                "The host of the one origin; the rest of the configuration is made up. Not together with --distribution-config."
            }
            Self::DefaultRootObject => {
                "What viewers get for the root of the site. Not together with --distribution-config."
            }
        }
    }
}
