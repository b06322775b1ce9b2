//! `--apply FILE`: what a plane has is brought to a declared state when it starts.
//!
//! A declaration is a document of lists, `ConnectionGroups`, `CachePolicies`, `OriginRequestPolicies`, `ResponseHeadersPolicies`,
//! `Distributions`, `DistributionTenants` and `Keys`, whose items have AWS's own members ([`declared`]). What it does not mention is left alone; nothing is ever deleted.
//!
//! ```text
//!   all files ─▶ form, by the operations' shapes ─▶ meaning, by the operations' checks ─▶ references ─▶ nothing is done before here
//!             ─▶ each thing is looked up, compared, and made or changed by the operations themselves, by its entity tag
//! ```
//!
//! So what is wrong with a file is said before anything is done, and there is no way around what the API refuses. Only what the store alone knows
//! (a domain that another tenant has, a name that was taken meanwhile) is found on the way; what was done up to there stays, and the next start goes
//! on. Applying a second time changes nothing. What is done is noted in the audit log as anybody's call is, without a key.
//!
//! | what | found by | compared |
//! |---|---|---|
//! | connection group | `Name` | `Enabled` if it is declared, tags |
//! | policy | `Name` | the configuration as a whole |
//! | distribution | `CallerReference` | the configuration as a whole, tags |
//! | tenant | `Name` | the members that are declared, tags |
//! | key | `Name` | policy, `Status` if it is declared |

mod connection_groups;
mod declared;
mod distributions;
mod domains;
mod form;
mod keys;
mod policies;
mod tags;
mod tenants;

use std::fmt;

use recant_wire::document::Document;
use recant_wire::model;

use self::declared::Declared;
use self::domains::Holding;
use self::policies::{KnownPolicies, Made};
use super::{Context, perform};
use crate::admission::Admission;
use crate::error::ApiError;
use crate::folder::{Folder, FolderError};
use crate::store::{Store, StoreError};

/// A declared state, as it stands in a file.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The file's name, for messages.
    pub name: String,
    /// What is in it.
    pub document: Document,
}

/// Why a declared state cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {why}")]
pub struct ApplyError {
    /// The file and the place in it: `shops.yaml: DistributionTenants[0]`.
    at: String,
    why: String,
}

impl ApplyError {
    fn new(at: &str, why: impl fmt::Display) -> Self {
        Self { at: at.to_owned(), why: why.to_string() }
    }

    /// For a store that fails, a folder that cannot be written, an operation that refuses.
    fn of<E: Into<Failure>>(at: &str) -> impl Fn(E) -> Self + '_ {
        move |error| Self::new(at, error.into())
    }
}

/// What can fail on the way.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} ({})", .0, .0.code().0)]
    Refused(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What had to be done with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Created,
    Updated,
    Unchanged,
}

impl Change {
    fn of(is_changed: bool) -> Self {
        if is_changed { Self::Updated } else { Self::Unchanged }
    }

    /// Says it, as the operator's log has it.
    fn tell(self, kind: &'static str, name: &str, id: &str) {
        let done = match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        };
        tracing::info!(target: "recant::apply", kind, name, id, "{done}");
    }
}

/// Whoever carries a declaration out: what it works on, and where its changes are noted.
pub(crate) struct Applier<'a, S> {
    pub(crate) context: &'a Context<S>,
    pub(crate) admission: &'a Admission,
    pub(crate) folder: &'a Folder,
}

/// Brings everything to the declared state.
///
/// # Errors
/// [`ApplyError`] names the file, the place in it, and what is wrong.
pub(crate) async fn apply<S: Store>(
    by: &Applier<'_, S>,
    declarations: &[Declaration],
) -> Result<(), ApplyError> {
    if declarations.is_empty() {
        return Ok(());
    }
    let context = by.context;
    let policies = KnownPolicies::there(context).await;
    let mut policies = policies.map_err(ApplyError::of("the policies that are there"))?;
    let declared = Declared::read(declarations, &mut policies)?;
    let known = distributions::known(context).await?;
    for tenant in &declared.tenants {
        tenant.check(context, &declared, &known).await?;
    }
    for key in &declared.keys {
        key.find(context).await?;
    }

    for group in &declared.groups {
        group.bring(by).await?;
    }
    let mut made = Made::new();
    for policy in &declared.policies {
        policy.bring(by, &policies, &mut made).await?;
    }
    let mut ids = distributions::Ids::of(&known);
    let (with_tenants, without): (Vec<_>, Vec<_>) =
        declared.distributions.iter().partition(|it| it.spec.direct.is_none());
    for distribution in with_tenants {
        distribution.bring(by, known.get(&distribution.caller_reference), &made, &mut ids).await?;
    }
    let mut holdings = Vec::with_capacity(declared.tenants.len());
    for tenant in &declared.tenants {
        holdings.push(tenant.holding(context).await?);
    }
    let steps = domains::steps(&holdings);
    let mut holders: Vec<Holding> =
        without.iter().map(|it| it.holding(known.get(&it.caller_reference))).collect();
    holders.extend(steps.iter().map(|step| Holding::of_all(step.iter().map(|at| &holdings[*at]))));
    for at in domains::in_order(&holders) {
        if let Some(distribution) = without.get(at) {
            distribution.bring(by, known.get(&distribution.caller_reference), &made, &mut ids).await?;
            continue;
        }
        let step = steps[at - without.len()].iter().map(|at| &declared.tenants[*at]);
        match step.collect::<Vec<_>>().as_slice() {
            [alone] => alone.bring(by, &ids).await?,
            trading => tenants::bring_together(by, trading, &ids).await?,
        }
    }
    for key in &declared.keys {
        key.bring(by).await?;
    }
    Ok(())
}

/// Performs an operation of the API about a resource, and notes that.
async fn ask<S: Store>(
    by: &Applier<'_, S>,
    at: &str,
    (operation, resource): (&str, &str),
    input: Document,
) -> Result<Document, ApplyError> {
    note(by, at, operation, resource).await?;
    let operation = model::operation(operation).expect("it is in the model");
    perform(by.context, operation, &input, &[]).await.map_err(ApplyError::of(at))
}

/// Notes that an operation is performed about a resource.
async fn note<S: Store>(
    by: &Applier<'_, S>,
    at: &str,
    operation: &str,
    resource: &str,
) -> Result<(), ApplyError> {
    let action = format!("cloudfront:{operation}");
    by.admission.note_operator(&by.context.store, &action, resource).await.map_err(ApplyError::of(at))
}

/// A text of an answer.
fn text_of<'d>(answer: &'d Document, path: [&str; 2]) -> &'d str {
    let found = answer.get(path[0]).and_then(|inner| inner.get(path[1])).and_then(Document::as_str);
    found.expect("the operation answers with what it made")
}
