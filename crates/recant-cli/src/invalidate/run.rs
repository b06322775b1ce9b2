//! A run: its tenants are invalidated, waited for, and reported.

use super::batch::{Batch, WILDCARDS_MAX, counted};
use super::drive::Calls;
use super::options::Options;
use super::progress::Progress;
use super::reference::DeployId;
use super::report::Report;
use super::schedule::{Aim, Bounds, Schedule};
use super::tenant::Tenant;
use super::{say, show};
use crate::call::Caller;
use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::words;

/// Whose tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One tenant, or one distribution without tenants.
    One,
    /// All tenants of a distribution, by its id.
    AllTenants(String),
}

/// What a run is about.
#[derive(Debug)]
pub(super) struct Run<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The line.
    pub options: &'a Options,
    /// What is sent.
    pub batch: &'a Batch,
    /// Whose tenants.
    pub scope: Scope,
}

impl Run<'_> {
    /// Invalidates the tenants, and shows what came of it. Returns the exit status.
    ///
    /// # Errors
    ///
    /// What kept it from beginning, or standard output that is gone.
    pub(super) fn invalidate(
        &self,
        environment: &mut dyn Environment,
        caller: &mut Caller<'_>,
        tenants: Vec<Tenant>,
    ) -> Result<u8, Error> {
        self.explain(environment, &tenants);
        let aim = Aim::Create { wait: self.options.wait };
        let (tenants, stopped) = self.drive(environment, caller, aim, tenants)?;
        let report = Report {
            batch: self.batch,
            tenants: &tenants,
            stopped: stopped.as_ref(),
            waited: self.options.wait,
        };
        let status = report.exit_status();
        report.complain(environment);
        if report.can_go_on() {
            say(environment, &self.how_to_go_on());
        }
        match (&self.scope, tenants.as_slice()) {
            (Scope::One, tenants) => {
                if let Some(created) = tenants.first().and_then(|tenant| tenant.created.as_ref()) {
                    let plain = format!("{} {}", created.id, created.status);
                    show(environment, self.config, self.options, &plain, || report.one(&tenants[0]))?;
                }
            }
            (Scope::AllTenants(id), _) => {
                show(environment, self.config, self.options, &report.line(), || report.all(id))?;
            }
        }
        Ok(status)
    }

    /// Makes the calls. Returns the tenants, and what ended the run early.
    ///
    /// # Errors
    ///
    /// What kept it from beginning.
    pub(super) fn drive(
        &self,
        environment: &mut dyn Environment,
        caller: &mut Caller<'_>,
        aim: Aim,
        tenants: Vec<Tenant>,
    ) -> Result<(Vec<Tenant>, Option<Error>), Error> {
        let bounds = Bounds {
            concurrency: self.options.concurrency,
            give_up_after: self.options.give_up_after,
            attempts_max: caller.attempts_max(),
            is_known: self.scope != Scope::One,
            has_room: self.batch.wildcards_beyond_limit().is_none(),
        };
        let mut schedule = Schedule::new(aim, bounds, tenants);
        let color = self.options.globals.color.as_deref();
        let mut progress = Progress::begin(environment, schedule.phase(), color, self.how_to_go_on());
        progress.arm(environment, schedule.tally());
        Calls::new(environment, caller, self.batch).drive(environment, &mut schedule, &mut progress)?;
        Ok(schedule.into_outcome())
    }

    fn explain(&self, environment: &mut dyn Environment, tenants: &[Tenant]) {
        let id = self.batch.deploy_id.as_str();
        let text = match (&self.scope, &self.batch.deploy_id, tenants) {
            (Scope::One, deploy_id, [tenant]) => {
                let reference = self.batch.reference(&tenant.id);
                match deploy_id {
                    DeployId::Given(_) => {
                        let noun = self.batch.kind.noun();
                        format!("caller reference {reference}, derived from {noun}, paths and deploy id")
                    }
                    DeployId::Made(_) => format!(
                        "caller reference {reference}, new with every run; --deploy-id makes repeating safe"
                    ),
                }
            }
            (_, deploy_id, _) => {
                let tenants = counted(tenants.len(), "tenant");
                match deploy_id {
                    DeployId::Given(_) => format!("{tenants}, deploy id {id}"),
                    DeployId::Made(_) => format!(
                        "{tenants}, deploy id {id}, new with every run; --deploy-id {id} goes on with this one"
                    ),
                }
            }
        };
        say(environment, &text);
        if let Some(wildcards) = self.batch.wildcards_beyond_limit() {
            let text = format!(
                "{wildcards} paths end in '*'; a tenant may have {WILDCARDS_MAX} in progress, and more are refused unless the limit was raised"
            );
            say(environment, &text);
        }
    }

    /// The command line that goes on with this run.
    fn how_to_go_on(&self) -> String {
        let words: Vec<String> = self.options.words.iter().map(|word| words::quoted(word)).collect();
        let words = words.join(" ");
        let with = match self.options.paths_from.as_deref() {
            Some("-") => ", with the same standard input",
            _ => "",
        };
        match &self.batch.deploy_id {
            DeployId::Given(_) => format!("to go on{with}: recant invalidate {words}"),
            // In front, since no option is one behind `--`.
            DeployId::Made(id) => format!("to go on{with}: recant invalidate --deploy-id {id} {words}"),
        }
    }
}
