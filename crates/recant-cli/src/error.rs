//! What can go wrong in the client, and the one place where that becomes an exit status and text on stderr.
//!
//! The statuses are the AWS CLI's: 252 for what is wrong with the command line, 253 for what is wrong with the
//! configuration, 254 for an error the service answered with, 255 for everything else, 130 after an interrupt.

use std::io;

use recant_wire::document::Document;
use recant_wire::validate::Invalid;

use crate::output;

/// The usage block that the AWS CLI puts below (or above) errors of the command line's form.
const USAGE: &str = "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\
To see help text, you can run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n";

/// The code of errors that were found before anything was sent.
const PARAM_VALIDATION: &str = "ParamValidation";

/// An error of one call, as the user will see it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line has the wrong form: the usage follows the message.
    #[error("{0}")]
    Usage(String),
    /// Words were left over that no parser wanted: the usage stands before the message.
    #[error("Unknown options: {0}")]
    UnknownOptions(String),
    /// A parameter's value is wrong.
    #[error("{0}")]
    Parameter(String),
    /// The configuration cannot work: no region, no credentials, a bad setting.
    #[error("{message}")]
    Configuration {
        /// The code shown in front of the message.
        code: &'static str,
        /// The whole message.
        message: String,
    },
    /// The service answered with an error.
    #[error("An error occurred ({code}) when calling the {operation} operation{}: {message}", retries(.reached_max_retries))]
    Service {
        /// The error's code, as the service spelled it.
        code: String,
        /// The service's own words.
        message: String,
        /// The operation's API name.
        operation: &'static str,
        /// The number of retries, if they were used up on a retryable error.
        reached_max_retries: Option<u32>,
    },
    /// There was no answer.
    #[error("{message}")]
    NoAnswer {
        /// The whole message.
        message: String,
        /// Whether another attempt may get one.
        is_transient: bool,
    },
    /// The prompt has nobody to ask.
    #[error("Warning: Input is not a terminal (fd=0).")]
    NoTerminal,
    /// The user gave up.
    #[error("interrupted")]
    Interrupted,
    /// Everything that has no code of its own.
    #[error("{0}")]
    General(String),
    /// Standard output is gone.
    #[error("{0}")]
    Output(#[from] io::Error),
}

/// The words about used-up retries, which stand between the operation and the colon.
fn retries(count: &Option<u32>) -> String {
    count.map_or_else(String::new, |count| format!(" (reached max retries: {count})"))
}

impl Error {
    /// An error of a value, with the option it was given to.
    pub(crate) fn parsing(option: &str, why: impl std::fmt::Display) -> Self {
        Self::Parameter(format!("Error parsing parameter '{option}': {why}"))
    }

    /// All that is wrong with a value by its shape.
    pub(crate) fn invalid(problems: &[Invalid]) -> Self {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Self::Parameter(format!("Parameter validation failed:\n{}", lines.join("\n")))
    }

    /// An error without a code (exit status 255).
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self::General(message.into())
    }

    /// The exit status of this error.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::UnknownOptions(_) | Self::Parameter(_) => 252,
            Self::Configuration { .. } => 253,
            Self::Service { .. } => 254,
            Self::General(_) | Self::NoAnswer { .. } | Self::NoTerminal => 255,
            Self::Interrupted => 130,
            Self::Output(_) => 120,
        }
    }

    /// The code and the message of errors that carry one.
    pub(crate) fn structure(&self) -> Option<(&str, String)> {
        match self {
            Self::Usage(_) | Self::UnknownOptions(_) | Self::Parameter(_) => {
                Some((PARAM_VALIDATION, self.to_string()))
            }
            Self::Configuration { code, message } => Some((code, message.clone())),
            Self::Service { code, message, .. } => Some((code, message.clone())),
            Self::General(_)
            | Self::NoAnswer { .. }
            | Self::NoTerminal
            | Self::Interrupted
            | Self::Output(_) => None,
        }
    }

    /// The text for stderr.
    pub(crate) fn render(&self, format: ErrorFormat) -> String {
        match (self, self.structure()) {
            (Self::Output(why), _) if why.kind() == io::ErrorKind::BrokenPipe => String::new(),
            (Self::Interrupted, _) => "\n".to_owned(),
            (Self::NoTerminal, _) => format!("{self}\n\naws: [ERROR]:\n"),
            (Self::UnknownOptions(_), _) => format!("\n{USAGE}\n\naws: [ERROR]: {self}\n"),
            (Self::Usage(_), Some((code, message))) => {
                format!(
                    "\naws: [ERROR]: {}{}\n\n{USAGE}",
                    prefix(format, code),
                    message.trim_end_matches(' ')
                )
            }
            (Self::Service { .. }, Some((code, message))) => format
                .structured(code, &message, Order::MessageFirst)
                .unwrap_or_else(|| format!("\naws: [ERROR]: {}\n", self.to_string().trim())),
            (_, Some((code, message))) => format
                .structured(code, &message, Order::CodeFirst)
                .unwrap_or_else(|| format!("\naws: [ERROR]: {}{}\n", prefix(format, code), message.trim())),
            (_, None) => format!("\naws: [ERROR]: {}\n", self.to_string().trim()),
        }
    }
}

/// What stands before the message of a client-side error: nothing in the legacy format's parameter errors.
fn prefix(format: ErrorFormat, code: &str) -> String {
    if format == ErrorFormat::Legacy && code == PARAM_VALIDATION {
        return String::new();
    }
    format!("An error occurred ({code}): ")
}

/// Which key of a structured error comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    CodeFirst,
    MessageFirst,
}

/// What a line says about its errors, known before the rest of it is.
#[derive(Debug, Default)]
pub(crate) struct ErrorStyle {
    /// `--cli-error-format`.
    pub format: Option<ErrorFormat>,
    /// `--profile`, which may have a format of its own.
    pub profile: Option<String>,
}

/// How errors are written (`--cli-error-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// A sentence with the code in front.
    #[default]
    Enhanced,
    /// The sentence of older versions.
    Legacy,
    /// A JSON object.
    Json,
    /// A YAML mapping.
    Yaml,
    /// One line, tab separated.
    Text,
    /// A box.
    Table,
}

impl ErrorFormat {
    /// Reads the option's value; an unknown one is `None`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "enhanced" => Self::Enhanced,
            "legacy" => Self::Legacy,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "text" => Self::Text,
            "table" => Self::Table,
            _ => return None,
        })
    }

    /// The error as data, in the formats that want data.
    fn structured(self, code: &str, message: &str, order: Order) -> Option<String> {
        let quote = output::json::quoted;
        let data = || Document::structure([("Code", Document::from(code)), ("Message", message.into())]);
        match self {
            Self::Enhanced | Self::Legacy => None,
            Self::Json => {
                let code = format!("    \"Code\": {}", quote(code));
                let message = format!("    \"Message\": {}", quote(message));
                let (first, second) = match order {
                    Order::CodeFirst => (code, message),
                    Order::MessageFirst => (message, code),
                };
                Some(format!("{{\n{first},\n{second}\n}}\n"))
            }
            Self::Yaml => Some(output::yaml::format(&data())),
            Self::Table => output::table::format("error", &data(), output::table::Style::PLAIN).ok(),
            Self::Text => Some(format!("{code}\t{message}\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_status_and_shape() {
        let check = |error: Error, status: u8, text: &str| {
            assert_eq!(error.exit_status(), status, "{error}");
            assert_eq!(error.render(ErrorFormat::Enhanced), text, "{error}");
        };
        check(
            Error::parsing("--x", "bad"),
            252,
            "\naws: [ERROR]: An error occurred (ParamValidation): Error parsing parameter '--x': bad\n",
        );
        check(Error::general("gone"), 255, "\naws: [ERROR]: gone\n");
        check(
            Error::Usage("argument --id: expected one argument".into()),
            252,
            &format!(
                "\naws: [ERROR]: An error occurred (ParamValidation): argument --id: expected one argument\n\n{USAGE}"
            ),
        );
        check(
            Error::UnknownOptions("--x".into()),
            252,
            &format!("\n{USAGE}\n\naws: [ERROR]: Unknown options: --x\n"),
        );
        let service = |reached_max_retries| Error::Service {
            code: "Throttling".into(),
            message: "Rate exceeded".into(),
            operation: "GetDistribution",
            reached_max_retries,
        };
        check(
            service(Some(2)),
            254,
            "\naws: [ERROR]: An error occurred (Throttling) when calling the GetDistribution operation (reached max retries: 2): Rate exceeded\n",
        );
        assert_eq!(
            service(None).render(ErrorFormat::Json),
            "{\n    \"Message\": \"Rate exceeded\",\n    \"Code\": \"Throttling\"\n}\n"
        );
    }
}
