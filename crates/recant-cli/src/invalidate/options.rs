//! What a line of `invalidate` means.
//!
//! The global options are those of every command. A first word that is no option is the target, all others are paths.

use std::time::Duration;

use crate::environment::Environment;
use crate::error::Error;
use crate::globals::{self, Globals};
use crate::lowargs::{self, Opt, Takes};

/// How long `--wait` waits if nothing is said: as long as the AWS CLI's waiter.
const WAIT_DEFAULT: Duration = Duration::from_secs(600);
/// More seconds than this are a slip of the hand: 30 days.
const WAIT_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// What `invalidate --help` says.
pub(crate) const HELP: &str = "\
recant invalidate TARGET PATH... [options]

Invalidates paths of one tenant. TARGET is the tenant's id, name, ARN or domain. A PATH is one object ('/a.png'), everything that
starts so ('/images/*'; '/*' is everything), or a cache tag ('#sale'). Quote '*' and '#' in a shell.

  --paths-from FILE     take paths from a file too, one a line; '-' is standard input
  --deploy-id ID        derive the caller reference from tenant, paths and ID: the same step again changes nothing
  --wait[=SECONDS]      wait until it is completed (600); status 1 when the time is over
  --dry-run             show the call, do not make it; the tenant is looked up
  --as-typed            take paths that look encoded once too often as they are
  --output FORMAT       the result as data: json, text, table, yaml

Options of every command, as --endpoint-url, --region and --profile, go as well.
";

const PATHS_FROM: usize = 0;
const DEPLOY_ID: usize = 1;
const DRY_RUN: usize = 2;
const AS_TYPED: usize = 3;
const TABLE: &[Opt<'static>] = &[
    Opt::new("--paths-from", Takes::One),
    Opt::new("--deploy-id", Takes::One),
    Opt::new("--dry-run", Takes::Nothing),
    Opt::new("--as-typed", Takes::Nothing),
];

/// A line, understood.
#[derive(Debug)]
pub(super) enum Line {
    Help,
    Invalidate(Box<Options>),
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Options {
    /// The options of every command.
    pub globals: Globals,
    /// The tenant, as typed.
    pub target: String,
    /// The paths of the line, as typed.
    pub paths: Vec<String>,
    /// `--paths-from`.
    pub paths_from: Option<String>,
    /// `--deploy-id`.
    pub deploy_id: Option<String>,
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
    if words.is_empty() || words.first().is_some_and(|word| word == "help") {
        return Ok(Line::Help);
    }
    let (words, wait) = without_wait(words)?;
    // The pass takes the first word that is no option apart. It is the command's name, so that the others stay in order.
    let words: Vec<String> = std::iter::once("invalidate".to_owned()).chain(words).collect();
    let main = lowargs::scan(globals::TABLE, &words)?;
    if globals::is_debug(&main) {
        environment.start_debugging();
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
    let target =
        target.ok_or_else(|| Error::Parameter("TARGET is missing: a tenant's id, name or domain".into()))?;
    if target.starts_with('/') || target.starts_with('#') {
        return Err(Error::Parameter(format!(
            "the first word is the target, a tenant; '{target}' is a path"
        )));
    }
    let text = |index| own.last(index).and_then(<[String]>::last).cloned();
    let deploy_id = text(DEPLOY_ID);
    // An empty variable of a pipeline would make all its deploys the same.
    if deploy_id.as_deref() == Some("") {
        return Err(Error::Parameter("--deploy-id is empty".to_owned()));
    }
    let is_given = |index| own.last(index).is_some();
    Ok(Line::Invalidate(Box::new(Options {
        globals,
        target,
        paths: own.leftovers.clone(),
        paths_from: text(PATHS_FROM),
        deploy_id,
        wait,
        dry_run: is_given(DRY_RUN),
        as_typed: is_given(AS_TYPED),
    })))
}

/// Takes `--wait` out: its number follows after `=` only, since a word may be a path.
fn without_wait(words: &[String]) -> Result<(Vec<String>, Option<Duration>), Error> {
    let (mut others, mut wait) = (Vec::new(), None);
    for word in words {
        match word.strip_prefix("--wait") {
            Some("") => wait = Some(WAIT_DEFAULT),
            Some(value) if value.starts_with('=') => {
                let seconds =
                    value[1..].parse().ok().filter(|seconds| (1..=WAIT_SECONDS_MAX).contains(seconds));
                wait = Some(seconds.map(Duration::from_secs).ok_or_else(|| {
                    Error::Parameter(format!(
                        "'{word}': a number of seconds is expected, 1 to {WAIT_SECONDS_MAX}"
                    ))
                })?);
            }
            _ => others.push(word.clone()),
        }
    }
    Ok((others, wait))
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
        assert!(options.dry_run && !options.as_typed);
    }

    #[test]
    fn help_is_given_when_asked_for() {
        for line in ["", "help", "--help", "t /a --help"] {
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
        check("--dry-run", "TARGET is missing");
        check("/a /b", "'/a' is a path");
        check("t /a --al", "no option '--al'");
        check("t /a --wait=soon", "'--wait=soon'");
        check("t /a --wait=0", "1 to");
        check("t /a --deploy-id=", "--deploy-id is empty");
        check("t /a --paths-from", "expected one argument");
    }
}
