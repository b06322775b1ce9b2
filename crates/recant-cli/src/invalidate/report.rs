//! What is shown at the end: one line for people, or what `--output` and `--query` make of the data; and the exit status.
//!
//! The shapes are stable. A member that has nothing to say is `null`, never absent. One tenant, or with `DistributionId` in place of the first member a
//! distribution without tenants:
//!
//! ```text
//! DistributionTenantId, Id, Status, CreateTime, CallerReference, DeployId, Paths, RedundantPaths, Replay
//! ```
//!
//! All tenants:
//!
//! ```text
//! DistributionId, DeployId, Paths, RedundantPaths,
//! Totals  { Tenants, Created, Replayed, Completed, InProgress, Failed, Left },
//! Tenants [ { DistributionTenantId, Name, Id, Status, CreateTime, CallerReference, Replay, Error { Code, Message } } ]
//! ```
//!
//! `Left` are those that the run did not get to, or got no answer for. `Created` has the replayed ones among it, and is `Completed` and
//! `InProgress` together; with `Failed` and `Left` it makes up `Tenants`, but for invalidations whose status could not be learned: they are
//! both created and failed.

use std::time::Duration;

use recant_wire::document::{Document, Members};

use super::batch::{Batch, counted};
use super::created::Created;
use super::say;
use super::tenant::Tenant;
use crate::environment::Environment;
use crate::error::Error;

/// The status when the time of `--wait` is over.
const TIMED_OUT: u8 = 1;
/// The status when a tenant failed.
const FAILED: u8 = 254;
/// Ids, and reasons, that are named in text; all are in the data.
const NAMED_MAX: usize = 20;

/// How a run over tenants ended.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// The tenants.
    pub tenants: &'a [Tenant],
    /// What ended the run early.
    pub stopped: Option<&'a Error>,
    /// How long completion was waited for, if it was.
    pub waited: Option<Duration>,
}

impl Report<'_> {
    /// The exit status: what failed comes before what is late.
    pub(super) fn exit_status(&self) -> u8 {
        match (self.stopped, self.failures().next()) {
            (Some(error), _) => error.exit_status(),
            (None, Some((_, failure))) if self.tenants.len() == 1 => failure.exit_status(),
            (None, Some(_)) => FAILED,
            (None, None) if self.late().next().is_some() => TIMED_OUT,
            (None, None) => 0,
        }
    }

    /// Whether the same line may do more: not where the one tenant was refused for good.
    pub(super) fn can_go_on(&self) -> bool {
        let is_refused =
            self.tenants.len() == 1 && self.stopped.is_none() && self.failures().next().is_some();
        self.exit_status() != 0 && !is_refused
    }

    /// Says on standard error what is not done, and why.
    pub(super) fn complain(&self, environment: &mut dyn Environment) {
        if let Some(error) = self.stopped {
            say(environment, &error.to_string());
        }
        let seconds = self.waited.unwrap_or_default().as_secs();
        if let [tenant] = self.tenants {
            // What went wrong with the one tenant is all that there is to say.
            if let Some(error) = &tenant.failure {
                say(environment, &error.to_string());
            }
            for created in self.late() {
                say(environment, &format!("{} is still {} after {seconds} s", created.id, created.status));
            }
            return;
        }
        let replays = self.tenants.iter().filter_map(|tenant| tenant.created.as_ref());
        let replays = replays.filter(|created| created.is_replay).count();
        if replays > 0 {
            let text = format!(
                "{} of before this run: the same paths had been sent under this deploy id, and nothing new is invalidated \
                 for these. A new deploy needs another --deploy-id",
                counted(replays, "invalidation")
            );
            say(environment, &text);
        }
        self.complain_of_failures(environment);
        let late: Vec<&str> = self.late().map(|created| created.id.as_str()).collect();
        let heading = format!("{} not completed after {seconds} s", counted(late.len(), "invalidation"));
        list(environment, &late, &heading);
    }

    /// Tenants that failed for the same reason are one line.
    fn complain_of_failures(&self, environment: &mut dyn Environment) {
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        let mut others = 0;
        for (tenant, error) in self.failures() {
            let reason = error.to_string();
            match reasons.iter().position(|(known, _)| *known == reason) {
                Some(at) => reasons[at].1.push(&tenant.id),
                None if reasons.len() < NAMED_MAX => reasons.push((reason, vec![&tenant.id])),
                None => others += 1,
            }
        }
        for (reason, tenants) in reasons {
            let heading = format!("{} failed: {reason}", counted(tenants.len(), "tenant"));
            list(environment, &tenants, &heading);
        }
        if others > 0 {
            let others = counted(others, "tenant");
            say(environment, &format!("{others} failed for other reasons; --output json lists all"));
        }
    }

    fn failures(&self) -> impl Iterator<Item = (&Tenant, &Error)> {
        self.tenants.iter().filter_map(|tenant| Some((tenant, tenant.failure.as_ref()?)))
    }

    /// What was waited for in vain. Where the run ended early or the status could not be learned, something else is to blame.
    fn late(&self) -> impl Iterator<Item = &Created> {
        let is_waited_for = self.waited.is_some() && self.stopped.is_none();
        let asked = self.tenants.iter().filter(move |tenant| is_waited_for && tenant.failure.is_none());
        asked.filter_map(|tenant| tenant.created.as_ref()).filter(|created| !created.is_completed())
    }

    /// The result of one tenant.
    pub(super) fn one(&self, tenant: &Tenant) -> Document {
        let mut members: Members = self.members_of(tenant).into_iter().collect();
        members.remove("Name");
        members.remove("Error");
        let replay = members.remove("Replay");
        members.extend(self.members_of_batch());
        members.extend(replay.map(|replay| ("Replay", replay)));
        Document::Structure(members)
    }

    /// The result of all tenants of a distribution.
    pub(super) fn all(&self, distribution: &str) -> Document {
        let mut members: Members = [("DistributionId", Document::from(distribution))].into_iter().collect();
        members.extend(self.members_of_batch());
        members.insert("Totals", Document::structure(self.totals()));
        let tenants = self.tenants.iter().map(|tenant| Document::structure(self.members_of(tenant)));
        members.insert("Tenants", Document::List(tenants.collect()));
        Document::Structure(members)
    }

    /// The totals as a line.
    pub(super) fn line(&self) -> String {
        let mut said = Vec::new();
        for (name, number) in self.totals() {
            let number = number.as_integer().unwrap_or_default();
            let is_said = match name {
                "Tenants" | "Created" => true,
                _ => number > 0,
            };
            if is_said {
                let words = match name {
                    "InProgress" => "in progress".to_owned(),
                    "Tenants" if number == 1 => "tenant".to_owned(),
                    _ => name.to_lowercase(),
                };
                said.push(format!("{number} {words}"));
            }
        }
        said.join(", ")
    }

    fn totals(&self) -> [(&'static str, Document); 7] {
        let count = |is_one: &dyn Fn(&&Tenant) -> bool| -> Document {
            self.tenants.iter().filter(is_one).count().into()
        };
        let created =
            |is: fn(&Created) -> bool| count(&move |tenant| tenant.created.as_ref().is_some_and(is));
        [
            ("Tenants", self.tenants.len().into()),
            ("Created", created(|_| true)),
            ("Replayed", created(|created| created.is_replay)),
            ("Completed", created(Created::is_completed)),
            ("InProgress", created(|created| !created.is_completed())),
            ("Failed", count(&|tenant| tenant.failure.is_some())),
            ("Left", count(&|tenant| tenant.is_left())),
        ]
    }

    fn members_of(&self, tenant: &Tenant) -> [(&'static str, Document); 8] {
        let created = tenant.created.as_ref();
        let reference = (!tenant.is_left()).then(|| self.batch.reference(&tenant.id));
        [
            (self.batch.kind.member(), Document::from(&tenant.id)),
            ("Name", tenant.name.as_deref().into()),
            ("Id", created.map(|created| created.id.as_str()).into()),
            ("Status", created.map(|created| created.status.as_str()).into()),
            ("CreateTime", created.map(|created| created.time.as_str()).into()),
            ("CallerReference", reference.into()),
            ("Replay", created.map(|created| created.is_replay).into()),
            ("Error", tenant.failure.as_ref().map(error_document).into()),
        ]
    }

    fn members_of_batch(&self) -> [(&'static str, Document); 3] {
        [
            ("DeployId", self.batch.deploy_id.as_str().into()),
            ("Paths", self.batch.paths_document()),
            ("RedundantPaths", self.batch.paths.redundant.into()),
        ]
    }
}

fn error_document(error: &Error) -> Document {
    let (code, message) = match error.structure() {
        Some((code, message)) => (Some(code), message),
        None => (None, error.to_string()),
    };
    Document::structure([("Code", Document::from(code)), ("Message", message.into())])
}

/// Lists ids below a heading, the first of them only if there are many.
fn list(environment: &mut dyn Environment, ids: &[&str], heading: &str) {
    if ids.is_empty() {
        return;
    }
    let mut text = heading.to_owned();
    for id in ids.iter().take(NAMED_MAX) {
        text.push_str(&format!("\n  {id}"));
    }
    if ids.len() > NAMED_MAX {
        text.push_str(&format!("\n  … and {} more; --output json lists all", ids.len() - NAMED_MAX));
    }
    say(environment, &text);
}
