//! `--dry-run`: the calls, not made; and how many stored responses would go, where somebody can tell.
//!
//! The shapes are stable. One tenant: `Operation, Input { Id, InvalidationBatch }, StoredResponses, UnansweredEdges`. All tenants:
//! `DistributionId, DeployId, Totals { Tenants, StoredResponses, UnansweredEdges }, Calls [ … ]`, a call as of one tenant. The last two are `null`
//! where nobody counts.

use recant_wire::document::{Document, Members};

use super::batch::counted;
use super::run::{Run, Scope};
use super::schedule::Aim;
use super::stored::Stored;
use super::tenant::Tenant;
use super::{operation, say};
use crate::call::Caller;
use crate::environment::Environment;
use crate::error::Error;
use crate::{output, words};

/// Calls that are shown to people; data has all of them.
const CALLS_SHOWN: usize = 10;

/// Shows the calls. Returns the exit status.
///
/// # Errors
///
/// A query that fails, or standard output that is gone.
pub(super) fn show(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    run: &Run<'_>,
    tenants: Vec<Tenant>,
) -> Result<u8, Error> {
    // AWS would not know the question, and should not see it. Without credentials the calls can still be shown.
    let tenants = match caller.is_of_aws() || caller.open(environment).is_err() {
        true => tenants,
        false => run.drive(environment, caller, Aim::Count, tenants)?.0,
    };
    let total = total(&tenants);
    if let Some(total) = &total {
        say(environment, &total.explanation());
    }
    if let Some(refusal) = tenants.iter().find_map(|tenant| tenant.failure.as_ref()) {
        say(environment, &format!("stored responses are not counted: {refusal}"));
    }
    let shown: Vec<String> = tenants.iter().take(CALLS_SHOWN).map(|tenant| line(run, &tenant.id)).collect();
    let plain = match tenants.len() {
        0 => "# no tenants, no calls".to_owned(),
        _ => shown.join("\n"),
    };
    if tenants.len() > CALLS_SHOWN {
        let calls = counted(tenants.len(), "call");
        say(environment, &format!("{calls}, of which {CALLS_SHOWN} are shown; --output json shows all"));
    }
    let data = || match (&run.scope, tenants.as_slice()) {
        (Scope::One, tenants) => tenants.first().map(|tenant| call(run, tenant)).into(),
        (Scope::AllTenants(id), tenants) => all(run, id, tenants, total.as_ref()),
    };
    super::show(environment, run.config, run.options, &plain, data)?;
    Ok(0)
}

fn all(run: &Run<'_>, distribution: &str, tenants: &[Tenant], total: Option<&Stored>) -> Document {
    let mut totals: Members = [("Tenants", Document::from(tenants.len()))].into_iter().collect();
    totals.extend(Stored::members(total));
    Document::structure([
        ("DistributionId", Document::from(distribution)),
        ("DeployId", run.batch.deploy_id.as_str().into()),
        ("Totals", totals.into()),
        ("Calls", Document::List(tenants.iter().map(|tenant| call(run, tenant)).collect())),
    ])
}

/// The sum, if every tenant was counted.
fn total(tenants: &[Tenant]) -> Option<Stored> {
    let mut total = None;
    for tenant in tenants {
        total.get_or_insert_with(Stored::default).add(tenant.stored.as_ref()?);
    }
    total
}

/// A call as a command line.
fn line(run: &Run<'_>, tenant: &str) -> String {
    let (input, create) = (run.batch.input(tenant), operation(run.batch.kind.create()));
    let batch = input.get("InvalidationBatch").map(output::json::compact).unwrap_or_default();
    format!(
        "recant cloudfront {} {} {} --invalidation-batch {}",
        create.cli_name,
        run.batch.kind.create_option(),
        words::quoted(tenant),
        words::quoted(&batch)
    )
}

/// A call as data.
fn call(run: &Run<'_>, tenant: &Tenant) -> Document {
    let mut members: Members = [
        ("Operation", Document::from(run.batch.kind.create())),
        ("Input", Document::Structure(run.batch.input(&tenant.id))),
    ]
    .into_iter()
    .collect();
    members.extend(Stored::members(tenant.stored.as_ref()));
    members.into()
}
