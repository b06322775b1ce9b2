//! What a line of `invalidate` means.
//!
//! The global options are those of every command. A first word that is no option is the target, all others are paths.

use std::time::Duration;

use crate::environment::Environment;
use crate::error::Error;
use crate::globals::{self, Globals};
use crate::lowargs::{self, Opt, Takes};
use crate::transport::CONNECTIONS_MAX;

/// How long `--wait` waits if nothing is said: as long as the AWS CLI's waiter.
const WAIT_DEFAULT: Duration = Duration::from_secs(600);
/// More seconds than this are a slip of the hand: 30 days.
const WAIT_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// Calls at a time if nothing is said: about what CloudFront takes without complaint.
const CONCURRENCY_DEFAULT: usize = 8;
/// The most calls at a time.
const CONCURRENCY_MAX: usize = CONNECTIONS_MAX;
/// How long what is refused for now is tried, if nothing is said.
const GIVE_UP_AFTER_DEFAULT: Duration = Duration::from_secs(600);

/// What `invalidate --help` says.
pub(crate) const HELP: &str = "\
recant invalidate TARGET PATH... [options]
recant invalidate DISTRIBUTION PATH... --all-tenants|--distribution [options]

Invalidates paths of one tenant, of all tenants of a distribution, or of a distribution without tenants. TARGET is the tenant's id, name,
ARN or domain; DISTRIBUTION is an id or ARN. A PATH is one object ('/a.png'), everything that starts so ('/images/*'; '/*' is everything), or a cache tag ('#sale').
Quote '*' and '#' in a shell.

  --paths-from FILE         take paths from a file too, one a line; '-' is standard input. A line with '#' is a tag, not a comment
  --deploy-id ID            derive the caller references from tenant, paths and ID: the same step again changes nothing, and goes on
                            where it was interrupted. Without it the run makes an ID of its own, and says it where it is needed
  --all-tenants             all tenants of the distribution, those that are there when the run begins
  --distribution            the distribution itself, which has no tenants
  --concurrency N           calls at a time (8, at most 64); fewer where the service says that it is too much
  --give-up-after SECONDS   how long to try what is throttled, full (TooManyInvalidationsInProgress) or does not answer (600)
  --wait[=SECONDS]          wait until all is completed (600); status 1 when the time is over
  --dry-run                 show the calls, do not make them; against Recant also how many stored responses would go
  --as-typed                take paths that look encoded once too often as they are
  --output FORMAT           the result as data: json, text, table, yaml

Options of every command, as --endpoint-url, --region, --profile, --query and --color, go as well.

Exit status: 0 when all is done; 1 when the time of --wait is over; 130 after an interrupt; 252 a wrong line; 253 a setting;
254 an error of the service, for one tenant or more; 255 anything else. After 1, 130, 254 and 255 the line that goes on is said.
";

const PATHS_FROM: usize = 0;
const DEPLOY_ID: usize = 1;
const DRY_RUN: usize = 2;
const AS_TYPED: usize = 3;
const ALL_TENANTS: usize = 4;
const CONCURRENCY: usize = 5;
const GIVE_UP_AFTER: usize = 6;
const DISTRIBUTION: usize = 7;
const TABLE: &[Opt<'static>] = &[
    Opt::new("--paths-from", Takes::One),
    Opt::new("--deploy-id", Takes::One),
    Opt::new("--dry-run", Takes::Nothing),
    Opt::new("--as-typed", Takes::Nothing),
    Opt::new("--all-tenants", Takes::Nothing),
    Opt::new("--concurrency", Takes::One),
    Opt::new("--give-up-after", Takes::One),
    Opt::new("--distribution", Takes::Nothing),
];

/// A line, understood.
#[derive(Debug)]
pub(super) enum Line {
    Help,
    Invalidate(Box<Options>),
}

/// What the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A tenant.
    Tenant,
    /// A distribution, of which all tenants are meant.
    AllTenants,
    /// A distribution without tenants.
    Distribution,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Options {
    /// The options of every command.
    pub globals: Globals,
    /// The line itself.
    pub words: Vec<String>,
    /// The tenant or the distribution, as typed.
    pub target: String,
    /// The paths of the line, as typed.
    pub paths: Vec<String>,
    /// `--paths-from`.
    pub paths_from: Option<String>,
    /// `--deploy-id`.
    pub deploy_id: Option<String>,
    /// `--all-tenants`, `--distribution`.
    pub whose: Whose,
    /// `--concurrency`.
    pub concurrency: usize,
    /// `--give-up-after`.
    pub give_up_after: Duration,
    /// `--wait`: for how long.
    pub wait: Option<Duration>,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--as-typed`.
    pub as_typed: bool,
}

/// Reads a line.
///
/// # Errors
///
/// What is wrong with its form.
pub(super) fn resolve(words: &[String], environment: &mut dyn Environment) -> Result<Line, Error> {
    // No words at all are empty variables of a script more often than a question.
    if words.first().is_some_and(|word| word == "help") {
        return Ok(Line::Help);
    }
    let typed = words.to_vec();
    let (words, wait) = without_wait(words)?;
    // The pass takes the first word that is no option apart. It is the command's name, so that the others stay in order.
    let words: Vec<String> = std::iter::once("invalidate".to_owned()).chain(words).collect();
    let main = lowargs::scan(globals::TABLE, &words)?;
    if globals::is_debug(&main) {
        environment.start_debugging();
    }
    if globals::prompts(&main) {
        return Err(Error::Parameter(
            "--cli-auto-prompt writes lines of 'recant cloudfront'; this command has none".to_owned(),
        ));
    }
    let mut globals = Globals::resolve(&main)?;
    // Results are a few lines.
    globals.page = false;

    let own = lowargs::scan(TABLE, &main.leftovers)?;
    if own.leftovers.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Line::Help);
    }
    if let Some(unknown) = own.leftovers.iter().find(|word| word.starts_with('-')) {
        return Err(Error::Parameter(format!(
            "there is no option '{unknown}'; 'recant invalidate help' lists all"
        )));
    }
    let target = own.positional.clone().filter(|target| !target.is_empty());
    let target = target.ok_or_else(|| {
        Error::Parameter(
            "TARGET is missing: a tenant's id, name or domain; 'recant invalidate help' says more".into(),
        )
    })?;
    if target.starts_with('/') || target.starts_with('#') {
        return Err(Error::Parameter(format!(
            "the first word is the target, a tenant or a distribution; '{target}' is a path"
        )));
    }
    let text = |index| own.last(index).and_then(<[String]>::last).cloned();
    let deploy_id = text(DEPLOY_ID);
    // An empty variable of a pipeline would make all its deploys the same.
    if deploy_id.as_deref() == Some("") {
        return Err(Error::Parameter("--deploy-id is empty".to_owned()));
    }
    let concurrency = number("--concurrency", text(CONCURRENCY), CONCURRENCY_MAX as u64)?;
    let give_up_after = number("--give-up-after", text(GIVE_UP_AFTER), WAIT_SECONDS_MAX)?;
    let is_given = |index| own.last(index).is_some();
    let whose = match (is_given(ALL_TENANTS), is_given(DISTRIBUTION)) {
        (false, false) => Whose::Tenant,
        (true, false) => Whose::AllTenants,
        (false, true) => Whose::Distribution,
        (true, true) => {
            let message = "--all-tenants and --distribution exclude each other";
            return Err(Error::Parameter(message.to_owned()));
        }
    };
    Ok(Line::Invalidate(Box::new(Options {
        globals,
        words: typed,
        target,
        paths: own.leftovers.clone(),
        paths_from: text(PATHS_FROM),
        deploy_id,
        whose,
        concurrency: concurrency.and_then(|n| usize::try_from(n).ok()).unwrap_or(CONCURRENCY_DEFAULT),
        give_up_after: give_up_after.map_or(GIVE_UP_AFTER_DEFAULT, Duration::from_secs),
        wait,
        dry_run: is_given(DRY_RUN),
        as_typed: is_given(AS_TYPED),
    })))
}

/// Takes `--wait` out: its number follows after `=` only, since a word may be a path.
fn without_wait(words: &[String]) -> Result<(Vec<String>, Option<Duration>), Error> {
    let (mut others, mut wait) = (Vec::new(), None);
    for (index, word) in words.iter().enumerate() {
        match word.strip_prefix("--wait") {
            Some("") => match words.get(index + 1).filter(|next| next.parse::<u64>().is_ok()) {
                Some(next) => {
                    return Err(Error::Parameter(format!("'--wait {next}': did you mean '--wait={next}'?")));
                }
                None => wait = Some(WAIT_DEFAULT),
            },
            Some(value) if value.starts_with('=') => {
                let seconds = number("--wait", Some(value[1..].to_owned()), WAIT_SECONDS_MAX)?;
                wait = seconds.map(Duration::from_secs);
            }
            _ => others.push(word.clone()),
        }
    }
    Ok((others, wait))
}

/// A number from 1 on.
fn number(option: &str, text: Option<String>, max: u64) -> Result<Option<u64>, Error> {
    let Some(text) = text else { return Ok(None) };
    match text.parse().ok().filter(|number| (1..=max).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(Error::Parameter(format!("'{option}={text}': a number is expected, 1 to {max}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    fn read(line: &str) -> Result<Line, Error> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        resolve(&words, &mut ScriptedEnvironment::new([]))
    }

    #[test]
    fn options_stand_anywhere() {
        let line = "--region r one.example /a --deploy-id r --wait /b* --dry-run #t --wait=7";
        let Ok(Line::Invalidate(options)) = read(line) else { panic!("{line}") };
        assert_eq!(
            (options.target.as_str(), options.paths.as_slice()),
            ("one.example", ["/a", "/b*", "#t"].map(str::to_owned).as_slice())
        );
        assert_eq!((options.globals.region.as_deref(), options.deploy_id.as_deref()), (Some("r"), Some("r")));
        assert_eq!(options.wait, Some(Duration::from_secs(7)));
        assert!(options.dry_run && !options.as_typed && options.whose == Whose::Tenant);
        let Ok(Line::Invalidate(options)) = read("E1 --all-tenants /a --conc 3") else { panic!("all") };
        assert_eq!(options.whose, Whose::AllTenants);
        assert_eq!((options.concurrency, options.give_up_after), (3, GIVE_UP_AFTER_DEFAULT));
    }

    #[test]
    fn help_is_given_when_asked_for() {
        for line in ["help", "--help", "t /a --help"] {
            assert!(matches!(read(line), Ok(Line::Help)), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |line: &str, want: &str| {
            let error = read(line).expect_err(line);
            assert_eq!(error.exit_status(), 252, "{line}");
            assert!(error.to_string().contains(want), "{line}: {error}");
        };
        check("", "TARGET is missing");
        check("--dry-run", "TARGET is missing");
        check("/a /b", "'/a' is a path");
        check("t /a --every", "no option '--every'");
        check("t /a --wait=soon", "'--wait=soon'");
        check("t /a --wait 30 /b", "did you mean '--wait=30'?");
        check("t /a --cli-auto-prompt", "--cli-auto-prompt writes lines of 'recant cloudfront'");
        check("t /a --wait=0", "1 to");
        check("t /a --concurrency 65", "'--concurrency=65': a number is expected, 1 to 64");
        check("t /a --give-up-after 0", "'--give-up-after=0'");
        check("E1 /a --distribution --all-tenants", "exclude each other");
        check("t /a --deploy-id=", "--deploy-id is empty");
        check("t /a --paths-from", "expected one argument");
    }
}
