//! The global options: what every command takes.
//!
//! Answers what was given on the command line. What the environment and the files say besides is asked where the setting is used.

use std::rc::Rc;
use std::time::Duration;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat, ErrorStyle};
use crate::input::BinaryFormat;
use crate::lowargs::{Opt, Scan, Takes};
use crate::output;
use crate::query::Query;

/// A socket may be silent for this long if nothing else was said; the AWS CLI's default.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// A longer time-out is none in practice, and clocks cannot count every number of seconds.
const TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The table, in the AWS CLI's order, which ambiguous abbreviations are listed in.
pub(crate) const TABLE: &[Opt<'static>] = &[
    Opt::new("--debug", Takes::Nothing),
    Opt::new("--endpoint-url", Takes::One),
    Opt::new("--no-verify-ssl", Takes::Nothing),
    Opt::new("--no-paginate", Takes::Nothing),
    Opt { choices: &output::format::NAMES, ..Opt::new("--output", Takes::One) },
    Opt::new("--query", Takes::One),
    Opt::new("--profile", Takes::One),
    Opt::new("--region", Takes::One),
    Opt { stops: true, ..Opt::new("--version", Takes::Nothing) },
    Opt { choices: &["on", "off", "auto"], ..Opt::new("--color", Takes::One) },
    Opt::new("--no-sign-request", Takes::Nothing),
    Opt::new("--ca-bundle", Takes::One),
    Opt::new("--cli-read-timeout", Takes::One),
    Opt::new("--cli-connect-timeout", Takes::One),
    Opt { choices: &["base64", "raw-in-base64-out"], ..Opt::new("--cli-binary-format", Takes::One) },
    Opt::new("--no-cli-pager", Takes::Nothing),
    Opt::new("--cli-auto-prompt", Takes::Nothing),
    Opt::new("--no-cli-auto-prompt", Takes::Nothing),
    Opt {
        choices: &["legacy", "json", "yaml", "text", "table", "enhanced"],
        ..Opt::new("--cli-error-format", Takes::One)
    },
];

/// The global options of one call.
#[derive(Debug)]
pub(crate) struct Globals {
    /// `--endpoint-url`, which has a scheme.
    pub endpoint_url: Option<String>,
    /// Not `--no-verify-ssl`.
    pub verify_tls: bool,
    /// Not `--no-paginate`.
    pub paginate: bool,
    /// `--output`.
    pub output: Option<String>,
    /// `--query`, compiled.
    pub query: Option<Query>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// Not `--no-sign-request`.
    pub sign: bool,
    /// `--ca-bundle`.
    pub ca_bundle: Option<String>,
    /// `--cli-read-timeout`; none waits for ever.
    pub read_timeout: Option<Duration>,
    /// `--cli-connect-timeout`; none waits for ever.
    pub connect_timeout: Option<Duration>,
    /// `--cli-binary-format`.
    pub binary_format: Option<BinaryFormat>,
    /// `--color`.
    pub color: Option<String>,
    /// Not `--no-cli-pager`.
    pub page: bool,
    /// The profile files, where they had to be read before the line was understood.
    pub config: Option<Rc<Config>>,
}

impl Globals {
    /// Gives the options met their meaning.
    ///
    /// # Errors
    ///
    /// A query that does not compile, an endpoint without scheme, a time-out that is no number: in this order.
    pub(crate) fn resolve(scan: &Scan) -> Result<Self, Error> {
        let text = |name: &str| last(scan, name);
        let query = text("--query").map(|expression| Query::compile(&expression)).transpose()?;
        let endpoint_url = text("--endpoint-url").map(checked_endpoint).transpose()?;
        let read_timeout = timeout("read", text("--cli-read-timeout"))?;
        let connect_timeout = timeout("connect", text("--cli-connect-timeout"))?;
        Ok(Self {
            endpoint_url,
            verify_tls: !is_given(scan, "--no-verify-ssl"),
            paginate: !is_given(scan, "--no-paginate"),
            output: text("--output"),
            query,
            profile: text("--profile"),
            region: text("--region"),
            sign: !is_given(scan, "--no-sign-request"),
            ca_bundle: text("--ca-bundle"),
            read_timeout,
            connect_timeout,
            binary_format: text("--cli-binary-format").map(|name| match name.as_str() {
                "base64" => BinaryFormat::Base64,
                _ => BinaryFormat::Raw,
            }),
            color: text("--color"),
            page: !is_given(scan, "--no-cli-pager"),
            config: None,
        })
    }

    /// The settings of the profile, read at most once.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a profile that is not there.
    pub(crate) fn load_config(&self, environment: &dyn Environment) -> Result<Rc<Config>, Error> {
        match &self.config {
            Some(config) => Ok(Rc::clone(config)),
            None => Config::load(environment, self.profile.as_deref()).map(Rc::new),
        }
    }
}

/// What is wanted even when the rest of the line is wrong.
pub(crate) fn error_style(scan: &Scan) -> ErrorStyle {
    let format = last(scan, "--cli-error-format").and_then(|name| ErrorFormat::parse(&name));
    ErrorStyle { format, profile: last(scan, "--profile") }
}

/// `--debug`, which tells of the rest of the line too.
pub(crate) fn is_debug(scan: &Scan) -> bool {
    is_given(scan, "--debug")
}

/// `--cli-auto-prompt`.
pub(crate) fn prompts(scan: &Scan) -> bool {
    is_given(scan, "--cli-auto-prompt")
}

/// An alias cannot hold what was looked at before aliases were.
///
/// # Errors
///
/// When it does.
pub(crate) fn check_alias(alias: &Scan, name: &str) -> Result<(), Error> {
    match ["debug", "profile"].into_iter().find(|option| is_given(alias, &format!("--{option}"))) {
        None => Ok(()),
        Some(option) => Err(Error::general(format!(
            "Global parameter \"--{option}\" detected in alias \"{name}\" which is not supported in subcommand aliases."
        ))),
    }
}

/// When a line is written with the prompt's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompting {
    /// Never.
    Off,
    /// Always.
    On,
    /// When it is wrong as it stands.
    OnPartial,
}

impl Prompting {
    /// Reads a setting; what is not known counts as off.
    fn parse(mode: &str) -> Self {
        match mode.to_ascii_lowercase().as_str() {
            "on" => Self::On,
            "on-partial" => Self::OnPartial,
            _ => Self::Off,
        }
    }
}

/// When this line is to be written with the prompt's help, which `help` and `--version` never are; and the settings, if they were asked.
///
/// # Errors
///
/// Both switches at once.
pub(crate) fn prompting(
    scan: &Scan,
    words: &[String],
    environment: &dyn Environment,
) -> Result<(Prompting, Option<Rc<Config>>), Error> {
    let (on, off) = (prompts(scan), is_given(scan, "--no-cli-auto-prompt"));
    if on && off {
        return Err(Error::Usage(
            "argument --no-cli-auto-prompt: not allowed with argument --cli-auto-prompt".to_owned(),
        ));
    }
    if off || words.iter().any(|word| word == "help" || word == "--version") {
        return Ok((Prompting::Off, None));
    }
    if on {
        return Ok((Prompting::On, None));
    }
    if let Some(mode) = environment.var("AWS_CLI_AUTO_PROMPT") {
        return Ok((Prompting::parse(&mode), None));
    }
    let config = Config::load(environment, last(scan, "--profile").as_deref()).ok().map(Rc::new);
    let mode = config.as_ref().and_then(|config| config.get("cli_auto_prompt"));
    Ok((mode.map_or(Prompting::Off, Prompting::parse), config))
}

fn last(scan: &Scan, name: &str) -> Option<String> {
    let index = TABLE.iter().position(|option| option.name == name)?;
    scan.last(index)?.last().cloned()
}

fn is_given(scan: &Scan, name: &str) -> bool {
    scan.given.iter().any(|(index, _)| TABLE[*index].name == name)
}

fn checked_endpoint(url: String) -> Result<String, Error> {
    if has_scheme(&url) {
        return Ok(url);
    }
    Err(Error::Parameter(format!(
        "Bad value for --endpoint-url \"{url}\": scheme is missing.  \
         Must be of the form http://<hostname>/ or https://<hostname>/"
    )))
}

/// Whether a URL begins with `scheme:` by RFC 3986. `localhost:8080` does; that it is no endpoint is found where it is used, as by the AWS CLI.
fn has_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// A time-out in seconds; 0 is none.
fn timeout(which: &str, text: Option<String>) -> Result<Option<Duration>, Error> {
    let Some(text) = text else {
        return Ok(Some(TIMEOUT_DEFAULT));
    };
    let seconds = crate::input::convert::python_int(&text)?;
    match seconds.as_integer() {
        Some(0) => Ok(None),
        Some(seconds) if seconds < 0 => Err(Error::general(format!(
            "Attempted to set {which} timeout to {seconds}, but the timeout cannot be set to a value less than or equal to 0."
        ))),
        Some(seconds) => Ok(Some(Duration::from_secs(seconds.unsigned_abs()).min(TIMEOUT_MAX))),
        None => Ok(None),
    }
}
