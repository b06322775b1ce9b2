//! `invalidate TARGET PATH…`: the short way to invalidate one tenant, all tenants of a distribution, or a distribution without any.
//!
//! Answers what `create-invalidation-for-distribution-tenant` leaves to its caller: which tenant is meant, which paths are wrong and
//! why, how many there are, what the caller reference should be, what to do when the service is too busy, and when it is done. One walk:
//!
//! | stop | what it yields |
//! |---|---|
//! | [`options`] | what is asked for |
//! | [`paths`], [`lint`] | the paths, judged, without those that others cover |
//! | [`target`], [`listing`] | the tenants |
//! | [`batch`], [`mod@reference`] | what is sent to each, and its caller reference |
//! | [`schedule`], [`pace`], [`refusal`] | all decisions: who is asked when, how fast, and what a refusal means |
//! | [`drive`], [`crew`] | the calls, several at a time |
//! | [`progress`] | how far it is, while it lasts |
//! | [`report`], [`dry_run`], [`stored`] | the result |
//!
//! One tenant is a run over one; so is a distribution without tenants, whose operations have other names ([`kind`]). The calls are spelled, signed and read by the same modules as any other command's, so they are those that AWS
//! knows; what only Recant knows is asked of it alone.
//!
//! **Resuming** needs no file: a run that is interrupted is repeated, with its deploy id, and the service replays what was created ([`mod@reference`]).
//! So nothing is invalidated twice and nothing is left out, also when the answer to a create was lost, which no list of what was done can know. The price is
//! a call for each tenant that is done already; it takes as long as the first part of the interrupted run did, and no state has to be kept, found again or cleaned up.

mod batch;
mod created;
mod crew;
mod drive;
mod dry_run;
mod kind;
mod lint;
mod listing;
mod options;
mod pace;
mod paths;
mod progress;
mod reference;
mod refusal;
mod report;
mod run;
mod schedule;
mod stored;
pub(crate) mod target;
mod tenant;

use std::ffi::OsString;

use recant_wire::document::Document;
use recant_wire::model::{self, Operation};

use self::batch::Batch;
use self::kind::Kind;
pub(crate) use self::options::HELP;
use self::options::{Line, Options, Whose};
use self::reference::DeployId;
use self::run::{Run, Scope};
use self::target::{Hint, Tenancy};
use self::tenant::Tenant;
use crate::call::Caller;
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat};
use crate::output::{self, Printer};

const HINT: Hint = Hint {
    distribution: "add --all-tenants to invalidate all tenants of the distribution, or --distribution if it has none",
    domain: Some("a distribution without tenants is named by its id, with --distribution"),
};

/// Runs `invalidate`; the words are those after it. Returns the exit status.
///
/// Standard output gets the result, standard error everything that is said about it.
pub fn invalidate(words: impl IntoIterator<Item = OsString>, environment: &mut dyn Environment) -> u8 {
    let words: Vec<String> = words.into_iter().map(|word| crate::run::text_of(&word)).collect();
    match execute(&words, environment) {
        Ok(status) => status,
        Err(error) => {
            if !error.render(ErrorFormat::Enhanced).is_empty() {
                say(environment, &error.to_string());
            }
            if matches!(error, Error::Configuration { code: "NoCredentials", .. }) {
                say(environment, "for a plane of this machine: eval \"$(recant env --data-dir DIR)\"");
            }
            error.exit_status()
        }
    }
}

fn execute(words: &[String], environment: &mut dyn Environment) -> Result<u8, Error> {
    let options = match options::resolve(words, environment)? {
        Line::Help => {
            output::write(environment, HELP)?;
            return Ok(0);
        }
        Line::Invalidate(options) => *options,
    };
    // Before anything is read or asked, so that an interrupt leaves standard output alone from here on.
    environment.say_on_interrupt("recant invalidate: interrupted; nothing was invalidated\n".to_owned());
    let paths = paths::resolve(environment, &options)?;
    let config = options.globals.load_config(environment)?;
    let mut caller = Caller::new(environment, &config, &options.globals)?;
    let (scope, tenants) = tenants(environment, &mut caller, &options)?;
    let deploy_id = match &options.deploy_id {
        Some(id) => DeployId::Given(id.clone()),
        None => DeployId::made(environment.now(), environment.random()),
    };
    let batch = Batch { paths, deploy_id, kind: Kind::of(options.whose) };
    let run = Run { config: &config, options: &options, batch: &batch, scope };
    if options.dry_run {
        return dry_run::show(environment, &mut caller, &run, tenants);
    }
    run.invalidate(environment, &mut caller, tenants)
}

fn tenants(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    options: &Options,
) -> Result<(Scope, Vec<Tenant>), Error> {
    let id = match options.whose {
        Whose::Tenant => target::tenant(environment, caller, &options.target, &HINT)?,
        Whose::AllTenants | Whose::Distribution => target::distribution(&options.target)?,
    };
    if options.whose != Whose::AllTenants {
        return Ok((Scope::One, vec![Tenant::new(id, None)]));
    }
    let tenants = listing::tenants(environment, caller, &id, options.give_up_after)?;
    if tenants.is_empty() {
        match target::tenancy(environment, caller, &id) {
            // A script would believe that something was invalidated.
            Tenancy::Never => {
                return Err(Error::Parameter(format!(
                    "'{id}' has no tenants by its ConnectionMode; add --distribution to invalidate it itself"
                )));
            }
            Tenancy::Possible => {}
            Tenancy::Unknown => say(
                environment,
                &format!(
                    "'{id}' has no tenants; one that is made to have none (ConnectionMode 'direct') is invalidated with --distribution"
                ),
            ),
        }
    }
    Ok((Scope::AllTenants(id), tenants))
}

/// A line on standard error. Nothing can be told to a reader that is gone.
fn say(environment: &mut dyn Environment, text: &str) {
    let _ = environment.stderr().write_all(format!("recant invalidate: {text}\n").as_bytes());
    let _ = environment.stderr().flush();
}

fn operation(name: &'static str) -> &'static Operation {
    model::operation(name).expect("it is in the model")
}

/// Shows the result: lines for people, or what `--output` and `--query` make of the data.
fn show(
    environment: &mut dyn Environment,
    config: &Config,
    options: &Options,
    plain: &str,
    data: impl FnOnce() -> Document,
) -> Result<(), Error> {
    if options.globals.output.is_none() && options.globals.query.is_none() {
        return output::write(environment, &format!("{plain}\n"));
    }
    Printer::resolve(environment, config, &options.globals, Kind::of(options.whose).create())?
        .show(environment, data())
}
